//! Repositories that a build is given, served on the loopback device as files, which git calls the dumb protocol.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, server::Server};

/// A repository in a directory.
pub(crate) struct Repository {
    /// Its work tree.
    pub(crate) directory: PathBuf,
}

impl Repository {
    /// Makes a repository of a directory's files, with one commit on `main`.
    pub(crate) fn new(directory: &Path) -> Result<Self> {
        let repository = Self { directory: directory.to_owned() };
        repository.git(&["init", "--quiet", "--initial-branch=main"])?;
        repository.commit()?;
        Ok(repository)
    }

    /// Runs git in it; what it prints.
    pub(crate) fn git(&self, args: &[&str]) -> Result<String> {
        let identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
        let output = Command::new("git").args(identity).args(args).current_dir(&self.directory).output()?;
        if !output.status.success() {
            return Err(format!("git {args:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Commits everything; the commit.
    pub(crate) fn commit(&self) -> Result<String> {
        self.git(&["add", "."])?;
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "all"])?;
        self.git(&["update-server-info"])?;
        self.git(&["rev-parse", "HEAD"])
    }

    /// Serves it as it is now, below a path.
    pub(crate) fn serve(&self, below: &str) -> Result<Server> {
        self.serve_for(below, None)
    }

    /// The same, to those who show a token in the header `Authorization`.
    pub(crate) fn serve_for(&self, below: &str, token: Option<&str>) -> Result<Server> {
        Server::directory_for(&self.directory.join(".git"), below, token)
    }
}
