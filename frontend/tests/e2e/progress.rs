//! What `--progress=rawjson` says: one JSON object a line, each with news of vertices and lines of their logs.
//!
//! Only reads; what is to be expected is for the cases.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;

/// Kinds of the frontend's own vertices, for which cases say what has to run. The others (`[internal] …`,
/// `[toolchain] …`, exports) run on every build or are of no interest.
const OWN_KINDS: [&str; 5] = ["plan", "crates", "crate", "member", "image"];

/// Kinds of all vertices of a build.
const KINDS: [&str; 8] = ["plan", "crates", "crate", "member", "image", "internal", "toolchain", "base"];

/// How the helper's last line begins: proof that a vertex compiled here and now.
const TOOK: &str = "longshore: ";

/// A step of a build.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vertex {
    /// Without the name of the target that `bake` puts in front.
    pub(crate) name: String,
    /// It ended.
    pub(crate) completed: bool,
    /// Its result was in the cache.
    pub(crate) cached: bool,
    /// Why it failed.
    pub(crate) error: Option<String>,
    /// What its process wrote.
    pub(crate) log: String,
}

impl Vertex {
    /// Whether the helper did all its work in this very build.
    pub(crate) fn compiled(&self) -> bool {
        self.log.lines().any(|line| line.starts_with(TOOK))
    }

    /// Whether it ran. A vertex that several images of one `bake` share is news in each: who asks for it late finds it
    /// cached.
    fn ran(&self) -> bool {
        self.completed && self.error.is_none() && (!self.cached || self.compiled())
    }

    /// A source ends when its key is known, which for a package is its checksum: that it ended says nothing.
    fn is_own(&self) -> bool {
        brackets(&self.name).is_some_and(|(inside, _)| OWN_KINDS.contains(&last_word(inside)))
            && !self.name.starts_with("[crates] download ")
    }
}

/// All vertices of a build, by digest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    /// By digest.
    pub(crate) vertices: BTreeMap<String, Vertex>,
    /// Lines that are not JSON: what the client says in its own words.
    pub(crate) words: String,
}

impl Progress {
    /// Reads standard error of a build.
    pub(crate) fn parse(text: &str) -> Self {
        let mut progress = Self::default();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let mut object = line.to_owned();
            // Older clients spread an object over several lines.
            if line == "{" {
                object.extend(lines.by_ref().take_while(|line| *line != "}"));
                object.push('}');
            }
            match serde_json::from_str::<News>(&object) {
                Ok(news) => progress.add(news),
                Err(_) => {
                    progress.words.push_str(line);
                    progress.words.push('\n');
                }
            }
        }
        progress
    }

    fn add(&mut self, news: News) {
        for found in news.vertexes {
            let vertex = self.vertices.entry(found.digest).or_default();
            vertex.name = without_target(&found.name);
            vertex.completed |= found.completed.is_some();
            vertex.cached |= found.cached;
            vertex.error = Some(found.error).filter(|error| !error.is_empty()).or(vertex.error.take());
        }
        for log in news.logs {
            let data = BASE64_STANDARD.decode(&log.data).expect("logs are base64");
            self.vertices.entry(log.vertex).or_default().log.push_str(&String::from_utf8_lossy(&data));
        }
    }

    /// Names of the frontend's vertices that ran.
    pub(crate) fn ran(&self) -> BTreeSet<&str> {
        self.own().filter(|vertex| vertex.ran()).map(|vertex| vertex.name.as_str()).collect()
    }

    /// Names of the frontend's vertices that were cached.
    pub(crate) fn cached(&self) -> BTreeSet<&str> {
        self.own()
            .filter(|vertex| vertex.completed && !vertex.ran())
            .map(|vertex| vertex.name.as_str())
            .collect()
    }

    /// How often something was compiled, by the name of its vertex, which may be that of several packages.
    pub(crate) fn compiled(&self) -> BTreeMap<&str, usize> {
        let mut times = BTreeMap::new();
        for vertex in self.vertices.values() {
            let mut packages: BTreeMap<&str, usize> = BTreeMap::new();
            for line in vertex.log.lines().filter(|line| line.starts_with(TOOK)) {
                let package = line.split_once(" took ").map_or(line, |(package, _)| package);
                *packages.entry(package).or_default() += 1;
            }
            if let Some(most) = packages.into_values().max() {
                *times.entry(vertex.name.as_str()).or_default() += most;
            }
        }
        times
    }

    /// The frontend's vertices.
    pub(crate) fn own(&self) -> impl Iterator<Item = &Vertex> {
        self.vertices.values().filter(|vertex| vertex.is_own())
    }

    /// Digests of the vertices whose name begins so.
    pub(crate) fn digests(&self, beginning: &str) -> BTreeSet<(&str, &str)> {
        self.vertices
            .iter()
            .filter(|(_, vertex)| vertex.name.starts_with(beginning))
            .map(|(digest, vertex)| (vertex.name.as_str(), digest.as_str()))
            .collect()
    }

    /// What a person needs to know of a build that failed.
    pub(crate) fn tail(&self) -> String {
        let mut text = String::new();
        for vertex in self.vertices.values().filter(|vertex| vertex.error.is_some()) {
            text += &format!("{}: {}\n{}\n", vertex.name, vertex.error.as_deref().unwrap_or(""), vertex.log);
        }
        text + &self.words
    }
}

/// `[server crate] serde 1.0.0` of a `bake` is `[crate] serde 1.0.0`; `[linux/arm64 crate] …` and `[nvptx64/sm_80 crate] …`
/// stay, as no target has a slash in its name.
fn without_target(name: &str) -> String {
    if let Some((inside, rest)) = brackets(name)
        && let Some((target, kind)) = inside.split_once(' ')
        && !target.contains('/')
        && KINDS.contains(&last_word(kind))
    {
        return format!("[{kind}]{rest}");
    }
    name.to_owned()
}

fn brackets(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix('[')?.split_once(']')
}

fn last_word(text: &str) -> &str {
    text.rsplit(' ').next().unwrap_or(text)
}

#[derive(Deserialize)]
struct News {
    #[serde(default)]
    vertexes: Vec<RawVertex>,
    #[serde(default)]
    logs: Vec<RawLog>,
}

#[derive(Deserialize)]
struct RawVertex {
    digest: String,
    name: String,
    completed: Option<String>,
    #[serde(default)]
    cached: bool,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
struct RawLog {
    vertex: String,
    data: String,
}
