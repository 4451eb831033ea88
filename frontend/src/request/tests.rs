//! What clients send, what it becomes, and what is said about the rest.

use std::collections::BTreeMap;

use buildkit_llb::{Exec, HttpUrl, Image, ImageRef, Network, Platform, ResolveMode, State};
use expect_test::{Expect, expect};

use super::{Environment, MainContext, NamedContext, NoCache, Request};

fn environment(options: &[(&str, &str)]) -> Environment {
    Environment {
        started: 1_000,
        options: options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        session: "s1".to_owned(),
        platforms: vec![Platform::parse("linux/arm64").unwrap()],
    }
}

fn request(options: &[(&str, &str)]) -> Request {
    Request::parse(&environment(options)).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn refused(options: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&Request::parse(&environment(options)).unwrap_err().to_string());
}

fn platforms(request: &Request) -> Vec<String> {
    request.platforms.iter().map(ToString::to_string).collect()
}

#[test]
fn a_build_without_options() {
    let request = request(&[]);
    assert_eq!(request.filename, "Cargo.toml");
    assert_eq!(platforms(&request), ["linux/arm64"]);
    assert!(!request.multi_platform);
    assert_eq!(request.no_cache, NoCache::Off);
    assert_eq!(request.contexts.main, MainContext::Local);
    assert_eq!(request.sandbox, super::Sandbox::default());
    assert_eq!(request.session.as_str(), "s1");
}

#[test]
fn the_environment_of_a_frontend() {
    let workers = r#"[{"id":"w","labels":{},"platforms":[{"architecture":"amd64","os":"linux"},
        {"architecture":"arm","os":"linux","variant":"v7"}],"gcPolicy":null,"buildkitVersion":{}}]"#;
    let vars = [
        ("BUILDKIT_FRONTEND_OPT_7", "build-arg:RUSTFLAGS=-C target-cpu=native"),
        ("BUILDKIT_FRONTEND_OPT_0", "no-cache="),
        ("BUILDKIT_SESSION_ID", "abc"),
        ("BUILDKIT_WORKERS", workers),
        ("PATH", "/bin"),
    ];
    let vars = vars.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let environment = Environment::parse(vars, 0).unwrap();
    assert_eq!(environment.session, "abc");
    assert_eq!(environment.options["build-arg:RUSTFLAGS"], "-C target-cpu=native");
    assert_eq!(environment.options["no-cache"], "");
    let platforms: Vec<_> = environment.platforms.iter().map(ToString::to_string).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm/v7"]);

    for workers in ["null", "[]", r#"[{"id":"w","platforms":null}]"#] {
        let vars = [("BUILDKIT_WORKERS".to_owned(), workers.to_owned())];
        assert_eq!(Environment::parse(vars, 0).unwrap().platforms, []);
    }
    assert!(Environment::parse([("BUILDKIT_WORKERS".to_owned(), "{".to_owned())], 0).is_err());
}

