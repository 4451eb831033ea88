//! One pinned digest per kind of op. `daemon.rs` checks that a daemon has the same ones; a change here means that
//! vertices are no longer those of earlier builds, and maybe not those of the daemon either.
#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

use buildkit_llb::{
    Copy, Diff, Digest, Exec, Files, Git, GitUrl, Http, HttpUrl, Image, ImageRef, Local, Merge, Mount,
    OciLayout, Passthrough, Platform, SessionId, Sharing, State,
};
use expect_test::{Expect, expect};

#[expect(clippy::needless_pass_by_value, reason = "`expect![]` reads best in place")]
#[track_caller]
fn check(state: &State, expect: Expect) {
    expect.assert_eq(state.digest().map_or("scratch", Digest::as_str));
}

fn linux() -> Platform {
    Platform::parse("linux/amd64").unwrap()
}

fn image() -> State {
    Image::new(&ImageRef::parse("alpine").unwrap(), &linux()).state()
}

fn file() -> State {
    Files::on(&State::SCRATCH).write("/a", 0o644, "a").state()
}

#[test]
fn sources() {
    check(&image(), expect!["sha256:a7f9733e307dd352c82d43053b783dd17bb2ec2c36214908ce393e41545c8b51"]);
    check(
        &Local::new("context", &SessionId::new("s")).exclude(["target"]).state(),
        expect!["sha256:72eded9f2c26b1a1451a0e6245805c39759d1be98b1d2c710f4349876f781f88"],
    );
    check(
        &Git::new(&GitUrl::parse("https://example.com/a/b").unwrap(), "main").state(),
        expect!["sha256:20e51dfbb6cf271774bc317d81a50e909ba343b93311f9a188b9f596aa703650"],
    );
    let url = HttpUrl::parse("https://example.com/a").unwrap();
    check(
        &Http::new(&url, &Digest::of(b"a")).state(),
        expect!["sha256:9c686b293bab51357479c6d3689d18644360502da5d225986cf9cda84d9a82a1"],
    );
    check(
        &OciLayout::new("store", &Digest::of(b"a"), &linux()).state(),
        expect!["sha256:3b9936ba86e20e46cce1edf055c4cb2ffcbaab306c053460f2d9604bd8bd680f"],
    );
}

#[test]
fn exec() {
    let (root, out) = Exec::modify(&linux(), &image(), ["/bin/true"])
        .env("A", "")
        .offline()
        .mount("/in", Mount::subpath(&file(), "a"))
        .mount("/cache", Mount::cache("id", Sharing::Locked))
        .mount("/secret", Mount::secret("s").optional())
        .output("/out", &State::SCRATCH)
        .run();
    assert_eq!(root.digest(), out.digest());
    check(&out, expect!["sha256:b4284453cdf813d530c38c5ee3771992d38bc2e5eefb5fe6d8e51959780e5917"]);
}

#[test]
fn files() {
    check(&file(), expect!["sha256:731bfba4568de992a688a1ff1c0fddbfb8791b2dea3f98648272bef36607c3d4"]);
    let all = Files::on(&image())
        .mkdir("/d", 0o755)
        .add(Copy::new(&file(), "/a", "/d/").owner(buildkit_llb::Owner::parse("0:app")))
        .symlink("a", "/d/b")
        .remove("/d/a");
    check(&all.state(), expect!["sha256:aa8e7a9999ddb2e73cdd3b70ceaf84eb2c40fdda497370e1e3fb5833fcead895"]);
}

#[test]
fn combinations() {
    check(
        &Merge::new([&image(), &file()]).state(),
        expect!["sha256:2d21e82363a925657bfb723e09964bc091b6820dabd15f97d7f00673203a9e97"],
    );
    check(
        &Diff::new(&image(), &file()).state(),
        expect!["sha256:62671f6c708643484637f9d9ddb8e8591075ab6808d50352599e4a34422a4109"],
    );
    check(
        &Passthrough::new("id", &image()).requires(&file()).state(),
        expect!["sha256:1331b9a13cbdab852c239c325899347be6a553db7761000dc8ba2ffe6a8b8f5d"],
    );
}
