//! Paths inside containers: slash-separated and cleaned by their text alone, as the daemon cleans them.

/// `path` without empty, `.` and `..` parts, resolved against `/`.
pub(crate) fn clean(path: &str) -> String {
    let mut cleaned = String::with_capacity(path.len() + 1);
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => cleaned.truncate(cleaned.rfind('/').unwrap_or_default()),
            part => {
                cleaned.push('/');
                cleaned.push_str(part);
            }
        }
    }
    if cleaned.is_empty() { "/".to_owned() } else { cleaned }
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
