//! An image's filesystem, layer by layer: what changes least lies lowest.
//!
//! The base; each asset; certificates and users; libraries; the user's files; the programs. Before libraries and
//! programs comes a vertex that looks at the programs with the image's own eyes: whether they could start there.

use std::collections::BTreeMap;

use buildkit_llb::{
    Annotate, Copy, Digest, Exec, Files, Http, HttpUrl, Owner, Platform, Remove, Span, State,
};
use longshore_helper::finish::{FinishRequest, Libraries, Program as FinishProgram};

use super::{Prefix, Workshop, known_by_origin, package::Toolkit};
use crate::paths;

/// What lies in an image.
#[derive(Debug, Clone)]
pub struct Contents<'a> {
    /// What everything is put on.
    pub base: &'a State,
    /// Downloads, each a layer of its own.
    pub assets: Vec<Asset<'a>>,
    /// CA certificates of the toolchain image are put in.
    pub certificates: Certificates,
    /// The base is empty, so the image gets what every program expects: `/etc/passwd`, `/tmp`.
    pub bare: bool,
    /// Files of the build context.
    pub files: Vec<FileCopy<'a>>,
    /// Programs and libraries.
    pub programs: Vec<Program<'a>>,
    /// What becomes of shared libraries that programs need.
    pub libraries: Libraries,
    /// Where the image's environment has the loader look for libraries.
    pub library_path: Vec<String>,
    /// The base is looked at for libraries; a program that is linked statically needs none.
    pub checked_on_base: bool,
    /// Written into the programs that have room for it.
    pub stamp: Option<String>,
    /// The architectures that the programs' device code must be for.
    pub device_code: Option<Vec<String>>,
    /// Libraries that the machine's driver brings.
    pub driver: Vec<String>,
    /// What libraries are copied from besides the toolchain image.
    pub toolkit: Option<&'a Toolkit>,
}

/// Whether an image gets CA certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificates {
    /// No.
    No,
    /// If the toolchain image has some.
    IfThere,
    /// Yes; a toolchain image without any is an error.
    Yes,
}

/// A program or library of an image.
#[derive(Debug, Clone)]
pub struct Program<'a> {
    /// The output of the vertex that compiled it.
    pub output: &'a State,
    /// File in that output.
    pub file: &'a str,
    /// Absolute path in the image.
    pub path: String,
}

/// A download.
#[derive(Debug, Clone)]
pub struct Asset<'a> {
    /// Where from.
    pub url: HttpUrl,
    /// What it must be.
    pub checksum: Digest,
    /// Absolute path in the image: of the file, or of the directory to unpack into.
    pub to: &'a str,
    /// It is an archive.
    pub unpack: bool,
    /// Whose it is.
    pub owner: Owner,
    /// Permission bits; absent keeps what it has.
    pub mode: Option<u32>,
    /// Shared libraries may be in it, which programs find in the image.
    pub has_libraries: bool,
    /// Where the user asked for it.
    pub span: &'a Span,
}

/// A file or directory of the build context.
#[derive(Debug, Clone)]
pub struct FileCopy<'a> {
    /// The build context.
    pub context: &'a State,
    /// Path or pattern below the context's root.
    pub from: String,
    /// It is a directory, whose contents are meant.
    pub contents: bool,
    /// Absolute path in the image.
    pub to: &'a str,
    /// Whose it is.
    pub owner: Owner,
    /// Permission bits; absent keeps what it has.
    pub mode: Option<u32>,
    /// Shared libraries are in it, which programs find in the image.
    pub has_libraries: bool,
}

/// Everybody may run a program; a library is the same to its loader.
const PROGRAM_MODE: u32 = 0o755;

/// Where programs go.
pub const BIN_DIR: &str = "/usr/local/bin";

/// Where libraries for others to load go.
pub const LIB_DIR: &str = "/usr/local/lib";

/// Where the toolchain image has the certificates, and where programs look for them (Debian's `ca-certificates`).
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Users of an image on `scratch`: those of Debian that matter, and the one that programs run as.
const PASSWD: &str = "root:x:0:0:root:/root:/sbin/nologin\n\
    nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n\
    nonroot:x:65532:65532:nonroot:/nonexistent:/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nnobody:x:65534:\nnonroot:x:65532:\n";

