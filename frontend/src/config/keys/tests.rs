//! The table, the reader, the reference and the schema say the same.

use std::collections::BTreeSet;
use std::path::Path;

use buildkit_llb::SourceFile;

use super::pages::{reference, schema};
use super::*;
use crate::config::{Config, Given, PackageConfig};

fn parse(place: Place, lines: &str) -> Result<(), String> {
    let file = |text: String| SourceFile::new("Cargo.toml", "TOML", text);
    let given = Given::from([("TOKEN".to_owned(), "x".to_owned()), ("NEEDED".to_owned(), "x".to_owned())]);
    let error = match place {
        Workspace => {
            Config::from_workspace_manifest(&file(format!("[workspace.metadata.longshore]\n{lines}")), &given)
                .err()
        }
        Package => {
            PackageConfig::from_manifest(&file(format!("[package.metadata.longshore]\n{lines}")), None).err()
        }
        Image => Config::from_workspace_manifest(
            &file(format!("[workspace.metadata.longshore.images.x]\n{lines}")),
            &given,
        )
        .err(),
    };
    error.map_or(Ok(()), |error| Err(error.to_string()))
}

#[test]
fn every_key_can_stand_where_the_table_says_and_nowhere_else() {
    for place in [Workspace, Package, Image] {
        let known: BTreeSet<&str> = keys_of(place).map(|key| key.name).collect();
        // These two are one thing in a workspace and another in a package.
        let twofold = [PACKAGE_ARGS.name, PACKAGE_ACCELERATOR.name];
        for key in KEYS.iter().filter(|key| !twofold.contains(&key.name)) {
            let parsed = parse(place, key.example);
            assert_eq!(parsed.is_ok(), known.contains(key.name), "{place:?} {}: {parsed:?}", key.name);
        }
        for key in keys_of(place) {
            assert_eq!(parse(place, key.example), Ok(()), "{}", key.name);
        }
    }
}

/// The reader says which keys it knows when it corrects one: no key that the table lacks.
#[test]
fn the_reader_knows_no_other_key() {
    let source = include_str!("../raw.rs");
    let read = source.split("table.").skip(1).filter_map(|call| call.split('"').nth(1));
    let nested = [
        "from",
        "to",
        "owner",
        "mode",
        "url",
        "sha256",
        "unpack",
        "id",
        "env",
        "file",
        "required",
        "interval",
        "timeout",
        "start-period",
        "start-interval",
        "retries",
        "cmd",
    ];
    let known: BTreeSet<&str> = KEYS.iter().map(|key| key.name).chain(nested).collect();
    let unknown: Vec<&str> = read
        .filter(|key| key.bytes().all(|b| b == b'-' || b.is_ascii_alphanumeric()) && !known.contains(key))
        .collect();
    assert!(unknown.is_empty(), "not in the reference: {unknown:?}");
}

#[test]
fn the_pages_are_those_of_the_code() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let schema = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    for (name, text) in [("reference.md", reference()), ("longshore.schema.json", schema)] {
        expect_test::expect_file![docs.join(name)].assert_eq(&text);
    }
}

#[test]
fn the_schema_and_the_reader_agree() {
    let schema = schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let agree = |text: &str| {
        let value: toml::Table = text.parse().unwrap();
        let fits = validator.is_valid(&serde_json::to_value(value).unwrap());
        let file = SourceFile::new("longshore.toml", "TOML", text);
        let reads =
            Config::from_standalone(&file, &Given::from([("TOKEN".to_owned(), "x".to_owned())])).is_ok();
        assert_eq!(fits, reads, "{text}");
        fits
    };
    let all: String = keys_of(Workspace).map(|key| format!("{}\n", key.example)).collect();
    assert!(agree(&all));
    assert!(agree("[packages.api]\ninputs = [\"x\"]\nexpose = [80]\n"));
    for wrong in [
        "profil = \"x\"\n",
        "profile = 1\n",
        "features = \"x\"\n",
        "inputs = []\n",
        "healthcheck = true\n",
        "healthcheck = { interval = \"1s\" }\n",
        "assets = [{ url = \"https://example.com/x\" }]\n",
        "[packages.api]\nprofile = \"x\"\n",
        "[images.a]\nbin = [\"x\"]\n",
        "libraries = \"cpoy\"\n",
    ] {
        assert!(!agree(wrong), "{wrong}");
    }
}
