//! A workspace with one of everything that the recorder and the runner treat differently, path dependencies only.

use std::fs;
use std::path::{Path, PathBuf};

use longshore_helper::recording::{RecordRequest, Recording};

use crate::support::{finished, helper, text, write};

/// What `app` prints when everything reached it.
pub(crate) const PRINTED: &str =
    "hello from C 42, generated yes, env set, cfg yes, DEP yes, greeting , derived app\n";

const FILES: [(&str, &str); 17] = [
    (
        "Cargo.toml",
        r#"[workspace]
members = ["app", "base", "derive", "plugin"]
resolver = "2"

[profile.dev]
incremental = false
"#,
    ),
    (".cargo/config.toml", "[env]\nGREETING = \"\"\nCARGO_LIKE = { value = \"1\", force = true }\n"),
    (
        "app/Cargo.toml",
        r#"[package]
name = "app"
version = "0.1.0"
edition = "2021"

[features]
default = ["loud"]
loud = []

[lints.rust]
unexpected_cfgs = "deny"

[dependencies]
base = { path = "../base" }
derive = { path = "../derive" }
"#,
    ),
    (
        "app/build.rs",
        r#"use std::{env, fs, path::Path};
fn main() {
    let include = env::var("DEP_BASE_C_HEADER_DIR").unwrap();
    assert!(Path::new(&include).join("base.h").exists());
    assert_eq!(env::var("CARGO_ENCODED_RUSTFLAGS").unwrap(), "");
    assert!(env::var("RUSTC_WRAPPER").is_err());
    assert!(env::var("NUM_JOBS").unwrap().parse::<usize>().unwrap() >= 1);
    let out = env::var("OUT_DIR").unwrap();
    fs::write(Path::new(&out).join("generated.rs"), "pub const GENERATED: &str = \"yes\";").unwrap();
    println!("cargo::rustc-env=FROM_SCRIPT=set");
    println!("cargo::rustc-check-cfg=cfg(has_x)");
    println!("cargo::rustc-cfg=has_x");
    println!("cargo::rustc-link-arg-bin=my-app=-Wl,--as-needed");
    println!("cargo::rustc-link-arg=-Wl,-O1");
    println!("cargo::rustc-env=DEP=yes");
    println!("cargo::warning=look here");
}
"#,
    ),
    (
        "app/src/lib.rs",
        r#"include!(concat!(env!("OUT_DIR"), "/generated.rs"));
#[derive(derive::Named)]
pub struct App;
pub fn text() -> String {
    let cfg = if cfg!(has_x) { "yes" } else { "no" };
    format!("hello from C {}, generated {GENERATED}, env {}, cfg {cfg}, DEP {}, greeting {}, derived {}",
        base::answer(), env!("FROM_SCRIPT"), env!("DEP"), env!("GREETING"), App::name())
}
"#,
    ),
    ("app/src/bin/my-app.rs", "fn main() { println!(\"{}\", app::text()); }\n"),
    (
        "base/Cargo.toml",
        "[package]\nname = \"base\"\nversion = \"0.2.0\"\nedition = \"2021\"\nlinks = \"base-c\"\n",
    ),
    (
        "base/build.rs",
        r#"use std::{env, fs, path::Path, process::Command};
fn main() {
    println!("cargo:rerun-if-changed=answer.c");
    let out = env::var("OUT_DIR").unwrap();
    let run = |program: &str, args: &[&str]| assert!(Command::new(program).args(args).status().unwrap().success());
    let object = format!("{out}/answer.o");
    run("cc", &["-c", "-fPIC", "answer.c", "-o", &object]);
    run("ar", &["crs", &format!("{out}/libanswer.a"), &object]);
    fs::create_dir_all(Path::new(&out).join("include")).unwrap();
    fs::write(Path::new(&out).join("include/base.h"), "int answer(void);").unwrap();
    println!("cargo:rustc-link-search=native={out}");
    println!("cargo:rustc-link-search=/usr/lib");
    println!("cargo:rustc-link-lib=static=answer");
    println!("cargo:header-dir={out}/include");
}
"#,
    ),
    ("base/answer.c", "int answer(void) { return 42; }\n"),
    (
        "base/src/lib.rs",
        "mod c { extern \"C\" { pub fn answer() -> i32; } }\n\
         pub fn answer() -> i32 { unsafe { c::answer() } }\n",
    ),
    (
        "derive/Cargo.toml",
        "[package]\nname = \"derive\"\nversion = \"0.3.0\"\nedition = \"2021\"\n[lib]\nproc-macro = true\n",
    ),
    (
        "derive/src/lib.rs",
        r#"use proc_macro::TokenStream;
#[proc_macro_derive(Named)]
pub fn named(_input: TokenStream) -> TokenStream {
    format!("impl App {{ pub fn name() -> &'static str {{ {:?} }} }}", "app").parse().unwrap()
}
"#,
    ),
    (
        "plugin/Cargo.toml",
        "[package]\nname = \"plugin\"\nversion = \"0.4.0\"\nedition = \"2021\"\n\
         [lib]\ncrate-type = [\"cdylib\", \"staticlib\"]\n[dependencies]\nbase = { path = \"../base\" }\n",
    ),
    ("plugin/src/lib.rs", "#[no_mangle]\npub extern \"C\" fn plugin() -> i32 { base::answer() }\n"),
    ("README.md", "not listed\n"),
    ("base/tests/slow.rs", "fn main() {}\n"),
    ("app/examples/show.rs", "fn main() {}\n"),
];

