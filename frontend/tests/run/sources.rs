//! How sources are read to find what they name.

use super::pairs;
use crate::daemon::{build_with, daemon};
use crate::project::Project;

/// What the daemon is asked to read of sources, and which files outside of it the member sees.
async fn build(more: usize) -> (Vec<String>, Vec<String>) {
    let mut project = Project::load("outside-files");
    for number in 0..more {
        let name = format!("apps/report/src/more/m{number:03}.rs");
        project.files.insert(name, b"// What is here names nothing.\n".to_vec());
    }
    let built = build_with(&pairs(&[("target", "report")]), daemon(&project)).await;
    let said = built.transcript.to_string();
    let is_source =
        |line: &&str| line.ends_with(".rs") || line.contains(" sources") || line.ends_with("gathered.json");
    let read = said.lines().map(str::trim).filter(is_source).map(str::to_owned).collect();
    let graph = built.graph("[image] report").unwrap_or_else(|| panic!("{said}")).definition().to_string();
    // Whoever imports the cache need not read them.
    assert_eq!(graph.contains("gathered = exec"), more > 0, "{graph}");
    let (_, own) = graph.split_once("source:report = ").unwrap_or_else(|| panic!("{graph}"));
    let seen = own.lines().skip(1).take_while(|line| line.starts_with("    "));
    let copies =
        seen.filter(|line| line.contains("copy context /shared") || line.contains("copy context /data"));
    (read, copies.map(|line| line.trim().to_owned()).collect())
}

#[tokio::test]
async fn many_sources_are_read_by_a_step() {
    let (read, few) = build(0).await;
    assert!(read.iter().all(|line| line.starts_with("read ref-") && line.ends_with(".rs")), "{read:?}");
    let (read, many) = build(300).await;
    assert_eq!(read, ["solve 5 ops for [plan] read 302 sources, evaluate", "read ref-5 gathered.json"]);
    assert!(few.len() > 3, "{few:?}");
    assert_eq!(few, many);
}

/// A crate's root that lies outside of its package is seen with what lies beside it, and so is what these name.
#[tokio::test]
async fn a_crate_whose_root_lies_elsewhere_is_seen() {
    let project = Project::load("outside-files");
    let built = build_with(&pairs(&[("target", "elsewhere")]), daemon(&project)).await;
    let graph = built.graph("[image] elsewhere").expect("it is built").definition().to_string();
    let (_, own) = graph.split_once("source:elsewhere = ").unwrap_or_else(|| panic!("{graph}"));
    let seen = own.lines().skip(1).take_while(|line| line.starts_with("    "));
    let copies: Vec<&str> = seen.filter_map(|line| line.trim().strip_prefix("copy context ")).collect();
    for path in ["/elsewhere ", "/schema/places.txt "] {
        assert!(copies.iter().any(|copy| copy.starts_with(path)), "{path} is not in {copies:#?}");
    }
}
