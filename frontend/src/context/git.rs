//! Checkouts of repositories, for the build context and for named ones.

use buildkit_llb::{Annotate, Cap, Git, GitUrl, State};

use crate::{
    gateway::Gateway,
    request::{GitAddress, Request},
};

/// The source that an address names. Files get the time of the commit where the build asks for times that do not
/// depend on when it runs.
///
/// Secrets of the names `GIT_AUTH_TOKEN` and `GIT_AUTH_HEADER`, also with `.HOST` behind, and the ssh agent `default`
/// are used where the user passes them: the source names them, the daemon asks the client.
pub fn source(gateway: &impl Gateway, request: &Request, address: &GitAddress) -> Git {
    let mut git =
        Git::new(&address.url, &address.reference).subdir(&address.subdir).checksum(&address.checksum);
    if address.keep_git_dir {
        git = git.keep_git_dir();
    }
    if !address.submodules {
        git = git.skip_submodules();
    }
    let reproducible =
        request.source_date_epoch.is_some() && gateway.llb_caps().supports(&Cap::SOURCE_GIT_MTIME);
    if address.commit_times || reproducible {
        git = git.commit_times();
    }
    if address.fetch_by_commit {
        git = git.fetch_by_commit();
    }
    git
}

/// One commit with its `.git`, for steps that would clone it themselves. It is fetched anew where it is needed, and in no
/// exported cache.
pub fn checkout(url: &GitUrl, commit: &str) -> State {
    Git::new(url, commit)
        .keep_git_dir()
        .named(format!("[toolkit] {url} at {}", &commit[..commit.len().min(12)]))
        .export_cache(false)
        .state()
}
