use buildkit_llb::{Exec, Platform, State};

fn misuse(linux: &Platform, base: &State) -> State {
    Exec::modify(linux, base, ["make"]).output("/out", &State::SCRATCH).run()
}

fn main() {}
