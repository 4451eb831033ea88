//! The text form of each kind of op, and of the graph of all of them. `UPDATE_EXPECT=1` rewrites the expectations.
#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

use buildkit_llb::{
    Annotate, Bind, Cache, ContentCache, Copy, Diff, Differ, Digest, Exec, Files, Git, GitUrl, Http, HttpUrl,
    Image, ImageRef, Local, Merge, Mkdir, Mount, Network, OciLayout, Owner, Passthrough, Platform,
    ProgressGroup, ProxyEnv, Remove, ResolveMode, Resources, SessionId, Sharing, SourceFile, State, Tmpfs,
    Write,
};
use expect_test::{Expect, expect};

#[path = "../examples/kitchen_sink.rs"]
#[expect(dead_code, reason = "the example's own main")]
mod kitchen_sink;

#[expect(clippy::needless_pass_by_value, reason = "`expect![]` reads best in place")]
#[track_caller]
fn check(state: &State, expect: Expect) {
    expect.assert_eq(&state.to_string());
}

fn linux() -> Platform {
    Platform::parse("linux/amd64").unwrap()
}

fn image(name: &str) -> State {
    Image::new(&ImageRef::parse(name).unwrap(), &linux()).labeled("base").state()
}

fn checksum() -> Digest {
    Digest::of(b"")
}

fn session() -> SessionId {
    SessionId::new("s1x7q")
}

