//! Values of the settings that put things into images: files, downloads, health checks, secrets. Each is checked as in
//! [`validate`](super::validate).

use buildkit_llb::{Digest, HttpUrl, Owner};

use super::image::{Asset, FileEntry, HealthCommand, Healthcheck, Libraries};
use super::raw::{Command, RawAsset, RawCheck, RawFile, RawHealthcheck, RawSecret, Spanned};
use super::validate::{Wrong, absolute, command, input, no_nul, user, valid};
use super::{Secret, SecretPlace};
use crate::diagnostic::{Code, Diagnostic};

const NANOS: u64 = 1_000_000_000;

/// Files of the build context.
pub(super) fn files(raw: Vec<RawFile>, gathered: &mut Vec<Diagnostic>) -> Vec<FileEntry> {
    raw.into_iter()
        .filter_map(|raw| {
            let from = raw.from.and_then(|from| valid("from", from, |from| source(&from.value), gathered));
            let to = raw.to.and_then(|to| valid("to", to, |to| absolute("to", &to.value), gathered));
            let owner = owner(raw.owner, gathered);
            let mode = raw.mode.map(|mode| valid("mode", mode, |mode| bits(&mode.value), gathered));
            Some(FileEntry {
                from: from?,
                to: to?,
                owner: owner?,
                mode: mode.transpose_checked()?,
                span: raw.span,
            })
        })
        .collect()
}

/// Downloads.
pub(super) fn assets(raw: Vec<RawAsset>, gathered: &mut Vec<Diagnostic>) -> Vec<Asset> {
    let mut assets: Vec<Asset> = Vec::new();
    for raw in raw {
        let url = raw.url.and_then(|url| valid("url", url, |url| address(&url.value), gathered));
        let sha256 = raw.sha256.and_then(|sum| valid("sha256", sum, |sum| checksum(&sum.value), gathered));
        let to = raw.to.and_then(|to| valid("to", to, |to| place(&to.value, raw.unpack), gathered));
        let owner = owner(raw.owner, gathered);
        let mode = raw.mode.map(|mode| valid("mode", mode, |mode| bits(&mode.value), gathered));
        let (Some(url), Some(sha256), Some(to), Some(owner), Some(mode)) =
            (url, sha256, to, owner, mode.transpose_checked())
        else {
            continue;
        };
        if let Some(first) = assets.iter().find(|other| other.to == to && !other.unpack && !raw.unpack) {
            let twice = Diagnostic::error(Code::InvalidValue, format!("two assets go to `{to}`"));
            gathered.push(twice.at(&raw.span).labeled(&first.span, "the first one"));
            continue;
        }
        assets.push(Asset { url, sha256, to, unpack: raw.unpack, owner, mode, span: raw.span });
    }
    assets
}

/// What a mode that may be absent came to: absent, checked, or wrong.
trait TransposeChecked<T> {
    fn transpose_checked(self) -> Option<Option<T>>;
}

impl<T> TransposeChecked<T> for Option<Option<T>> {
    fn transpose_checked(self) -> Option<Option<T>> {
        match self {
            None => Some(None),
            Some(checked) => checked.map(Some),
        }
    }
}

fn owner(raw: Option<Spanned<String>>, gathered: &mut Vec<Diagnostic>) -> Option<Owner> {
    match raw {
        None => Some(Owner::ids(0, 0)),
        Some(raw) => {
            valid("owner", raw, |owner| user(&owner.value).map(|owner| Owner::parse(&owner)), gathered)
        }
    }
}

fn source(written: &str) -> Result<String, Wrong> {
    // The whole context, which a pattern of inputs cannot name.
    if written == "." || written == "./" {
        return Ok(String::new());
    }
    input(written)
}

fn place(path: &str, is_directory: bool) -> Result<String, Wrong> {
    let path = absolute("to", path)?;
    if path.ends_with('/') && !is_directory {
        return Err(Wrong::new(format!("is `{path}`, a directory, expected the path of the file"))
            .help("name the file as well, or set `unpack = true` for an archive"));
    }
    Ok(path)
}