/// How an image is called, and what it depends on without containing it.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// Its target's name.
    pub name: &'a str,
    /// Before the names of its steps.
    pub prefix: &'a Prefix,
    /// Where the user asked for it.
    pub span: Option<&'a Span>,
    /// The recording and the members' reports: nothing of them is copied, but the step that finishes the programs sees
    /// them, so that a cache exported with `mode=max` carries them and a fresh machine need not make them again.
    pub kept: &'a [&'a State],
    /// What all files are dated, in seconds since 1970.
    pub epoch: Option<i64>,
}

/// The filesystem of an image.
pub fn image(workshop: &Workshop, contents: &Contents<'_>, about: &About<'_>) -> State {
    let mut below = contents.base.clone();
    for asset in &contents.assets {
        below = with_asset(&below, asset, about);
    }
    if contents.certificates != Certificates::No || contents.bare {
        below = with_system(workshop, &below, contents, about);
    }
    let finished = (!contents.programs.is_empty()).then(|| finished(workshop, contents, about));
    if let Some(libraries) = finished.as_ref().and_then(|finished| finished.libraries.as_ref()) {
        // A vertex is keyed by what it copies: another program with the same libraries has this layer in common.
        below = Files::on(&below)
            .add(dated(Copy::new(libraries, "/", "/").contents().parents(), about))
            .labeled(format!("libraries:{}", about.name))
            .named(format!("{} {}: libraries", about.prefix.of("image"), about.name))
            .state();
    }

    let mut files = Files::on(&below);
    for file in &contents.files {
        files = files.add(parent(file.to, about)).add(copied(file, about));
    }
    // Those that are stamped come out of the step that looks at them. Others go from the steps that compiled them into the image, so
    // nobody copies, compresses or exports them twice.
    for program in contents.programs.iter().filter(|_| contents.stamp.is_none()) {
        let copy = Copy::new(program.output, format!("/{}", program.file), &program.path);
        // BuildKit copies a file through a link, and into a directory, that is there (`Copy` of fsutil's package `copy`); it removes
        // a link and not what that leads to (`rmPath` in `solver/llbsolver/file/backend.go`).
        files = files
            .add(Remove::new(&program.path).allow_missing())
            .add(dated(copy.parents().mode(PROGRAM_MODE), about));
    }
    if let Some(finished) = &finished {
        // After the programs: so directories have a date of their own, not that of the build.
        files = files.add(dated(Copy::new(&finished.files, "/", "/").contents().parents(), about));
    }
    let files = files.labeled(format!("image:{}", about.name)).named(format!(
        "{} {}",
        about.prefix.of("image"),
        about.name
    ));
    match about.span {
        Some(span) => files.at(span).state(),
        None => files.state(),
    }
}

/// What an image is run with.
#[derive(Debug, Clone)]
pub struct Smoke<'a> {
    /// The platform that it is for, which is the builder's.
    pub platform: &'a Platform,
    /// Its entrypoint, and what the user adds.
    pub command: Vec<String>,
    /// Its variables.
    pub env: BTreeMap<String, String>,
    /// Whom it runs as.
    pub user: &'a str,
    /// Where it starts.
    pub workdir: &'a str,
}

/// Runs an image as a container would be started from it. Nothing comes of it but whether it works.
pub fn smoke(files: &State, smoke: &Smoke<'_>, about: &About<'_>) -> State {
    let exec = Exec::new(smoke.platform, files, smoke.command.clone())
        .envs(smoke.env.clone())
        .user(smoke.user)
        .cwd(smoke.workdir)
        .offline()
        .output(paths::SMOKE, &State::SCRATCH)
        .labeled(format!("smoke:{}", about.name))
        .named(format!("{} {}: smoke test", about.prefix.of("image"), about.name));
    match about.span {
        Some(span) => exec.at(span).run(),
        None => exec.run(),
    }
}

/// Programs and nothing else, for others to put on a base. Their device code is what was asked for.
pub fn programs(
    workshop: &Workshop,
    programs: Vec<Program<'_>>,
    device_code: Option<Vec<String>>,
    about: &About<'_>,
) -> State {
    let contents = Contents {
        base: &State::SCRATCH,
        assets: Vec::new(),
        certificates: Certificates::No,
        bare: false,
        files: Vec::new(),
        programs,
        libraries: Libraries::Ignore,
        library_path: Vec::new(),
        checked_on_base: false,
        stamp: None,
        device_code,
        driver: Vec::new(),
        toolkit: None,
    };
    finishing(workshop, &contents, true, about)
        .output(paths::FINISHED, &State::SCRATCH)
        .labeled(format!("context:{}", about.name))
        .named(format!("{} from the workspace", about.prefix.of(&format!("context {}", about.name))))
        .run()
}

