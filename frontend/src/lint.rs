//! Rules of `--call=check`: what works, and will be regretted. Pure.
//!
//! Each rule has a code of its own, so that users can search for it. A rule says something only where it is sure.

use buildkit_llb::{ImageRef, Span};

use crate::{
    config::{Base, Config, HealthCommand, Healthcheck, ImageSettings},
    diagnostic::{Code, Diagnostic},
};

/// What is known of one image.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The target's name.
    pub name: &'a str,
    /// Where the user declared it.
    pub span: Option<&'a Span>,
    /// Its settings.
    pub settings: &'a ImageSettings,
    /// It stands on nothing.
    pub is_bare: bool,
}

/// What is to be said about a workspace.
pub fn workspace(config: &Config, table: Option<&Span>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if ["dev", "test"].contains(&config.profile.as_str()) {
        let warning = Diagnostic::warning(
            Code::DebugProfile,
            format!("images are built with the profile `{}`", config.profile),
        );
        found.push(
            placed(warning, table).help(
                "leave `profile` out for `release`, and pass `--build-arg PROFILE=dev` when you need it",
            ),
        );
    }
    if let Some(warning) = floating("toolchain", &config.toolchain.reference) {
        found.push(placed(warning, config.toolchain.span.as_ref()));
    }
    found
}

/// What BuildKit imports at most of what describes an exported cache (`cache/remotecache/import.go`).
const CACHE_BYTES_MAX: usize = 1 << 20;

/// What a vertex sees of others.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// How many, known by what made them.
    pub by_origin: usize,
    /// How many, known by what is in them as well: bundles, members.
    pub by_contents: usize,
}

/// Whether a cache exported with `mode=max` can be imported again. Measured on builds of 40 to 140 vertices: a vertex takes
/// half a kilobyte, 120 bytes for each that it sees, since BuildKit writes a selector of 71 characters with every input of an
/// exec, that of `/` too (`getMountDeps` in its `solver/llbsolver/ops/exec.go`), and as many again where contents count. On 284
/// vertices, half of them bundles, it was 873 KiB where this says 1019.
pub fn cache(name: &str, is_bundled: bool, vertices: impl Iterator<Item = Seen>) -> Option<Diagnostic> {
    // Besides its dependencies a vertex sees the toolchain, the helper and its sources.
    let of = |seen: Seen| 500 + 120 * (seen.by_origin + 2 * seen.by_contents + 3);
    let bytes: usize = vertices.map(of).sum();
    (bytes > CACHE_BYTES_MAX).then(|| {
        Diagnostic::warning(
            Code::LargeCache,
            format!(
                "an exported cache of `{name}` would need about {} KiB to describe itself, and BuildKit imports none over {}",
                bytes / 1024,
                CACHE_BYTES_MAX / 1024
            ),
        )
        .help(match is_bundled {
            true => "export caches of smaller targets, each under a name of its own, and import all of them",
            false => "let small packages share steps: `bundle = true` in the workspace's settings",
        })
    })
}

/// What is to be said about one image.
pub fn image(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let Facts { name, span, settings, is_bare } = *facts;
    let mut found = Vec::new();
    let mut say = |code: Code, message: String, help: &str| {
        found.push(placed(Diagnostic::warning(code, message), span).help(help));
    };
    let user = settings.user.split(':').next().unwrap_or_default();
    let is_root = user == "root" || user == "0";
    if is_root {
        say(Code::RootUser, format!("`{name}` runs as root"), "leave `user` out: programs run as 65532");
    }
    for port in settings.expose.iter().filter(|port| port.port < 1024 && !is_root) {
        say(
            Code::PrivilegedPort,
            format!("`{name}` exposes {port}, which a user other than root may not be allowed to listen on"),
            "listen on a port from 1024 up, and map it where the image runs",
        );
    }
    for (variable, _) in
        settings.env.iter().filter(|(variable, value)| is_secret(variable) && !value.is_empty())
    {
        say(
            Code::SecretInEnv,
            format!("`{name}` has the variable `{variable}`, which everybody who has the image can read"),
            "set it where the image runs; for a build, declare it under `secrets`",
        );
    }
    if let Some(Healthcheck::Run { command: HealthCommand::Shell(_), .. }) = &settings.healthcheck
        && is_bare
    {
        say(
            Code::ShellOnScratch,
            format!("the health check of `{name}` needs a shell, and the image has none"),
            "write `cmd` as a list: the program and its arguments",
        );
    }
    if let Base::Image(base) = &settings.base
        && let Some(warning) = floating("base", &base.reference)
    {
        found.push(placed(warning, base.span.as_ref().or(span)));
    }
    found
}

