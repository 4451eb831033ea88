use buildkit_llb::{Exec, Files, Mount, Platform, Sharing, State};

fn misuse(linux: &Platform, base: &State) -> State {
    let cache = Exec::new(linux, base, ["make"]).mount("/cache", Mount::cache("id", Sharing::Shared)).run();
    Files::on(base).copy(&cache, "/built", "/built").state()
}

fn main() {}
