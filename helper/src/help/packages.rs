//! Which packages of the distribution a build script misses, as far as what it printed says so.

/// A program or library that build scripts look for, and the packages of Debian's that have it.
struct Known {
    /// What scripts print where it is not there: one of these.
    said: &'static [&'static str],
    packages: &'static [&'static str],
}

/// Tools, by the messages of the crates that look for them (`cmake`, `prost-build`, `clang-sys`, `cc`, `pkg-config`, …).
const TOOLS: [Known; 10] = [
    Known {
        said: &["Could not find directory of OpenSSL installation"],
        packages: &["libssl-dev", "pkg-config"],
    },
    Known { said: &["is `cmake` not installed?", "Missing dependency: cmake"], packages: &["cmake"] },
    Known {
        said: &["Could not find `protoc`", "protoc binary not found", "`protoc` not found"],
        packages: &["protobuf-compiler"],
    },
    Known { said: &["Unable to find libclang"], packages: &["libclang-dev"] },
    Known {
        said: &[
            "Can't locate FindBin.pm",
            "No such file or directory (os error 2)\", program: \"perl\"",
            "perl: not found",
        ],
        packages: &["perl"],
    },
    Known {
        said: &[
            "failed to find tool. Is `c++`",
            "failed to find tool \"c++\"",
            "failed to find tool \"g++\"",
        ],
        packages: &["g++"],
    },
    Known { said: &["nasm: not found", "Cannot run nasm", "nasm command failed"], packages: &["nasm"] },
    Known {
        said: &[
            "failed to find tool \"make\"",
            "make: not found",
            "failed to execute command: No such file or directory (os error 2)\nCommand: \"make\"",
        ],
        packages: &["make"],
    },
    Known {
        said: &["autoreconf: not found", "autoreconf` not found"],
        packages: &["autoconf", "automake", "libtool"],
    },
    Known {
        said: &[
            "The pkg-config command could not be found",
            "pkg-config has not been found",
            "Could not run `PKG_CONFIG",
            "`pkg-config` command could not be",
        ],
        packages: &["pkg-config"],
    },
];

/// What pkg-config calls a library, and the package of Debian's that has it.
const LIBRARIES: [(&str, &str); 22] = [
    ("alsa", "libasound2-dev"),
    ("bzip2", "libbz2-dev"),
    ("dbus-1", "libdbus-1-dev"),
    ("fontconfig", "libfontconfig-dev"),
    ("freetype2", "libfreetype-dev"),
    ("glib-2.0", "libglib2.0-dev"),
    ("gstreamer-1.0", "libgstreamer1.0-dev"),
    ("libcurl", "libcurl4-openssl-dev"),
    ("libgit2", "libgit2-dev"),
    ("liblzma", "liblzma-dev"),
    ("libpq", "libpq-dev"),
    ("libsodium", "libsodium-dev"),
    ("libssh2", "libssh2-1-dev"),
    ("libudev", "libudev-dev"),
    ("libusb-1.0", "libusb-1.0-0-dev"),
    ("libxml-2.0", "libxml2-dev"),
    ("libzstd", "libzstd-dev"),
    ("mysqlclient", "libmariadb-dev"),
    ("openssl", "libssl-dev"),
    ("sqlite3", "libsqlite3-dev"),
    ("wayland-client", "libwayland-dev"),
    ("zlib", "zlib1g-dev"),
];

/// The line that installs what is missing.
pub(super) fn for_failed_script(said: &str, package: &str) -> Option<String> {
    let (packages, sure): (Vec<&str>, bool) =
        match TOOLS.iter().find(|known| known.said.iter().any(|text| said.contains(text))) {
            Some(known) => (known.packages.to_vec(), true),
            None => {
                let library = missing_library(said)?;
                match LIBRARIES.iter().find(|(name, _)| *name == library) {
                    Some((_, package)) => (vec![*package, "pkg-config"], true),
                    None => (vec![library, "pkg-config"], false),
                }
            }
        };
    let names: Vec<String> = packages.iter().map(|name| format!("\"{name}\"")).collect();
    let line = format!(
        "the build script of {package} looks for something that the toolchain image does not have; Debian's packages \
         are added with\n    [workspace.metadata.longshore]\n    builder.packages = [{}]",
        names.join(", ")
    );
    let unsure = "\nwhere the first stands for the package that has that library";
    Some(if sure { line } else { format!("{line}{unsure}") })
}

/// `Package 'x', required by 'virtual:world', not found`, `Package x was not found in the pkg-config search path`.
fn missing_library(said: &str) -> Option<&str> {
    said.lines().find_map(|line| {
        let rest = line.trim().strip_prefix("Package ")?;
        let is_missing = rest.contains("not found");
        let name = rest
            .strip_prefix('\'')
            .and_then(|rest| rest.split('\'').next())
            .or_else(|| rest.split(' ').next())?;
        is_missing.then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packages(said: &str) -> Option<String> {
        let text = for_failed_script(said, "x-sys 1.0.0")?;
        Some(text.split("builder.packages = ").nth(1)?.to_owned())
    }

    #[test]
    fn what_is_missing_is_named_as_the_distribution_calls_it() {
        for (said, expected) in [
            (
                "Could not find directory of OpenSSL installation, and this `-sys` crate cannot",
                "[\"libssl-dev\", \"pkg-config\"]",
            ),
            (
                "failed to execute command: No such file or directory (os error 2)\nis `cmake` not installed?",
                "[\"cmake\"]",
            ),
            (
                "Error: Custom { kind: NotFound, error: \"Could not find `protoc`. If `protoc` is installed",
                "[\"protobuf-compiler\"]",
            ),
            ("Unable to find libclang: \"couldn't find any valid shared libraries", "[\"libclang-dev\"]"),
            (
                "Package libudev was not found in the pkg-config search path.",
                "[\"libudev-dev\", \"pkg-config\"]",
            ),
            (
                "Package 'alsa', required by 'virtual:world', not found",
                "[\"libasound2-dev\", \"pkg-config\"]",
            ),
        ] {
            assert_eq!(packages(said).as_deref(), Some(expected), "{said}");
        }
        let unknown =
            for_failed_script("Package 'foo-3.0', required by 'virtual:world', not found", "x").unwrap();
        assert!(
            unknown.contains("[\"foo-3.0\", \"pkg-config\"]") && unknown.ends_with("has that library"),
            "{unknown}"
        );
    }

    #[test]
    fn other_failures_miss_nothing() {
        for said in [
            "assertion failed",
            "Package names have to be lower case",
            "thread 'main' panicked at build.rs:1",
        ] {
            assert_eq!(for_failed_script(said, "x"), None, "{said}");
        }
    }
}
