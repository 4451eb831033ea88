//! The same calls as the misuses beside it, put right: so each of them fails for its own reason.

use buildkit_llb::{
    Digest, Exec, Files, Http, HttpUrl, Image, ImageRef, Merge, Mount, Platform, Sharing, State,
};

fn use_it(linux: &Platform, base: &State) -> State {
    let exec = Exec::new(linux, base, ["true"]).mount("/cache", Mount::cache("id", Sharing::Shared));
    let out = exec.output("/out", &State::SCRATCH).run();
    let next = Exec::new(linux, base, ["true"]).mount("/in", &out).mount("/run/secret", Mount::secret("s"));
    let (a, b, c, d) = next
        .output("/a", &State::SCRATCH)
        .output("/b", &State::SCRATCH)
        .output("/c", &State::SCRATCH)
        .output("/d", &State::SCRATCH)
        .run();
    let root = Exec::modify(linux, base, ["true"]).run();
    let copied = Files::on(&root).copy(&a, "/", "/").state();
    Merge::new([&b, &c, &d, &copied]).state()
}

pub(crate) fn main() {
    let linux = Platform::parse("linux/amd64").unwrap();
    let base = Image::new(&ImageRef::parse("debian").unwrap(), &linux).state();
    let url = HttpUrl::parse("https://example.com/a").unwrap();
    let file = Http::new(&url, &Digest::of(b"")).state();
    assert_ne!(use_it(&linux, &base), file);
}
