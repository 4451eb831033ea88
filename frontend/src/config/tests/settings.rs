//! Build arguments, secrets, images of the user's own making, and what is put into images.

use buildkit_llb::SourceFile;
use expect_test::expect;

use super::super::{Base, Config, Given, Healthcheck, Libraries, PackageConfig, SecretPlace};
use super::{manifest, refused_package, refused_workspace};
use crate::diagnostic::text;

fn given(pairs: &[(&str, &str)]) -> Given {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn workspace(lines: &str, pairs: &[(&str, &str)]) -> Config {
    let text = format!("[workspace.metadata.longshore]\n{lines}");
    Config::from_workspace_manifest(&manifest(&text), &given(pairs))
        .unwrap_or_else(|error| panic!("{}", text::draw(&error)))
}

#[test]
fn an_argument_stands_where_its_name_is_written() {
    let lines = "base = \"registry.example.com/base:${RELEASE}\"\nenv = { A = \"${RELEASE}-$${RELEASE}\" }\n\
        args.RELEASE = \"12\"\nargs.TOKEN = { description = \"for nobody\" }\n";
    let config = workspace(lines, &[]);
    let Base::Image(base) = &config.image.base else { panic!("{:?}", config.image.base) };
    assert_eq!(base.reference.to_string(), "registry.example.com/base:12");
    assert_eq!(config.image.env["A"], "12-${RELEASE}");
    let config = workspace(lines, &[("RELEASE", "13")]);
    assert_eq!(config.image.env["A"], "13-${RELEASE}");
    assert_eq!(config.args.get("TOKEN").map(|arg| arg.value.as_str()), Some(""));
}

#[test]
fn arguments_that_cannot_be_are_refused_together() {
    refused_workspace(
        r#"[workspace.metadata.longshore]
user = "${USR}"
workdir = "/${unclosed"
args.USER_NAME = "app"
args.FEATURES = "x"
args."a-b" = "x"
args.NEEDED = { required = true }
args.NUMBER = 1
args.TABLE = { defualt = "x" }
"#,
        expect![[r#"
            Cargo.toml:2
            --------------------
               1 |     [workspace.metadata.longshore]
               2 | >>> user = "${USR}"
               3 |     workdir = "/${unclosed"
               4 |     args.USER_NAME = "app"
            --------------------
            Cargo.toml:3
            --------------------
               1 |     [workspace.metadata.longshore]
               2 |     user = "${USR}"
               3 | >>> workdir = "/${unclosed"
               4 |     args.USER_NAME = "app"
               5 |     args.FEATURES = "x"
            --------------------
            Cargo.toml:5
            --------------------
               3 |     workdir = "/${unclosed"
               4 |     args.USER_NAME = "app"
               5 | >>> args.FEATURES = "x"
               6 |     args."a-b" = "x"
               7 |     args.NEEDED = { required = true }
            --------------------
            Cargo.toml:6
            --------------------
               4 |     args.USER_NAME = "app"
               5 |     args.FEATURES = "x"
               6 | >>> args."a-b" = "x"
               7 |     args.NEEDED = { required = true }
               8 |     args.NUMBER = 1
            --------------------
            Cargo.toml:7
            --------------------
               5 |     args.FEATURES = "x"
               6 |     args."a-b" = "x"
               7 | >>> args.NEEDED = { required = true }
               8 |     args.NUMBER = 1
               9 |     args.TABLE = { defualt = "x" }
            --------------------
            Cargo.toml:8
            --------------------
               6 |     args."a-b" = "x"
               7 |     args.NEEDED = { required = true }
               8 | >>> args.NUMBER = 1
               9 |     args.TABLE = { defualt = "x" }
              10 |     
            --------------------
            Cargo.toml:9
            --------------------
               7 |     args.NEEDED = { required = true }
               8 |     args.NUMBER = 1
               9 | >>> args.TABLE = { defualt = "x" }
              10 |     
            --------------------
            ERROR: failed to build: failed to solve: 7 problems
            Cargo.toml:2: `${USR}` is no build argument of this workspace
            help: declare it: `args.USR = "…"` under `[workspace.metadata.longshore]`
            Cargo.toml:3: `${` is not closed
            help: write `$${` for the characters themselves
            Cargo.toml:5: `args` declares `FEATURES`, which has a meaning already
            Cargo.toml:6: `args` declares `a-b`, a name has letters, digits and `_`, and begins with no digit
            Cargo.toml:7: the build argument `NEEDED` has no value
            help: pass `--build-arg NEEDED=…`
            Cargo.toml:8: `args.NUMBER` is an integer, expected a string or a table
            Cargo.toml:9: unknown key `defualt`
            help: did you mean `default`?
        "#]],
    );
}

#[test]
fn arguments_that_nobody_knows_are_mentioned() {
    let config = workspace("args.RELEASE = \"1\"\n", &[]);
    let known =
        given(&[("RELEASE", "2"), ("FEATURES", "a"), ("https_proxy", "x"), ("BUILDKIT_INLINE_CACHE", "1")]);
    assert_eq!(config.args.undeclared(&known), []);
    let warnings = config.args.undeclared(&given(&[("RELAESE", "2"), ("OTHER", "1")]));
    let texts: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    expect![[r#"
        nothing uses the build argument `OTHER`
        help: declare it under `args` of `[workspace.metadata.longshore]`
        nothing uses the build argument `RELAESE`
        help: did you mean `RELEASE`?"#]]
    .assert_eq(&texts.join("\n"));
}

#[test]
fn a_package_sees_arguments_and_secrets_that_it_names() {
    let config = workspace("args.GIT_SHA = \"c0ffee\"\n", &[]);
    let text = "[package.metadata.longshore]\nargs = [\"GIT_SHA\"]\n\
        secrets = [{ id = \"token\" }, { id = \"db\", env = \"DATABASE_URL\", required = false }]\n";
    let package = PackageConfig::from_manifest(&manifest(text), Some(&config.args)).unwrap();
    assert_eq!(package.args, ["GIT_SHA"]);
    assert_eq!(package.secrets[0].place, SecretPlace::File("/run/secrets/token".to_owned()));
    assert!(package.secrets[0].required && !package.secrets[1].required);
    assert_eq!(package.secrets[1].place, SecretPlace::Env("DATABASE_URL".to_owned()));

    let text = "[package.metadata.longshore]\nargs = [\"GIT_SH\"]\n";
    let error = PackageConfig::from_manifest(&manifest(text), Some(&config.args)).unwrap_err();
    expect![[r#"
        Cargo.toml:2
        --------------------
           1 |     [package.metadata.longshore]
           2 | >>> args = ["GIT_SH"]
           3 |     
        --------------------
        ERROR: failed to build: failed to solve: `GIT_SH` is no build argument of this workspace
        help: did you mean `GIT_SHA`?
    "#]]
    .assert_eq(&text::draw(&error));
}

#[test]
fn everything_that_an_image_can_have() {
    let config = workspace(
        r#"
        volumes = ["/data"]
        stop-signal = "SIGINT"
        certificates = false
        libraries = "copy"
        stamp = true
        healthcheck = { cmd = ["/app", "--health"], interval = "10s", retries = 2 }
        files = [{ from = "config", to = "/etc/app/", owner = "0:app", mode = "0640" }]
        assets = [{ url = "https://example.com/m.bin", sha256 = "0000000000000000000000000000000000000000000000000000000000000000", to = "/m.bin" }]
        "#,
        &[],
    );
    let image = &config.image;
    assert_eq!(
        (image.volumes.as_slice(), image.stop_signal.as_deref()),
        (["/data".to_owned()].as_slice(), Some("SIGINT"))
    );
    assert_eq!((image.certificates, image.libraries, image.stamp), (Some(false), Libraries::Copy, true));
    assert!(matches!(
        &image.healthcheck,
        Some(Healthcheck::Run { interval: Some(10_000_000_000), retries: Some(2), .. })
    ));
    assert_eq!((image.files[0].from.as_str(), image.files[0].mode), ("config", Some(0o640)));
    assert_eq!((image.assets[0].to.as_str(), image.assets[0].unpack), ("/m.bin", false));
    assert_eq!(workspace("healthcheck = false\n", &[]).image.healthcheck, Some(Healthcheck::Off));
}

#[test]
fn what_an_image_cannot_have_is_refused_together() {
    refused_workspace(
        r#"[workspace.metadata.longshore]
volumes = ["data"]
stop-signal = "int"
libraries = "cpoy"
healthcheck = { interval = "10" }
files = [{ from = "../x", to = "etc" }, { to = "/a", mode = "rw" }, "x"]
assets = [
    { url = "ftp://example.com/m", sha256 = "00", to = "/models/" },
    { url = "https://example.com/m" },
]
"#,
        expect![[r#"
            Cargo.toml:2
            --------------------
               1 |     [workspace.metadata.longshore]
               2 | >>> volumes = ["data"]
               3 |     stop-signal = "int"
               4 |     libraries = "cpoy"
            --------------------
            Cargo.toml:3
            --------------------
               1 |     [workspace.metadata.longshore]
               2 |     volumes = ["data"]
               3 | >>> stop-signal = "int"
               4 |     libraries = "cpoy"
               5 |     healthcheck = { interval = "10" }
            --------------------
            Cargo.toml:4
            --------------------
               2 |     volumes = ["data"]
               3 |     stop-signal = "int"
               4 | >>> libraries = "cpoy"
               5 |     healthcheck = { interval = "10" }
               6 |     files = [{ from = "../x", to = "etc" }, { to = "/a", mode = "rw" }, "x"]
            --------------------
            Cargo.toml:5
            --------------------
               3 |     stop-signal = "int"
               4 |     libraries = "cpoy"
               5 | >>> healthcheck = { interval = "10" }
               6 |     files = [{ from = "../x", to = "etc" }, { to = "/a", mode = "rw" }, "x"]
               7 |     assets = [
            --------------------
            Cargo.toml:6
            --------------------
               4 |     libraries = "cpoy"
               5 |     healthcheck = { interval = "10" }
               6 | >>> files = [{ from = "../x", to = "etc" }, { to = "/a", mode = "rw" }, "x"]
               7 |     assets = [
               8 |         { url = "ftp://example.com/m", sha256 = "00", to = "/models/" },
            --------------------
            Cargo.toml:6
            --------------------
               4 |     libraries = "cpoy"
               5 |     healthcheck = { interval = "10" }
               6 | >>> files = [{ from = "../x", to = "etc" }, { to = "/a", mode = "rw" }, "x"]
               7 |     assets = [
               8 |         { url = "ftp://example.com/m", sha256 = "00", to = "/models/" },
            --------------------
            Cargo.toml:6
            --------------------
               4 |     libraries = "cpoy"
               5 |     healthcheck = { interval = "10" }
               6 | >>> files = [{ from = "../x", to = "etc" }, { to = "/a", mode = "rw" }, "x"]
               7 |     assets = [
               8 |         { url = "ftp://example.com/m", sha256 = "00", to = "/models/" },
            --------------------
            Cargo.toml:6
            --------------------
               4 |     libraries = "cpoy"
               5 |     healthcheck = { interval = "10" }
               6 | >>> files = [{ from = "../x", to = "etc" }, { to = "/a", mode = "rw" }, "x"]
               7 |     assets = [
               8 |         { url = "ftp://example.com/m", sha256 = "00", to = "/models/" },
            --------------------
            Cargo.toml:6
            --------------------
               4 |     libraries = "cpoy"
               5 |     healthcheck = { interval = "10" }
               6 | >>> files = [{ from = "../x", to = "etc" }, { to = "/a", mode = "rw" }, "x"]
               7 |     assets = [
               8 |         { url = "ftp://example.com/m", sha256 = "00", to = "/models/" },
            --------------------
            Cargo.toml:8
            --------------------
               6 |     files = [{ from = "../x", to = "etc" }, { to = "/a", mode = "rw" }, "x"]
               7 |     assets = [
               8 | >>>     { url = "ftp://example.com/m", sha256 = "00", to = "/models/" },
               9 |         { url = "https://example.com/m" },
              10 |     ]
            --------------------
            Cargo.toml:8
            --------------------
               6 |     files = [{ from = "../x", to = "etc" }, { to = "/a", mode = "rw" }, "x"]
               7 |     assets = [
               8 | >>>     { url = "ftp://example.com/m", sha256 = "00", to = "/models/" },
               9 |         { url = "https://example.com/m" },
              10 |     ]
            --------------------
            Cargo.toml:8
            --------------------
               6 |     files = [{ from = "../x", to = "etc" }, { to = "/a", mode = "rw" }, "x"]
               7 |     assets = [
               8 | >>>     { url = "ftp://example.com/m", sha256 = "00", to = "/models/" },
               9 |         { url = "https://example.com/m" },
              10 |     ]
            --------------------
            Cargo.toml:9
            --------------------
               7 |     assets = [
               8 |         { url = "ftp://example.com/m", sha256 = "00", to = "/models/" },
               9 | >>>     { url = "https://example.com/m" },
              10 |     ]
              11 |     
            --------------------
            Cargo.toml:9
            --------------------
               7 |     assets = [
               8 |         { url = "ftp://example.com/m", sha256 = "00", to = "/models/" },
               9 | >>>     { url = "https://example.com/m" },
              10 |     ]
              11 |     
            --------------------
            ERROR: failed to build: failed to solve: 14 problems
            Cargo.toml:2: `volumes` has `data`, expected an absolute path
            help: write `"/data"`
            Cargo.toml:3: `stop-signal` is `int`, expected a signal like `SIGTERM`, or its number
            help: write `SIGINT`
            Cargo.toml:4: `libraries` is `cpoy`, expected `check`, `copy` or `ignore`
            Cargo.toml:5: `healthcheck` has no `cmd`
            help: write `healthcheck = { cmd = ["/usr/local/bin/app", "--health"] }`
            Cargo.toml:6: `from` is missing
            Cargo.toml:6: `files` has a string, expected a list of tables like `{ from = "…", to = "/…" }`
            Cargo.toml:6: `from` has `../x`, which has `..` in it, paths are relative to the root of the build context
            help: files outside the build context cannot be used; name a path without `..`
            Cargo.toml:6: `to` is `etc`, expected an absolute path
            help: write `to = "/etc"`
            Cargo.toml:6: `mode` is `rw`, expected permission bits in octal, like `"0644"`
            Cargo.toml:8: `url` is `ftp://example.com/m`, expected an address like `https://host/path`
            Cargo.toml:8: `sha256` is `00`, expected 64 hex digits in lower case
            help: `sha256sum FILE` prints them; an all-zero one makes the build say what it found
            Cargo.toml:8: `to` is `/models/`, a directory, expected the path of the file
            help: name the file as well, or set `unpack = true` for an archive
            Cargo.toml:9: `sha256` is missing
            Cargo.toml:9: `to` is missing
        "#]],
    );
}

#[test]
fn images_of_the_users_own() {
    let config =
        workspace("[workspace.metadata.longshore.images.all]\nbins = [\"a\", \"b\"]\nuser = \"root\"\n", &[]);
    let table = &config.images["all"];
    assert_eq!(table.bins.iter().map(|bin| bin.value.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(table.image.user.as_deref(), Some("root"));
    refused_workspace(
        "[workspace.metadata.longshore.images.\"a b\"]\nbin = [\"a\"]\n[workspace.metadata.longshore.images]\nx = 1\n",
        expect![[r#"
            Cargo.toml:1
            --------------------
               1 | >>> [workspace.metadata.longshore.images."a b"]
               2 |     bin = ["a"]
               3 |     [workspace.metadata.longshore.images]
            --------------------
            Cargo.toml:2
            --------------------
               1 |     [workspace.metadata.longshore.images."a b"]
               2 | >>> bin = ["a"]
               3 |     [workspace.metadata.longshore.images]
               4 |     x = 1
            --------------------
            Cargo.toml:4
            --------------------
               2 |     bin = ["a"]
               3 |     [workspace.metadata.longshore.images]
               4 | >>> x = 1
               5 |     
            --------------------
            ERROR: failed to build: failed to solve: 3 problems
            Cargo.toml:1: `images` has `a b`, a name has letters, digits, `.`, `_` and `-`
            Cargo.toml:2: unknown key `bin`
            help: did you mean `bins`?
            Cargo.toml:4: `images.x` is an integer, expected a table
        "#]],
    );
    refused_package(
        "[package.metadata.longshore]\nimages = {}\nsecrets = [{ env = \"A\" }]\n",
        expect![[r#"
            Cargo.toml:2
            --------------------
               1 |     [package.metadata.longshore]
               2 | >>> images = {}
               3 |     secrets = [{ env = "A" }]
               4 |     
            --------------------
            Cargo.toml:3
            --------------------
               1 |     [package.metadata.longshore]
               2 |     images = {}
               3 | >>> secrets = [{ env = "A" }]
               4 |     
            --------------------
            ERROR: failed to build: failed to solve: 2 problems
            Cargo.toml:2: unknown key `images`
            help: write `images` under `[workspace.metadata.longshore]`
            Cargo.toml:3: `id` is missing
        "#]],
    );
}

#[test]
fn a_file_of_its_own_has_the_same_tables() {
    let file = |text: &str| SourceFile::new("longshore.toml", "TOML", text);
    let text = "profile = \"dev\"\nargs.X = \"1\"\n[packages.api]\nargs = [\"X\"]\nexpose = [8080]\n";
    let (config, packages) = Config::from_standalone(&file(text), &Given::new()).unwrap();
    assert_eq!(
        (config.profile.as_str(), packages["api"].config.args.as_slice()),
        ("dev", ["X".to_owned()].as_slice())
    );
    let error = Config::from_standalone(
        &file("profil = \"dev\"\ninputs = []\n[packages.api]\nprofile = \"x\"\n"),
        &Given::new(),
    );
    expect![[r#"
        longshore.toml:1
        --------------------
           1 | >>> profil = "dev"
           2 |     inputs = []
           3 |     [packages.api]
        --------------------
        longshore.toml:2
        --------------------
           1 |     profil = "dev"
           2 | >>> inputs = []
           3 |     [packages.api]
           4 |     profile = "x"
        --------------------
        longshore.toml:4
        --------------------
           2 |     inputs = []
           3 |     [packages.api]
           4 | >>> profile = "x"
           5 |     
        --------------------
        ERROR: failed to build: failed to solve: 3 problems
        longshore.toml:1: unknown key `profil`
        help: did you mean `profile`?
        longshore.toml:2: unknown key `inputs`
        help: `inputs` belongs to one package: write it under `[package.metadata.longshore]`
        longshore.toml:4: unknown key `profile`
        help: the whole workspace has one `profile`: write it under `[workspace.metadata.longshore]`
    "#]]
    .assert_eq(&text::draw(&error.unwrap_err()));
}
