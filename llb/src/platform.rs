//! Platforms: operating system, architecture and variant, in the one spelling that every part of BuildKit agrees on.

use std::fmt;

use buildkit_proto::pb;

/// `linux/amd64`, `linux/arm/v7`. Always normalized: `aarch64` is `arm64`, `linux/arm64/v8` is `linux/arm64`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    os: String,
    architecture: String,
    variant: String,
    os_version: String,
    os_features: Vec<String>,
}

impl Platform {
    /// Reads `os/architecture[/variant]`, where `os` may be followed by a version and features in parentheses:
    /// `windows(10.0.17763+win32k)/amd64`. An operating system or an architecture alone is completed from the machine
    /// this runs on.
    ///
    /// # Errors
    /// When the text has another form, or is a single word that is neither.
    ///
    /// ```
    /// use buildkit_llb::Platform;
    /// assert_eq!(Platform::parse("linux/aarch64").unwrap().to_string(), "linux/arm64");
    /// assert_eq!(Platform::parse("linux/arm").unwrap().to_string(), "linux/arm/v7");
    /// ```
    pub fn parse(text: &str) -> Result<Platform, InvalidPlatform> {
        let invalid = || InvalidPlatform(text.to_owned());
        let parts: Vec<&str> = text.split('/').collect();
        let (os, os_version, os_features) = split_os(parts[0]).ok_or_else(invalid)?;
        if !parts[1..].iter().copied().all(is_word) {
            return Err(invalid());
        }
        let host = Platform::host();
        let (os, architecture, variant) = match parts.len() {
            1 if is_known_os(&normalize_os(os)) => (os, host.architecture.as_str(), host.variant.as_str()),
            1 if is_known_architecture(&normalize_architecture(os, "").0) => (host.os.as_str(), os, ""),
            2 => (os, parts[1], ""),
            3 => (os, parts[1], parts[2]),
            _ => return Err(invalid()),
        };
        let (architecture, variant) = normalize_architecture(architecture, variant);
        Ok(Platform { os: normalize_os(os), architecture, variant, os_version, os_features })
    }

    /// The platform that this program was built for.
    #[must_use]
    pub fn host() -> Platform {
        let architecture = match std::env::consts::ARCH {
            "x86" => "386",
            "loongarch64" => "loong64",
            "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
            "powerpc64" => "ppc64",
            architecture => architecture,
        };
        let (architecture, variant) = normalize_architecture(architecture, "");
        Platform {
            os: normalize_os(std::env::consts::OS),
            architecture,
            variant,
            os_version: String::new(),
            os_features: Vec::new(),
        }
    }

    /// The operating system, `linux`.
    #[must_use]
    pub fn os(&self) -> &str {
        &self.os
    }

    /// The architecture, `amd64`.
    #[must_use]
    pub fn architecture(&self) -> &str {
        &self.architecture
    }

    /// The variant, `v7`, or empty.
    #[must_use]
    pub fn variant(&self) -> &str {
        &self.variant
    }

    /// The version of the operating system, or empty.
    #[must_use]
    pub fn os_version(&self) -> &str {
        &self.os_version
    }

    /// Features of the operating system that an image needs.
    #[must_use]
    pub fn os_features(&self) -> &[String] {
        &self.os_features
    }

    /// The platform as ops and results have it.
    #[must_use]
    pub fn to_proto(&self) -> pb::Platform {
        pb::Platform {
            architecture: self.architecture.clone(),
            os: self.os.clone(),
            variant: self.variant.clone(),
            os_version: self.os_version.clone(),
            os_features: self.os_features.clone(),
        }
    }
}

impl TryFrom<&pb::Platform> for Platform {
    type Error = InvalidPlatform;

    fn try_from(proto: &pb::Platform) -> Result<Platform, InvalidPlatform> {
        if proto.os.is_empty() || proto.architecture.is_empty() {
            return Err(InvalidPlatform(format!("{}/{}", proto.os, proto.architecture)));
        }
        let (architecture, variant) = normalize_architecture(&proto.architecture, &proto.variant);
        Ok(Platform {
            os: normalize_os(&proto.os),
            architecture,
            variant,
            os_version: proto.os_version.clone(),
            os_features: proto.os_features.clone(),
        })
    }
}

/// The form that names a platform in results: `linux/arm/v7`, `windows(10.0.17763)/amd64`.
impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.os)?;
        if !self.os_version.is_empty() || !self.os_features.is_empty() {
            write!(f, "({}", self.os_version)?;
            for feature in &self.os_features {
                write!(f, "+{feature}")?;
            }
            f.write_str(")")?;
        }
        write!(f, "/{}", self.architecture)?;
        if self.variant.is_empty() { Ok(()) } else { write!(f, "/{}", self.variant) }
    }
}