fn placed(warning: Diagnostic, span: Option<&Span>) -> Diagnostic {
    match span {
        Some(span) => warning.at(span),
        None => warning,
    }
}

/// An image whose name means another one tomorrow.
fn floating(key: &str, image: &ImageRef) -> Option<Diagnostic> {
    let is_floating = image.digest().is_none() && image.tag().is_none_or(|tag| tag == "latest");
    is_floating.then(|| {
        Diagnostic::warning(
            Code::FloatingTag,
            format!("`{key}` is `{}`, which changes without notice", image.familiar()),
        )
        .help("name a version, or a digest")
    })
}

/// By its name: what the Dockerfile frontend looks for as well (its rule `SecretsUsedInArgOrEnv`).
fn is_secret(variable: &str) -> bool {
    const WORDS: [&str; 9] =
        ["APIKEY", "AUTH", "CREDENTIAL", "CREDENTIALS", "KEY", "PASSWORD", "PASSWD", "SECRET", "TOKEN"];
    let upper = variable.to_ascii_uppercase();
    let mut words = upper.split('_');
    // A public key, a file's name and an address are no secrets.
    let is_other = upper.split('_').any(|word| ["PUBLIC", "FILE", "URL", "PATH", "ID"].contains(&word));
    !is_other && words.any(|word| WORDS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Given;
    use buildkit_llb::SourceFile;

    fn config(lines: &str) -> Config {
        let text = format!("[workspace.metadata.longshore]\n{lines}");
        Config::from_workspace_manifest(&SourceFile::new("Cargo.toml", "TOML", text), &Given::new()).unwrap()
    }

    /// Names of the rules that the lines break.
    fn broken(lines: &str) -> Vec<&'static str> {
        let config = config(lines);
        let is_bare = config.image.base.image(false).is_none();
        let facts = Facts { name: "app", span: None, settings: &config.image, is_bare };
        let found = workspace(&config, None).into_iter().chain(image(&facts));
        found.map(|warning| warning.code.name()).collect()
    }

    #[test]
    fn defaults_break_no_rule() {
        assert_eq!(broken(""), Vec::<&str>::new());
    }

    #[test]
    fn caches_that_nobody_could_import() {
        let seen = |by_origin, by_contents| Seen { by_origin, by_contents };
        assert!(cache("small", false, [seen(20, 10); 140].into_iter()).is_none());
        let warning = cache("large", true, [seen(20, 20); 300].into_iter()).unwrap();
        assert!(
            warning.to_string().starts_with("an exported cache of `large` would need about 2361 KiB"),
            "{warning}"
        );
        assert!(warning.to_string().contains("smaller targets"), "{warning}");
        let apart = cache("large", false, [seen(40, 0); 300].into_iter()).unwrap();
        assert!(apart.to_string().contains("`bundle = true`"), "{apart}");
    }

    #[test]
    fn each_rule_can_be_broken_and_kept() {
        for (rule, bad, good) in [
            ("debug-profile", "profile = \"dev\"", "profile = \"dist\""),
            ("floating-tag", "toolchain = \"rust\"", "toolchain = \"rust:1.95\""),
            ("floating-tag", "base = \"debian:latest\"", "base = \"debian:bookworm\""),
            ("root-user", "user = \"0:0\"", "user = \"app\""),
            ("privileged-port", "expose = [80]", "expose = [8080]"),
            ("secret-in-env", "env = { API_TOKEN = \"x\" }", "env = { TOKEN_FILE = \"/run/x\" }"),
            (
                "shell-on-scratch",
                "base = \"scratch\"\nhealthcheck = { cmd = \"x\" }",
                "base = \"scratch\"\nhealthcheck = { cmd = [\"x\"] }",
            ),
        ] {
            assert_eq!(broken(bad), [rule], "{bad}");
            assert_eq!(broken(good), Vec::<&str>::new(), "{good}");
        }
        assert_eq!(broken("user = \"root\"\nexpose = [80]"), ["root-user"], "root may listen anywhere");
    }
}
