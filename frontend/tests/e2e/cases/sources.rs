//! Packages that come from elsewhere than crates.io.

use std::collections::BTreeSet;
use std::fs;

use tempfile::TempDir;

use crate::{
    Result,
    build::{Order, tag},
    engine::Engine,
    git::Repository,
    project::{Project, nonce, testdata},
    server::Server,
};

/// A workspace of a repository, with a submodule, in an application that pins it.
struct Pinned {
    _scratch: TempDir,
    repository: Repository,
    words: Server,
    app: Project,
}

impl Pinned {
    fn new() -> Result<Self> {
        let scratch = TempDir::with_prefix("longshore-e2e-")?;
        let case = testdata("git-dependency");
        let words = Project::copy_of(&case.join("words"), "words")?;
        words.append("words.txt", &format!(" {}\n", nonce()))?;
        let words_repository = Repository::new(words.path())?;
        let words_server = words_repository.serve("/words.git")?;

        let library = Project::copy_of(&case.join("library"), "library")?;
        let directory = scratch.path().join("library");
        fs::rename(library.path(), &directory)?;
        let repository = Repository::new(&directory)?;
        repository.git(&[
            "submodule",
            "--quiet",
            "add",
            &format!("{}/words.git", words_server.address),
            "words",
        ])?;
        repository.commit()?;
        let app = Project::copy_of(&case.join("app"), "app")?;
        Ok(Self { _scratch: scratch, repository, words: words_server, app })
    }

    /// Has the application name the repository as it is now.
    fn pin(&self) -> Result<Server> {
        self.pin_to(&self.repository.commit()?, None)
    }

    /// Has the application name a commit of the repository as it is now, which is for those with a token, if there is one.
    fn pin_to(&self, commit: &str, token: Option<&str>) -> Result<Server> {
        let server = self.repository.serve_for("/library.git", token)?;
        let template = testdata("git-dependency").join("app");
        for file in ["Cargo.toml", "Cargo.lock"] {
            let text = fs::read_to_string(template.join(file))?;
            let text = text.replace("https://example.org", &server.address);
            self.app.write(file, text.replace("0123456789abcdef0123456789abcdef01234567", commit))?;
        }
        Ok(server)
    }
}

/// Packages of a repository, as its workspace describes them, with what a submodule holds; another commit of it compiles
/// them and who uses them.
pub(crate) fn packages_of_a_repository() -> Result {
    let engine = Engine::of_environment();
    let pinned = Pinned::new()?;
    let _server = pinned.pin()?;
    let order = || Order::build(&engine, pinned.app.path(), "git-dependency");
    order().must()?;
    let said = || engine.run_image(&["--network", "none"], &tag("git-dependency"), &[]);
    let first = said()?.stdout;
    assert!(first.starts_with("one 0.7.0 says: hello from a submodule "), "{first}");

    pinned.app.append("src/main.rs", &format!("// {}\n", nonce()))?;
    let edited = order().must()?.progress;
    let of_repository = |name: &&str| name.contains("[crate] ");
    assert_eq!(edited.ran().into_iter().filter(of_repository).collect::<Vec<_>>(), [""; 0]);

    let text = fs::read_to_string(pinned.repository.directory.join("crates/two/src/lib.rs"))?;
    fs::write(pinned.repository.directory.join("crates/two/src/lib.rs"), text.replace("says", "cries"))?;
    let _server = pinned.pin()?;
    let other = order().must()?.progress;
    let ran: Vec<&str> = other.ran().into_iter().filter(of_repository).collect();
    assert_eq!(ran, ["[crate] one 0.7.0", "[crate] two 0.1.0"]);
    assert_eq!(said()?.stdout, first.replace("says", "cries"));
    drop(pinned.words);
    Ok(())
}

