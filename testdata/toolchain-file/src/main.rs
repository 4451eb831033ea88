//! Says what the build script has generated, and where.

mod generated {
    include!(concat!(env!("OUT_DIR"), "/generated.rs"));

    pub const TEXT: &str = include_str!(concat!(env!("OUT_DIR"), "/generated.rs"));
}

fn main() {
    println!("{} by {}: {}", generated::ANSWER, env!("TOOLCHAIN"), generated::TEXT.trim());
}
