//! Looking back at a build: runs it, and says in a few words what it did.

use std::collections::{BTreeMap, BTreeSet};

use buildkit_llb::{SourceFile, State};
use longshore_helper::report::{self, Entry, SUMMARY_FILE};
use serde_json::{Value, json};

use crate::{
    call::graph::{duration, size},
    context::{self, BuildContext, When},
    emit::{
        Workshop,
        summary::{Looked, summary},
    },
    gateway::{Failure, Gateway, Warning},
    request::{NoCache, Request},
};

/// One image that was built.
#[derive(Debug, Clone)]
pub struct Part<'a> {
    /// The target.
    pub target: String,
    /// `linux/amd64`.
    pub platform: String,
    /// Its filesystem.
    pub files: &'a State,
    /// Entries of the ledger, one for each vertex that compiles.
    pub keys: Vec<String>,
    /// Reports of its members.
    pub reports: Vec<&'a State>,
    /// Its smoke test.
    pub smoke: Option<&'a State>,
}

/// What a build did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Targets and platforms, with the size of the image in bytes.
    pub images: Vec<(String, String, u64)>,
    /// Vertices that compile.
    pub packages: usize,
    /// Those that ran in this build.
    pub ran: usize,
    /// How long those took together, in seconds.
    pub ran_seconds: f64,
    /// How long all took when they last ran, in seconds.
    pub all_seconds: f64,
}

