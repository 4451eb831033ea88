//! Stands where the toolchain's `rustc` was: writes down how it was started, then becomes the real one. A build
//! script that it compiles gets a shim of its own in front.
//!
//! For builds by plain cargo only, and compiled by the toolchain itself, so it uses nothing but the standard library.
//! A process is a file below `/trace`: kind, working directory, program, number of arguments, arguments, and
//! `NAME=VALUE` for each variable, all ended by NUL.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{exit, Command};
use std::{env, fs, process};

const TRACE: &str = "/trace";

/// What the real program is called beside its shim.
const REAL: &str = ".real";

fn main() {
    let own = env::current_exe().expect("a process has an executable");
    let mut args = env::args_os();
    let program = args.next().expect("a process has a name");
    let args: Vec<OsString> = args.collect();
    match real_script(&own) {
        Some(real) => {
            write_down("build-script", &program, &args);
            panic!("cannot start {real:?}: {}", Command::new(&real).arg0(&program).args(&args).exec());
        }
        None => compile(&own, &program, &args),
    }
}

/// Beside the shim of a build script lies what cargo's build compiled it to.
fn real_script(own: &Path) -> Option<PathBuf> {
    if own.file_name()? == "rustc" {
        return None;
    }
    fs::read_dir(own.parent()?).ok()?.filter_map(|entry| Some(entry.ok()?.path())).find(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(REAL))
    })
}

fn compile(own: &Path, program: &OsString, args: &[OsString]) {
    let real = PathBuf::from(format!("{}{REAL}", own.display()));
    // Build scripts ask the compiler too; cargo's own calls are told by what cargo tells its crates.
    if env::var_os("CARGO_CRATE_NAME").is_none() || !args.iter().any(|arg| arg == "--error-format=json") {
        panic!("cannot start {real:?}: {}", Command::new(&real).arg0(program).args(args).exec());
    }
    write_down("rustc", program, args);
    let status = Command::new(&real).arg0(program).args(args).status().expect("the real rustc starts");
    if status.success() {
        put_in_front_of_script(own, args);
    }
    exit(status.code().unwrap_or(101));
}

fn put_in_front_of_script(own: &Path, args: &[OsString]) {
    let value = |name: &str| {
        let at = args.iter().position(|arg| arg == name)?;
        args.get(at + 1).map(|value| value.to_string_lossy().into_owned())
    };
    let name = value("--crate-name").unwrap_or_default();
    if value("--crate-type").as_deref() != Some("bin") || !is_build_script(args, &name) {
        return;
    }
    let extra = args.iter().find_map(|arg| arg.to_str()?.strip_prefix("extra-filename=").map(str::to_owned));
    let out_dir = value("--out-dir").unwrap_or_default();
    let exe = Path::new(&out_dir).join(format!("{name}{}", extra.unwrap_or_default()));
    let real = PathBuf::from(format!("{}{REAL}", exe.display()));
    fs::rename(&exe, &real).expect("a build script that was just compiled can be renamed");
    fs::copy(own, &exe).expect("the shim can be copied");
}

/// Cargo compiles them into directories of their own below `build`, and programs into `deps`.
fn is_build_script(args: &[OsString], name: &str) -> bool {
    name.starts_with("build_script_") && env::var_os("CARGO_BIN_NAME").is_none() && !args.iter().any(|arg| arg == "--test")
}

fn write_down(kind: &str, program: &OsString, args: &[OsString]) {
    let mut text = Vec::new();
    let mut add = |bytes: &[u8]| {
        text.extend_from_slice(bytes);
        text.push(0);
    };
    add(kind.as_bytes());
    add(env::current_dir().expect("a process has a directory").as_os_str().as_bytes());
    add(program.as_bytes());
    let args = expanded(args);
    add(args.len().to_string().as_bytes());
    for arg in &args {
        add(arg.as_bytes());
    }
    for (name, value) in env::vars_os() {
        let mut pair = name;
        pair.push("=");
        pair.push(value);
        add(pair.as_bytes());
    }
    let file = Path::new(TRACE).join(process::id().to_string());
    // Numbers of processes come round again.
    let file = (0..).map(|n| file.with_extension(n.to_string())).find(|file| !file.exists()).expect("endless");
    fs::write(file, text).expect("the trace can be written");
}

/// Cargo puts arguments that are too long for the kernel into a file, one a line.
fn expanded(args: &[OsString]) -> Vec<OsString> {
    let mut all = Vec::new();
    for arg in args {
        match arg.to_str().and_then(|arg| arg.strip_prefix('@')) {
            Some(file) => {
                let text = fs::read_to_string(file).expect("an argument file can be read");
                all.extend(text.lines().map(OsString::from));
            }
            None => all.push(arg.clone()),
        }
    }
    all
}
