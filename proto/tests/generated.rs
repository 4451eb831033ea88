//! The committed code in `src/gen` is what the `.proto` files generate. `UPDATE_EXPECT=1` writes it.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

#[path = "shared/compile.rs"]
mod compile;
#[path = "shared/order.rs"]
mod order;

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

#[test]
fn committed_code_is_what_the_proto_files_generate() {
    let scratch = tempfile::tempdir().unwrap();
    generate(scratch.path());
    let generated = read_dir(scratch.path());
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gen");
    if env::var_os("UPDATE_EXPECT").is_some() {
        write_dir(&dir, &generated);
    }
    let committed = read_dir(&dir);

    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&generated), "src/gen has other files; {HELP}");
    for (name, text) in &generated {
        assert!(committed[name] == *text, "src/gen/{name} is not what proto/proto generates; {HELP}");
    }
}

const HELP: &str = "run `UPDATE_EXPECT=1 cargo test -p buildkit-proto --test generated`";

fn generate(out: &Path) {
    let descriptors = compile::compile_own();
    fs::write(out.join("order.rs"), order::table(&descriptors, ".pb.Op")).unwrap();
    tonic_prost_build::configure()
        .btree_map(".")
        // The frontend brings its own connection; a fake daemon answers only what its test asks.
        .build_transport(false)
        .generate_default_stubs(true)
        .out_dir(out)
        .compile_fds(descriptors)
        .unwrap();
}

fn read_dir(dir: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for entry in dir.read_dir().unwrap() {
        let entry = entry.unwrap();
        files.insert(entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap());
    }
    files
}

fn write_dir(dir: &Path, files: &BTreeMap<String, String>) {
    for stale in read_dir(dir).keys().filter(|name| !files.contains_key(*name)) {
        fs::remove_file(dir.join(stale)).unwrap();
    }
    for (name, text) in files {
        fs::write(dir.join(name), text).unwrap();
    }
}