/// A commit by a tag, by a branch whose name a lock file escapes, by the beginning of its digest, and by nothing.
pub(crate) fn a_commit_in_all_the_ways_to_say_it() -> Result {
    let engine = Engine::of_environment();
    let pinned = Pinned::new()?;
    let commit = pinned.repository.commit()?;
    pinned.repository.git(&["tag", "v1+x"])?;
    pinned.repository.git(&["branch", "release/1"])?;
    pinned.repository.git(&["update-server-info"])?;
    let _server = pinned.pin_to(&commit, None)?;
    let (manifest, lock) = (pinned.app.read("Cargo.toml")?, pinned.app.read("Cargo.lock")?);
    let short = &commit[..8];
    for (reference, query) in [
        (", tag = \"v1+x\"".to_owned(), "?tag=v1%2Bx".to_owned()),
        (", branch = \"release/1\"".to_owned(), "?branch=release%2F1".to_owned()),
        (format!(", rev = \"{short}\""), format!("?rev={short}")),
        (String::new(), String::new()),
    ] {
        pinned.app.write("Cargo.toml", manifest.replace(", branch = \"main\"", &reference))?;
        pinned.app.write("Cargo.lock", lock.replace("?branch=main", &query))?;
        Order::build(&engine, pinned.app.path(), "git-reference").must()?;
        let said = engine.run_image(&["--network", "none"], &tag("git-reference"), &[])?.stdout;
        assert!(said.starts_with("one 0.7.0 says: hello from a submodule "), "{reference}: {said}");
    }
    Ok(())
}

/// A repository that is given to who shows a token only: a secret of the name that BuildKit knows.
pub(crate) fn a_private_repository() -> Result {
    let engine = Engine::of_environment();
    let pinned = Pinned::new()?;
    let header = format!("Bearer {}", nonce());
    let _server = pinned.pin_to(&pinned.repository.commit()?, Some(&header))?;
    let order = || Order::build(&engine, pinned.app.path(), "git-dependency");
    let without = order().run()?;
    assert!(!without.succeeded, "it was fetched without a token");
    let file = pinned.app.path().parent().expect("in a directory").join("header");
    fs::write(&file, &header)?;
    order().args(["--secret", &format!("id=GIT_AUTH_HEADER,src={}", file.display())]).must()?;
    let said = engine.run_image(&["--network", "none"], &tag("git-dependency"), &[])?;
    assert!(said.stdout.starts_with("one 0.7.0 says: hello from a submodule "), "{said:?}");
    Ok(())
}

/// A commit that the repository does not have.
pub(crate) fn a_commit_that_is_gone() -> Result {
    let engine = Engine::of_environment();
    let pinned = Pinned::new()?;
    let _server = pinned.pin_to(&"f".repeat(40), None)?;
    let build = Order::build(&engine, pinned.app.path(), "git-dependency").run()?;
    assert!(!build.succeeded);
    let said = build.progress.tail();
    assert!(said.contains("library"), "{said}");
    Ok(())
}

/// A workspace in one directory of a repository, with a package, a schema and documents beside it.
pub(crate) fn a_workspace_below_the_root_of_the_context() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("monorepo")?;
    let order = || Order::build(&engine, project.path(), "monorepo").args(["--file", "rust/Cargo.toml"]);
    order().must()?;
    let said = || engine.run_image(&["--network", "none"], &tag("monorepo"), &[]);
    assert_eq!(said()?.stdout, "10 nautical miles, 2 messages, ex portu\n");

    project.write("elsewhere/main.py", "print()")?;
    order().must()?.assert_ran([]);
    project.replace("shared/rust/units/src/lib.rs", "1852", "1853")?;
    project.append("shared/rust/units/src/lib.rs", &format!("// {}\n", nonce()))?;
    let edited = order().must()?.progress;
    let ran: Vec<&str> = edited.ran().into_iter().filter(|name| name.starts_with("[member]")).collect();
    assert!(ran.contains(&"[member] units 0.1.0"), "{ran:?}");
    assert_eq!(said()?.stdout, "9 nautical miles, 2 messages, ex portu\n");

    // What is said about a file names it as the user has it.
    project.append("rust/app/src/main.rs", &format!("fn unused_{}() {{}}\n", nonce()))?;
    let plain = ["--debug", "buildx", "build", "--progress=plain", "--file", "rust/Cargo.toml", "."];
    let shown = engine.docker(plain).at(project.path()).output()?.stderr;
    assert!(shown.contains("rust/app/src/main.rs:"), "{shown}");
    project.replace("proto/ship.proto", "message Port {}", "")?;
    order().must()?;
    assert!(said()?.stdout.contains(" 1 messages"));

    // Its toolchain file counts, and its name is the user's.
    project.write("rust/rust-toolchain.toml", "[toolchain]\nchannel = 1.95\n")?;
    let refused = order().run()?;
    let said = refused.progress.tail();
    assert!(!refused.succeeded && said.contains("`rust/rust-toolchain.toml` is no toolchain file"), "{said}");
    Ok(())
}

