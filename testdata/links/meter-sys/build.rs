use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    let out = env::var("OUT_DIR").expect("cargo sets it");
    let object = Path::new(&out).join("meter.o");
    let library = Path::new(&out).join("libmeter.a");
    run(Command::new("cc").args(["-c", "meter.c", "-o"]).arg(&object));
    run(Command::new("ar").arg("crs").arg(&library).arg(&object));
    println!("cargo::rustc-link-search=native={out}");
    println!("cargo::rustc-link-lib=static=meter");
    println!("cargo::metadata=version=1.4");
    println!("cargo::rerun-if-changed=meter.c");
}

fn run(command: &mut Command) {
    let status = command.status().expect("the compiler starts");
    assert!(status.success(), "{command:?} failed: {status}");
}
