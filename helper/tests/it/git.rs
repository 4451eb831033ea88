//! Git dependencies: the real cargo, offline, finds them where a checkout lies, and plans as it does with the repository.

use std::fs;
use std::path::Path;
use std::process::Command;

use longshore_helper::recording::{RecordRequest, Recording, Repository};

use crate::support::{finished, helper, path, text, toolchain, write};

fn run(program: &str, args: &[&str], at: &Path, home: &Path) -> String {
    let output = Command::new(program)
        .args(args)
        .current_dir(at)
        .env_clear()
        .env("PATH", path())
        .env("CARGO_HOME", home)
        .env("HOME", home)
        .env("GIT_CONFIG_COUNT", "3")
        .envs([("GIT_CONFIG_KEY_0", "user.name"), ("GIT_CONFIG_VALUE_0", "Ada")])
        .envs([("GIT_CONFIG_KEY_1", "user.email"), ("GIT_CONFIG_VALUE_1", "ada@example.org")])
        .envs([("GIT_CONFIG_KEY_2", "protocol.file.allow"), ("GIT_CONFIG_VALUE_2", "always")])
        .env("CARGO_NET_GIT_FETCH_WITH_CLI", "true")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {args:?}: {said}");
    String::from_utf8(output.stdout).unwrap() + &said
}

/// `-C metadata=` of the crate, in text that has one command a line.
fn metadata_of(krate: &str, lines: &str) -> String {
    let line = lines.lines().find(|line| line.contains(&format!("--crate-name {krate} "))).unwrap();
    line.split("metadata=").nth(1).unwrap()[..16].to_owned()
}

#[test]
fn a_repository_that_is_checked_out_is_planned_as_one_that_is_in_reach() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().canonicalize().unwrap();
    let at = |path: &str| root.join(path);
    let home = at("home");
    fs::create_dir_all(&home).unwrap();
    let git = |directory: &str, args: &[&str]| run("git", args, &at(directory), &home);

    // A workspace inside of a repository, whose member has its version from there, with a submodule.
    write(&at("words/words.txt"), "hello");
    write(
        &at("repo/Cargo.toml"),
        "[workspace]\nmembers = [\"crates/*\"]\nresolver = \"2\"\n[workspace.package]\nversion = \"0.7.0\"\n",
    );
    write(
        &at("repo/crates/one/Cargo.toml"),
        "[package]\nname = \"one\"\nversion.workspace = true\nedition = \"2021\"\n[dependencies]\ntwo = { path = \"../two\" }\n",
    );
    write(&at("repo/crates/one/src/lib.rs"), "pub use two::WORDS;\n");
    write(
        &at("repo/crates/two/Cargo.toml"),
        "[package]\nname = \"two\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
    );
    write(
        &at("repo/crates/two/src/lib.rs"),
        "pub const WORDS: &str = include_str!(\"../../../words/words.txt\");\n",
    );
    write(&at("repo/crates/two/build.rs"), "fn main() {}\n");
    for directory in ["words", "repo"] {
        git(directory, &["init", "--quiet", "--initial-branch=main"]);
        if directory == "repo" {
            git(
                directory,
                &["submodule", "--quiet", "add", &format!("file://{}", text(&at("words"))), "words"],
            );
        }
        git(directory, &["add", "."]);
        git(directory, &["commit", "--quiet", "--message", "all"]);
    }
    let commit = git("repo", &["rev-parse", "HEAD"]).trim().to_owned();
    let url = format!("file://{}", text(&at("repo")));

    let manifest = format!(
        "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\none = {{ git = \"{url}\", branch = \"main\" }}\n"
    );
    write(&at("ws/Cargo.toml"), &manifest);
    write(&at("ws/src/main.rs"), "fn main() { println!(\"{}\", one::WORDS); }\n");
    let cargo = text(&toolchain().join("cargo"));
    let plain = run(&cargo, &["build", "-vv", "--target-dir", &text(&at("plain"))], &at("ws"), &home);
    write(&at("skeleton/Cargo.toml"), &manifest);
    write(&at("skeleton/Cargo.lock"), &fs::read_to_string(at("ws/Cargo.lock")).unwrap());
    fs::remove_dir_all(at("ws")).unwrap();
    write(&at("names"), "src/main.rs\n");

    // As BuildKit has it: the commit without its past. The repository itself is out of reach from here on.
    git(
        ".",
        &["clone", "--quiet", "--depth=1", "--recurse-submodules", "--shallow-submodules", &url, "checkout"],
    );
    fs::rename(at("repo"), at("gone")).unwrap();
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let request = RecordRequest {
        skeleton: text(&at("skeleton")),
        names: text(&at("names")),
        links: Vec::new(),
        workspace: text(&at("ws")),
        root: String::new(),
        target_dir: text(&at("target")),
        output: text(&at("output")),
        cargo_config: "[net]\nretry = 0\n".to_owned(),
        archives: [].into(),
        excerpts: Vec::new(),
        repositories: vec![Repository {
            url: url.clone(),
            commit: commit.clone(),
            at: text(&at("checkout")),
        }],
        metadata_args: words("--locked --offline"),
        build_args: words("build --locked --offline"),
    };
    let record = |request: &RecordRequest| {
        for directory in ["ws", "target", "output", "cargo-home"] {
            let _ = fs::remove_dir_all(at(directory));
        }
        let mut command = helper("record", request);
        let (passed, stderr) =
            finished(command.env("CARGO_HOME", at("cargo-home")).env("HOME", &home).output().unwrap());
        assert!(passed, "{stderr}");
        fs::read_to_string(at("output/failure.json")).unwrap_or_default()
    };
    assert_eq!(record(&request), "");
    let recording: Recording =
        serde_json::from_slice(&fs::read(at("output/recording.json")).unwrap()).unwrap();
    assert_eq!(recording.calls.len(), 5, "three crates, a build script and its run");
    for krate in ["one", "two", "app"] {
        let call = recording
            .calls
            .iter()
            .find(|call| call.env.get("CARGO_CRATE_NAME").is_some_and(|name| name == krate))
            .unwrap();
        let here = metadata_of(krate, &call.args.join(" "));
        assert_eq!(here, metadata_of(krate, &plain), "{krate}");
        let version = if krate == "one" { "0.7.0" } else { "0.1.0" };
        assert_eq!(call.env["CARGO_PKG_VERSION"], version);
        if krate != "app" {
            let place = "/cargo-home/git/checkouts/repo-";
            assert!(
                call.cwd.contains(place) && call.cwd.contains(&format!("/{}/crates/{krate}", &commit[..7])),
                "{}",
                call.cwd
            );
        }
    }

    // What the lock file does not have is refused by cargo, with the address.
    let unknown = record(&RecordRequest {
        archives: [].into(),
        excerpts: Vec::new(),
        repositories: vec![Repository {
            url: "https://example.org/other".to_owned(),
            commit,
            at: text(&at("checkout")),
        }],
        ..request
    });
    assert!(unknown.contains("is not in Cargo.lock"), "{unknown}");
}
