//! What the configuration says in place of build scripts: `[target.TRIPLE.LINKS]` (the Cargo book's "Build Scripts",
//! "Overriding Build Scripts"; cargo's `util/context/target.rs`, `parse_links_overrides`).

use std::collections::BTreeSet;

use super::{CargoConfig, Entry, Table, Value};

/// Keys of `[target.TRIPLE]` that are no name of a library, whatever they have.
const NO_LIBRARIES: [&str; 5] = ["ar", "linker", "runner", "rustflags", "rustdocflags"];

/// Options of rustc that say it, from the end of a command line to the front (`add_custom_flags` after `add_native_deps`, in
/// cargo's `core/compiler/mod.rs`).
const FROM_THE_END: [&[&str]; 4] = [&["--cfg", "--check-cfg"], &["-C"], &["-l"], &["-L"]];

/// Pairs of an option and its value that a compiler may be given because of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides(BTreeSet<(&'static str, String)>);

impl Overrides {
    /// All that a configuration has, of every target and library.
    pub fn of(config: &CargoConfig) -> Self {
        let mut pairs = BTreeSet::new();
        for (_, target) in config.tables("target") {
            for (_, entry) in target.iter().filter(|(key, _)| !NO_LIBRARIES.contains(&key.as_str())) {
                pairs.extend(entry.table().into_iter().flat_map(said));
            }
        }
        Self(pairs)
    }

    /// How many of the last arguments of a recorded call are said by the configuration. Build scripts say nothing while
    /// cargo is recorded, so what stands there is the configuration's, or comes before all that they can say. That ends with
    /// `rustflags`, those of the user, which may have the same (`prepare_rustc` in cargo's `core/compiler/mod.rs`).
    pub fn count(&self, args: &[String], rustflags: &[String]) -> usize {
        let mut end = args.len();
        for options in FROM_THE_END {
            while let [.., option, value] = &args[..end]
                && let Some(option) = options.iter().find(|known| *known == option)
                && self.0.contains(&(*option, value.clone()))
            {
                end -= 2;
            }
        }
        let ends_with_flags = |end: &usize| {
            let flags = end.checked_sub(rustflags.len()).map(|start| &args[start..*end]);
            flags.is_some_and(|flags| flags == rustflags)
        };
        args.len() - (end..=args.len()).step_by(2).find(ends_with_flags).unwrap_or(end)
    }
}

fn said(library: &Table) -> Vec<(&'static str, String)> {
    let mut pairs = Vec::new();
    for (key, entry) in library {
        match key.as_str() {
            "rustc-flags" => pairs.extend(entry.text().into_iter().flat_map(flags)),
            "rustc-link-search" => pairs.extend(texts(entry).map(|path| ("-L", path.to_owned()))),
            "rustc-link-lib" => pairs.extend(texts(entry).map(|name| ("-l", name.to_owned()))),
            "rustc-cfg" => pairs.extend(texts(entry).map(|cfg| ("--cfg", cfg.to_owned()))),
            "rustc-check-cfg" => pairs.extend(texts(entry).map(|cfg| ("--check-cfg", cfg.to_owned()))),
            _ if key.starts_with("rustc-link-arg") || key == "rustc-cdylib-link-arg" => {
                pairs.extend(texts(entry).map(|arg| ("-C", format!("link-arg={arg}"))));
            }
            // Metadata, variables.
            _ => {}
        }
    }
    pairs
}

/// `-L PATH` and `-l NAME`, together or apart (`parse_rustc_flags` in cargo's `core/compiler/custom_build.rs`).
fn flags(text: &str) -> Vec<(&'static str, String)> {
    let mut pairs = Vec::new();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        for option in ["-L", "-l"] {
            if let Some(value) = word.strip_prefix(option) {
                let value = if value.is_empty() { words.next().unwrap_or_default() } else { value };
                pairs.push((option, value.to_owned()));
            }
        }
    }
    pairs
}

/// cargo takes lists of strings here and nothing else (`string_list`).
fn texts(entry: &Entry) -> impl Iterator<Item = &str> {
    let list = match &entry.value {
        Value::List(list) => list.as_slice(),
        _ => &[],
    };
    list.iter().filter_map(Entry::text)
}

#[cfg(test)]
mod tests {
    use buildkit_llb::SourceFile;

    use super::*;

    const CONFIG: &str = r#"
        [target.x86_64-unknown-linux-gnu]
        linker = "-L"
        rustflags = ["-L", "/of/flags"]

        [target.x86_64-unknown-linux-gnu.ssl]
        rustc-flags = "-L /opt/ssl -lssl"
        rustc-link-search = ["native=/opt/more"]
        rustc-link-lib = ["dylib=crypto"]
        rustc-link-arg = ["-Wl,--as-needed"]
        rustc-cfg = ["ossl300"]
        rustc-check-cfg = ["cfg(ossl300)"]
        version = "3"
    "#;

    fn count(line: &str) -> usize {
        after("", line)
    }

    fn after(rustflags: &str, line: &str) -> usize {
        let config = CargoConfig::parse(&SourceFile::new(".cargo/config.toml", "TOML", CONFIG));
        let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let rustflags: Vec<String> = rustflags.split_whitespace().map(str::to_owned).collect();
        Overrides::of(&config).count(&args, &rustflags)
    }

    #[test]
    fn what_the_configuration_says_stands_at_the_end() {
        let flags = "src/lib.rs -C opt-level=3 -L /of/flags --cfg mine";
        assert_eq!(count(flags), 0);
        let searched = "-L /opt/ssl -L native=/opt/more";
        assert_eq!(count(&format!("{flags} {searched}")), 4);
        let rest =
            "-l ssl -l dylib=crypto -C link-arg=-Wl,--as-needed --cfg ossl300 --check-cfg cfg(ossl300)";
        assert_eq!(count(&format!("{flags} {searched} {rest}")), 14);
        assert_eq!(count(&format!("{flags} {rest}")), 10);
    }

    #[test]
    fn flags_of_the_user_are_no_part_of_it() {
        let flags = "--cfg mine -L /opt/ssl";
        assert_eq!(after(flags, &format!("src/lib.rs {flags}")), 0);
        assert_eq!(after(flags, &format!("src/lib.rs {flags} -L /opt/ssl -l ssl")), 4);
        assert_eq!(after(flags, &format!("src/lib.rs {flags} -l ssl")), 2);
        // This has others.
        assert_eq!(after("-C opt-level=3", "src/lib.rs -L /opt/ssl"), 2);
    }

    #[test]
    fn what_stands_before_something_else_is_no_part_of_it() {
        assert_eq!(count("src/lib.rs -L /opt/ssl -C opt-level=3"), 0);
        assert_eq!(count("src/lib.rs --cfg ossl300 -L /opt/ssl"), 2);
        assert_eq!(count("-L"), 0);
    }
}
