//! `frontend.plan`: everything that would be run, as a document that a later `--call=explain` compares with.
//!
//! The JSON is part of the interface: names of fields stay, and a document says which version of the format it has.
//! Besides commands it holds what else keys are made of: the toolchain's digest, checksums of locked packages, and
//! digests of members' files where those are known.

use std::collections::{BTreeMap, BTreeSet};

use buildkit_llb::Digest;
use camino::Utf8PathBuf;
use longshore_helper::spec::{self, Spec};
use serde::{Deserialize, Serialize};

use super::Answer;
use crate::{
    diagnostic::{Code, Diagnostic},
    lock::Lock,
    plan::{self, Plan},
    request::redacted,
    units::{self, Origin, PackageIx, UnitGraph},
};

/// The version of the document's format. A reader takes no other.
pub const FORMAT: u32 = 1;

/// A plan with all that its keys are made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// [`FORMAT`].
    pub format: u32,
    /// What all vertices have in common.
    pub settings: Settings,
    /// Packages that take part, by the name of their output directory: `serde-1.0.228`.
    pub packages: BTreeMap<String, Package>,
    /// Dependencies before dependents.
    pub vertices: Vec<Vertex>,
    /// What `--target` takes, and what it builds.
    pub targets: BTreeMap<String, Target>,
}

/// What all vertices have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// The toolchain image by the name that the user gave it.
    pub toolchain: String,
    /// Its digest, `sha256:…`.
    pub toolchain_digest: String,
    /// The helper's digest, `sha256:…`, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helper: Option<String>,
    /// What `rustc -vV` printed.
    pub rustc: String,
    /// What `cargo -V` printed.
    pub cargo: String,
    /// Triple of the machine that the build runs on.
    pub host: String,
    /// Triple that is built for.
    pub target: String,
    /// cargo's profile.
    pub profile: String,
}

/// A package and what pins its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where its source comes from.
    pub source: Source,
}

/// Where a package's source comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A registry. The checksum is that of `Cargo.lock`.
    Locked {
        /// SHA-256 of the package's archive, in hexadecimal. Empty when the lock file does not have the package.
        checksum: String,
    },
    /// A repository.
    Git {
        /// Its address.
        url: String,
        /// The commit.
        commit: String,
    },
    /// The build context.
    Member {
        /// Directory relative to the workspace root; empty for the root package.
        directory: String,
        /// Files and directories outside of it that its vertices see.
        outside: BTreeSet<Utf8PathBuf>,
        /// Digests of its own files by path, where they were supplied.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        files: Option<BTreeMap<String, String>>,
    },
}

/// One vertex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vertex {
    /// Its output directory, by which others name it.
    pub id: String,
    /// What people call it: `serde 1.0.228 (host)`.
    pub name: String,
    /// Its package in [`Document::packages`].
    pub package: String,
    /// `host` or `target`.
    pub side: String,
    /// The binary that it compiles; none for a library and for a locked package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bin: Option<String>,
    /// The directory of the outputs of all that are one with it in the graph: small packages, several to a vertex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<String>,
    /// Vertices whose outputs it sees.
    pub inputs: Vec<String>,
    /// Environment that its steps share.
    pub env: BTreeMap<String, String>,
    /// What it runs, in order.
    pub steps: Vec<Step>,
    /// Digest of the helper's whole request: two vertices of one digest are asked the same.
    pub request: String,
}

/// One process of a vertex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What messages call it: `serde 1.0.228 (lib)`.
    pub name: String,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Working directory.
    pub cwd: String,
    /// Environment beyond that of the vertex.
    pub env: BTreeMap<String, String>,
}

/// A target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The vertex that compiles its binary.
    pub vertex: String,
    /// The binary in that vertex's output.
    pub file: String,
}

/// What is known of a member's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberFiles {
    /// Files and directories outside the member's directory that its vertices see, declared or found.
    pub outside: BTreeSet<Utf8PathBuf>,
    /// SHA-256 of each of its files by path, in hexadecimal; `None` when they were not read.
    pub digests: Option<BTreeMap<String, String>>,
}

impl Document {
    /// Writes the plan down. Members that are not in `members` count as having no files outside.
    pub fn new(
        settings: Settings,
        graph: &UnitGraph,
        plan: &Plan,
        lock: &Lock,
        members: &BTreeMap<PackageIx, MemberFiles>,
    ) -> Document {
        let packages = (0..).map(PackageIx).zip(&graph.packages);
        let packages = packages.map(|(ix, package)| {
            (package.key.clone(), described(package, lock, members.get(&ix).cloned().unwrap_or_default()))
        });
        let target = |target: &plan::Artifact| Target {
            vertex: plan.vertex(target.vertex).output().to_owned(),
            file: target.file.clone(),
        };
        let mut targets = BTreeMap::new();
        for entry in &plan.targets {
            targets.entry(entry.name.clone()).or_insert_with(|| target(entry));
        }
        Document {
            format: FORMAT,
            settings,
            packages: packages.collect(),
            vertices: plan.vertices.iter().map(|vertex| written(graph, plan, vertex)).collect(),
            targets,
        }
    }

    /// Reads what `--call=plan,format=json` printed.
    ///
    /// # Errors
    /// It is something else, or of another version.
    pub fn read(text: &[u8]) -> Result<Document, Diagnostic> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let help = "write it anew with `--call=plan,format=json`";
        let bad = |error: serde_json::Error| {
            Diagnostic::error(Code::InvalidOption, format!("the previous plan cannot be read: {error}"))
                .help(help)
        };
        let head: Head = serde_json::from_slice(text).map_err(bad)?;
        if head.format != FORMAT {
            let message =
                format!("the previous plan has version {} of the format, and not {FORMAT}", head.format);
            return Err(Diagnostic::error(Code::InvalidOption, message).help(help));
        }
        serde_json::from_slice(text).map_err(bad)
    }

    /// The answer: this document, and as text the plan's own form.
    pub fn answer(&self, plan: &Plan) -> Answer {
        let json = serde_json::to_value(self).expect("a document is strings in maps with string keys");
        Answer::new(json, plan.to_string())
    }
}

