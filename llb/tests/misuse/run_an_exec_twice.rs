use buildkit_llb::{Exec, Platform, State};

fn misuse(linux: &Platform, base: &State) -> (State, State) {
    let exec = Exec::modify(linux, base, ["make"]);
    (exec.run(), exec.run())
}

fn main() {}