/// Builds the images and looks back. Warnings of members are told again: their vertices may have been cached, and the
/// user would not see them.
///
/// # Errors
/// A step of the build fails.
pub async fn look_back(
    gateway: &impl Gateway,
    request: &Request,
    workshop: &Workshop,
    build_context: &BuildContext,
    parts: &[Part<'_>],
) -> Result<Summary, Failure> {
    let keys: BTreeSet<String> = parts.iter().flat_map(|part| part.keys.iter().cloned()).collect();
    let mut told = BTreeSet::new();
    let looked = Looked {
        keys: keys.iter().cloned().collect(),
        images: parts.iter().map(|part| part.files).collect(),
        reports: parts
            .iter()
            .flat_map(|part| part.reports.iter().copied())
            .filter(|report| told.insert(*report))
            .collect(),
        // What is cached says so by its entries, which are older than this build. A step that ran because it was told to may
        // have made what was there.
        since: (request.no_cache != NoCache::Off).then_some(request.started),
        digested: Vec::new(),
        ran: parts.iter().filter_map(|part| part.smoke).collect(),
    };
    let found = read(gateway, request, &summary(workshop, &looked)).await?;
    warn(gateway, request, build_context, &found.warnings).await?;
    let sizes = found.sizes.iter().copied().chain(std::iter::repeat(0));
    let ran: Vec<&Entry> = found.entries.values().filter(|entry| entry.finished >= request.started).collect();
    Ok(Summary {
        images: parts
            .iter()
            .zip(sizes)
            .map(|(part, size)| (part.target.to_owned(), part.platform.clone(), size))
            .collect(),
        packages: keys.len(),
        ran: ran.len(),
        ran_seconds: total(ran.iter().map(|entry| entry.seconds)),
        all_seconds: total(found.entries.values().map(|entry| entry.seconds)),
    })
}

/// What the ledger knows about vertices, without running any.
///
/// # Errors
/// The daemon cannot be asked.
pub async fn known(
    gateway: &impl Gateway,
    request: &Request,
    workshop: &Workshop,
    keys: Vec<String>,
) -> Result<BTreeMap<String, Entry>, Failure> {
    let looked = Looked { keys, since: Some(request.started), ..Looked::default() };
    Ok(read(gateway, request, &summary(workshop, &looked)).await?.entries)
}

/// The digests of files by path, of each of these filesystems: copies of the client's files. BuildKit keys a copy by the
/// contents of what is copied (`solver/llbsolver/ops/file.go`, `CacheMap`), so an earlier answer is right.
///
/// # Errors
/// The daemon cannot be asked.
pub async fn digests(
    gateway: &impl Gateway,
    request: &Request,
    workshop: &Workshop,
    filesystems: Vec<&State>,
) -> Result<Vec<BTreeMap<String, String>>, Failure> {
    let looked = Looked { digested: filesystems, ..Looked::default() };
    Ok(read(gateway, request, &summary(workshop, &looked)).await?.digests)
}

async fn read(gateway: &impl Gateway, request: &Request, state: &State) -> Result<report::Summary, Failure> {
    // A failing step of the build fails here, and speaks for itself.
    let reference = context::solve(gateway, request, state, When::Now).await?;
    let data = context::read_optional(gateway, &reference, SUMMARY_FILE).await?;
    Ok(data.and_then(|data| serde_json::from_slice(&data).ok()).unwrap_or_default())
}

/// Shows warnings at their lines.
async fn warn(
    gateway: &impl Gateway,
    request: &Request,
    build_context: &BuildContext,
    warnings: &[report::Warning],
) -> Result<(), Failure> {
    if warnings.is_empty() {
        return Ok(());
    }
    let reference = context::solve(gateway, request, &build_context.state, When::Used).await?;
    let mut files: BTreeMap<&str, Option<SourceFile>> = BTreeMap::new();
    for warning in warnings {
        if !warning.file.is_empty() && !files.contains_key(warning.file.as_str()) {
            let text = context::read_optional(gateway, &reference, &warning.file).await?;
            let file =
                text.map(|text| SourceFile::new(&warning.file, "Rust", text).loaded_by(&build_context.state));
            files.insert(&warning.file, file);
        }
        let file = files.get(warning.file.as_str()).and_then(Option::as_ref);
        gateway.warn(&of_compiler(warning, file)).await?;
    }
    Ok(())
}

fn of_compiler(warning: &report::Warning, file: Option<&SourceFile>) -> Warning {
    let code = if warning.code.is_empty() { "warning" } else { &warning.code };
    let place = if warning.line > 0 { format!(" (line {})", warning.line) } else { String::new() };
    Warning {
        short: format!("{code}: {}{place}", warning.message),
        detail: warning.rendered.lines().map(str::to_owned).collect(),
        url: String::new(),
        span: file.filter(|_| warning.line > 0).map(|file| file.lines(warning.line..=warning.line_end)),
        vertex: None,
    }
}

/// The sum of nothing is zero, and not minus zero.
fn total(seconds: impl Iterator<Item = f64>) -> f64 {
    seconds.fold(0.0, |sum, value| sum + value)
}

/// To milliseconds: more is not known.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

impl Summary {
    /// What the client prints when the build is done: a line for each image, and one for the packages.
    pub fn message(&self) -> String {
        let mut text = String::new();
        for (target, platform, bytes) in &self.images {
            text += &format!("{target} ({platform}): {}\n", size(*bytes));
        }
        let reused = self.packages.saturating_sub(self.ran);
        let steps = if self.packages == 1 { "1 step".to_owned() } else { format!("{} steps", self.packages) };
        text += &match self.ran {
            0 => format!("{steps}, all reused\n"),
            ran => {
                format!(
                    "{steps}: {reused} reused, {ran} compiled in {} of work\n",
                    duration(self.ran_seconds)
                )
            }
        };
        text
    }

    /// The same for programs: `--metadata-file`.
    pub fn json(&self) -> Value {
        json!({
            "images": self.images.iter().map(|(target, platform, size)| {
                json!({ "target": target, "platform": platform, "bytes": size })
            }).collect::<Vec<_>>(),
            "steps": self.packages,
            "compiled": self.ran,
            "reused": self.packages.saturating_sub(self.ran),
            "compiledSeconds": rounded(self.ran_seconds),
            "allSeconds": rounded(self.all_seconds),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_summed_up_in_two_lines() {
        let mut summary = Summary {
            images: vec![("api".to_owned(), "linux/amd64".to_owned(), 82_400_000)],
            packages: 40,
            ran: 3,
            ran_seconds: 3.94,
            all_seconds: 80.0,
        };
        assert_eq!(
            summary.message(),
            "api (linux/amd64): 82.4 MB\n40 steps: 37 reused, 3 compiled in 3.9 s of work\n"
        );
        summary.ran = 0;
        assert!(summary.message().ends_with("40 steps, all reused\n"));
        assert_eq!(summary.json()["reused"], 40);
    }

    #[test]
    fn a_compilers_warning_points_at_its_line() {
        let file = SourceFile::new("a/src/lib.rs", "Rust", "fn a() {}\nfn b() {}\n");
        let warning = report::Warning {
            file: "a/src/lib.rs".to_owned(),
            line: 2,
            line_end: 2,
            code: "dead_code".to_owned(),
            message: "function `b` is never used".to_owned(),
            rendered: "warning: function `b` is never used\n --> a/src/lib.rs:2:4\n".to_owned(),
        };
        let shown = of_compiler(&warning, Some(&file));
        assert_eq!(shown.short, "dead_code: function `b` is never used (line 2)");
        assert_eq!(shown.span.map(|span| span.to_string()), Some("a/src/lib.rs:2".to_owned()));
    }
}