fn described(package: &units::Package, lock: &Lock, files: MemberFiles) -> Package {
    let source = match &package.origin {
        Origin::Member { directory } => {
            Source::Member { directory: directory.to_string(), outside: files.outside, files: files.digests }
        }
        Origin::Git { repository, .. } => {
            Source::Git { url: redacted(&repository.url), commit: repository.commit.clone() }
        }
        Origin::Locked { place } => {
            let locked = lock.at(place);
            Source::Locked { checksum: locked.map(|it| it.checksum.clone()).unwrap_or_default() }
        }
    };
    Package { name: package.name.clone(), version: package.version.clone(), source }
}

fn written(graph: &UnitGraph, plan: &Plan, vertex: &plan::Vertex) -> Vertex {
    let package = graph.package(vertex.package);
    Vertex {
        id: vertex.output().to_owned(),
        name: vertex_name(package, vertex),
        package: package.key.clone(),
        side: side(vertex.side).to_owned(),
        bin: vertex.part.program().map(str::to_owned),
        bundle: vertex.bundle.clone(),
        inputs: vertex.inputs.iter().map(|input| plan.vertex(*input).output().to_owned()).collect(),
        env: vertex.spec.env.clone(),
        steps: vertex.spec.steps.iter().map(step).collect(),
        request: request(&vertex.spec),
    }
}

/// `host` or `target`, as documents write it.
pub(super) fn side(side: units::Side) -> &'static str {
    match side {
        units::Side::Host => "host",
        units::Side::Target => "target",
    }
}

/// What people call a vertex: `serde 1.0.228`, `serde 1.0.228 (host)`, `app 0.1.0 (bin "app")`.
pub(super) fn vertex_name(package: &units::Package, vertex: &plan::Vertex) -> String {
    format!("{} {}{}", package.name, package.version, vertex.detail())
}

fn step(step: &spec::Step) -> Step {
    match step {
        spec::Step::Rustc(step) => Step {
            name: step.name.clone(),
            argv: [&["rustc".to_owned()], step.args.as_slice()].concat(),
            cwd: step.cwd.clone(),
            env: step.env.clone(),
        },
        spec::Step::BuildScript(step) => Step {
            name: format!("{} (run)", step.name),
            argv: vec![step.exe.clone()],
            cwd: step.cwd.clone(),
            env: step.env.clone(),
        },
    }
}

fn request(spec: &Spec) -> String {
    Digest::of(&serde_json::to_vec(spec).expect("a request is strings and lists")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::fixture::graph;

    fn document() -> (Document, Plan) {
        let graph = graph(
            "dep@2.0.0 run target
             dep@2.0.0 lib target
             app bin target -> dep@2.0.0",
        );
        let plan = Plan::new(&graph);
        let checksum = "a".repeat(64);
        let lock = Lock {
            git: Vec::new(),
            unused: Vec::new(),
            packages: vec![crate::lock::LockedPackage {
                registry: crate::registry::Registry::crates_io(),
                name: "dep".to_owned(),
                version: "2.0.0".to_owned(),
                checksum,
            }],
        };
        let files = MemberFiles {
            outside: [Utf8PathBuf::from("proto/a.proto")].into(),
            digests: Some([("app/src/main.rs".to_owned(), "00".to_owned())].into()),
        };
        let members = BTreeMap::from([(PackageIx(0), files)]);
        (Document::new(Settings::default(), &graph, &plan, &lock, &members), plan)
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let (document, plan) = document();
        let metadata = document.answer(&plan).metadata();
        assert_eq!(Document::read(&metadata["result.json"]), Ok(document));
        assert_eq!(metadata["result.txt"], plan.to_string().as_bytes());
    }

    #[test]
    fn a_document_holds_what_keys_are_made_of() {
        let (document, _) = document();
        let Source::Locked { checksum } = &document.packages["dep-2.0.0"].source else { panic!("locked") };
        assert_eq!(checksum.len(), 64);
        let Source::Member { outside, files, .. } = &document.packages["app-1.0.0"].source else {
            panic!("a member")
        };
        assert_eq!((outside.len(), files.as_ref().map(BTreeMap::len)), (1, Some(1)));
        let names: Vec<&str> = document.vertices.iter().map(|vertex| vertex.name.as_str()).collect();
        assert_eq!(names, ["dep 2.0.0", "app 1.0.0 (bin \"app\")"]);
        assert_eq!(document.vertices[1].inputs, ["/t/dep-2.0.0"]);
        assert_eq!(document.vertices[0].steps.len(), 3);
        assert_eq!(document.vertices[0].steps[2].argv[0], "rustc");
        assert_eq!(document.targets["app"].vertex, document.vertices[1].id);
    }

    #[test]
    fn another_version_or_another_file_is_refused() {
        let message = |text: &str| Document::read(text.as_bytes()).unwrap_err().message;
        assert_eq!(
            message(r#"{"format": 7, "new": 1}"#),
            "the previous plan has version 7 of the format, and not 1"
        );
        assert!(message("[]").starts_with("the previous plan cannot be read"));
        assert!(message(r#"{"format": 1}"#).starts_with("the previous plan cannot be read: missing field"));
    }
}
