//! Addresses of git contexts, as clients write them: `https://host/repo.git#ref:subdir`, or with a query
//! (frontend/dockerfile/dfgitutil).

use buildkit_llb::{Git, GitUrl};

/// A git context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GitRef {
    /// What git is given to fetch from.
    pub url: String,
    /// A commit, branch or tag; empty for the default branch.
    pub reference: String,
    /// The part of the repository to use.
    pub subdir: Option<String>,
    /// The commit that the reference must be.
    pub checksum: Option<String>,
    /// The `.git` directory is wanted.
    pub keep_git_dir: bool,
    /// Submodules are not.
    pub skip_submodules: bool,
}

impl GitRef {
    /// Reads an address that is known to be one of a repository.
    ///
    /// # Errors
    /// It says something that cannot be understood; the sentence continues "which".
    pub fn parse(address: &str) -> Result<Self, String> {
        let (rest, fragment) = match address.split_once('#') {
            Some((rest, fragment)) => (rest, Some(fragment)),
            None => (address, None),
        };
        let (url, query) = match rest.split_once('?') {
            Some((url, query)) if is_url(rest) => (url, Some(query)),
            _ => (rest, None),
        };
        let url = if url.starts_with("github.com/") { format!("https://{url}") } else { url.to_owned() };
        let mut git = Self { url, ..Self::default() };
        if let Some(fragment) = fragment {
            let (reference, subdir) = fragment.split_once(':').unwrap_or((fragment, ""));
            git.reference = reference.to_owned();
            git.subdir = (!subdir.is_empty()).then(|| subdir.to_owned());
        }
        for pair in query.into_iter().flat_map(|query| query.split('&')).filter(|pair| !pair.is_empty()) {
            git.field(pair, fragment.is_some())?;
        }
        GitUrl::parse(&git.url).map_err(|error| format!("which {error}"))?;
        Ok(git)
    }

    fn field(&mut self, pair: &str, has_fragment: bool) -> Result<(), String> {
        let (key, value) = pair.split_once('=').unwrap_or((pair, "true"));
        let flag = || match value {
            "" | "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(format!("where `{key}` is `{value}`, expected `true` or `false`")),
        };
        match key {
            "ref" | "branch" | "tag" if has_fragment || !self.reference.is_empty() => {
                return Err("which names its reference twice".to_owned());
            }
            "ref" => self.reference = value.to_owned(),
            "branch" => self.reference = format!("refs/heads/{value}"),
            "tag" => self.reference = format!("refs/tags/{value}"),
            "subdir" => self.subdir = Some(value.to_owned()),
            "checksum" | "commit" => self.checksum = Some(value.to_owned()),
            "keep-git-dir" => self.keep_git_dir = flag()?,
            "submodules" => self.skip_submodules = !flag()?,
            _ => return Err(format!("whose query has an unknown `{key}`")),
        }
        Ok(())
    }

    /// The checkout, as a source.
    pub fn source(&self) -> Git {
        let url = GitUrl::parse(&self.url).expect("checked when the address was read");
        let mut git = Git::new(&url, &self.reference);
        if let Some(subdir) = &self.subdir {
            git = git.subdir(subdir);
        }
        if let Some(checksum) = &self.checksum {
            git = git.checksum(checksum);
        }
        if self.keep_git_dir {
            git = git.keep_git_dir();
        }
        if self.skip_submodules {
            git = git.skip_submodules();
        }
        git
    }
}

fn is_url(text: &str) -> bool {
    text.contains("://") || text.starts_with("github.com/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_names_a_reference_and_a_directory() {
        let git = GitRef::parse("https://example.com/a/b.git#v1.2:services/api").unwrap();
        assert_eq!(git.url, "https://example.com/a/b.git");
        assert_eq!((git.reference.as_str(), git.subdir.as_deref()), ("v1.2", Some("services/api")));
        assert_eq!(GitRef::parse("https://example.com/a/b.git#:sub").unwrap().subdir.as_deref(), Some("sub"));
    }

    #[test]
    fn a_query_says_it_in_words() {
        let git =
            GitRef::parse("https://example.com/b.git?branch=main&subdir=x&keep-git-dir=1&submodules=false")
                .unwrap();
        assert_eq!(git.reference, "refs/heads/main");
        assert!(git.keep_git_dir && git.skip_submodules);
        assert!(
            GitRef::parse("https://example.com/b.git?brnch=main").unwrap_err().contains("unknown `brnch`")
        );
        assert!(GitRef::parse("https://example.com/b.git?ref=a#b").unwrap_err().contains("twice"));
        assert!(GitRef::parse("https://example.com/b.git?keep-git-dir=maybe").is_err());
    }

    #[test]
    fn short_forms_are_understood() {
        assert_eq!(GitRef::parse("github.com/a/b").unwrap().url, "https://github.com/a/b");
        assert_eq!(GitRef::parse("git@example.com:a/b.git#main").unwrap().reference, "main");
    }
}
