//! Compiles `.proto` files to descriptors, for both tests. It must not know what they are compared with.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

use std::path::{Path, PathBuf};

use prost_types::FileDescriptorSet;

/// The directory of this crate's own `.proto` files.
pub(crate) fn own_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("proto")
}

/// Compiles every `.proto` file below `dir`, which is also what imports are relative to.
pub(crate) fn compile_dir(dir: &Path) -> FileDescriptorSet {
    let files = proto_files(dir);
    assert!(!files.is_empty(), "no .proto files below {}", dir.display());
    protox::compile(files, [dir]).unwrap_or_else(|error| panic!("{error:?}"))
}

// Sorted, because the order of the files is the order of the generated code.
fn proto_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in dir.read_dir().unwrap_or_else(|error| panic!("{}: {error}", dir.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(proto_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    files.sort();
    files
}