fn bits(written: &str) -> Result<u32, Wrong> {
    let bits =
        u32::from_str_radix(written, 8).ok().filter(|bits| *bits <= 0o7777 && !written.starts_with('+'));
    bits.ok_or_else(|| {
        Wrong::new(format!("is `{written}`, expected permission bits in octal, like `\"0644\"`"))
    })
}

fn address(written: &str) -> Result<HttpUrl, Wrong> {
    HttpUrl::parse(written)
        .map_err(|_| Wrong::new(format!("is `{written}`, expected an address like `https://host/path`")))
}

fn checksum(written: &str) -> Result<Digest, Wrong> {
    let hex = written.strip_prefix("sha256:").unwrap_or(written);
    Digest::sha256(hex).map_err(|_| {
        Wrong::new(format!("is `{written}`, expected 64 hex digits in lower case"))
            .help("`sha256sum FILE` prints them; an all-zero one makes the build say what it found")
    })
}

/// What becomes of shared libraries.
pub(super) fn libraries(written: &str) -> Result<Libraries, Wrong> {
    match written {
        "check" => Ok(Libraries::Check),
        "copy" => Ok(Libraries::Copy),
        "ignore" => Ok(Libraries::Ignore),
        _ => Err(Wrong::new(format!("is `{written}`, expected `check`, `copy` or `ignore`"))),
    }
}

/// A signal by name or number, as `STOPSIGNAL` has it.
pub(super) fn signal(written: &str) -> Result<String, Wrong> {
    let is_number = written.parse().is_ok_and(|number: u8| (1..=64).contains(&number));
    let name = written.strip_prefix("SIG").unwrap_or_default();
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"+-".contains(&byte));
    if is_number || is_name {
        return Ok(written.to_owned());
    }
    let wrong = Wrong::new(format!("is `{written}`, expected a signal like `SIGTERM`, or its number"));
    let upper = written.to_ascii_uppercase();
    let plain = upper.strip_prefix("SIG").unwrap_or(&upper).to_owned();
    Err(if plain.bytes().all(|byte| byte.is_ascii_uppercase()) && !plain.is_empty() {
        wrong.help(format!("write `SIG{plain}`"))
    } else {
        wrong
    })
}

/// A health check.
pub(super) fn healthcheck(raw: RawHealthcheck, gathered: &mut Vec<Diagnostic>) -> Option<Healthcheck> {
    let RawHealthcheck::Table(raw) = raw else { return Some(Healthcheck::Off) };
    let RawCheck { span, cmd, interval, timeout, start_period, start_interval, retries } = *raw;
    let command = match cmd {
        None => {
            let missing = Diagnostic::error(Code::InvalidValue, "`healthcheck` has no `cmd`").at(&span);
            gathered
                .push(missing.help("write `healthcheck = { cmd = [\"/usr/local/bin/app\", \"--health\"] }`"));
            return None;
        }
        Some(Command::Line(line)) => HealthCommand::Shell(valid(
            "cmd",
            line,
            |line| no_nul(&line.value).map(|()| line.value.clone()),
            gathered,
        )?),
        Some(Command::Words(words)) => HealthCommand::Exec(command("cmd", words.value, gathered)),
    };
    let mut time = |key: &str, written: Option<Spanned<String>>| {
        written.and_then(|written| valid(key, written, |written| duration(&written.value), gathered))
    };
    let (interval, timeout) = (time("interval", interval), time("timeout", timeout));
    let (start_period, start_interval) =
        (time("start-period", start_period), time("start-interval", start_interval));
    let retries = retries.and_then(|retries| {
        valid(
            "retries",
            retries,
            |retries| {
                u32::try_from(retries.value)
                    .map_err(|_| Wrong::new(format!("is {}, expected a number of times", retries.value)))
            },
            gathered,
        )
    });
    Some(Healthcheck::Run { command, interval, timeout, start_period, start_interval, retries })
}

