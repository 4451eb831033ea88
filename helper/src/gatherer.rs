//! `longshore-helper gather`: texts of many files in one.

use std::fs;
use std::io;
use std::path::Path;

use longshore_helper::gather::{GATHERED_FILE, GatherRequest, Gathered};

use crate::problem::{Doing, Result};
use crate::{files, mtime};

/// Writes the texts that the request asks for.
pub(crate) fn gather(request: &GatherRequest) -> Result<()> {
    let root = Path::new(&request.root);
    let mut gathered = Gathered::new();
    for file in &request.files {
        let path = root.join(file);
        let text = match fs::read(&path) {
            Ok(data) => String::from_utf8_lossy(&data).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error).doing("read", &path),
        };
        if request.words.iter().any(|word| text.contains(word)) {
            gathered.insert(file.clone(), text);
        }
    }
    let output = Path::new(&request.output);
    files::write_json(&output.join(GATHERED_FILE), &gathered)?;
    mtime::normalise(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_with_a_word_are_there_whole() {
        let root = tempfile::tempdir().unwrap();
        let place = |name: &str| root.path().join(name).to_string_lossy().into_owned();
        fs::create_dir_all(root.path().join("in/a")).unwrap();
        fs::create_dir_all(root.path().join("out")).unwrap();
        fs::write(root.path().join("in/a/one.rs"), b"include!(\"../x\") \xff").unwrap();
        fs::write(root.path().join("in/two.rs"), "for i in 0..2 {}").unwrap();
        let request = GatherRequest {
            root: place("in"),
            files: ["a/one.rs", "two.rs", "gone.rs"].map(str::to_owned).to_vec(),
            words: vec!["../".to_owned()],
            output: place("out"),
        };
        gather(&request).unwrap();
        let gathered: Gathered = files::read_json(&root.path().join("out").join(GATHERED_FILE)).unwrap();
        assert_eq!(
            gathered,
            Gathered::from([("a/one.rs".to_owned(), "include!(\"../x\") \u{fffd}".to_owned())])
        );
    }
}
