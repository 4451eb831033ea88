//! What the profile that is built says of what runs while cargo builds: build scripts, procedural macros and what these use.
//!
//! Pure. A profile inherits (the Cargo book, "Profiles"); what cargo's configuration says goes before the manifest.

use std::collections::BTreeMap;

use buildkit_llb::SourceFile;
use toml::{Table, Value};

use crate::cargo_config::{self, CargoConfig};

/// Where profiles are written.
#[derive(Debug, Clone, Copy)]
pub struct Profiles<'a> {
    /// The workspace's manifest.
    pub manifest: &'a SourceFile,
    /// The workspace's configuration of cargo.
    pub cargo_config: &'a CargoConfig,
    /// The variables of the toolchain image.
    pub toolchain_env: &'a BTreeMap<String, String>,
}

/// The value of `--config` with which what runs while cargo builds is compiled without debug information; `None` where the
/// user says how much there is, or cargo does not know the profile.
///
/// So it is in a plain `cargo build`: such a package is compiled without, unless the target uses it as well, in the same form
/// (cargo's `ops/cargo_compile/mod.rs`, `traverse_and_share`; the Cargo book, "Build dependencies": `debug = false`, when
/// possible). Given `--target`, cargo shares none between the two, and leaves all with the debug information of the
/// profile. None of it is part of what is built.
pub fn without_build_debug(profile: &str, given: &Profiles<'_>) -> Option<String> {
    let manifest: Table = std::str::from_utf8(given.manifest.text()).ok()?.parse().ok()?;
    let of_manifest = |name: &str| manifest.get("profile")?.get(name)?.as_table();
    let of_config = |name: &str| given.cargo_config.table("profile")?.get(name)?.table();
    let mut name = profile.to_owned();
    let mut seen = Vec::new();
    loop {
        let (written, configured) = (of_manifest(&name), of_config(&name));
        let variable =
            format!("CARGO_PROFILE_{}_BUILD_OVERRIDE_DEBUG", name.to_uppercase().replace('-', "_"));
        let is_written = written.and_then(|table| table.get("build-override")?.get("debug")).is_some();
        let is_configured = configured.and_then(|table| table.get("build-override")?.table()?.get("debug"));
        if is_written || is_configured.is_some() || given.toolchain_env.contains_key(&variable) {
            return None;
        }
        let inherits = configured
            .and_then(|table| table.get("inherits").and_then(cargo_config::Entry::text))
            .or_else(|| written.and_then(|table| table.get("inherits").and_then(Value::as_str)));
        let above = match (name.as_str(), inherits) {
            ("dev" | "release", _) => return Some(format!("profile.{profile}.build-override.debug=false")),
            (_, Some(above)) => above.to_owned(),
            ("test", None) => "dev".to_owned(),
            ("bench", None) => "release".to_owned(),
            (_, None) => return None,
        };
        if seen.contains(&above) {
            return None;
        }
        seen.push(std::mem::replace(&mut name, above));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
        [profile.release]
        debug = 1
        [profile.dist]
        inherits = "release"
        [profile.traced]
        inherits = "dist"
        [profile.traced.build-override]
        debug = true
        opt-level = 2
        [profile.mine]
        inherits = "traced"
        [profile.optimized.build-override]
        opt-level = 3
        [profile.round]
        inherits = "about"
        [profile.about]
        inherits = "round"
    "#;

    fn check(profile: &str, config: &str, variable: Option<&str>) -> Option<String> {
        let config = SourceFile::new(".cargo/config.toml", "TOML", config);
        without_build_debug(
            profile,
            &Profiles {
                manifest: &SourceFile::new("Cargo.toml", "TOML", MANIFEST),
                cargo_config: &CargoConfig::parse(&config),
                toolchain_env: &variable.map(|name| (name.to_owned(), "1".to_owned())).into_iter().collect(),
            },
        )
    }

    fn without(profile: &str) -> Option<String> {
        Some(format!("profile.{profile}.build-override.debug=false"))
    }

    #[test]
    fn where_the_user_says_nothing_there_is_none() {
        for profile in ["dev", "release", "test", "bench", "dist"] {
            assert_eq!(check(profile, "", None), without(profile));
        }
        assert_eq!(check("dist", "[profile.release.build-override]\nopt-level = 1", None), without("dist"));
    }

    #[test]
    fn what_the_user_says_stays() {
        assert_eq!(check("traced", "", None), None);
        assert_eq!(check("mine", "", None), None, "it inherits that");
        assert_eq!(check("dist", "[profile.release.build-override]\ndebug = 2", None), None);
        assert_eq!(check("dist", "[profile.dist]\ninherits = \"traced\"", None), None);
        assert_eq!(check("dist", "", Some("CARGO_PROFILE_DIST_BUILD_OVERRIDE_DEBUG")), None);
        assert_eq!(check("dev", "", Some("CARGO_PROFILE_DIST_BUILD_OVERRIDE_DEBUG")), without("dev"));
    }

    #[test]
    fn what_cargo_refuses_is_for_cargo_to_refuse() {
        assert_eq!(check("disst", "", None), None);
        assert_eq!(check("optimized", "", None), None, "it inherits nothing");
        assert_eq!(check("round", "", None), None);
        let configured = "[profile.disst]\ninherits = \"dev\"";
        assert_eq!(check("disst", configured, None), without("disst"));
    }
}