#[test]
fn scratch() {
    check(
        &State::SCRATCH,
        expect![[r#"
        return scratch
    "#]],
    );
    check(
        &Merge::new([&State::SCRATCH, &State::SCRATCH]).state(),
        expect![[r#"
        return scratch
    "#]],
    );
    check(
        &Files::on(&State::SCRATCH).labeled("nothing").state(),
        expect![[r#"
        return scratch
    "#]],
    );
}

#[test]
fn images() {
    let name = ImageRef::parse("rust:1.95-slim").unwrap();
    check(
        &Image::new(&name, &linux()).labeled("toolchain").named("[toolchain] rust").state(),
        expect![[r#"
            toolchain = docker-image docker.io/library/rust:1.95-slim  [linux/amd64]
                name "[toolchain] rust"

            return toolchain
        "#]],
    );
    let arm = Platform::parse("linux/arm/v7").unwrap();
    let state = Image::new(&name, &arm)
        .resolve_mode(ResolveMode::Pull)
        .checksum(&checksum())
        .layer_limit(3)
        .internal()
        .state();
    check(
        &state,
        expect![[r#"
        source#1 = docker-image docker.io/library/rust:1.95-slim  [linux/arm/v7]
            checksum sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
            layerlimit 3
            recordtype internal
            resolvemode pull

        return source#1
    "#]],
    );
}

#[test]
fn oci_layouts() {
    let state = OciLayout::new("store", &checksum(), &linux())
        .session(&session())
        .layer_limit(2)
        .labeled("layout")
        .state();
    check(
        &state,
        expect![[r#"
        layout = oci-layout store@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  [linux/amd64]
            layerlimit 2
            session $SESSION
            store store

        return layout
    "#]],
    );
    check(
        &OciLayout::new("x", &checksum(), &linux()).reference("a/b@c").labeled("named").state(),
        expect![[r#"
            named = oci-layout a/b@c  [linux/amd64]
                store x

            return named
        "#]],
    );
}

#[test]
fn local_directories() {
    let state = Local::new("context", &session())
        .include(["Cargo.toml", "with space/**"])
        .exclude(["target", "!target/keep"])
        .follow_paths(["Cargo.lock"])
        .shared_key_hint("context")
        .differ(Differ::None)
        .metadata_only(["**/Cargo.toml"])
        .labeled("context")
        .state();
    check(
        &state,
        expect![[r#"
        context = local context
            differ none
            excludepatterns target
            excludepatterns !target/keep
            followpaths Cargo.lock
            includepattern Cargo.toml
            includepattern "with space/**"
            metadatatransfer true
            metadatatransferexclude **/Cargo.toml
            session $SESSION
            sharedkeyhint context

        return context
    "#]],
    );
    let plain =
        Local::unique("context", "u1").include([""; 0]).differ(Differ::Metadata).labeled("plain").state();
    check(
        &plain,
        expect![[r#"
        plain = local context
            differ metadata
            unique $SESSION

        return plain
    "#]],
    );
}

#[test]
fn git_repositories() {
    let url = GitUrl::parse("ssh://git@example.com/team/app.git").unwrap();
    let state = Git::new(&url, "v1.0")
        .subdir("/crates/app/")
        .checksum("0123456789abcdef0123456789abcdef01234567")
        .fetch_by_commit()
        .keep_git_dir()
        .skip_submodules()
        .commit_times()
        .auth_token_secret("TOKEN")
        .auth_header_secret("HEADER")
        .ssh("deploy")
        .known_hosts("example.com ssh-ed25519 AAAA\n")
        .labeled("app")
        .state();
    check(
        &state,
        expect![[r#"
        app = git example.com/team/app.git#v1.0:crates/app
            authheadersecret HEADER
            authtokensecret TOKEN
            checksum 0123456789abcdef0123456789abcdef01234567
            fetchbycommit true
            fullurl ssh://git@example.com/team/app.git
            keepgitdir true
            knownsshhosts "example.com ssh-ed25519 AAAA\n"
            mountsshsock deploy
            mtime commit
            skipsubmodules true

        return app
    "#]],
    );
    let url = GitUrl::parse("https://example.com/team/app").unwrap();
    check(
        &Git::new(&url, "").ssh("ignored").known_hosts("x").labeled("app").state(),
        expect![[r#"
        app = git example.com/team/app
            fullurl https://example.com/team/app

        return app
    "#]],
    );
    check(
        &Git::new(&url, "").subdir("a").labeled("app").state(),
        expect![[r#"
        app = git example.com/team/app#:a
            fullurl https://example.com/team/app

        return app
    "#]],
    );
}

#[test]
fn files_over_http() {
    let url = HttpUrl::parse("https://example.com/a/serde-1.0.tar.gz").unwrap();
    let state = Http::new(&url, &checksum())
        .filename("crate.tar.gz")
        .mode(0o644)
        .owner(1000, 0)
        .auth_header_secret("AUTH")
        .accept("application/gzip")
        .user_agent("builder")
        .labeled("download:serde")
        .state();
    check(
        &state,
        expect![[r#"
        download:serde = http https://example.com/a/serde-1.0.tar.gz
            authheadersecret AUTH
            checksum sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
            filename crate.tar.gz
            header.accept application/gzip
            header.user-agent builder
            perm 0644
            uid 1000

        return download:serde
    "#]],
    );
    check(
        &Http::unpinned(&url).owner(0, 0).labeled("download:serde").state(),
        expect![[r#"
        download:serde = http https://example.com/a/serde-1.0.tar.gz

        return download:serde
    "#]],
    );
}

#[test]
fn execs() {
    let base = image("debian:12");
    let source = Local::new("context", &session()).labeled("context").state();
    let proxy = ProxyEnv { http: "http://proxy:3128".into(), no: "localhost".into(), ..ProxyEnv::default() };
    let (root, out) = Exec::modify(&linux(), &base, ["sh", "-c", "echo \"$X\" > /out/x", ""])
        .env("X", "a b")
        .envs([("A", "1"), ("EMPTY", "")])
        .cwd("src/../src")
        .user("app:app")
        .hostname("box")
        .extra_host("b.example", [192, 0, 2, 2].into())
        .extra_host("a.example", [192, 0, 2, 1].into())
        .extra_host("b.example", [192, 0, 2, 1].into())
        .ulimit("nofile", 1024, 2048)
        .cgroup_parent("/build")
        .proxy(&proxy)
        .exit_codes([7, 0])
        .network(Network::Host)
        .insecure()
        .device("vendor.com/gpu=all", false)
        .device("vendor.com/gpu=0", true)
        .secret_env("TOKEN", "token", false)
        .secret_env("MAYBE", "maybe", true)
        .resources(&Resources { memory_bytes: 1 << 30, cpuset_cpus: "0-3".into(), ..Resources::default() })
        .mount("/src/", Mount::subpath(&source, "crates/app"))
        .mount("/whole", Bind::new(&source).subpath("/").content_cache(ContentCache::On))
        .mount("/copy", Mount::discard(&source))
        .mount("/cache", Mount::cache("cargo", Sharing::Locked))
        .mount("/cache/based", Cache::new("based").base(&base))
        .mount("/tmp", Mount::tmpfs())
        .mount("/shm", Tmpfs::default().size(65536))
        .mount("/run/secret", Mount::secret("netrc"))
        .mount("/run/other", Mount::secret("other").optional().mode(0o444).owner(1, 2))
        .mount("/run/agent", Mount::ssh("default").optional().mode(0o660).owner(3, 4))
        .output("/out", &State::SCRATCH)
        .labeled("everything")
        .uncached()
        .export_cache(false)
        .run();
    check(
        &Merge::new([&root, &out]).labeled("both").state(),
        expect![[r#"
        base = docker-image docker.io/library/debian:12  [linux/amd64]

        context = local context
            session $SESSION

        everything = exec sh -c "echo \"$X\" > /out/x" ""  [linux/amd64]
            env A=1
            env EMPTY=
            env SSH_AUTH_SOCK=/run/agent
            env "X=a b"
            cwd /src
            user app:app
            hostname box
            host a.example 192.0.2.1
            host b.example 192.0.2.2
            host b.example 192.0.2.1
            ulimit nofile 1024:2048
            cgroup-parent /build
            proxy http http://proxy:3128
            proxy no localhost
            exit-codes 0,7
            network host
            security insecure
            device vendor.com/gpu=0 optional
            device vendor.com/gpu=all
            secret-env MAYBE maybe optional
            secret-env TOKEN token
            mount / output.0 base
            mount /cache cache cargo locked
            mount /cache/based cache based from base
            mount /copy discard context
            mount /out output.1 scratch
            mount /shm tmpfs 65536
            mount /src read-only context crates/app
            mount /tmp tmpfs
            mount /whole read-only context content-cache on
            mount /run/other secret other 444 owner 1:2 optional
            mount /run/secret secret netrc
            mount /run/agent ssh default 660 owner 3:4 optional
            uncached
            export-cache false
            memory 1073741824
            cpuset-cpus 0-3

        both = merge
            everything
            everything.1

        return both
    "#]],
    );
}

#[test]
fn a_plain_exec_has_few_lines() {
    let base = image("debian:12");
    let state = Exec::new(&linux(), &base, ["true"])
        .root_content_cache(ContentCache::On)
        .offline()
        .output("/out", &State::SCRATCH)
        .labeled("plain")
        .run();
    check(
        &state,
        expect![[r#"
        base = docker-image docker.io/library/debian:12  [linux/amd64]

        plain = exec true  [linux/amd64]
            network none
            mount / read-only base content-cache on
            mount /out output.0 scratch

        return plain
    "#]],
    );
}

#[test]
fn file_actions() {
    let source = Local::new("context", &session()).labeled("context").state();
    let base = image("debian:12");
    let state = Files::on(&base)
        .mkdir("/a", 0o755)
        .add(Mkdir::new("/a/b", 0o1777).owner(Owner::parse("app:100")).timestamp(0))
        .write("/a/text", 0o644, "one\n\n  two\n")
        .add(Write::new("/a/no newline", 0o644, "three").owner(Owner::parse("app")).timestamp(1_700_000_000))
        .write("/a/empty", 0o600, "")
        .write("/a/binary", 0o600, [0_u8, 159, 146, 150])
        .copy(&source, "Cargo.toml", "/w/")
        .add(
            Copy::new(&source, "/crates/*", "/w/crates/.")
                .mode(0o555)
                .owner(Owner::parse(":0"))
                .timestamp(5)
                .include(["**/*.rs", "a b"])
                .exclude(["**/target"])
                .required(["src/main.rs"])
                .wildcard()
                .allow_empty_wildcard()
                .follow_symlinks()
                .contents()
                .parents()
                .unpack()
                .replace(),
        )
        .add(Copy::new(&State::SCRATCH, "/", "/none").symbolic_mode("u=rwX,go=rX"))
        .symlink("../lib", "/usr/lib64")
        .remove("/a/text")
        .add(Remove::new("/b/*").allow_missing().wildcard())
        .labeled("image")
        .state();
    check(
        &state,
        expect![[r#"
        base = docker-image docker.io/library/debian:12  [linux/amd64]

        context = local context
            session $SESSION

        image = files base
            mkdir /a 755 parents
            mkdir /a/b 1777 owner app:100 time 0
            write /a/text 644
                | one
                |
                |   two
            write "/a/no newline" 644 owner app: time 1700000000
                | three
                (no newline at the end)
            write /a/empty 600 empty
            write /a/binary 600 4 bytes
            copy context /Cargo.toml -> /w/
            copy context /crates/* -> /w/crates/. mode 555 contents parents wildcard allow-empty follow-symlinks unpack replace owner :0 time 5
                include **/*.rs
                include "a b"
                exclude **/target
                required src/main.rs
            copy scratch / -> /none mode u=rwX,go=rX
            symlink /usr/lib64 -> ../lib
            remove /a/text
            remove /b/* allow-missing wildcard

        return image
    "#]],
    );
}

#[test]
fn combinations() {
    let base = image("debian:12");
    let a = Files::on(&base).write("/a", 0o644, "").labeled("a").state();
    let b = Files::on(&base).write("/b", 0o644, "").labeled("b").state();
    let changes = Diff::new(&base, &a).labeled("changes").state();
    let removed = Diff::new(&base, &State::SCRATCH).labeled("removed").state();
    let merged = Merge::new([&b, &State::SCRATCH, &changes, &removed]).labeled("merged").state();
    let ordered =
        Passthrough::new("gate", &merged).requires(&b).requires(&a).requires(&b).labeled("ordered").state();
    check(
        &ordered,
        expect![[r#"
        base = docker-image docker.io/library/debian:12  [linux/amd64]

        b = files base
            write /b 644 empty

        a = files base
            write /a 644 empty

        changes = diff base -> a

        removed = diff base -> scratch

        merged = merge
            b
            changes
            removed

        ordered = passthrough merged
            after a
            after b
            id gate

        return ordered
    "#]],
    );
}

#[test]
fn annotations() {
    let file = SourceFile::new("Cargo.toml", "TOML", "a\nb\nc\nd\n");
    let group = ProgressGroup::new("[deps] 2 crates");
    let a = Files::on(&State::SCRATCH)
        .write("/a", 0o644, "")
        .labeled("a")
        .named("[deps] a")
        .grouped(&group)
        .at(&file.span(0..1))
        .at(&file.span(2..7))
        .at(&file.span(0..1))
        .export_cache(true)
        .state();
    let b = Files::on(&a).write("/b", 0o644, "").labeled("b").grouped(&group.weak()).state();
    check(
        &b,
        expect![[r#"
        a = files scratch
            write /a 644 empty
            name "[deps] a"
            group "[deps] 2 crates"
            at Cargo.toml:1
            at Cargo.toml:2-4
            export-cache true

        b = files a
            write /b 644 empty
            group "[deps] 2 crates" weak

        return b
    "#]],
    );
}

#[test]
fn ops_without_a_label_are_counted_and_a_label_that_is_taken_too() {
    let a = Files::on(&State::SCRATCH).write("/a", 0o644, "").state();
    let b = Files::on(&State::SCRATCH).write("/b", 0o644, "").state();
    let c = Files::on(&State::SCRATCH).write("/c", 0o644, "").labeled("x").state();
    let d = Files::on(&State::SCRATCH).write("/d", 0o644, "").labeled("x").state();
    check(
        &Merge::new([&a, &b, &c, &d]).state(),
        expect![[r#"
        files#1 = files scratch
            write /a 644 empty

        files#2 = files scratch
            write /b 644 empty

        x = files scratch
            write /c 644 empty

        x#2 = files scratch
            write /d 644 empty

        merge#1 = merge
            files#1
            files#2
            x
            x#2

        return merge#1
    "#]],
    );
}

#[test]
fn everything_a_daemon_does_by_itself() {
    let image = ImageRef::parse("debian:bookworm-slim").unwrap();
    check(
        &kitchen_sink::kitchen_sink(&image, &linux(), kitchen_sink::Extras::All),
        expect![[r#"
            base = docker-image docker.io/library/debian:bookworm-slim  [linux/amd64]
                resolvemode local

            source = files scratch
                mkdir /deep/er 755 parents
                write /deep/er/a.rs 644 owner 1000:1000 time 0
                    | fn a() {}
                write /deep/b.txt 600
                    | b
                symlink /deep/link -> b.txt
                mkdir /gone 700
                remove /gone
                remove /nothing-* allow-missing wildcard
                name "[sink] write files"
                group "[sink] everything"

            copied = files scratch
                copy source / -> /only-rust/ contents parents owner 0:0 time 1
                    include **/*.rs
                    exclude **/*.txt
                copy source /deep/*.txt -> /text/ mode 444 parents wildcard allow-empty
                copy source /deep/link -> /followed follow-symlinks
                at sink.toml:3

            run = exec /bin/sh -euc (below)  [linux/amd64]
                |
                | test "$GREETING" = "hello world"
                | test "${EMPTY-unset}" = ""
                | test "$(pwd)" = /work
                | test "$(hostname)" = sink
                | test "$(cat /one/file.txt)" = b
                | test "$(ulimit -n)" = 1024
                | grep -q "192.0.2.1.*host.example" /etc/hosts
                | if touch /src/x 2>/dev/null; then exit 1; fi
                | touch /dropped/x /cache/x /tmp/x
                | echo changed > /etc/hostname-of-sink
                | echo "$GREETING" > /out/greeting
                | exit 7
                env EMPTY=
                env "GREETING=hello world"
                cwd /work
                user 0:0
                hostname sink
                host host.example 192.0.2.1
                ulimit nofile 1024:4096
                exit-codes 0,7
                network none
                mount / output.0 base
                mount /cache cache kitchen-sink locked
                mount /dropped discard copied content-cache off
                mount /one/file.txt read-only source deep/b.txt
                mount /out output.1 copied
                mount /src read-only source
                mount /tmp tmpfs 1048576
                name "[sink] run a shell"
                group "[sink] everything"
                at sink.toml:2

            changes = diff base -> run

            quiet = exec /bin/sh -c "cp /in/greeting /out/"  [linux/amd64]
                network none
                mount / read-only base
                mount /in read-only run.1
                mount /out output.0 scratch

            scratch root = exec /bin/sh -c ": > /changed; : > /out/marker"  [linux/amd64]
                network none
                mount / output.0 scratch
                mount /bin read-only base bin
                mount /lib read-only base lib
                mount /lib64 read-only base lib64
                mount /out output.1 scratch
                mount /usr read-only base usr

            ordered = passthrough quiet
                after scratch root.1
                id after

            merged = merge
                changes
                run.1
                ordered
                name "[sink] merge"

            return merged
        "#]],
    );
}

#[test]
fn everything_that_takes_a_client() {
    let image = ImageRef::parse("debian:bookworm-slim").unwrap();
    check(
        &kitchen_sink::remote_sink(&image, &linux()),
        expect![[r#"
        base = docker-image docker.io/library/debian:bookworm-slim  [linux/amd64]
            recordtype internal
            resolvemode local

        context = local context
            differ none
            excludepatterns target
            excludepatterns !target/keep
            followpaths Cargo.toml
            includepattern **/*.rs
            includepattern a<b>&c
            metadatatransfer true
            metadatatransferexclude **/Cargo.toml
            session $SESSION
            sharedkeyhint context

        unique = local context
            differ metadata
            unique $SESSION

        http = http http://127.0.0.1:1/file.tar.gz
            authheadersecret token
            checksum sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
            filename renamed.tar.gz
            gid 2
            header.accept */*
            header.user-agent "kitchen sink"
            perm 0640
            uid 1

        git over https = git 127.0.0.1:1/team/app.git#main:crates
            authtokensecret token
            checksum 0123456789abcdef0123456789abcdef01234567
            fullurl https://127.0.0.1:1/team/app.git
            keepgitdir true
            skipsubmodules true

        git over ssh = git 127.0.0.1:1/team/app.git
            fullurl ssh://git@127.0.0.1:1/team/app.git
            knownsshhosts "127.0.0.1 ssh-ed25519 AAAA\n"
            mountsshsock default

        layout = oci-layout store@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  [linux/amd64]
            layerlimit 1
            session $SESSION
            store store

        secrets = exec /bin/true  [linux/amd64]
            env SSH_AUTH_SOCK=/run/ssh
            cgroup-parent builds
            proxy https http://127.0.0.1:1
            proxy no localhost
            secret-env MAYBE maybe optional
            mount / read-only base
            mount /cache cache kitchen-sink-based private from base
            mount /out output.0 scratch
            mount /run/secrets/other secret other 440 owner 1:2 optional
            mount /run/secrets/token secret token
            mount /run/ssh ssh default
            mount /run/ssh-other ssh other 660 owner 3:4 optional

        copied = files base
            copy context / -> /
            copy unique / -> /
            copy http / -> /
            copy git over https / -> /
            copy git over ssh / -> /
            copy layout / -> /
            copy secrets / -> /

        return copied
    "#]],
    );
}
