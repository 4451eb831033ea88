//! The capabilities that each builder call adds, and the sentence about what a daemon lacks.
#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

use buildkit_llb::{
    Annotate, Bind, Cap, CapSet, ContentCache, Copy, Diff, Digest, Exec, Files, Git, GitUrl, Http, HttpUrl,
    Image, ImageRef, Local, Merge, Mount, Network, OciLayout, Passthrough, Platform, ProxyEnv, Remove,
    ResolveMode, Resources, SessionId, Sharing, State, Tmpfs,
};
use buildkit_proto::apicaps::ApiCap;

fn linux() -> Platform {
    Platform::parse("linux/amd64").unwrap()
}

fn base() -> State {
    Image::new(&ImageRef::parse("debian").unwrap(), &linux()).state()
}

/// The capabilities of the op that made `state`.
#[track_caller]
fn check(state: &State, expected: &[&str]) {
    let definition = state.definition();
    let vertex = definition.vertices().last().unwrap();
    assert_eq!(vertex.caps().map(Cap::as_str).collect::<Vec<_>>(), expected);
}

#[test]
fn sources() {
    let name = ImageRef::parse("debian").unwrap();
    check(&base(), &["source.image"]);
    check(
        &Image::new(&name, &linux()).resolve_mode(ResolveMode::Local).internal().state(),
        &["source.image"],
    );
    check(
        &Image::new(&name, &linux())
            .resolve_mode(ResolveMode::Pull)
            .checksum(&Digest::of(b""))
            .layer_limit(1)
            .state(),
        &["source.image", "source.image.checksum", "source.image.layerlimit", "source.image.resolvemode"],
    );
    check(&OciLayout::new("s", &Digest::of(b""), &linux()).state(), &["source.ocilayout"]);
    let session = SessionId::new("s");
    check(&Local::new("context", &session).state(), &["source.local", "source.local.sessionid"]);
    check(&Local::unique("context", "u").state(), &["source.local", "source.local.unique"]);
    let all = Local::new("context", &session)
        .include(["a"])
        .exclude(["b"])
        .follow_paths(["c"])
        .shared_key_hint("d")
        .metadata_only(["e"]);
    check(
        &all.state(),
        &[
            "source.local",
            "source.local.excludepatterns",
            "source.local.followpaths",
            "source.local.includepatterns",
            "source.local.metadatatransfer",
            "source.local.sessionid",
            "source.local.sharedkeyhint",
        ],
    );
    let url = HttpUrl::parse("https://h/f").unwrap();
    check(&Http::unpinned(&url).filename("f").state(), &["source.http"]);
    check(
        &Http::new(&url, &Digest::of(b""))
            .mode(0o600)
            .owner(1, 1)
            .auth_header_secret("s")
            .accept("*/*")
            .state(),
        &[
            "soruce.http.uidgid",
            "source.http",
            "source.http.auth",
            "source.http.checksum",
            "source.http.header",
            "source.http.perm",
        ],
    );
    let url = GitUrl::parse("https://h/p").unwrap();
    check(&Git::new(&url, "c").state(), &["source.git", "source.git.fullurl"]);
    let url = GitUrl::parse("ssh://git@h/p").unwrap();
    let all = Git::new(&url, "c")
        .checksum("c")
        .fetch_by_commit()
        .keep_git_dir()
        .skip_submodules()
        .commit_times()
        .auth_token_secret("t")
        .known_hosts("k");
    check(
        &all.state(),
        &[
            "source.git",
            "source.git.checksum",
            "source.git.fetchbycommit",
            "source.git.fullurl",
            "source.git.httpauth",
            "source.git.keepgitdir",
            "source.git.knownsshhosts",
            "source.git.mountsshsock",
            "source.git.mtime",
            "source.git.skipsubmodules",
        ],
    );
}

#[test]
fn execs() {
    let exec = || Exec::new(&linux(), &base(), ["true"]).env("PATH", "/bin");
    let run = |exec: Exec| exec.output("/out", &State::SCRATCH).run();
    let plain = ["exec.meta.base", "exec.mount.bind"];
    check(&run(exec()), &plain);
    let without_path = Exec::new(&linux(), &base(), ["true"]);
    check(&run(without_path), &["exec.meta.base", "exec.meta.setsdefaultpath", "exec.mount.bind"]);
    let with = |exec: Exec, added: &[&str]| {
        let mut caps: Vec<&str> = plain.iter().chain(added).copied().collect();
        caps.sort_unstable();
        check(&run(exec), &caps);
    };
    with(exec().offline(), &["exec.meta.network"]);
    with(exec().network(Network::Sandbox), &[]);
    with(exec().insecure(), &["exec.meta.security"]);
    with(exec().cgroup_parent("/p"), &["exec.meta.cgroup.parent"]);
    with(exec().proxy(&ProxyEnv::default()), &[]);
    with(exec().proxy(&ProxyEnv { all: "x".into(), ..ProxyEnv::default() }), &["exec.meta.proxyenv"]);
    with(exec().ulimit("nofile", 1, 1), &["exec.meta.ulimit"]);
    with(exec().device("d", true), &["exec.meta.cdi"]);
    with(exec().resources(&Resources::default()), &["exec.meta.linux.resources"]);
    with(exec().exit_codes([1]), &["exec.validexitcode"]);
    with(exec().secret_env("A", "a", false), &["exec.mount.secret", "exec.secretenv"]);
    with(exec().mount("/m", Mount::subpath(&base(), "/a")), &["exec.mount.selector"]);
    with(exec().mount("/m", Mount::discard(&base())), &["exec.mount.bind.readwrite-nooutput"]);
    with(
        exec().mount("/m", Bind::new(&base()).content_cache(ContentCache::Off)),
        &["exec.mount.cache.content"],
    );
    with(
        exec().mount("/m", Mount::cache("c", Sharing::Private)),
        &["exec.mount.cache", "exec.mount.cache.sharing"],
    );
    with(exec().mount("/m", Mount::tmpfs()), &["exec.mount.tmpfs"]);
    with(exec().mount("/m", Tmpfs::default().size(1)), &["exec.mount.tmpfs", "exec.mount.tmpfs.size"]);
    with(exec().mount("/m", Mount::secret("s")), &["exec.mount.secret"]);
    with(exec().mount("/m", Mount::ssh("s")), &["exec.mount.ssh"]);
}

