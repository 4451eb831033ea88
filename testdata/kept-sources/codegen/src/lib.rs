//! Reads its own files when it runs: one beside its sources, one that its build script made.

pub fn template() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/one.txt")).unwrap()
}

pub fn made() -> String {
    std::fs::read_to_string(concat!(env!("OUT_DIR"), "/made.txt")).unwrap()
}
