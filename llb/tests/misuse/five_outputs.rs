use buildkit_llb::{Exec, Platform, State};

fn misuse(linux: &Platform, base: &State) {
    let _ = Exec::modify(linux, base, ["make"])
        .output("/a", &State::SCRATCH)
        .output("/b", &State::SCRATCH)
        .output("/c", &State::SCRATCH)
        .output("/d", &State::SCRATCH);
}

fn main() {}
