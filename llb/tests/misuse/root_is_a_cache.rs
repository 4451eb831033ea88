use buildkit_llb::{Exec, Mount, Platform, Sharing, State};

fn misuse(linux: &Platform) -> State {
    Exec::new(linux, &Mount::cache("root", Sharing::Shared), ["make"]).output("/out", &State::SCRATCH).run()
}

fn main() {}