/// The workspace on disk, and a place for everything that a recording needs.
pub(crate) struct Workspace {
    root: tempfile::TempDir,
}

impl Workspace {
    pub(crate) fn new() -> Self {
        let workspace = Workspace { root: tempfile::tempdir().unwrap() };
        let mut names = String::new();
        for (name, contents) in FILES {
            if name.ends_with(".toml") {
                write(&workspace.path("skeleton").join(name), contents);
            }
            if name.ends_with(".rs") {
                names.push_str(name);
                names.push('\n');
            }
        }
        write(&workspace.path("names"), &names);
        workspace
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn request(&self) -> RecordRequest {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect();
        RecordRequest {
            skeleton: text(&self.path("skeleton")),
            names: text(&self.path("names")),
            links: Vec::new(),
            workspace: text(&self.path("ws")),
            root: String::new(),
            target_dir: text(&self.path("target")),
            output: text(&self.path("output")),
            cargo_config: "[net]\nretry = 0\n".to_owned(),
            archives: [].into(),
            excerpts: Vec::new(),
            repositories: Vec::new(),
            metadata_args: words("--offline"),
            build_args: words("build --offline"),
        }
    }

    /// Records in directories that are as empty as in a vertex; `more` is what differs from vertex to vertex.
    pub(crate) fn record(&self, request: &RecordRequest, more: &[(&str, &str)]) -> (bool, String) {
        self.clean();
        let mut command = helper("record", request);
        command.env("CARGO_HOME", self.path("cargo-home")).env("HOME", self.path("home"));
        command.envs(more.iter().copied());
        finished(command.output().unwrap())
    }

    /// Records with these build arguments, which must work.
    pub(crate) fn recording(&self, build_args: &[&str], more: &[(&str, &str)]) -> Recording {
        let build_args = build_args.iter().map(|arg| (*arg).to_owned()).collect();
        let (passed, stderr) = self.record(&RecordRequest { build_args, ..self.request() }, more);
        let failure = fs::read_to_string(self.path("output/failure.json")).unwrap_or_default();
        assert!(passed && failure.is_empty(), "{stderr}{failure}");
        serde_json::from_slice(&fs::read(self.path("output/recording.json")).unwrap()).unwrap()
    }

    /// Puts the real sources where the recording had empty ones.
    pub(crate) fn fill(&self) {
        for (name, contents) in FILES {
            write(&self.path("ws").join(name), contents);
        }
    }

    /// Removes all that a recording or a build made, outside of the workspace's own directory.
    pub(crate) fn remove_outputs(&self) {
        for directory in ["target", "output", "cargo-home", "home"] {
            remove(&self.path(directory));
        }
    }

    fn clean(&self) {
        self.remove_outputs();
        remove(&self.path("ws"));
    }
}

fn remove(directory: &Path) {
    if directory.exists() {
        fs::remove_dir_all(directory).unwrap();
    }
}