/// A text that names no platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidPlatform(String);

impl fmt::Display for InvalidPlatform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a platform, expected `os/architecture` or `os/architecture/variant`", self.0)
    }
}

impl std::error::Error for InvalidPlatform {}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// `os`, `os(version)`, `os(version+feature+feature)`.
fn split_os(text: &str) -> Option<(&str, String, Vec<String>)> {
    let (os, options) = match text.split_once('(') {
        Some((os, options)) => (os, options.strip_suffix(')')?),
        None => (text, ""),
    };
    let mut options = options.split('+');
    let version = options.next().unwrap_or_default();
    let features: Vec<String> = options.map(str::to_owned).collect();
    let valid =
        is_word(os) && (version.is_empty() || is_word(version)) && features.iter().all(|f| is_word(f));
    valid.then(|| (os, version.to_owned(), features))
}

fn normalize_os(os: &str) -> String {
    let os = os.to_ascii_lowercase();
    if os == "macos" { "darwin".to_owned() } else { os }
}

fn normalize_architecture(architecture: &str, variant: &str) -> (String, String) {
    let (architecture, variant) = (architecture.to_ascii_lowercase(), variant.to_ascii_lowercase());
    let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
        ("i386", _) => ("386", ""),
        ("x86_64" | "x86-64" | "amd64", "" | "v1") => ("amd64", ""),
        ("x86_64" | "x86-64", variant) => ("amd64", variant),
        ("aarch64" | "arm64", "" | "8" | "v8" | "v8.0") => ("arm64", ""),
        ("aarch64" | "arm64", "9" | "9.0" | "v9.0") => ("arm64", "v9"),
        ("aarch64", variant) => ("arm64", variant),
        ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
        ("armel", _) | ("arm", "6") => ("arm", "v6"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "8") => ("arm", "v8"),
        unchanged => unchanged,
    };
    (architecture.to_owned(), variant.to_owned())
}

#[rustfmt::skip]
fn is_known_os(os: &str) -> bool {
    matches!(os, "aix" | "android" | "darwin" | "dragonfly" | "freebsd" | "hurd" | "illumos" | "ios" | "js" | "linux"
        | "netbsd" | "openbsd" | "plan9" | "solaris" | "wasip1" | "windows" | "zos")
}

#[rustfmt::skip]
fn is_known_architecture(architecture: &str) -> bool {
    matches!(architecture, "386" | "amd64" | "arm" | "arm64" | "loong64" | "mips" | "mips64" | "mips64le" | "mipsle"
        | "ppc64" | "ppc64le" | "riscv64" | "s390x" | "sparc64" | "wasm")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_normalized() {
        for (text, normalized) in [
            ("linux/amd64", "linux/amd64"),
            ("Linux/x86_64", "linux/amd64"),
            ("linux/amd64/v1", "linux/amd64"),
            ("linux/amd64/v3", "linux/amd64/v3"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v9.0", "linux/arm64/v9"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/arm/v7", "linux/arm/v7"),
            ("linux/arm/6", "linux/arm/v6"),
            ("linux/armhf", "linux/arm/v7"),
            ("linux/armel", "linux/arm/v6"),
            ("linux/i386", "linux/386"),
            ("macos/arm64", "darwin/arm64"),
            ("linux/riscv64", "linux/riscv64"),
            ("windows(10.0.17763+win32k)/amd64", "windows(10.0.17763+win32k)/amd64"),
            ("windows(10.0.17763)/amd64", "windows(10.0.17763)/amd64"),
        ] {
            let platform = Platform::parse(text).unwrap();
            assert_eq!(platform.to_string(), normalized, "{text}");
            assert_eq!(Platform::parse(normalized).as_ref(), Ok(&platform), "{normalized}");
            assert_eq!(Platform::try_from(&platform.to_proto()).as_ref(), Ok(&platform), "{normalized}");
        }
    }

    #[test]
    fn one_word_is_completed_from_the_host() {
        let host = Platform::host();
        assert_eq!(Platform::parse(host.os()), Ok(host.clone()));
        let riscv = Platform::parse("riscv64").unwrap();
        assert_eq!((riscv.os(), riscv.architecture()), (host.os(), "riscv64"));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "/",
            "linux/",
            "banana",
            "a/b/c/d",
            "linux/am d64",
            "linux/*",
            "linux(1/amd64",
            "linux()x/amd64",
        ] {
            assert!(Platform::parse(text).is_err(), "{text}");
        }
    }
}
