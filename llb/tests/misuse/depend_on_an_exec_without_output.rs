use buildkit_llb::{Exec, Platform, State};

fn misuse(linux: &Platform, base: &State) -> State {
    Exec::new(linux, base, ["make", "check"]).run()
}

fn main() {}
