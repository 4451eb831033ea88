//! Which image is asked for: `--target`, or the only binary there is. Pure.

use crate::{
    diagnostic::{Code, Diagnostic},
    plan::{BinTarget, Plan},
};

/// The target to build.
///
/// # Errors
/// There is none of that name, or none was named and there are several, or there is no binary at all.
pub fn select<'p>(plan: &'p Plan, asked: Option<&str>) -> Result<&'p BinTarget, Diagnostic> {
    let names: Vec<&str> = plan.targets.iter().map(|target| target.name.as_str()).collect();
    let Some(asked) = asked else {
        return match plan.targets.as_slice() {
            [only] => Ok(only),
            [] => Err(Diagnostic::error(Code::NoTarget, "no package of the workspace has a binary")
                .help("add `src/main.rs` to a package, or a `[[bin]]`; one with `required-features` needs `features` under `[workspace.metadata.longshore]`")),
            _ => Err(Diagnostic::error(
                Code::TargetRequired,
                format!("the workspace has {} binaries, and no target was asked for", names.len()),
            )
            .help(format!("choose one with `--target`: {}", list(&names)))),
        };
    };
    if let Some(target) = plan.targets.iter().find(|target| target.name == asked) {
        return Ok(target);
    }
    let same_bin: Vec<&str> =
        plan.targets.iter().filter(|target| target.bin == asked).map(|target| target.name.as_str()).collect();
    if !same_bin.is_empty() {
        return Err(Diagnostic::error(
            Code::AmbiguousTarget,
            format!("{} packages have a binary `{asked}`", same_bin.len()),
        )
        .help(format!("name the package as well: {}", list(&same_bin))));
    }
    let unknown = Diagnostic::error(Code::UnknownTarget, format!("no target is named `{asked}`"));
    let suggested = unknown.clone().suggest(asked, names.iter().copied());
    Err(match suggested.help {
        Some(_) => suggested,
        None if names.is_empty() => unknown.help("no package of the workspace has a binary"),
        None => unknown.help(format!("there are {}", list(&names))),
    })
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