/// What the step made that looked at an image's programs.
struct Finished {
    /// The directories of the programs, and those programs that are stamped.
    files: State,
    /// The libraries that come along, where the settings want that.
    libraries: Option<State>,
}

/// The programs are looked at with the eyes of their image: it depends on what comes of that.
fn finished(workshop: &Workshop, contents: &Contents<'_>, about: &About<'_>) -> Finished {
    let exec = finishing(workshop, contents, false, about)
        .output(paths::FINISHED, &State::SCRATCH)
        .labeled(format!("finish:{}", about.name))
        .named(format!("{} {}: check programs", about.prefix.of("image"), about.name));
    let exec = match about.span {
        Some(span) => exec.at(span),
        None => exec,
    };
    if contents.libraries != Libraries::Copy {
        return Finished { files: exec.run(), libraries: None };
    }
    let (files, libraries) = exec.output(paths::FINISHED_LIBRARIES, &State::SCRATCH).run();
    Finished { files, libraries: Some(libraries) }
}

/// The step without its outputs. Programs are part of what it makes when they are `copied`, or stamped.
fn finishing(workshop: &Workshop, contents: &Contents<'_>, copied: bool, about: &About<'_>) -> Exec {
    let programs = contents.programs.iter().enumerate();
    let request = FinishRequest {
        programs: programs
            .clone()
            .map(|(at, program)| FinishProgram {
                file: format!("{}/{at}/{}", paths::PROGRAMS, program.file),
                path: program.path.clone(),
            })
            .collect(),
        root: contents.checked_on_base.then(|| paths::IMAGE.to_owned()),
        libraries: contents.libraries,
        library_path: contents.library_path.clone(),
        stamp: contents.stamp.clone(),
        device_code: contents.device_code.clone(),
        driver: contents.driver.clone(),
        copied,
        output: paths::FINISHED.to_owned(),
        libraries_output: (contents.libraries == Libraries::Copy)
            .then(|| paths::FINISHED_LIBRARIES.to_owned()),
    };
    let request = serde_json::to_string(&request).expect("strings can be written as JSON");
    let mut exec = workshop.helper("finish", &request);
    for (at, program) in programs {
        exec = exec.mount(format!("{}/{at}", paths::PROGRAMS), program.output);
    }
    if contents.checked_on_base {
        exec = exec.mount(paths::IMAGE, &checked_root(contents, about));
    }
    if contents.libraries == Libraries::Copy {
        for (place, files) in contents.toolkit.into_iter().flat_map(Toolkit::mounts) {
            exec = exec.mount(place, files);
        }
    }
    for (at, state) in about.kept.iter().enumerate() {
        exec = exec.mount(format!("{}/{at}", paths::KEPT), known_by_origin(state));
    }
    exec
}

/// What programs are looked at on: the base, with what else of the image brings libraries. Other files are none of the check's
/// business, and it is not made again for them.
fn checked_root(contents: &Contents<'_>, about: &About<'_>) -> State {
    let mut root = contents.base.clone();
    if contents.assets.iter().any(|asset| asset.has_libraries) {
        // All of them, as the image has them: one layer stands on another.
        for asset in &contents.assets {
            root = with_asset(&root, asset, about);
        }
    }
    let mut with_libraries = contents.files.iter().filter(|file| file.has_libraries).peekable();
    if with_libraries.peek().is_none() {
        return root;
    }
    let mut files = Files::on(&root);
    for file in with_libraries {
        files = files.add(parent(file.to, about)).add(copied(file, about));
    }
    files
        .labeled(format!("provided:{}", about.name))
        .named(format!("{} {}: libraries of the context", about.prefix.of("image"), about.name))
        .state()
}

/// Files of the build context at their place.
fn copied(file: &FileCopy<'_>, about: &About<'_>) -> Copy {
    let copy = dated(Copy::new(file.context, &file.from, file.to).parents(), about).owner(file.owner.clone());
    let copy = if file.contents { copy.contents() } else { copy.wildcard() };
    match file.mode {
        // Directories without a single `x` could not be entered.
        Some(mode) if file.contents && mode & 0o111 == 0 => copy.symbolic_mode(searchable(mode)),
        Some(mode) => copy.mode(mode),
        None => copy,
    }
}

