//! What `--progress=rawjson` says of a build: one JSON object a line, with news of vertices. Only counts.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What ran in a build.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Counts {
    /// Vertices that did something: commands, copies, unpacked archives. Not what every build asks anew (the context,
    /// the digests of images), not exports and imports, and not downloads, which end when their key is known.
    pub ran: usize,
    /// Vertices of the same kinds that were in the cache.
    pub cached: usize,
    /// Seconds that the export of the cache took; 0 where there was none.
    pub export: f64,
}

/// How the names of vertices begin that are neither work nor results.
const ASIDE: [&str; 8] = [
    "[internal]",
    "[crates] download",
    "exporting",
    "importing",
    "preparing",
    "sending",
    "resolve",
    "docker-image://",
];

const EXPORT: &str = "exporting cache";

impl Counts {
    /// Reads standard error of a build.
    pub fn parse(text: &str) -> Self {
        let mut vertices: BTreeMap<String, Vertex> = BTreeMap::new();
        // Older clients spread an object over several lines.
        for object in serde_json::Deserializer::from_str(&only_objects(text)).into_iter::<News>() {
            let Ok(news) = object else { break };
            for found in news.vertexes {
                vertices.insert(found.digest.clone(), found);
            }
        }
        let mut counts = Self::default();
        for vertex in vertices.values().filter(|vertex| vertex.completed.is_some() && vertex.error.is_empty())
        {
            if vertex.name.starts_with(EXPORT) {
                counts.export += vertex.seconds();
            }
            // An image's name is resolved anew, its layers are there.
            let is_aside =
                ASIDE.iter().any(|name| vertex.name.starts_with(name)) || vertex.name.contains("] FROM ");
            match (is_aside, vertex.cached) {
                (true, _) => {}
                (false, true) => counts.cached += 1,
                (false, false) => counts.ran += 1,
            }
        }
        counts
    }
}

/// Without the lines in which the client speaks for itself.
fn only_objects(text: &str) -> String {
    let is_json = |line: &&str| line.starts_with(['{', '}', ' ', '\t']);
    text.lines().filter(is_json).flat_map(|line| [line, "\n"]).collect()
}

#[derive(Deserialize)]
struct News {
    #[serde(default)]
    vertexes: Vec<Vertex>,
}

#[derive(Deserialize)]
struct Vertex {
    digest: String,
    #[serde(default)]
    name: String,
    started: Option<String>,
    completed: Option<String>,
    #[serde(default)]
    cached: bool,
    #[serde(default)]
    error: String,
}

impl Vertex {
    fn seconds(&self) -> f64 {
        let of = |time: &Option<String>| time.as_deref().and_then(second_of_day);
        match (of(&self.started), of(&self.completed)) {
            // A build may run past midnight.
            (Some(start), Some(end)) => (end - start).rem_euclid(86_400.0),
            _ => 0.0,
        }
    }
}

/// Of `2026-01-31T12:34:56.789Z`.
fn second_of_day(time: &str) -> Option<f64> {
    let clock = time.split_once('T')?.1;
    let clock = clock.split(['Z', '+', '-']).next()?;
    let mut parts = clock.split(':').map(str::parse::<f64>);
    let mut part = || parts.next()?.ok();
    Some(part()? * 3600.0 + part()? * 60.0 + part()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vertices_that_did_something_are_counted_once() {
        let text = r#"{"vertexes":[{"digest":"a","name":"[internal] load build context","started":"2026-01-01T00:00:00Z","completed":"2026-01-01T00:00:01Z"}]}
WARN: something in words
{"vertexes":[{"digest":"b","name":"[member] app","started":"2026-01-01T00:00:00Z"}]}
{"vertexes":[{"digest":"b","name":"[member] app","started":"2026-01-01T00:00:00Z","completed":"2026-01-01T00:00:02Z"}],"statuses":[{"id":"x"}]}
{
 "vertexes": [{"digest":"c","name":"[crate] serde 1.0.0","completed":"2026-01-01T00:00:02Z","cached":true}]
}
{"vertexes":[{"digest":"d","name":"[crates] download serde","completed":"2026-01-01T00:00:02Z"}]}
{"vertexes":[{"digest":"g","name":"[build 1/4] FROM docker.io/library/rust:1","completed":"2026-01-01T00:00:02Z"}]}
{"vertexes":[{"digest":"e","name":"[crate] broken","completed":"2026-01-01T00:00:02Z","error":"exit code 1"}]}
{"vertexes":[{"digest":"f","name":"exporting cache to registry","started":"2026-01-01T23:59:59.5Z","completed":"2026-01-02T00:00:01.25Z"}]}
"#;
        assert_eq!(Counts::parse(text), Counts { ran: 1, cached: 1, export: 1.75 });
        assert_eq!(Counts::parse("ERROR: no daemon"), Counts::default());
    }
}
