//! Single values of an accelerator's settings: what each may be.

use buildkit_llb::Platform;

use crate::accelerator::{ArchMode, Family, Layout, PRESETS, Preset, arch};
use crate::config::validate::Wrong;
use crate::diagnostic::did_you_mean;

pub(super) fn name(written: &str) -> Result<String, Wrong> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if written.is_empty() || !written.bytes().all(fits) || written.starts_with('-') || written.ends_with('-')
    {
        return Err(Wrong::new(format!("has `{written}`, a name has small letters, digits and `-`")));
    }
    Ok(written.to_owned())
}

/// A whole one: what its first digits or a branch mean can change.
pub(super) fn commit(written: &str) -> Result<String, Wrong> {
    let is_whole = matches!(written.len(), 40 | 64)
        && written.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    match is_whole {
        true => Ok(written.to_owned()),
        false => Err(Wrong::new(format!("is `{written}`, expected all 40 digits of a commit's name"))
            .help("`git rev-parse HEAD` prints them".to_owned())),
    }
}

pub(super) fn preset(written: &str) -> Result<&'static Preset, Wrong> {
    Preset::find(written).ok_or_else(|| {
        let names = PRESETS.iter().map(|preset| preset.name);
        let wrong = Wrong::new(format!("is `{written}`, which is no preset"));
        match did_you_mean(written, names.clone()) {
            Some(near) => wrong.help(format!("did you mean `{near}`?")),
            None => wrong.help(format!("presets are `{}`", names.collect::<Vec<_>>().join("`, `"))),
        }
    })
}

pub(super) fn mode(written: &str) -> Result<ArchMode, Wrong> {
    let found = ArchMode::ALL.iter().find(|(name, _)| *name == written).map(|(_, mode)| *mode);
    found.ok_or_else(|| Wrong::new(format!("is `{written}`, expected `per-build`, `list` or `none`")))
}

pub(super) fn layout(written: &str, family: Family, mode: ArchMode) -> Result<Layout, Wrong> {
    match written {
        "split" => Ok(Layout::Split),
        "fat" if mode != ArchMode::PerBuild => {
            Err(Wrong::new("is `fat`, and there is one program for all".to_owned())
                .help("a launcher chooses among the programs of `arch-mode = \"per-build\"`".to_owned()))
        }
        "fat" if family.launched().is_none() => Err(Wrong::new(
            "is `fat`, and a launcher cannot tell which of these processors is there".to_owned(),
        )
        .help("it can for CUDA, ROCm and levels of the CPU".to_owned())),
        "fat" => Ok(Layout::Fat),
        other => Err(Wrong::new(format!("is `{other}`, expected `split` or `fat`"))),
    }
}

pub(super) fn platform(written: &str) -> Result<Platform, Wrong> {
    Platform::parse(written).map_err(|error| Wrong::new(format!("has `{written}`: {error}")))
}

pub(super) fn template(written: &str, family: Family) -> Result<String, Wrong> {
    match arch::render(written, &[], family) {
        Ok(_) => Ok(written.to_owned()),
        Err(unknown) => Err(Wrong::new(format!("has `{unknown}`, which stands for nothing"))
            .help("`{arch}`, `{arch:sm}`, `{arch:dotted}` and `{arch:cmake}` do; for a list, with `;`, `,` or a space before `}`".to_owned())),
    }
}