/// The first resolver, `[replace]`, `default-members`, `required-features`, features as build arguments, a `dylib`.
pub(crate) fn features_and_targets_of_older_workspaces() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("crate-types")?;
    let order = || Order::build(&engine, project.path(), "crate-types");
    // No target is named: of two programs, one is a default member's.
    project.replace("Cargo.toml", "\"shown\"]", "\"shown\", \"zany\"]")?;
    project.write("zany/Cargo.toml", "[package]\nname = \"zany\"\nversion = \"0.1.0\"\n")?;
    project.write("zany/src/main.rs", "fn main() {}\n")?;
    project.append("Cargo.lock", "\n[[package]]\nname = \"zany\"\nversion = \"0.1.0\"\n")?;
    order().must()?;
    let said = engine.run_image(&["--network", "none"], &tag("crate-types"), &[])?;
    assert_eq!(said.stdout, "script: both\nprogram: both\n42 42\nreplaced, 3, quiet\n");

    let out = project.path().join("out");
    let output = format!("type=local,dest={}", out.display());
    order().target("libarchive").args(["--output", &output]).must()?;
    let mut files: Vec<_> = fs::read_dir(out.join("usr/local/lib"))?
        .map(|file| Ok(file?.file_name()))
        .collect::<std::io::Result<_>>()?;
    files.sort();
    assert_eq!(files, ["libarchive.a", "libarchive.so"]);

    let refused = |order: Order| -> Result<String> {
        let build = order.run()?;
        assert!(!build.succeeded, "it was built");
        Ok(build.progress.tail())
    };
    let dormant = refused(order().target("linked-dynamically"))?;
    assert!(dormant.contains("--build-arg FEATURES=app/dynamic"), "{dormant}");
    an_example_is_built_where_it_is_asked_for(&engine, &project)?;
    let unlike = refused(order().args(["--build-arg", "ALL_FEATURES=sure"]))?;
    assert!(unlike.contains("`ALL_FEATURES` is `sure`, and not `true` or `false`"), "{unlike}");
    let dynamic = refused(order().target("linked-dynamically").args(["--build-arg", "ALL_FEATURES=true"]))?;
    assert!(
        dynamic.contains("it has no library `libdynamic.so`") && dynamic.contains("leave `dylib` out"),
        "{dynamic}"
    );

    order().args(["--build-arg", "PROFILE=split"]).must()?;
    let said = engine.run_image(&["--network", "none"], &tag("crate-types"), &[])?;
    assert!(said.stdout.starts_with("script: both\n"), "{said:?}");

    // Features that only a default brings.
    project.replace("app/Cargo.toml", "[features]\n", "[features]\ndefault = [\"dynamic\"]\n")?;
    let bare = refused(order().target("linked-dynamically").args(["--build-arg", "NO_DEFAULT_FEATURES=1"]))?;
    assert!(bare.contains("no target is named `linked-dynamically`"), "{bare}");
    Ok(())
}

/// With what no program of the workspace has: a development dependency, and a file that only its source names.
fn an_example_is_built_where_it_is_asked_for(engine: &Engine, project: &Project) -> Result {
    let order = |target: &str| Order::build(engine, project.path(), "crate-types-demo").target(target);
    let build = order("demo").must()?;
    let steps: BTreeSet<&str> = build.progress.ran().union(&build.progress.cached()).copied().collect();
    for step in ["[member] app 0.1.0 (example \"demo\")", "[member] shown 0.1.0"] {
        assert!(steps.contains(step), "{step} is not in {steps:?}");
    }
    let said = engine.run_image(&["--network", "none"], &tag("crate-types-demo"), &[])?;
    assert_eq!(said.stdout, "[an example] both\n");
    order("app:demo").must()?.assert_ran([]);

    let manifest = fs::read_to_string(project.path().join("app/Cargo.toml"))?;
    let with = |more: &str| project.write("app/Cargo.toml", format!("{manifest}\n{more}"));
    let refused = || -> Result<String> {
        let build = order("demo").run()?;
        assert!(!build.succeeded, "it was built");
        Ok(build.progress.tail())
    };
    with("[[example]]\nname = \"demo\"\ncrate-type = [\"staticlib\"]\n")?;
    let library = refused()?;
    assert!(library.contains("whose `crate-type` is a library's"), "{library}");
    with("[[example]]\nname = \"demo\"\nrequired-features = [\"loud\"]\n")?;
    let needy = refused()?;
    assert!(needy.contains("requires the features: `loud`"), "{needy}");
    assert!(needy.contains("--build-arg FEATURES=app/loud"), "{needy}");
    order("demo").args(["--build-arg", "FEATURES=app/loud"]).must()?;
    project.write("app/Cargo.toml", &manifest)
}
