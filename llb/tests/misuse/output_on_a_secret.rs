use buildkit_llb::{Exec, Mount, Platform, State};

fn misuse(linux: &Platform, base: &State) -> State {
    Exec::new(linux, base, ["make"]).output("/out", &Mount::secret("token")).run()
}

fn main() {}
