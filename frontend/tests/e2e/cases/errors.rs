//! Every `testdata/error-*`: the build fails, and the client ends with the words in `expect/error.txt`.
//!
//! `UPDATE_EXPECT=1` writes them. What a test compares is what a person sees last: the failing step's last lines, the
//! place in their file, the message. Times, hashes and process numbers are taken out.

use std::{fs, path::Path};

use libtest_mimic::Trial;

use crate::{Result, clock, engine::Engine, project::testdata};

pub(crate) fn all() -> Vec<Trial> {
    let mut names: Vec<String> = fs::read_dir(testdata(""))
        .expect("testdata is part of the repository")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("error-"))
        .collect();
    names.sort_unstable();
    assert!(!names.is_empty(), "there are no error cases in testdata");
    names
        .into_iter()
        .map(|name| {
            clock::trial(&format!("says_what_is_wrong::{name}"), move || says_what_is_wrong(&testdata(&name)))
        })
        .collect()
}

fn says_what_is_wrong(directory: &Path) -> Result {
    let mut args: Vec<String> =
        ["buildx", "build", "--progress=plain", "--file", "Cargo.toml"].map(str::to_owned).to_vec();
    args.extend(client_options(directory)?);
    args.push(".".to_owned());
    let output = Engine::of_environment().docker(args.iter().map(String::as_str)).at(directory).output()?;
    assert_ne!(output.code, Some(0), "the build should fail");
    let seen = normalised(last_words(&output.stderr));

    let file = directory.join("expect/error.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(directory.join("expect"))?;
        fs::write(&file, &seen)?;
        return Ok(());
    }
    let expected = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    if seen != expected {
        let hint = "run with UPDATE_EXPECT=1 when the new one is better";
        return Err(format!("--- expected\n{expected}\n--- seen ({hint})\n{seen}").into());
    }
    Ok(())
}

/// `case.toml`: options of the client.
fn client_options(directory: &Path) -> Result<Vec<String>> {
    let Ok(text) = fs::read_to_string(directory.join("case.toml")) else { return Ok(Vec::new()) };
    let case: toml::Table = text.parse()?;
    let mut options = Vec::new();
    for (key, value) in case {
        match (key.as_str(), value) {
            ("target" | "platform", toml::Value::String(value)) => {
                options.extend([format!("--{key}"), value])
            }
            ("build-args", toml::Value::Table(pairs)) => {
                for (name, value) in pairs {
                    let value = value.as_str().ok_or("a build argument is a string")?;
                    options.extend(["--build-arg".to_owned(), format!("{name}={value}")]);
                }
            }
            (key, _) => return Err(format!("case.toml: `{key}` is not known, or has the wrong type").into()),
        }
    }
    Ok(options)
}

/// What follows the progress: the client draws every line of that with `#N` in front.
fn last_words(output: &str) -> &str {
    let is_progress = |line: &str| {
        line.strip_prefix('#').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let end = output.split_inclusive('\n').scan(0, |at, line| {
        *at += line.len();
        Some((*at, line))
    });
    let end = end.filter(|(_, line)| is_progress(line)).map(|(end, _)| end).last().unwrap_or(0);
    output[end..].trim_start_matches('\n')
}

fn normalised(text: &str) -> String {
    // Newer clients say twice that they failed.
    let text = text.replace("ERROR: failed to build: failed to solve: ", "ERROR: failed to solve: ");
    text.lines().map(|line| without_numbers(without_time(line)).trim_end().to_owned() + "\n").collect()
}

/// `1.234 text` of a failing step's log.
fn without_time(line: &str) -> &str {
    let Some((time, rest)) = line.split_once(' ') else {
        return if is_time(line) { "" } else { line };
    };
    if is_time(time) { rest } else { line }
}

fn is_time(word: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    word.split_once('.').is_some_and(|(whole, part)| digits(whole) && part.len() == 3 && digits(part))
}

/// `-0123456789abcdef` of cargo's file names, `(18)` of a thread.
fn without_numbers(line: &str) -> String {
    let mut clean = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(['-', '(']) {
        let (before, from) = rest.split_at(at);
        clean.push_str(before);
        let (sign, after) = from.split_at(1);
        clean.push_str(sign);
        let word = after.len() - after.trim_start_matches(|c: char| c.is_ascii_hexdigit()).len();
        if sign == "-" && word == 16 {
            clean.push_str("HASH");
            rest = &after[word..];
        } else if sign == "(" && word > 0 && after[word..].starts_with(") panicked") {
            clean.push('N');
            rest = &after[word..];
        } else {
            rest = after;
        }
    }
    clean + rest
}
