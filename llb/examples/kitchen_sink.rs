//! Writes a definition to standard output that has every kind of op a daemon can run without a network and without a
//! session. The test against a running daemon solves it; it is also a quick look at the whole builder API.
//!
//! The arguments are how much (`all`, `merge`, `base`; or `remote`: what takes a client or a network) and the name of an
//! image that the daemon has and that holds a shell.

use std::io::Write as _;

use buildkit_llb::{
    Annotate, Bind, Cache, ContentCache, Copy, Diff, Differ, Digest, Exec, Files, Git, GitUrl, Http, HttpUrl,
    Image, ImageRef, Local, Merge, Mkdir, Mount, OciLayout, Owner, Passthrough, Platform, ProgressGroup,
    ProxyEnv, Remove, ResolveMode, SessionId, Sharing, SourceFile, State, Symlink, Tmpfs, Write,
};
use prost::Message as _;

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let what = args.next().unwrap_or_else(|| "all".to_owned());
    let image = args.next().unwrap_or_else(|| "debian:bookworm-slim".to_owned());
    let image = ImageRef::parse(&image).map_err(std::io::Error::other)?;
    let state = match what.as_str() {
        "all" => kitchen_sink(&image, &Platform::host(), Extras::All),
        "merge" => kitchen_sink(&image, &Platform::host(), Extras::Merge),
        "base" => kitchen_sink(&image, &Platform::host(), Extras::Base),
        "remote" => remote_sink(&image, &Platform::host()),
        what => {
            let message = format!("`{what}` is not one of `all`, `merge`, `base`, `remote`");
            return Err(std::io::Error::other(message));
        }
    };
    std::io::stdout().write_all(&state.definition().to_proto().encode_to_vec())
}

/// How much a daemon can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extras {
    /// Everything.
    All,
    /// All but passthrough, which came with BuildKit 0.31.
    Merge,
    /// Nor merge and diff, which take the containerd image store: copies in their place.
    Base,
}

/// One state that needs all that a daemon does by itself.
pub(crate) fn kitchen_sink(image: &ImageRef, platform: &Platform, extras: Extras) -> State {
    let group = ProgressGroup::new("[sink] everything");
    let file = SourceFile::new("sink.toml", "TOML", "[sink]\nexec = true\nfiles = true\n");
    let base = Image::new(image, platform).resolve_mode(ResolveMode::Local).labeled("base").state();
    let source = Files::on(&State::SCRATCH)
        .mkdir("/deep/er", 0o755)
        .add(Write::new("/deep/er/a.rs", 0o644, "fn a() {}\n").owner(Owner::ids(1000, 1000)).timestamp(0))
        .write("/deep/b.txt", 0o600, "b\n")
        .add(Symlink::new("b.txt", "/deep/link"))
        .add(Mkdir::new("/gone", 0o700))
        .add(Remove::new("/gone"))
        .add(Remove::new("/nothing-*").allow_missing().wildcard())
        .labeled("source")
        .named("[sink] write files")
        .grouped(&group)
        .state();
    let copied = Files::on(&State::SCRATCH)
        .add(
            Copy::new(&source, "/", "/only-rust/")
                .include(["**/*.rs"])
                .exclude(["**/*.txt"])
                .contents()
                .parents()
                .owner(Owner::ids(0, 0))
                .timestamp(1),
        )
        .add(
            Copy::new(&source, "/deep/*.txt", "/text/")
                .wildcard()
                .allow_empty_wildcard()
                .parents()
                .mode(0o444),
        )
        .add(Copy::new(&source, "/deep/link", "/followed").follow_symlinks())
        .labeled("copied")
        .at(&file.span(22..34))
        .state();
    let (root, out) = Exec::modify(platform, &base, ["/bin/sh", "-euc", SCRIPT])
        .env("EMPTY", "")
        .env("GREETING", "hello world")
        .cwd("/work")
        .user("0:0")
        .hostname("sink")
        .offline()
        .extra_host("host.example", [192, 0, 2, 1].into())
        .ulimit("nofile", 1024, 4096)
        .exit_codes([0, 7])
        .mount("/src", &source)
        .mount("/one/file.txt", Mount::subpath(&source, "/deep/b.txt"))
        .mount("/dropped", Bind::new(&copied).discard().content_cache(ContentCache::Off))
        .mount("/cache", Cache::new("kitchen-sink").sharing(Sharing::Locked))
        .mount("/tmp", Tmpfs::default().size(1 << 20))
        .output("/out", &copied)
        .labeled("run")
        .named("[sink] run a shell")
        .grouped(&group)
        .at(&file.span(7..18))
        .run();
    let quiet = Exec::new(platform, &base, ["/bin/sh", "-c", "cp /in/greeting /out/"])
        .offline()
        .mount("/in", &out)
        .output("/out", &State::SCRATCH)
        .labeled("quiet")
        .run();
    let on_scratch =
        Exec::new(platform, &State::SCRATCH, ["/bin/sh", "-c", ": > /changed; : > /out/marker"]).offline();
    let marker = ["/bin", "/lib", "/lib64", "/usr"]
        .into_iter()
        .fold(on_scratch, |exec, directory| exec.mount(directory, Mount::subpath(&base, directory)))
        .output("/out", &State::SCRATCH)
        .labeled("scratch root")
        .run();
    match extras {
        Extras::All | Extras::Merge => {
            let changes = Diff::new(&base, &root).labeled("changes").state();
            let ordered = match extras {
                Extras::All => Passthrough::new("after", &quiet).requires(&marker).labeled("ordered").state(),
                _ => quiet,
            };
            Merge::new([&changes, &out, &ordered]).labeled("merged").named("[sink] merge").state()
        }
        Extras::Base => Files::on(&out)
            .copy(&root, "/etc/hostname-of-sink", "/hostname")
            .copy(&quiet, "/greeting", "/quiet")
            .copy(&marker, "/marker", "/marker")
            .labeled("copied together")
            .state(),
    }
}

