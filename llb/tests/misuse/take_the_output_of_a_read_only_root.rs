use buildkit_llb::{Exec, Platform, State};

fn misuse(linux: &Platform, base: &State) -> State {
    let (root, out) = Exec::new(linux, base, ["make"]).output("/out", &State::SCRATCH).run();
    drop(out);
    root
}

fn main() {}
