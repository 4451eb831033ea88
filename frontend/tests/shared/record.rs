//! Makes the recordings of testdata anew: `UPDATE_RECORDING=1 cargo test -p longshore --test golden`, with `docker`
//! at hand and the frontend image of this tree in its store.
//!
//! What the vertex is asked comes out of the frontend itself; a Dockerfile runs it, since nothing outside a
//! container has cargo and the crates at the paths that a recording names.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use buildkit_llb::SourceFile;
use buildkit_proto::pb;
use longshore::cargo_config::CargoConfig;
use longshore::config::Config;
use longshore::lock::{GitPackage, Lock, LockedPackage};
use longshore::paths;
use longshore::registry::directory_of;
use longshore::replacement::{Replacement, Replacements};
use longshore_helper::{archive_of, recording::EXCERPTS_FILE, wire::REQUEST_ENV_PREFIX};
use prost::Message as _;
use serde_json::{Value, json};

use crate::daemon::{self, Built};
use crate::project::{Project, testdata};

/// The surroundings of what reads archives and of the recorder, as `emit::excerpts` and `emit::record` have them. What is not
/// asked for is not run.
const DOCKERFILE: &str = r#"
ARG FRONTEND
ARG TOOLCHAIN
FROM ${FRONTEND} AS frontend
FROM ${TOOLCHAIN} AS excerpt
ARG EXCERPT
ENV LONGSHORE_REQUEST_0=${EXCERPT}
RUN --network=none --mount=from=frontend,source=/longshore-helper,target=/longshore/helper \
    --mount=from=locked,source=/longshore/archives,target=/longshore/archives \
    mkdir /longshore/excerpt && if [ -n "$EXCERPT" ]; then /longshore/helper excerpt; else touch /longshore/excerpt/EXCERPTS; fi
FROM ${TOOLCHAIN} AS record
ARG RECORD
ENV LONGSHORE_REQUEST_0=${RECORD} CARGO_HOME=/longshore/cargo-home
RUN --network=none --mount=from=frontend,source=/longshore-helper,target=/longshore/helper \
    --mount=from=skeleton,target=/longshore/skeleton \
    --mount=from=excerpt,source=/longshore/excerpt/EXCERPTS,target=/longshore/excerpts/0.json \
    --mount=VENDOR,target=/vendor --mount=from=locked,source=/registries,target=/registries \
    --mount=type=tmpfs,target=/longshore/cargo-home --mount=type=tmpfs,target=/ws \
    --mount=type=tmpfs,target=/longshore/target ["/longshore/helper", "record"]
FROM scratch
COPY --from=record /longshore/recording/ /
"#;

/// Records one case.
pub(crate) async fn record(name: &str) {
    let project = Project { recorded: [].into(), ..Project::load(name) };
    // There is no recording to read, so the build ends there; what was asked for is known by then.
    let built = daemon::build(&project).await;
    let Some(Asked { excerpt, record, names }) = asked(&built) else {
        eprintln!("{name}: refused before cargo is asked");
        return;
    };

    let manifest = SourceFile::new("Cargo.toml", "TOML", project.files["Cargo.toml"].as_slice());
    let config = Config::from_workspace_manifest(&manifest, &project.case.build_args).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let at = |path: &str| scratch.path().join(path);
    for (path, text) in &project.files {
        if path.ends_with("Cargo.toml") || path == "Cargo.lock" || path.starts_with(".cargo/") {
            write(&at("skeleton/tree").join(path), text);
        }
    }
    write(&at("skeleton/names"), &names);
    for directory in [paths::VENDOR, paths::REGISTRIES, "/longshore/archives"] {
        fs::create_dir_all(below(&at("locked"), directory)).unwrap();
    }
    vendor(&project, &at("vendored"), &at("locked"));
    // Archives are unpacked there; directories lie there.
    let is_empty = fs::read_dir(below(&at("locked"), paths::VENDOR)).unwrap().next().is_none();
    let vendor = if is_empty { "type=tmpfs" } else { "from=locked,source=/vendor" };
    write(
        &at("Dockerfile"),
        DOCKERFILE.replace("VENDOR", vendor).replace("EXCERPTS", EXCERPTS_FILE).as_bytes(),
    );
    let frontend = std::env::var("LONGSHORE_IMAGE").unwrap_or_else(|_| "localhost/longshore:dev".to_owned());
    let recorded = testdata().join(name).join("recorded");
    run(Command::new("docker")
        .args(["buildx", "build", "--quiet", "--build-arg"])
        .arg(format!("FRONTEND={frontend}"))
        .arg("--build-arg")
        .arg(format!("TOOLCHAIN={}", config.toolchain.reference.familiar()))
        .arg("--build-arg")
        .arg(format!("EXCERPT={excerpt}"))
        .arg("--build-arg")
        .arg(format!("RECORD={record}"))
        .arg(format!("--build-context=skeleton={}", at("skeleton").display()))
        .arg(format!("--build-context=locked={}", at("locked").display()))
        .arg(format!("--output=type=local,dest={}", at("recorded").display()))
        .arg(scratch.path()));
    let _ = fs::remove_dir_all(&recorded);
    for entry in fs::read_dir(at("recorded")).unwrap() {
        let path = entry.unwrap().path();
        let mut value: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        trim(&mut value);
        let text = serde_json::to_string_pretty(&value).unwrap() + "\n";
        write(&recorded.join(path.file_name().unwrap()), text.as_bytes());
    }
}

/// What the frontend put into the graph of the recording.
#[derive(Default)]
struct Asked {
    /// Of the helper, for the archives; empty where there are none.
    excerpt: String,
    /// Of the helper, for the recording.
    record: String,
    /// Names of files.
    names: Vec<u8>,
}

