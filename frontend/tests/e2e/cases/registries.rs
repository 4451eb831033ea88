//! Packages of other registries than crates.io, and of directories that replace one.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::{
    Result,
    build::{Build, Order, tag},
    engine::Engine,
    git::Repository,
    project::{Project, nonce, testdata},
    server::Server,
};

/// The address that the case has in place of the one that is served.
const PLACEHOLDER: &str = "sparse+https://example.org/index/";

/// Two versions of a package of crates.io and a package of a repository, of which neither has ever heard.
pub(crate) fn vendored_packages_come_from_the_workspace() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("vendored")?;
    let order = || Order::build(&engine, project.path(), "vendored");
    order().must()?;
    let said = || engine.run_image(&["--network", "none"], &tag("vendored"), &[]);
    assert_eq!(said()?.stdout, "hail, GOOD DAY\n");

    // Files of packages are no part of the member that lies around them.
    let note = format!("vendor/notes-{}.txt", nonce());
    project.write(&note, "nobody reads this")?;
    order().must()?.assert_ran([]);
    project.append("src/main.rs", &format!("// {}\n", nonce()))?;
    let edited = order().must()?.progress;
    let ran: Vec<&str> = edited.ran().into_iter().filter(|name| name.contains("] ")).collect();
    assert!(ran.iter().all(|name| !name.starts_with("[crate]")), "{ran:?}");
    assert_eq!(said()?.stdout, "hail, GOOD DAY\n");
    Ok(())
}

/// What cargo would say as well: it knows the checksum of every vendored file.
pub(crate) fn a_vendored_package_that_is_missing_or_changed() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("vendored")?;
    project.replace("vendor/words/src/lib.rs", "good day", "good night")?;
    let refused = refused(Order::build(&engine, project.path(), "vendored"))?;
    assert!(
        refused.contains("the listed checksum of `/vendor/words-2.0.0/src/lib.rs` has changed"),
        "{refused}"
    );

    fs::remove_dir_all(project.path().join("vendor/words"))?;
    let gone = self::refused(Order::build(&engine, project.path(), "vendored"))?;
    assert!(
        gone.contains("`words 2.0.0` is not in `vendor`, which `.cargo/config.toml` names as its source"),
        "{gone}"
    );
    assert!(gone.contains("Cargo.lock:26"), "{gone}");
    Ok(())
}

fn refused(order: Order) -> Result<String> {
    let Build { succeeded, progress, .. } = order.run()?;
    assert!(!succeeded, "it was built");
    Ok(progress.tail())
}

/// A registry, as files by path.
struct Published {
    files: BTreeMap<String, Vec<u8>>,
    checksum: String,
    greeting: String,
}

impl Published {
    /// One with a package that nothing has built before, and with archives where `dl` says.
    fn new(archive: &str) -> Result<Self> {
        let scratch = TempDir::with_prefix("longshore-e2e-")?;
        let words = Project::copy_of(&testdata("registry").join("words"), "words-3.0.0")?;
        let greeting = format!("ahoy {}", nonce());
        words.replace("src/lib.rs", "ahoy", &greeting)?;
        let to = scratch.path().join("words.crate");
        let parent = words.path().parent().expect("in a directory");
        let packed =
            Command::new("tar").arg("-czf").arg(&to).arg("-C").arg(parent).arg("words-3.0.0").status()?;
        assert!(packed.success());
        let archive_bytes = fs::read(&to)?;
        let checksum = buildkit_llb::Digest::of(&archive_bytes).hex().to_owned();
        Ok(Self { files: [(archive.to_owned(), archive_bytes)].into(), checksum, greeting })
    }

    /// The application, with the registry at an index.
    fn app(&self, index: &str) -> Result<Project> {
        let app = Project::copy_of(&testdata("registry").join("app"), "app")?;
        app.replace(".cargo/config.toml", PLACEHOLDER, index)?;
        let source =
            if index.starts_with("sparse+") { index.to_owned() } else { format!("registry+{index}") };
        app.replace("Cargo.lock", PLACEHOLDER, &source)?;
        app.replace("Cargo.lock", &"0".repeat(64), &self.checksum)?;
        Ok(app)
    }

    fn assert_built(&self, engine: &Engine, order: Order) -> Result<Build> {
        let build = order.must()?;
        let said = engine.run_image(&["--network", "none"], &tag("registry"), &[])?;
        assert_eq!(said.stdout, format!("{}\n", self.greeting));
        Ok(build)
    }
}

