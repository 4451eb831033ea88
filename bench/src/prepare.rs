//! What has to be there before anything is timed: a workspace's files, its packages for the Dockerfiles, and the
//! image that these begin with.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Result, contenders, edits,
    engine::{self, Engine},
    files,
    matrix::Cell,
    workspaces::{From, Workspace},
};

const SYNTAX: &str = "# syntax=localhost/longshore:dev\n";

/// Places that everything needs.
#[derive(Debug, Clone)]
pub struct Places {
    /// This repository.
    pub repository: PathBuf,
    /// Where downloads and vendored packages are kept.
    pub cache: PathBuf,
    /// The toolchain image.
    pub toolchain: String,
}

/// Lays out a workspace as it is before any edit, and returns its directory.
///
/// # Errors
/// Its files cannot be had.
pub fn workspace(places: &Places, workspace: &Workspace) -> Result<PathBuf> {
    let directory = places.cache.join(workspace.name).join("base");
    files::empty(&directory)?;
    match &workspace.from {
        From::Script(name) => {
            let script = places.repository.join("scripts/lib").join(name);
            engine::run(Command::new(script).arg(&directory))?;
        }
        // What our own tests keep beside a project is no part of it.
        From::Directory(path) => {
            files::copy(&places.repository.join(path), &directory, &["target", "expect", "recorded"])?;
        }
        From::Published(published) => crate::members::lay_out(places, published, &directory)?,
    }
    let manifest = directory.join("Cargo.toml");
    let text = files::read(&manifest)?;
    let syntax = if text.starts_with("# syntax=") { "" } else { SYNTAX };
    let text = format!("{syntax}{text}{}", edits::image_of_all(workspace.programs));
    files::write(&manifest, &text)?;
    Ok(directory)
}

/// A copy of a workspace with a variable for all compilations, so that nothing compiled with another value is found.
///
/// # Errors
/// It cannot be written.
pub fn salted(base: &Path, to: &Path, salt: &str) -> Result {
    files::empty(to)?;
    files::copy(base, to, &[])?;
    let path = to.join(".cargo/config.toml");
    let text = if path.exists() { files::read(&path)? } else { String::new() };
    files::write(&path, &format!("{text}\n[env]\nBENCH_SALT = \"{salt}\"\n"))
}

/// Sets `bundle` in a workspace.
///
/// # Errors
/// Its manifest cannot be read or written.
pub fn bundled(directory: &Path, bundle: bool) -> Result {
    let manifest = directory.join("Cargo.toml");
    files::write(&manifest, &edits::bundled(&files::read(&manifest)?, bundle))
}

/// Makes a cell's change to a workspace.
///
/// # Errors
/// It does not fit, or cannot be written.
pub fn edit(directory: &Path, workspace: &Workspace, cell: Cell, serial: u64) -> Result {
    let read = |path: &str| files::read(&directory.join(path));
    for change in edits::changes(cell, &workspace.edits, serial, &read)? {
        files::write(&directory.join(&change.path), &change.text)?;
    }
    Ok(())
}

/// Where the packages of a workspace's lock files lie, once [`base_image`] has been made.
pub fn vendored(places: &Places, workspace: &Workspace) -> PathBuf {
    places.cache.join(workspace.name).join("image/vendor")
}

/// Makes the image that the Dockerfiles begin with, with the packages of both lock files.
///
/// # Errors
/// Packages cannot be downloaded, or Docker's.
pub fn base_image(places: &Places, workspace: &Workspace, base: &Path, engine: &Engine) -> Result {
    let directory = places.cache.join(workspace.name);
    let bumped = directory.join("bumped");
    files::empty(&bumped)?;
    files::copy(base, &bumped, &[])?;
    edit(&bumped, workspace, Cell::LockBump, 0)?;
    let context = directory.join("image");
    let vendor = vendored(places, workspace);
    files::empty(&context)?;
    engine::run(
        Command::new("cargo")
            .args(["vendor", "--quiet", "--locked", "--versioned-dirs", "--sync"])
            .args([&bumped.join("Cargo.toml"), &vendor])
            .current_dir(base),
    )?;
    fs::copy(places.cache.join("cargo-chef/bin/cargo-chef"), context.join("cargo-chef"))?;
    files::write(&context.join("config.toml"), contenders::BASE_CONFIG)?;
    let dockerfile = directory.join("Dockerfile.base");
    files::write(&dockerfile, &contenders::base_dockerfile(&places.toolchain))?;
    let mut command = engine.docker(["buildx", "build", "--output", "type=docker", "--provenance=false"]);
    command.args(["--tag", &contenders::base_image(workspace.name), "--file"]);
    engine::run(command.arg(&dockerfile).arg(&context))?;
    Ok(())
}

/// Installs cargo-chef from crates.io, unless it is there, and returns its version. It is linked statically, since it
/// has to run in the toolchain image too.
///
/// # Errors
/// It does not compile.
pub fn cargo_chef(places: &Places) -> Result<String> {
    let root = places.cache.join("cargo-chef");
    let program = root.join("bin/cargo-chef");
    if !program.exists() {
        eprintln!("bench: installing cargo-chef");
        let version = engine::run(Command::new("rustc").arg("-vV"))?;
        let host =
            version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc names no host")?;
        engine::run(
            Command::new("cargo")
                .args(["install", "cargo-chef", "--locked", "--quiet", "--target", host, "--root"])
                .arg(&root)
                .env("RUSTFLAGS", "-C target-feature=+crt-static")
                .env_remove("CARGO_TARGET_DIR"),
        )?;
    }
    let version = engine::run(Command::new(program).args(["chef", "--version"]))?;
    Ok(version.trim().rsplit(' ').next().unwrap_or_default().to_owned())
}
