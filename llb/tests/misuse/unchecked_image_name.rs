use buildkit_llb::{Image, Platform, State};

fn misuse(linux: &Platform) -> State {
    Image::new("debian:12", linux).state()
}

fn main() {}
