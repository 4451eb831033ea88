//! What lies in the build context.

use super::*;

#[test]
fn directories_are_those_of_the_workspace() {
    let package = |path: &str, source: serde_json::Value| {
        serde_json::json!({
            "name": "x", "version": "1.0.0", "id": path, "targets": [], "features": {}, "dependencies": [],
            "manifest_path": path, "edition": "2024", "source": source,
        })
    };
    let metadata: Metadata = serde_json::from_value(serde_json::json!({
        "packages": [
            package("/ws/Cargo.toml", serde_json::Value::Null),
            package("/ws/crates/a/Cargo.toml", serde_json::Value::Null),
            package("/vendor/b-1.0.0/Cargo.toml", "registry+https://github.com/rust-lang/crates.io-index".into()),
        ],
        "workspace_members": [], "workspace_root": "/ws", "target_directory": "/t", "version": 1, "resolve": null,
    }))
    .unwrap();
    assert_eq!(directories(&metadata), BTreeSet::from(["".into(), "crates/a".into()]));
}
