//! When cargo refuses: its words, at the right place in the user's file, with what to do.
//!
//! Pure. Cargo's text is matched loosely (its wording moved between 1.85 and 1.95) and always shown.

use buildkit_llb::SourceFile;
use camino::Utf8Path;
use longshore_helper::recording::Failure;

use super::Names;
use crate::{
    caution::{self, Old},
    diagnostic::{Code, Diagnostic},
    paths,
};

/// The diagnostic for a recording that failed. `lock` is the workspace's lock file, `root` its directory in the build context.
pub fn diagnose(failure: &Failure, names: &Names<'_>, lock: &SourceFile, root: &Utf8Path) -> Diagnostic {
    let refused = refused(failure, names, lock, root);
    // Whatever it says no to, another cargo may take it.
    let Some(Old { message, help }) = caution::old(&failure.rustc, names.compiler) else { return refused };
    let old = format!("{message}: {help}");
    let help = match &refused.help {
        Some(help) => format!("{help}; also, {old}"),
        None => old,
    };
    refused.help(help)
}

fn refused(failure: &Failure, names: &Names<'_>, lock: &SourceFile, root: &Utf8Path) -> Diagnostic {
    let manifest = names.manifest;
    let said = readable(&failure.stderr, root);
    // A program that is not there has no arguments and no status; one that was killed has no status either.
    if failure.status == -1 && !failure.command.contains(' ') {
        return Diagnostic::error(
            Code::NoCargoInToolchain,
            format!("the toolchain image `{}` has no `{}`", names.toolchain, first_word(&failure.command)),
        )
        .help("set `toolchain` under `[workspace.metadata.longshore]` to an image with cargo and rustc, such as `rust:1.95-bookworm`");
    }
    if is_about_the_lock(&failure.stderr) {
        let diagnostic = Diagnostic::error(
            Code::LockOutOfDate,
            format!("`Cargo.lock` does not fit the manifests\n{said}"),
        )
        .help("run `cargo update --workspace` and commit `Cargo.lock`");
        return diagnostic.at(&lock.span(0..first_line_end(lock)));
    }
    if let Some(changed) = changed_archive(&said, lock) {
        return changed;
    }
    if let Some(directory) = missing_manifest(&said) {
        return missing(&said, directory, manifest);
    }
    if let Some(unknown) = unknown_setting(&said, manifest) {
        return unknown;
    }
    if let Some(help) = lacking_features(&said) {
        let message = format!("`{}` failed\n{said}", short(&failure.command));
        return Diagnostic::error(Code::CargoFailed, message).help(help);
    }
    let how = if failure.status == -1 { "was killed" } else { "failed" };
    let message = format!("`{}` {how}\n{said}", short(&failure.command));
    let diagnostic = Diagnostic::error(Code::CargoFailed, message.trim_end());
    match manifest_line(&said)
        .filter(|(file, _)| *file == "Cargo.toml")
        .and_then(|(_, line)| line_range(manifest, line))
    {
        Some(range) => diagnostic.at(&manifest.span(range)),
        None => diagnostic,
    }
}

/// A profile or feature of the settings, or of a build argument, that no manifest has.
fn unknown_setting(said: &str, manifest: &SourceFile) -> Option<Diagnostic> {
    let profile = said.split("profile `").nth(1).filter(|rest| rest.contains("is not defined"));
    let (name, message, help) = match profile {
        Some(rest) => {
            let name = rest.split('`').next()?;
            let help = format!(
                "write a table `[profile.{name}]` into the workspace's manifest, with `inherits = \"release\"`; or name \
                 another as `profile` or `--build-arg PROFILE=…`"
            );
            (name, format!("there is no profile `{name}`"), help)
        }
        None => {
            let list =
                ["this feature: ", "these features: "].iter().find_map(|word| said.split(word).nth(1))?;
            let name = list.split([',', ' ', '\n']).next()?;
            let help =
                "features are named in `features` and in `--build-arg FEATURES=…`, as `package/feature`";
            (name, format!("there is no feature `{name}`\n{said}"), help.to_owned())
        }
    };
    let unknown = Diagnostic::error(Code::CargoFailed, message).help(help);
    Some(match quoted(&String::from_utf8_lossy(manifest.text()), name) {
        Some(range) => unknown.at(&manifest.span(range)),
        None => unknown,
    })
}

/// An example that is asked for needs features that are not enabled.
fn lacking_features(said: &str) -> Option<String> {
    let package = said.split(" in package `").nth(1)?.split('`').next()?;
    let list = said.split("requires the features: ").nth(1)?.lines().next()?;
    // Every other piece is in quotes.
    let features = list.split('`').skip(1).step_by(2).map(|name| format!("{package}/{name}"));
    let features = features.collect::<Vec<_>>().join(",");
    Some(format!(
        "pass `--build-arg FEATURES={features}`, or name them as `features` under `[workspace.metadata.longshore]`"
    ))
}

