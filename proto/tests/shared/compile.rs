//! Compiles `.proto` files to descriptors, for both tests. It must not know what they are compared with.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

use std::fs;
use std::path::{Path, PathBuf};

use prost_types::FileDescriptorSet;
use protox::Compiler;
use protox::file::{ChainFileResolver, GoogleFileResolver, IncludeFileResolver};

/// The directory of this crate's own `.proto` files.
pub(crate) fn own_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("proto")
}

/// Compiles this crate's own `.proto` files.
pub(crate) fn compile_own() -> FileDescriptorSet {
    compile_dir(&own_dir(), |_| true)
}

/// Compiles the `.proto` files of wanted packages below `dir`, which is also what imports are relative to.
pub(crate) fn compile_dir(dir: &Path, is_wanted: impl Fn(&str) -> bool) -> FileDescriptorSet {
    let mut resolver = ChainFileResolver::new();
    // First, as copies of protobuf's own files use syntax that is not compiled here.
    resolver.add(GoogleFileResolver::new());
    resolver.add(IncludeFileResolver::new(dir.to_owned()));
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).include_source_info(true);

    let mut files = proto_files(dir);
    files.retain(|file| is_wanted(&package(file)));
    assert!(!files.is_empty(), "nothing to compile below {}", dir.display());
    for file in files {
        compiler.open_file(file.strip_prefix(dir).unwrap()).unwrap_or_else(|error| panic!("{error:?}"));
    }
    compiler.file_descriptor_set()
}

fn package(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let package = text.lines().find_map(|line| line.strip_prefix("package ")?.split(';').next());
    package.unwrap_or_else(|| panic!("{} names no package", file.display())).to_owned()
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
