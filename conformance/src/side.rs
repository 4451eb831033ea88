//! What one side did.

use std::collections::BTreeMap;

use longshore_helper::{
    recording::CallKind,
    trace::{Event, Ran},
};

/// The processes of one build, and the files that came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Side {
    /// Compilers and build scripts, in no order.
    pub ran: Vec<Ran>,
    /// SHA-256 of what compilers made, by file name: names hold cargo's hash, which tells units apart.
    pub made: BTreeMap<String, String>,
}

/// The log of a process is not as the shim writes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the log of a process: {0}")]
pub struct Unreadable(&'static str);

impl Side {
    /// Adds what the log of a vertex tells.
    pub fn add_log(&mut self, log: &str) {
        for event in log.lines().filter_map(Event::parse) {
            match event {
                Event::Ran(ran) => self.ran.push(ran),
                Event::Made(made) => {
                    let name = made.file.rsplit('/').next().unwrap_or_default().to_owned();
                    self.made.insert(name, made.sha256);
                }
            }
        }
    }

    /// Leaves a variable out of every process.
    pub fn forget(&mut self, variable: &str) {
        for ran in &mut self.ran {
            ran.env.remove(variable);
        }
    }

    /// Adds what `sha256sum` printed.
    pub fn add_sums(&mut self, text: &str) {
        for (sum, file) in text.lines().filter_map(|line| line.split_once("  ")) {
            let name = file.rsplit('/').next().unwrap_or_default();
            self.made.insert(name.to_owned(), sum.to_owned());
        }
    }
}

/// Reads a process that the shim wrote down (`conformance/shim/rustc.rs`).
///
/// # Errors
/// The log has another form.
pub fn read_process(log: &[u8]) -> Result<Ran, Unreadable> {
    let text = String::from_utf8_lossy(log);
    let mut fields = text.strip_suffix('\0').ok_or(Unreadable("it does not end"))?.split('\0');
    let mut next = |what| fields.next().map(str::to_owned).ok_or(Unreadable(what));
    let kind = match next("it has no kind")?.as_str() {
        "rustc" => CallKind::Rustc,
        "build-script" => CallKind::BuildScript,
        _ => return Err(Unreadable("its kind is unknown")),
    };
    let cwd = next("it has no directory")?;
    let program = next("it has no program")?;
    let count: usize =
        next("it does not count its arguments")?.parse().map_err(|_| Unreadable("its count is no number"))?;
    let args = (0..count).map(|_| next("it has too few arguments")).collect::<Result<_, _>>()?;
    let env = fields
        .map(|pair| pair.split_once('=').ok_or(Unreadable("a variable has no value")))
        .map(|pair| pair.map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect::<Result<_, _>>()?;
    Ok(Ran { kind, program, args, cwd, env })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_as_the_shim_writes_it() {
        let ran = read_process(b"rustc\0/ws\0rustc\x002\0--crate-name\0a b\0EMPTY=\0X=1=2\0").unwrap();
        assert_eq!(ran.args, ["--crate-name", "a b"]);
        assert_eq!(ran.env, BTreeMap::from([("EMPTY".into(), String::new()), ("X".into(), "1=2".into())]));
        for broken in [&b""[..], b"rustc\0/ws", b"rustc\0/ws\0rustc\x002\0one\0", b"other\0/\0x\x000\0"] {
            assert!(read_process(broken).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn files_are_known_by_their_names() {
        let mut cargo = Side::default();
        cargo.add_sums("aa  /longshore/target/release/deps/liba-01.rlib\n");
        let mut ours = Side::default();
        ours.add_log("noise\nlongshore-trace: {\"event\":\"made\",\"file\":\"/t/a-1.0.0/liba-01.rlib\",\"sha256\":\"aa\"}\n");
        assert_eq!(cargo, ours);
    }
}
