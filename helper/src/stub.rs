//! Stands in for a build script while a recording is under way: writes down how it was started and says nothing.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use longshore_helper::recording::{Call, CallKind};

use crate::problem::{Problem, Result};
use crate::recorder;

/// The prefixes of what cargo calls a build script, by target (`to_targets` in its `util/toml/targets.rs`) and by crate name
/// (`Target::crate_name` in `core/manifest.rs`). Which of them it starts depends on how its build directory is laid out
/// (`build_work` in `core/compiler/custom_build.rs`).
const BUILD_SCRIPT_PREFIXES: [&str; 2] = ["build-script-", "build_script_"];

/// Whether this process was started under the name of a build script: the wrapper makes those links to the helper.
pub(crate) fn stands_for_build_script(program: &Path) -> bool {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    BUILD_SCRIPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Records the call.
pub(crate) fn run(recording: &Path, program: &Path, args: &[OsString]) -> Result<ExitCode> {
    let cwd = env::current_dir().map_err(|error| Problem::io("find the working directory", &error))?;
    let args = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let call = Call {
        kind: CallKind::BuildScript,
        exe: program.to_string_lossy().into_owned(),
        args,
        cwd: cwd.to_string_lossy().into_owned(),
        env: recorder::recorded_environment(recording)?,
    };
    recorder::write_call(recording, &call)?;
    Ok(ExitCode::SUCCESS)
}