/// Neither index nor archives are given to who has no token; `dl` has markers.
pub(crate) fn a_registry_that_asks_for_a_token() -> Result {
    let engine = Engine::of_environment();
    let mut published = Published::new("/files/wo/rd/words/words-3.0.0.crate")?;
    let token = format!("token-{}", nonce());
    let archives = Server::start_for(published.files.clone(), Some(&token))?;
    let config = format!(
        r#"{{"dl": "{}/files/{{prefix}}/{{crate}}/{{crate}}-{{version}}.crate", "auth-required": true}}"#,
        archives.address
    );
    published.files.insert("/index/config.json".to_owned(), config.into_bytes());
    let index = Server::start_for(published.files.clone(), Some(&token))?;
    let app = published.app(&format!("sparse+{}/index/", index.address))?;
    let order = || Order::build(&engine, app.path(), "registry");

    let without = refused(order())?;
    assert!(without.contains("does not say where its packages are"), "{without}");
    let hint = "`--secret id=CARGO_REGISTRIES_HARBOR_SIDE_TOKEN,env=CARGO_REGISTRIES_HARBOR_SIDE_TOKEN`";
    assert!(without.contains(hint), "{without}");

    let secret = app.path().parent().expect("in a directory").join("token");
    fs::write(&secret, &token)?;
    let secret = format!("id=CARGO_REGISTRIES_HARBOR_SIDE_TOKEN,src={}", secret.display());
    published.assert_built(&engine, order().args(["--secret", &secret]))?;
    app.append("src/main.rs", &format!("// {}\n", nonce()))?;
    let edited = published.assert_built(&engine, order().args(["--secret", &secret]))?;
    assert!(
        !edited.progress.ran().iter().any(|name| name.starts_with("[crate]")),
        "{:?}",
        edited.progress.ran()
    );
    Ok(())
}

/// The older kind of index, and the shortest `dl`.
pub(crate) fn a_registry_with_a_repository_as_index() -> Result {
    let engine = Engine::of_environment();
    let published = Published::new("/dl/words/3.0.0/download")?;
    let archives = Server::start(published.files.clone())?;
    let index = Project::copy_of(&testdata("registry").join("words"), "index")?;
    index.write("config.json", format!(r#"{{"dl": "{}/dl"}}"#, archives.address))?;
    let server = Repository::new(index.path())?.serve("/index.git")?;
    let app = published.app(&format!("{}/index.git", server.address))?;
    published.assert_built(&engine, Order::build(&engine, app.path(), "registry"))?;
    Ok(())
}

/// A package of crates.io, from a registry that has all of its packages.
pub(crate) fn a_mirror_of_crates_io() -> Result {
    let engine = Engine::of_environment();
    let mut published = Published::new("/dl/words/3.0.0/download")?;
    let archives = Server::start(published.files.clone())?;
    let config = format!(r#"{{"dl": "{}/dl"}}"#, archives.address);
    published.files.insert("/config.json".to_owned(), config.into_bytes());
    let mirror = Server::start(published.files.clone())?;
    let app = published.app(&format!("sparse+{}/", mirror.address))?;
    app.replace(
        "Cargo.lock",
        &format!("sparse+{}/", mirror.address),
        "registry+https://github.com/rust-lang/crates.io-index",
    )?;
    app.replace("Cargo.toml", ", registry = \"harbor-side\"", "")?;
    app.append(".cargo/config.toml", "\n[source.crates-io]\nreplace-with = \"harbor-side\"\n")?;
    published.assert_built(&engine, Order::build(&engine, app.path(), "registry"))?;
    Ok(())
}

/// Archives that lie in the workspace, as `cargo local-registry` leaves them.
pub(crate) fn archives_of_the_workspace() -> Result {
    const ARCHIVE: &str = "registry/words-3.0.0.crate";
    let engine = Engine::of_environment();
    let published = Published::new(ARCHIVE)?;
    let app = published.app(PLACEHOLDER)?;
    let source = PLACEHOLDER.trim_start_matches("sparse+");
    app.write(
        "registry/index/wo/rd/words",
        format!(
            "{{\"name\":\"words\",\"vers\":\"3.0.0\",\"deps\":[],\"features\":{{}},\"cksum\":\"{}\",\"yanked\":false}}\n",
            published.checksum
        ),
    )?;
    app.append(
        ".cargo/config.toml",
        &format!(
            "\n[source.harbor]\nregistry = \"sparse+{source}\"\nreplace-with = \"shelf\"\n\n[source.shelf]\nlocal-registry = \"registry\"\n"
        ),
    )?;
    let order = || Order::build(&engine, app.path(), "registry");

    let gone = refused(order())?;
    assert!(
        gone.contains("`words 3.0.0` is not in `registry`, which `.cargo/config.toml` names as its source"),
        "{gone}"
    );
    assert!(gone.contains("run `cargo local-registry` again"), "{gone}");

    app.write(ARCHIVE, &published.files[ARCHIVE])?;
    published.assert_built(&engine, order())?;
    app.append("src/main.rs", &format!("// {}\n", nonce()))?;
    let edited = published.assert_built(&engine, order())?;
    assert!(
        !edited.progress.ran().iter().any(|name| name.starts_with("[crate]")),
        "{:?}",
        edited.progress.ran()
    );

    let other = Published::new(ARCHIVE)?;
    app.write(ARCHIVE, &other.files[ARCHIVE])?;
    let changed = refused(order())?;
    assert!(changed.contains("checksum") && changed.contains("words"), "{changed}");
    Ok(())
}