#[test]
fn platforms_are_normal_and_unique() {
    let request = request(&[("platform", "linux/amd64, linux/aarch64,linux/amd64")]);
    assert_eq!(platforms(&request), ["linux/amd64", "linux/arm64"]);
    assert!(request.multi_platform);
    assert_eq!(request.build_platform.to_string(), "linux/arm64");
    expect![[r#"
        this needs one platform, `--platform` names `linux/amd64`, `linux/arm64`
        help: build for one platform at a time"#]]
    .assert_eq(&request.single_platform().unwrap_err().to_string());
    refused(
        &[("platform", "linux/amd64,linux//x")],
        expect![
            "`--platform`: `linux//x` is not a platform, expected `os/architecture` or `os/architecture/variant`"
        ],
    );
}

#[test]
fn one_platform_can_be_a_result_for_several() {
    assert!(request(&[("multi-platform", "true"), ("platform", "linux/amd64")]).multi_platform);
    assert!(
        !request(&[("multi-platform", "true"), ("build-arg:BUILDKIT_MULTI_PLATFORM", "0")]).multi_platform
    );
    refused(
        &[("multi-platform", "maybe")],
        expect!["`BUILDKIT_MULTI_PLATFORM` is `maybe`, expected `true` or `false`"],
    );
    refused(
        &[("multi-platform", "false"), ("platform", "linux/amd64,linux/arm64")],
        expect!["`BUILDKIT_MULTI_PLATFORM` forbids a result for several platforms, `--platform` names 2"],
    );
}

#[test]
fn arguments_and_labels() {
    let request = request(&[
        ("build-arg:A", "1=2"),
        ("build-arg:SOURCE_DATE_EPOCH", "1700000000"),
        ("build-arg:BUILDKIT_CACHE_MOUNT_NS", "team"),
        ("build-arg:BUILDKIT_SANDBOX_HOSTNAME", "box"),
        ("build-arg:HTTP_PROXY", "http://proxy:1"),
        ("build-arg:no_proxy", "localhost"),
        ("label:a.b", "c"),
        ("target", "server"),
        ("filename", "longshore.toml"),
        ("requestid", "frontend.targets"),
        ("cmdline", "example.com/longshore:1"),
        ("unheard-of", "kept"),
    ]);
    assert_eq!(request.build_args["A"], "1=2");
    assert_eq!(request.source_date_epoch, Some(1_700_000_000));
    assert_eq!((request.cache_namespace.as_str(), request.sandbox.hostname.as_str()), ("team", "box"));
    assert_eq!(
        (request.sandbox.proxy.http.as_str(), request.sandbox.proxy.no.as_str()),
        ("http://proxy:1", "localhost")
    );
    assert_eq!(request.labels, BTreeMap::from([("a.b".to_owned(), "c".to_owned())]));
    assert_eq!(request.target.as_deref(), Some("server"));
    assert_eq!(request.filename, "longshore.toml");
    assert_eq!(request.subrequest.as_deref(), Some("frontend.targets"));
    assert_eq!(request.frontend_image.as_deref(), Some("example.com/longshore:1"));
    assert_eq!(request.options["unheard-of"], "kept");
    refused(
        &[("build-arg:SOURCE_DATE_EPOCH", "yesterday")],
        expect!["`SOURCE_DATE_EPOCH` is `yesterday`, expected a number"],
    );
    assert_eq!(
        Request::parse(&environment(&[("build-arg:SOURCE_DATE_EPOCH", "")])).unwrap().source_date_epoch,
        None
    );
}

#[test]
fn no_cache_for_all_or_some() {
    assert!(request(&[("no-cache", "")]).no_cache.covers("server"));
    let some = request(&[("no-cache", "server,cli")]).no_cache;
    assert!(some.covers("Server") && some.covers("cli") && !some.covers("gateway"));
    assert!(!request(&[]).no_cache.covers("server"));
}

#[test]
fn pulls_and_caches() {
    assert_eq!(request(&[("image-resolve-mode", "pull")]).resolve_mode, ResolveMode::Pull);
    refused(
        &[("image-resolve-mode", "always")],
        expect!["`image-resolve-mode` is `always`, expected `default`, `pull` or `local`"],
    );
    let request = request(&[
        ("cache-imports", r#"[{"Type":"gha","Attrs":null},{"type":"registry","attrs":{"ref":"a"}}]"#),
        ("cache-from", "a,b"),
    ]);
    let imports: Vec<_> =
        request.cache_imports.iter().map(|import| (import.kind.as_str(), &import.attrs)).collect();
    let reference = |name: &str| BTreeMap::from([("ref".to_owned(), name.to_owned())]);
    assert_eq!(
        imports,
        [("gha", &BTreeMap::new()), ("registry", &reference("a")), ("registry", &reference("b"))]
    );
    refused(
        &[("cache-imports", "{")],
        expect!["`--cache-from` cannot be read: invalid type: map, expected a sequence at line 1 column 0"],
    );
}

#[test]
fn the_sandbox() {
    let request = request(&[
        ("force-network-mode", "host"),
        ("add-hosts", "DB=10.0.0.1,v6=::1"),
        ("shm-size", "1048576"),
        ("ulimit", "nofile=1024:2048,core=-1"),
        ("cgroup-parent", "/builds"),
        ("memory", "1000"),
        ("memswap", "-1"),
        ("cpusetcpus", "0-3,5"),
    ]);
    let sandbox = request.sandbox;
    assert_eq!(sandbox.network, Some(Network::Host));
    assert_eq!(sandbox.shm_bytes, Some(1 << 20));
    let platform = Platform::parse("linux/amd64").unwrap();
    let root = Image::new(&ImageRef::parse("alpine").unwrap(), &platform).state();
    let exec = sandbox.apply(Exec::new(&platform, &root, ["true"])).output("/out", &State::SCRATCH).run();
    expect![[r#"
        source#1 = docker-image docker.io/library/alpine:latest  [linux/amd64]

        exec#1 = exec true  [linux/amd64]
            host db 10.0.0.1
            host v6 ::1
            ulimit core -1:-1
            ulimit nofile 1024:2048
            cgroup-parent /builds
            mount / read-only source#1
            mount /dev/shm tmpfs 1048576
            mount /out output.0 scratch
            memory 1000
            memory-swap -1
            cpuset-cpus 0-3,5

        return exec#1
    "#]]
    .assert_eq(&exec.definition().to_string());
}

#[test]
fn several_wrong_options_are_reported_together() {
    refused(
        &[
            ("force-network-mode", "wifi"),
            ("add-hosts", "db,x=y"),
            ("shm-size", "64m"),
            ("ulimit", "files=1,nofile=5:4,nofile=1:2:3,nofile"),
            ("memory", "0"),
            ("memswap", "-2"),
            ("cpusetcpus", "all"),
        ],
        expect![[r#"
            11 problems
            `--network` is `wifi`, expected `none`, `host` or `sandbox`
            `--add-host` is `db`, expected a host and its IP address
            `--add-host` is `x=y`, expected a host and its IP address
            `--shm-size` is `64m`, expected a number
            `--ulimit` is `files=1`, which names no limit
            `--ulimit` is `nofile=5:4`, whose soft limit is above the hard one
            `--ulimit` is `nofile=1:2:3`, expected `name=soft` or `name=soft:hard`
            `--ulimit` is `nofile`, expected `name=soft` or `name=soft:hard`
            the limit `memory` is `0`, expected a number above 0
            the limit `memswap` is `-2`, expected a number above 0
            the limit `cpusetcpus` is `all`, expected numbers and ranges like `0-3,5`"#]],
    );
}

#[test]
fn attestations() {
    assert_eq!(request(&[]).sbom, None);
    assert_eq!(request(&[("attest:sbom", "")]).sbom, Some(BTreeMap::new()));
    let sbom = request(&[("attest:sbom", "generator=image,scan=all")]).sbom.unwrap();
    assert_eq!(sbom["generator"], "image");
}

#[test]
fn the_main_context() {
    let main = |options: &[(&str, &str)]| request(options).contexts.main;
    for url in [
        "https://github.com/o/n.git#main:sub",
        "https://github.com/o/n.git?branch=x",
        "git@github.com:o/n",
        "git://example.com/n",
        "ssh://git@example.com/n",
        "github.com/o/n",
    ] {
        assert!(matches!(main(&[("context", url)]), MainContext::Git(_)), "{url}");
    }
    let archive = "https://example.com/src.tar.gz";
    let http = MainContext::Http(HttpUrl::parse(archive).unwrap());
    assert_eq!(main(&[("context", archive)]), http);
    assert_eq!(main(&[("context", ".")]), MainContext::Local);
    assert_eq!(main(&[("contextkey", "other"), ("other", archive)]), http);
    let keep = ("build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR", "1");
    assert!(
        matches!(main(&[("context", "github.com/o/n"), keep]), MainContext::Git(git) if git.keep_git_dir)
    );
    refused(
        &[("context", "https://me:secret@example.com/a.git?depth=1")],
        expect![[r#"
            the build context is `https://xxxxx:xxxxx@example.com/a.git?depth=1`, whose `depth` is not known
            help: write `https://HOST/REPOSITORY.git#REF:DIRECTORY`, the URL of an archive, or a directory"#]],
    );
    let contexts = request(&[("dockerfilekey", "dockerfile"), ("contextsubdir", "app")]).contexts;
    assert_eq!(
        (contexts.entry_dir.as_deref(), contexts.subdir.as_deref()),
        (Some("dockerfile"), Some("app"))
    );
}

#[test]
fn named_contexts() {
    let digest = format!("sha256:{}", "b".repeat(64));
    let layout = format!("oci-layout://store:tag@{digest}");
    let image = format!("docker-image://alpine@{digest}");
    let request = request(&[
        ("context:rust", "docker-image://rust:1.95-slim"),
        ("context:rust::linux/arm64", "docker-image://rust:arm"),
        ("context:empty", "docker-image://scratch"),
        ("context:pinned", &image),
        ("context:layout", &layout),
        ("context:repo", "https://example.com/a.git"),
        ("context:page", "https://example.com/a"),
        ("context:Dir", "local:Dir"),
        ("local-sessionid:Dir", "s2"),
        ("sharedkey:localdir:Dir", "k"),
        ("context:app", "input:0-app"),
        ("input-metadata:0-app", r#"{"containerimage.config":"e30=","empty":null}"#),
    ]);
    let named = |name: &str, platform: &str| {
        request.named_context(name, &Platform::parse(platform).unwrap()).cloned()
    };
    let rust = |tag: &str| Some(NamedContext::Image(ImageRef::parse(&format!("rust:{tag}")).unwrap()));
    assert_eq!(named("rust", "linux/amd64"), rust("1.95-slim"));
    assert_eq!(named("rust", "linux/arm64"), rust("arm"));
    let arm = Platform::parse("linux/arm64").unwrap();
    assert_eq!(request.contexts.find("rust", &arm).unwrap().0, "rust::linux/arm64");
    assert_eq!(named("docker.io/library/rust:latest", "linux/amd64"), rust("1.95-slim"));
    assert_eq!(named("rust:1.95", "linux/amd64"), None);
    assert_eq!(named("empty", "linux/amd64"), Some(NamedContext::Scratch));
    assert!(
        matches!(named("pinned", "linux/amd64"), Some(NamedContext::Image(image)) if image.digest().is_some())
    );
    assert!(
        matches!(named("layout", "linux/amd64"), Some(NamedContext::OciLayout { store, .. }) if store == "store")
    );
    assert!(matches!(named("repo", "linux/amd64"), Some(NamedContext::Git(_))));
    assert!(matches!(named("page", "linux/amd64"), Some(NamedContext::Http(_))));
    assert_eq!(named("Dir", "linux/amd64"), Some(NamedContext::Local("Dir".to_owned())));
    assert_eq!(request.contexts.sessions["Dir"].as_str(), "s2");
    assert_eq!(request.contexts.shared_keys["Dir"], "k");
    let Some(NamedContext::Input { name, metadata }) = named("app", "linux/amd64") else {
        panic!("no input")
    };
    assert_eq!((name.as_str(), metadata["containerimage.config"].as_slice()), ("0-app", b"{}".as_slice()));
    assert_eq!(request.contexts.names().count(), 9);
}

#[test]
fn contexts_that_make_no_sense() {
    refused(
        &[("context:a", "rust")],
        expect![[r#"
            the context `a` is `rust`, which has no scheme
            help: write `--build-context a=docker-image://…`, a URL or a directory"#]],
    );
    refused(
        &[("context:a", "docker-image://Rust")],
        expect![[r#"
            the context `a` is `docker-image://Rust`, `Rust` is not the name of an image, expected `name:tag` or `registry/name:tag`
            help: write `--build-context a=docker-image://…`, a URL or a directory"#]],
    );
    refused(
        &[("context:a", "oci-layout://store")],
        expect![[r#"
            the context `a` is `oci-layout://store`, which has no digest
            help: write `--build-context a=docker-image://…`, a URL or a directory"#]],
    );
    refused(
        &[("context:a", "ftp://example.com")],
        expect![[r#"
            the context `a` is `ftp://example.com`, `ftp` is not a kind of context
            help: write `--build-context a=docker-image://…`, a URL or a directory"#]],
    );
    refused(
        &[("context:a", "input:b"), ("input-metadata:b", "{\"x\":\"*\"}")],
        expect![[r#"
            the context `a` is `input:b`, whose metadata cannot be read: Invalid symbol 42, offset 0.
            help: write `--build-context a=docker-image://…`, a URL or a directory"#]],
    );
}
