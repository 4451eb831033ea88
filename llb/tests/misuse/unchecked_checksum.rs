use buildkit_llb::{Http, HttpUrl, State};

fn misuse(url: &HttpUrl) -> State {
    Http::new(url, "sha256:0123").state()
}

fn main() {}