#[test]
fn files_and_combinations() {
    let files = || Files::on(&State::SCRATCH);
    check(&files().write("/a", 0o644, "").mkdir("/b", 0o755).remove("/a").state(), &["file.base"]);
    check(&files().symlink("a", "/b").state(), &["file.base", "file.symlink.create"]);
    check(&files().add(Remove::new("/*").wildcard()).state(), &["file.base", "file.rm.wildcard"]);
    let copy = || Copy::new(&base(), "/", "/");
    check(&files().add(copy().wildcard().unpack().contents()).state(), &["file.base"]);
    check(&files().add(copy().include(["a"])).state(), &["file.base", "file.copy.includeexcludepatterns"]);
    check(&files().add(copy().exclude(["a"])).state(), &["file.base", "file.copy.includeexcludepatterns"]);
    check(&files().add(copy().required(["a"])).state(), &["file.base", "file.copy.requiredpaths"]);
    check(&files().add(copy().replace()).state(), &["file.base", "file.copy.alwaysreplaceexistingdestpaths"]);
    check(&files().add(copy().symbolic_mode("a=r")).state(), &["file.base", "file.symlink.create"]);
    let (a, b) = (files().mkdir("/a", 0o755).state(), files().mkdir("/b", 0o755).state());
    check(&Merge::new([&a, &b]).state(), &["mergeop"]);
    check(&Diff::new(&a, &b).state(), &["diffop"]);
    check(&Passthrough::new("i", &a).requires(&b).state(), &["passthroughop"]);
}

#[test]
fn the_terminal_op_says_what_the_metadata_needs() {
    let terminal = |state: &State| {
        let proto = state.definition().to_proto();
        let digest = Digest::of(proto.def.last().unwrap());
        proto.metadata[digest.as_str()].caps.keys().cloned().collect::<Vec<_>>()
    };
    let files = || Files::on(&State::SCRATCH).write("/a", 0o644, "");
    assert_eq!(terminal(&files().state()), ["constraints", "platform"]);
    assert_eq!(terminal(&files().named("n").state()), ["constraints", "meta.description", "platform"]);
    assert_eq!(
        terminal(&files().uncached().export_cache(false).state()),
        ["constraints", "meta.exportcache", "meta.ignorecache", "platform"]
    );
}

#[test]
fn what_a_daemon_lacks_is_said_with_the_op_that_needs_it() {
    let a = Files::on(&State::SCRATCH).write("/a", 0o644, "").labeled("a").state();
    let b = Files::on(&State::SCRATCH).symlink("a", "/b").labeled("b").named("[image] link b").state();
    let definition = Merge::new([&a, &b]).labeled("image").state().definition();
    let cap = |id: &str, enabled: bool, reason: &str| ApiCap {
        id: id.into(),
        enabled,
        disabled_reason_msg: reason.into(),
        ..ApiCap::default()
    };
    let mut caps = vec![
        cap("file.base", true, ""),
        cap("constraints", true, ""),
        cap("platform", true, ""),
        cap("meta.description", true, ""),
        cap("mergeop", false, "only enabled with containerd image store backend"),
    ];
    let missing = definition.check(&CapSet::from_proto(&caps)).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "`[image] link b` needs the BuildKit capability `file.symlink.create`, which this daemon does not have\n\
         `image` needs the BuildKit capability `mergeop`, which this daemon has switched off: \
         only enabled with containerd image store backend"
    );
    assert_eq!(missing.as_slice()[1].cap, Cap::MERGE);
    caps.extend([cap("file.symlink.create", true, ""), cap("mergeop", true, "")]);
    assert_eq!(definition.check(&CapSet::from_proto(&caps)), Ok(()));
    let only_ops = CapSet::new([Cap::FILE, Cap::FILE_SYMLINK, Cap::MERGE, Cap::CONSTRAINTS, Cap::PLATFORM]);
    let missing = definition.check(&only_ops).unwrap_err();
    assert_eq!(missing.as_slice().len(), 1);
    assert_eq!(missing.as_slice()[0].op, "build definition");
    assert_eq!(State::SCRATCH.definition().check(&CapSet::default()), Ok(()));
}