fn asked(built: &Built) -> Option<Asked> {
    let graph = built.graph("[plan] cargo build, recorded")?.definition().to_proto();
    let mut asked = Asked::default();
    for op in graph.def.iter().map(|bytes| pb::Op::decode(bytes.as_slice()).unwrap()) {
        match op.op {
            // What prepares the toolchain image is asked by the helper too.
            Some(pb::op::Op::Exec(exec)) => {
                let meta = exec.meta.unwrap();
                let request = match meta.args.last().map(String::as_str) {
                    Some("excerpt") => &mut asked.excerpt,
                    Some("record") => &mut asked.record,
                    _ => continue,
                };
                for var in meta.env.iter().filter(|var| var.starts_with(REQUEST_ENV_PREFIX)) {
                    let (_, piece) = var.split_once('=').unwrap();
                    assert!(request.is_empty(), "a request of several pieces, or several requests");
                    *request = piece.to_owned();
                }
            }
            Some(pb::op::Op::File(file)) => {
                for action in file.actions {
                    match action.action {
                        Some(pb::file_action::Action::Mkfile(made)) if made.path == "/names" => {
                            asked.names = made.data
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Some(asked)
}

/// Unpacks what the lock file pins to where the recording has it.
fn vendor(project: &Project, scratch: &Path, into: &Path) {
    let file = |name: &str| Some(SourceFile::new(name, "TOML", project.files.get(name)?.as_slice()));
    let lock = Lock::parse(&file("Cargo.lock").unwrap()).unwrap();
    let config = file(".cargo/config.toml").as_ref().map(CargoConfig::parse).unwrap_or_default();
    let replacements = Replacements::parse(&config);
    let mut published: Vec<&LockedPackage> = Vec::new();
    for package in &lock.packages {
        match replaced(&replacements, package.registry.as_str()) {
            Some(at) => {
                copy(project, &at, &package.name, &package.version, &below(into, package.place().as_str()))
            }
            None => published.push(package),
        }
    }
    for GitPackage { name, version, source, .. } in &lock.git {
        if let Some(at) = replaced(&replacements, source) {
            let place = format!("{}/{name}-{version}", directory_of(source));
            copy(project, &at, name, version, &below(into, &place));
        }
    }
    if !published.is_empty() {
        download(&published, scratch, into);
    }
}

/// The directory of the project that replaces a source.
fn replaced(replacements: &Replacements, source: &str) -> Option<String> {
    match replacements.of(source).unwrap()?.by? {
        Replacement::Directory(at) => Some(at.to_string()),
        other => panic!("recordings of {other:?} are not made here"),
    }
}

/// Copies a vendored package, whose directory has its version in its name where there are several.
fn copy(project: &Project, at: &str, name: &str, version: &str, to: &Path) {
    let below = |directory: String| {
        let prefix = format!("{at}/{directory}/");
        let files = project.files.iter();
        files.filter_map(move |(path, text)| Some((path.strip_prefix(&prefix)?.to_owned(), text)))
    };
    let mut files: Vec<_> = below(format!("{name}-{version}")).collect();
    if files.is_empty() {
        files = below(name.to_owned()).collect();
    }
    assert!(!files.is_empty(), "{name} {version} is not in {at}");
    for (path, text) in files {
        write(&to.join(path), text);
    }
}

/// Where an absolute path of a vertex lies below a directory.
fn below(directory: &Path, path: &str) -> PathBuf {
    directory.join(path.trim_start_matches('/'))
}

/// Has cargo fetch packages, and copies their archives. A project of its own asks for them, since the lock file of a case
/// may not fit.
fn download(packages: &[&LockedPackage], scratch: &Path, into: &Path) {
    let mut manifest = "[package]\nname = \"vendored\"\nedition = \"2024\"\n\n[dependencies]\n".to_owned();
    for (number, package) in packages.iter().enumerate() {
        let LockedPackage { name, version, .. } = package;
        writeln!(
            manifest,
            "d{number} = {{ package = \"{name}\", version = \"={version}\", default-features = false }}"
        )
        .unwrap();
    }
    write(&scratch.join("Cargo.toml"), manifest.as_bytes());
    write(&scratch.join("src/lib.rs"), b"");
    run(Command::new("cargo").args(["fetch", "--quiet"]).current_dir(scratch));
    for package in packages {
        let archive = below(into, &archive_of(package.place().as_str()));
        fs::create_dir_all(archive.parent().unwrap()).unwrap();
        fs::copy(cached(&format!("{}.crate", package.directory())), archive).unwrap();
    }
}

/// Where cargo keeps an archive that it has fetched.
fn cached(archive: &str) -> PathBuf {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cargo"));
    let mut registries = fs::read_dir(home.join("registry/cache")).unwrap();
    let found = registries
        .find_map(|registry| Some(registry.unwrap().path().join(archive)).filter(|path| path.is_file()));
    found.unwrap_or_else(|| panic!("cargo has not fetched {archive}"))
}

/// Takes out of `cargo metadata` what nothing here reads and the helper leaves in.
fn trim(value: &mut Value) {
    let Some(packages) = value.get_mut("packages").and_then(Value::as_array_mut) else { return };
    for package in packages {
        let unbuilt =
            |target: &Value| ["test", "bench", "example"].iter().any(|kind| target["kind"][0] == *kind);
        package["targets"].as_array_mut().unwrap().retain(|target| !unbuilt(target));
        package["dependencies"] = json!([]);
        package["features"] = json!({});
        package["metadata"] = Value::Null;
        for unused in ["keywords", "categories", "documentation", "homepage"] {
            package.as_object_mut().unwrap().remove(unused);
        }
    }
}

fn write(path: &Path, text: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
