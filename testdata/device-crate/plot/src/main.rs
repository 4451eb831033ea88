//! Draws the curve. Loading the kernels is the driver's business and not shown here; what they compute is `curve`.

/// What was compiled for GPUs, one for each architecture.
static DEVICE_CODE: &[&[u8]] = include!(concat!(env!("OUT_DIR"), "/device_code.rs"));

fn main() {
    for code in std::hint::black_box(DEVICE_CODE) {
        let kind = if code.starts_with(b"\x7fELF") { "ELF" } else { "PTX" };
        println!("{} bytes of {kind}", code.len());
    }
    for step in -4..=3 {
        let x = step as f32;
        let height = (curve::at(x) + 8.0).max(0.0) as usize;
        println!("{x:>4} {}*", " ".repeat(height));
    }
}