/// A layer with one download.
fn with_asset(below: &State, asset: &Asset<'_>, about: &About<'_>) -> State {
    let name = asset.to.trim_end_matches('/').rsplit('/').next().unwrap_or(asset.to);
    let download = Http::new(&asset.url, &asset.checksum)
        .filename("asset")
        .labeled(format!("asset:{}", asset.to))
        .named(format!("[asset] download {name}"))
        .at(asset.span)
        .state();
    let mut copy =
        dated(Copy::new(&download, "/asset", asset.to).parents(), about).owner(asset.owner.clone());
    if asset.unpack {
        copy = copy.unpack();
    }
    // BuildKit gives downloads the mode 0600, with which nobody but root could read them.
    let mode = asset.mode.or((!asset.unpack).then_some(0o644));
    if let Some(mode) = mode {
        copy = copy.mode(mode);
    }
    Files::on(below)
        .add(parent(asset.to, about))
        .add(copy)
        .labeled(format!("layer:{}", asset.to))
        .named(format!("{} {}", about.prefix.of("asset"), asset.to))
        .at(asset.span)
        .state()
}

/// A layer with what programs expect of a system.
fn with_system(workshop: &Workshop, below: &State, contents: &Contents<'_>, about: &About<'_>) -> State {
    let mut files = Files::on(below);
    if contents.bare {
        let write = |path: &str, text: &str| dated_write(path, text, about);
        files = files
            .add(dated_mkdir("/etc", 0o755, about))
            .add(write("/etc/passwd", PASSWD))
            .add(write("/etc/group", GROUP))
            .add(dated_mkdir("/tmp", 0o1777, about));
    }
    let copy = match contents.certificates {
        Certificates::No => None,
        Certificates::IfThere => Some(
            Copy::new(&workshop.toolchain, format!("{CERTIFICATES}*"), "/etc/ssl/certs/")
                .wildcard()
                .allow_empty_wildcard(),
        ),
        Certificates::Yes => {
            Some(Copy::new(&workshop.toolchain, CERTIFICATES, CERTIFICATES).follow_symlinks())
        }
    };
    if let Some(copy) = copy {
        files = files.add(parent(CERTIFICATES, about)).add(dated(copy.parents().mode(0o644), about));
    }
    files
        .labeled(format!("system:{}", about.name))
        .named(format!("{} {}: certificates and users", about.prefix.of("image"), about.name))
        .state()
}

/// A mode for files as `chmod` writes it, under which directories can be entered by whoever can read them.
fn searchable(mode: u32) -> String {
    let class = |name: char, shift: u32| {
        let bits = mode >> shift & 0o7;
        let read = if bits & 4 != 0 { "rX" } else { "" };
        let write = if bits & 2 != 0 { "w" } else { "" };
        format!("{name}={read}{write}")
    };
    [class('u', 6), class('g', 3), class('o', 0)].join(",")
}

/// The directory that a file goes into. A copy would make it with the mode of the file, and without an `x` nobody could
/// enter it.
fn parent(path: &str, about: &About<'_>) -> buildkit_llb::Mkdir {
    let directory = path.rsplit_once('/').map_or("/", |(directory, _)| directory);
    dated_mkdir(if directory.is_empty() { "/" } else { directory }, 0o755, about)
}

fn dated(copy: Copy, about: &About<'_>) -> Copy {
    match about.epoch {
        Some(epoch) => copy.timestamp(epoch),
        None => copy,
    }
}

fn dated_write(path: &str, text: &str, about: &About<'_>) -> buildkit_llb::Write {
    let write = buildkit_llb::Write::new(path, 0o644, text);
    write.timestamp(about.epoch.unwrap_or(0))
}

fn dated_mkdir(path: &str, mode: u32, about: &About<'_>) -> buildkit_llb::Mkdir {
    buildkit_llb::Mkdir::new(path, mode).parents().timestamp(about.epoch.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_read_a_file_can_enter_its_directory() {
        assert_eq!(searchable(0o640), "u=rXw,g=rX,o=");
        assert_eq!(searchable(0o604), "u=rXw,g=,o=rX");
    }
}
