//! Says what it carries; to run it is for Vulkan.

static SHADER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/scale.spv"));

fn main() {
    match std::hint::black_box(SHADER) {
        [3, 2, 0x23, 7, 0, minor, major, 0, ..] => println!("{} bytes of SPIR-V {major}.{minor}", SHADER.len()),
        _ => println!("no shader"),
    }
}