/// One state that needs all that takes a client or a network: it is there for its digests, not to be built.
pub(crate) fn remote_sink(image: &ImageRef, platform: &Platform) -> State {
    let session = SessionId::new("no-such-session");
    let base =
        Image::new(image, platform).resolve_mode(ResolveMode::Local).internal().labeled("base").state();
    let context = Local::new("context", &session)
        .include(["**/*.rs", "a<b>&c"])
        .exclude(["target", "!target/keep"])
        .follow_paths(["Cargo.toml"])
        .shared_key_hint("context")
        .differ(Differ::None)
        .metadata_only(["**/Cargo.toml"])
        .labeled("context")
        .state();
    let unique = Local::unique("context", "nobody").differ(Differ::Metadata).labeled("unique").state();
    let http = HttpUrl::parse("http://127.0.0.1:1/file.tar.gz").expect("a URL");
    let http = Http::new(&http, &Digest::of(b""))
        .filename("renamed.tar.gz")
        .mode(0o640)
        .owner(1, 2)
        .auth_header_secret("token")
        .accept("*/*")
        .user_agent("kitchen sink")
        .labeled("http")
        .state();
    let https = GitUrl::parse("https://127.0.0.1:1/team/app.git").expect("an address");
    let https = Git::new(&https, "main")
        .subdir("crates")
        .checksum("0123456789abcdef0123456789abcdef01234567")
        .keep_git_dir()
        .skip_submodules()
        .auth_token_secret("token")
        .labeled("git over https")
        .state();
    let ssh = GitUrl::parse("ssh://git@127.0.0.1:1/team/app.git").expect("an address");
    let ssh = Git::new(&ssh, "").known_hosts("127.0.0.1 ssh-ed25519 AAAA").labeled("git over ssh").state();
    let layout = OciLayout::new("store", &Digest::of(b""), platform).session(&session).layer_limit(1);
    let layout = layout.labeled("layout").state();
    let proxy =
        ProxyEnv { https: "http://127.0.0.1:1".into(), no: "localhost".into(), ..ProxyEnv::default() };
    let secrets = Exec::new(platform, &base, ["/bin/true"])
        .proxy(&proxy)
        .cgroup_parent("builds")
        .mount("/run/secrets/token", Mount::secret("token"))
        .mount("/run/secrets/other", Mount::secret("other").optional().mode(0o440).owner(1, 2))
        .mount("/run/ssh", Mount::ssh("default"))
        .mount("/run/ssh-other", Mount::ssh("other").optional().mode(0o660).owner(3, 4))
        .secret_env("MAYBE", "maybe", true)
        .mount("/cache", Cache::new("kitchen-sink-based").sharing(Sharing::Private).base(&base))
        .output("/out", &State::SCRATCH)
        .labeled("secrets")
        .run();
    let copies = [&context, &unique, &http, &https, &ssh, &layout, &secrets];
    copies.iter().fold(Files::on(&base), |files, from| files.copy(from, "/", "/")).labeled("copied").state()
}

const SCRIPT: &str = r#"
test "$GREETING" = "hello world"
test "${EMPTY-unset}" = ""
test "$(pwd)" = /work
test "$(hostname)" = sink
test "$(cat /one/file.txt)" = b
test "$(ulimit -n)" = 1024
grep -q "192.0.2.1.*host.example" /etc/hosts
if touch /src/x 2>/dev/null; then exit 1; fi
touch /dropped/x /cache/x /tmp/x
echo changed > /etc/hostname-of-sink
echo "$GREETING" > /out/greeting
exit 7
"#;