/// An archive that lies in the workspace is not the one that was locked.
fn changed_archive(said: &str, lock: &SourceFile) -> Option<Diagnostic> {
    let said = said.strip_prefix("error: ")?.trim_end();
    let expected = said.strip_prefix("failed to verify the checksum of ")?.split(" has ").nth(1)?;
    let changed = Diagnostic::error(Code::CargoFailed, said)
        .help("take the archive from the registry again, as `cargo local-registry` does; or, if it is meant to be another, lock that");
    Some(match quoted(&String::from_utf8_lossy(lock.text()), expected) {
        Some(range) => changed.at(&lock.span(range)),
        None => changed,
    })
}

/// The manifests ask for what the lock file does not have. The vertex holds the locked packages and no others, so
/// cargo either wants to write the lock file or does not find a package among them.
fn is_about_the_lock(stderr: &str) -> bool {
    stderr.contains("--locked was passed")
        || stderr.contains(&format!("location searched: directory source `{}`", paths::VENDOR))
}

/// A directory that a manifest names has no manifest of its own.
fn missing(said: &str, directory: &str, manifest: &SourceFile) -> Diagnostic {
    let dependency = said.split("failed to load manifest for dependency `").nth(1);
    let diagnostic = match dependency.and_then(|after| after.split('`').next()) {
        // Everything below the workspace is relative by now.
        Some(name) if directory.starts_with('/') => Diagnostic::error(
            Code::MissingFile,
            format!("the dependency `{name}` lies outside the build context"),
        )
        .help("pass a directory as build context that holds all path dependencies, and put the workspace's manifest there"),
        Some(name) => Diagnostic::error(
            Code::MissingFile,
            format!("the dependency `{name}` has no `{directory}/Cargo.toml` in the build context"),
        )
        .help(format!("add `{directory}/Cargo.toml` (see also `.dockerignore`), or correct the `path` of `{name}`")),
        None => Diagnostic::error(
            Code::MissingMember,
            format!("workspace member `{directory}` has no `Cargo.toml` in the build context"),
        )
        .help(format!(
            "remove `{directory}` from `members`, or add `{directory}/Cargo.toml` (see also `.dockerignore`)"
        )),
    };
    match quoted(&String::from_utf8_lossy(manifest.text()), directory) {
        Some(range) => diagnostic.at(&manifest.span(range)),
        None => diagnostic,
    }
}

/// Cargo's message with paths as the user knows them, and without its advice, which is for those who run cargo
/// themselves and could pass other flags. What lies in `root` is as relative as in the manifest there.
fn readable(stderr: &str, root: &Utf8Path) -> String {
    const ADVICE: [&str; 6] = [
        "As a reminder, you're using offline mode",
        "If you want to try to generate the lock file",
        "help: to generate the lock file",
        "location searched: directory source",
        "perhaps a crate was updated and forgotten to be re-vendored",
        "Consider enabling them by passing",
    ];
    let at = Utf8Path::new(paths::WORKSPACE).join(root);
    let at = at.as_str().trim_end_matches('/');
    let lines: Vec<String> = stderr
        .lines()
        .skip_while(|line| !line.starts_with("error"))
        .filter(|line| !ADVICE.iter().any(|advice| line.starts_with(advice)))
        .map(|line| {
            line.replace(&format!("{at}/"), "")
                .replace(&format!(" ({at})"), "")
                .replace(&format!("{}/", paths::WORKSPACE), "")
        })
        .collect();
    let text = if lines.is_empty() { stderr.to_owned() } else { lines.join("\n") };
    text.trim().to_owned()
}

fn first_word(command: &str) -> &str {
    command.split(' ').next().unwrap_or(command)
}

/// The command without our own flags: `cargo metadata`.
fn short(command: &str) -> String {
    command.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

fn first_line_end(file: &SourceFile) -> usize {
    let text = String::from_utf8_lossy(file.text());
    text.find('\n').unwrap_or(text.len())
}

/// Directory of "failed to read `crates/x/Cargo.toml`".
fn missing_manifest(said: &str) -> Option<&str> {
    let after = said.split("failed to read `").nth(1)?;
    let path = after.split('`').next()?;
    if !said.contains("No such file") {
        return None;
    }
    path.strip_suffix("/Cargo.toml")
}

/// Where the manifest says the name of the directory.
fn quoted(manifest: &str, directory: &str) -> Option<std::ops::Range<usize>> {
    let quoted = format!("\"{directory}\"");
    let start = manifest.find(&quoted)?;
    Some(start..start + quoted.len())
}

/// `--> Cargo.toml:12:3` of cargo's own snippets.
fn manifest_line(said: &str) -> Option<(&str, usize)> {
    let place = said.split("--> ").nth(1)?.split_whitespace().next()?;
    let mut parts = place.split(':');
    Some((parts.next()?, parts.next()?.parse().ok()?))
}

fn line_range(file: &SourceFile, line: usize) -> Option<std::ops::Range<usize>> {
    let text = String::from_utf8_lossy(file.text());
    let mut start = 0;
    for (index, content) in text.split_inclusive('\n').enumerate() {
        if index + 1 == line {
            return Some(start..start + content.trim_end().len());
        }
        start += content.len();
    }
    None
}

#[cfg(test)]
mod tests;
