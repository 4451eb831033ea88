//! Paths inside containers: slash-separated and cleaned by their text alone, as the daemon cleans them.

/// `path` without empty, `.` and `..` parts, resolved against `/`.
pub(crate) fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Like [`clean`], but a slash or `/.` at the end stays: for a copy it says that the destination is a directory.
pub(crate) fn clean_destination(path: &str) -> String {
    let mut cleaned = clean(path);
    if path.ends_with('/') && cleaned != "/" {
        cleaned.push('/');
    } else if path.ends_with("/.") {
        cleaned.push_str(if cleaned == "/" { "." } else { "/." });
    }
    cleaned
}

/// [`clean`], for a path that has to be absolute.
#[track_caller]
pub(crate) fn absolute(path: &str, what: &str) -> String {
    assert!(path.starts_with('/'), "the {what} `{path}` is not an absolute path");
    clean(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_by_their_text() {
        for (path, cleaned) in
            [("", "/"), ("/", "/"), ("a", "/a"), ("/a//b/./c/", "/a/b/c"), ("/a/../../b", "/b"), (".", "/")]
        {
            assert_eq!(clean(path), cleaned, "{path}");
        }
    }

    #[test]
    fn a_destination_keeps_its_last_slash() {
        for (path, cleaned) in [
            ("/a/", "/a/"),
            ("/a//", "/a/"),
            ("/", "/"),
            ("/a", "/a"),
            ("/a/.", "/a/."),
            ("/.", "/."),
            ("b/", "/b/"),
        ] {
            assert_eq!(clean_destination(path), cleaned, "{path}");
        }
    }
}
