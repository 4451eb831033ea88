//! The plan in a form that outlives the build: `--call=plan` writes it, `--call=explain` reads an earlier one.

use std::collections::BTreeMap;

use longshore_helper::spec::Spec;
use serde::{Deserialize, Serialize};

use super::Answer;
use crate::{
    lock::Lock,
    plan::{ArtifactKind, Part, Plan, Vertex},
    units::{Side, UnitGraph},
};

/// Which form this is. Another one is not read.
pub const VERSION: u32 = 1;

/// A whole plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanFile {
    /// [`VERSION`].
    pub version: u32,
    /// What compiles.
    pub toolchain: Toolchain,
    /// What cargo was asked to build.
    pub selection: SelectionFile,
    /// Locked packages that are in use, by `name version`: their checksums.
    pub checksums: BTreeMap<String, String>,
    /// Dependencies before dependents.
    pub vertices: Vec<VertexFile>,
    /// What can be asked for.
    pub targets: Vec<TargetFile>,
}

/// The toolchain image, and the programs that answered in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toolchain {
    /// The image's name.
    pub image: String,
    /// What pins it.
    pub digest: String,
    /// `cargo --version`.
    pub cargo: String,
    /// `rustc --version`.
    pub rustc: String,
}

/// What cargo was asked to build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelectionFile {
    /// `linux/amd64`.
    pub platform: String,
    /// `--target`.
    pub target: String,
    /// `--profile`.
    pub profile: String,
    /// `--features`.
    pub features: Vec<String>,
}

/// One step of the build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VertexFile {
    /// Its output directory, which no other vertex has.
    pub id: String,
    /// Its package.
    pub package: String,
    /// The package's version.
    pub package_version: String,
    /// The package is a member of the workspace.
    pub member: bool,
    /// `host` or `target`.
    pub side: String,
    /// The binary that it compiles; absent for the library and build script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bin: Option<String>,
    /// Ids of the vertices whose output it sees.
    pub inputs: Vec<String>,
    /// What runs in it.
    pub runs: Spec,
}

/// Something that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetFile {
    /// `--target`.
    pub name: String,
    /// `program` or `library`.
    pub kind: String,
    /// The vertex that compiles it.
    pub vertex: String,
}

impl PlanFile {
    /// Writes down a plan.
    pub fn new(
        toolchain: Toolchain,
        selection: SelectionFile,
        lock: &Lock,
        graph: &UnitGraph,
        plan: &Plan,
    ) -> PlanFile {
        let vertices: Vec<VertexFile> =
            plan.vertices.iter().map(|vertex| vertex_file(graph, plan, vertex)).collect();
        let in_use = |name: &str, version: &str| {
            vertices.iter().any(|vertex| vertex.package == name && vertex.package_version == version)
        };
        let checksums = lock
            .packages
            .iter()
            .filter(|package| in_use(&package.name, &package.version))
            .map(|package| (format!("{} {}", package.name, package.version), package.checksum.clone()))
            .collect();
        let targets = plan
            .targets
            .iter()
            .map(|target| TargetFile {
                name: target.name.clone(),
                kind: match target.kind {
                    ArtifactKind::Program => "program",
                    ArtifactKind::Library => "library",
                }
                .to_owned(),
                vertex: plan.vertex(target.vertex).output().to_owned(),
            })
            .collect();
        PlanFile { version: VERSION, toolchain, selection, checksums, vertices, targets }
    }

    /// Reads an earlier plan.
    ///
    /// # Errors
    /// It is no plan, or one of another form.
    pub fn parse(text: &[u8]) -> Result<PlanFile, String> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if version != VERSION {
            return Err(format!("it has version {version}, and this frontend reads version {VERSION}"));
        }
        serde_json::from_slice(text).map_err(|error| error.to_string())
    }
}

fn vertex_file(graph: &UnitGraph, plan: &Plan, vertex: &Vertex) -> VertexFile {
    let package = graph.package(vertex.package);
    VertexFile {
        id: vertex.output().to_owned(),
        package: package.name.clone(),
        package_version: package.version.clone(),
        member: package.member_directory().is_some(),
        side: match vertex.side {
            Side::Host => "host",
            Side::Target => "target",
        }
        .to_owned(),
        bin: match &vertex.part {
            Part::Bin(name) => Some(name.clone()),
            Part::Library => None,
        },
        inputs: vertex.inputs.iter().map(|input| plan.vertex(*input).output().to_owned()).collect(),
        runs: vertex.spec.clone(),
    }
}

/// The plan, as a file and as text.
pub fn answer(file: &PlanFile, plan: &Plan) -> Answer {
    let json = serde_json::to_value(file).expect("strings and lists can be written as JSON");
    Answer { json, text: plan.to_string(), status: None }
}
