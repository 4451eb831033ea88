//! Writes a definition to standard output that has every kind of op a daemon can run without a network and without a
//! session. The test against a running daemon solves it; it is also a quick look at the whole builder API.
//!
//! The argument is the name of an image that the daemon has and that holds a shell.

use std::io::Write as _;

use buildkit_llb::{
    Annotate, Bind, Cache, ContentCache, Copy, Diff, Exec, Files, Image, ImageRef, Merge, Mkdir, Mount,
    Owner, Passthrough, Platform, ProgressGroup, Remove, ResolveMode, Sharing, SourceFile, State, Symlink,
    Tmpfs, Write,
};
use prost::Message as _;

fn main() -> std::io::Result<()> {
    let image = std::env::args().nth(1).unwrap_or_else(|| "debian:bookworm-slim".to_owned());
    let image = ImageRef::parse(&image).map_err(std::io::Error::other)?;
    let definition = kitchen_sink(&image, &Platform::host(), Extras::All).definition();
    std::io::stdout().write_all(&definition.to_proto().encode_to_vec())
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

/// One state that needs all of it.
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
        .mount("/run/secrets/none", Mount::secret("no-such-secret").optional().mode(0o440).owner(1, 2))
        .mount("/run/ssh", Mount::ssh("no-such-agent").optional())
        .secret_env("MAYBE", "no-such-secret", true)
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
    let marker = Exec::scribble(platform, &base, ["/bin/sh", "-c", "touch /scribble /out/marker"])
        .offline()
        .output("/out", &State::SCRATCH)
        .labeled("scribble")
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
            .copy(&root, "/etc/hostname", "/hostname")
            .copy(&quiet, "/greeting", "/quiet")
            .copy(&marker, "/marker", "/marker")
            .labeled("copied together")
            .state(),
    }
}

const SCRIPT: &str = r#"
test "$GREETING" = "hello world"
test "${EMPTY-unset}" = ""
test "$(pwd)" = /work
test "$(hostname)" = sink
test "$(cat /one/file.txt)" = b
test "$(ulimit -n)" = 1024
test ! -e /run/secrets/none
test "${MAYBE-unset}" = unset
grep -q "192.0.2.1.*host.example" /etc/hosts
if touch /src/x 2>/dev/null; then exit 1; fi
touch /dropped/x /cache/x /tmp/x
echo changed > /etc/hostname-of-sink
echo "$GREETING" > /out/greeting
exit 7
"#;