/// A duration as Docker writes it, `1m30s`, in nanoseconds (Go's `time.ParseDuration`, without fractions of units).
fn duration(written: &str) -> Result<u64, Wrong> {
    let wrong = || Wrong::new(format!("is `{written}`, expected a duration like `\"30s\"` or `\"1m30s\"`"));
    let mut total: u64 = 0;
    let mut rest = written;
    while !rest.is_empty() {
        let digits = rest.find(|char: char| !char.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail.find(|char: char| char.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let nanos = match unit {
            "ms" => NANOS / 1000,
            "s" => NANOS,
            "m" => 60 * NANOS,
            "h" => 3600 * NANOS,
            _ => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        total = number.checked_mul(nanos).and_then(|nanos| total.checked_add(nanos)).ok_or_else(wrong)?;
        rest = tail;
    }
    // Docker takes nothing shorter, and zero for its default.
    if total < NANOS / 1000 { Err(wrong()) } else { Ok(total) }
}

/// Secrets of a package.
pub(super) fn secrets(raw: Vec<RawSecret>, gathered: &mut Vec<Diagnostic>) -> Vec<Secret> {
    raw.into_iter()
        .filter_map(|raw| {
            let RawSecret { span, id, env, file, required } = raw;
            let id = valid("id", id?, |id| secret_id(&id.value), gathered)?;
            let place = match (env, file) {
                (Some(_), Some(_)) => {
                    gathered.push(
                        Diagnostic::error(Code::InvalidValue, "a secret has both `env` and `file`")
                            .at(&span)
                            .help("declare it twice to have it in both places"),
                    );
                    return None;
                }
                (Some(env), None) => {
                    SecretPlace::Env(valid("env", env, |env| variable(&env.value), gathered)?)
                }
                (None, Some(file)) => {
                    SecretPlace::File(valid("file", file, |file| absolute("file", &file.value), gathered)?)
                }
                // Where the Dockerfile frontend puts them.
                (None, None) => SecretPlace::File(format!("/run/secrets/{id}")),
            };
            Some(Secret { id, place, required, span })
        })
        .collect()
}

fn secret_id(written: &str) -> Result<String, Wrong> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if written.is_empty() || !written.bytes().all(fits) {
        return Err(Wrong::new(format!("is `{written}`, an id has letters, digits, `.`, `_` and `-`")));
    }
    Ok(written.to_owned())
}

fn variable(written: &str) -> Result<String, Wrong> {
    let starts = written.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if !starts || !written.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(Wrong::new(format!("is `{written}`, which cannot name a variable")));
    }
    Ok(written.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_docker() {
        assert_eq!(duration("30s").ok(), Some(30 * NANOS));
        assert_eq!(duration("1m30s").ok(), Some(90 * NANOS));
        assert_eq!(duration("500ms").ok(), Some(NANOS / 2));
        for wrong in ["", "30", "s", "0s", "1.5s", "-1s", "1d", "99999999999999999999s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn signals_have_names_or_numbers() {
        for right in ["SIGTERM", "SIGRTMIN+3", "9"] {
            assert!(signal(right).is_ok(), "{right}");
        }
        for (wrong, help) in
            [("term", Some("write `SIGTERM`")), ("sigint", Some("write `SIGINT`")), ("0", None), ("70", None)]
        {
            assert_eq!(signal(wrong).unwrap_err().help.as_deref(), help, "{wrong}");
        }
    }

    #[test]
    fn modes_are_octal() {
        assert_eq!(bits("0644").ok(), Some(0o644));
        assert_eq!(bits("4755").ok(), Some(0o4755));
        for wrong in ["", "rwx", "888", "17777", "+644"] {
            assert!(bits(wrong).is_err(), "{wrong}");
        }
    }
}
