use buildkit_llb::{Exec, Platform, State};

fn misuse(linux: &Platform, base: &State) -> State {
    let built = Exec::new(linux, base, ["make"]).output("/out", &State::SCRATCH);
    Exec::new(linux, base, ["install"]).mount("/built", &built).output("/out", &State::SCRATCH).run()
}

fn main() {}
