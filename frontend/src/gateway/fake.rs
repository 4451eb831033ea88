//! A daemon for tests: a gRPC server in memory that answers by a script and writes down what it was asked.
//!
//! It stands behind a real connection and the real client, so that a test of a phase also tests messages, limits and
//! error details. It runs nothing: the [`Script`] says which files a graph yields. Where a real daemon refuses
//! something (an unknown capability, a second result), this one does too.

mod server;
mod transcript;

use std::collections::BTreeMap;

use buildkit_proto::{gateway, pb};

use super::Error;
use super::grpc::Client;

pub use transcript::Transcript;

/// What a daemon of BuildKit v0.32 can run when nothing is switched off (solver/pb/caps.go).
const LLB_CAPS: &str = "
    source.image source.image.resolvemode source.image.layerlimit source.image.checksum source.local
    source.local.unique source.local.sessionid source.local.includepatterns source.local.followpaths
    source.local.excludepatterns source.local.sharedkeyhint source.local.differ
    source.local.metadatatransfer source.git source.git.keepgitdir source.git.fullurl
    source.git.httpauth source.git.knownsshhosts source.git.mountsshsock source.git.subdir
    source.git.checksum source.git.skipsubmodules source.git.signatureverify source.git.mtime
    source.git.fetchbycommit source.git.bundle source.git.checkoutbundle source.http source.http.auth
    source.http.checksum source.http.perm soruce.http.uidgid source.http.header
    source.http.signatureverify source.imageblob source.ocilayout exec.meta.base exec.meta.cgroup.parent
    exec.meta.network exec.meta.network.proxy exec.meta.proxyenv exec.meta.security
    exec.meta.setsdefaultpath exec.meta.ulimit exec.meta.cdi exec.meta.removemountstubs.recursive
    exec.meta.linux.resources exec.mount.bind exec.mount.bind.readwrite-nooutput exec.mount.cache
    exec.mount.cache.sharing exec.mount.selector exec.mount.tmpfs exec.mount.tmpfs.size
    exec.mount.secret exec.mount.ssh exec.mount.cache.content exec.secretenv exec.validexitcode
    file.base file.rm.wildcard file.copy.includeexcludepatterns file.copy.requiredpaths
    file.rm.nofollowsymlink file.copy.alwaysreplaceexistingdestpaths file.copy.modestring
    file.symlink.create constraints platform meta.ignorecache meta.description meta.exportcache mergeop
    diffop passthroughop
";

/// The files that a graph yields, by path without a leading slash.
pub type Tree = BTreeMap<String, Vec<u8>>;

/// What a solve yields.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// One tree by the name `""`, or one for each platform.
    pub trees: BTreeMap<String, Tree>,
    /// The result's metadata.
    pub metadata: BTreeMap<String, Vec<u8>>,
}

impl From<Tree> for Answer {
    fn from(tree: Tree) -> Self {
        Self { trees: BTreeMap::from([(String::new(), tree)]), metadata: BTreeMap::new() }
    }
}

/// What solves.
pub type Solve = dyn Fn(&gateway::SolveRequest) -> Result<Answer, tonic::Status> + Send + Sync;

/// An image that can be resolved.
#[derive(Clone, Debug)]
pub struct FakeImage {
    /// The digest of its manifest; empty for one that the daemon has built itself.
    pub digest: String,
    /// Its config, JSON.
    pub config: String,
}

/// How the daemon answers.
pub struct Script {
    /// What it can do as a gateway; all that the client looks for, unless the test takes something away.
    pub caps: Vec<String>,
    /// What it can run; everything, unless the test takes something away.
    pub llb_caps: Vec<String>,
    /// The platforms of its only worker.
    pub platforms: Vec<String>,
    /// What a graph, or another frontend, yields. An error is reported when the result is used, or at once when the
    /// request says `evaluate`.
    pub solve: Box<Solve>,
    /// Images by their full name.
    pub images: BTreeMap<String, FakeImage>,
    /// What source policies put in the place of an image, identifiers both: `docker-image://…`.
    pub policies: BTreeMap<String, String>,
    /// What the client hands in.
    pub inputs: BTreeMap<String, pb::Definition>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            caps: [
                "source.metaresolver",
                "gateway.solve.evaluate",
                "gateway.evaluate",
                "gateway.warnings",
                "frontend.inputs",
            ]
            .map(str::to_owned)
            .to_vec(),
            llb_caps: LLB_CAPS.split_whitespace().map(str::to_owned).collect(),
            platforms: vec!["linux/amd64".to_owned()],
            solve: Box::new(|_| Ok(Tree::new().into())),
            images: BTreeMap::new(),
            policies: BTreeMap::new(),
            inputs: BTreeMap::new(),
        }
    }
}

impl Script {
    /// A daemon for which every graph yields what the function says.
    pub fn files(tree: impl Fn(&pb::Definition) -> Tree + Send + Sync + 'static) -> Self {
        let solve = move |request: &gateway::SolveRequest| {
            Ok(request.definition.as_ref().map(&tree).unwrap_or_default().into())
        };
        Self { solve: Box::new(solve), ..Self::default() }
    }

    /// Starts the daemon and connects to it.
    ///
    /// # Errors
    /// When the client cannot connect.
    pub async fn start(self) -> Result<(Client, Transcript), Error> {
        // Larger than one HTTP/2 frame, smaller than the messages of tests, so that both sides have to wait.
        let (frontend, daemon) = tokio::io::duplex(64 << 10);
        let transcript = server::serve(self, daemon);
        Ok((Client::connect(frontend).await?, transcript))
    }
}

/// The name that the user sees of the vertex that a graph yields: to tell graphs apart in a script.
pub fn name_of(definition: &pb::Definition) -> Option<&str> {
    use prost::Message as _;

    let terminal = pb::Op::decode(definition.def.last()?.as_slice()).ok()?;
    let metadata = definition.metadata.get(&terminal.inputs.first()?.digest)?;
    metadata.description.get("llb.customname").map(String::as_str)
}

/// Every capability that a graph lists.
fn caps_of(definition: &pb::Definition) -> impl Iterator<Item = &String> {
    definition.metadata.values().flat_map(|metadata| metadata.caps.keys())
}

#[cfg(test)]
mod tests;
