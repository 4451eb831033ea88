//! What `cargo metadata` said of a workspace, without what nobody reads.

use serde_json::{Map, Value};

use crate::problem::{Problem, Result};

/// What `cargo metadata --format-version 1` printed, without `resolve`, and without dependencies, features and `metadata` of
/// packages that have a `source`, as all but those of the workspace and of paths do (the Cargo book, "cargo metadata"): together
/// they are more than half of its bytes, and every build reads them. The fields stay, empty: whoever knows the format counts on
/// them.
pub(super) fn shortened(printed: &[u8]) -> Result<Value> {
    let mut metadata: Value = serde_json::from_slice(printed)
        .map_err(|error| Problem::new(format!("what `cargo metadata` printed cannot be read: {error}")))?;
    if let Some(resolve) = metadata.get_mut("resolve") {
        *resolve = Value::Null;
    }
    let packages = metadata.get_mut("packages").and_then(Value::as_array_mut);
    for package in packages.into_iter().flatten() {
        if package.get("source").is_none_or(Value::is_null) {
            continue;
        }
        for (field, nothing) in [
            ("dependencies", Value::Array(Vec::new())),
            ("features", Value::Object(Map::new())),
            ("metadata", Value::Null),
        ] {
            if let Some(value) = package.get_mut(field) {
                *value = nothing;
            }
        }
    }
    Ok(metadata)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_nobody_reads_is_left_out() {
        let package = |source: Value| {
            json!({
                "name": "a", "source": source, "license": "MIT", "targets": [{ "name": "a" }],
                "dependencies": [{ "name": "b" }], "features": { "x": [] }, "metadata": { "longshore": {} },
            })
        };
        let own = package(Value::Null);
        let printed = json!({
            "packages": [own, package(json!("registry+https://example.com"))],
            "workspace_members": ["a"],
            "resolve": { "nodes": [] },
        });
        let expected = json!({
            "packages": [own, {
                "name": "a", "source": "registry+https://example.com", "license": "MIT",
                "targets": [{ "name": "a" }], "dependencies": [], "features": {}, "metadata": null,
            }],
            "workspace_members": ["a"],
            "resolve": null,
        });
        assert_eq!(shortened(printed.to_string().as_bytes()).unwrap(), expected);
    }

    #[test]
    fn what_is_no_json_is_refused() {
        let problem = shortened(b"warning: {}").unwrap_err().to_string();
        assert!(problem.starts_with("what `cargo metadata` printed cannot be read: "), "{problem}");
    }
}
