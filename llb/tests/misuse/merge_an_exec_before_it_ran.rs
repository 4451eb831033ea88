use buildkit_llb::{Exec, Platform, State, merge};

fn misuse(linux: &Platform, base: &State) -> State {
    let exec = Exec::modify(linux, base, ["make"]);
    merge([base, &exec])
}

fn main() {}
