//! Device code for the matrix product, where the build has an accelerator. What it computes is in `tensor`.

/// For which accelerator there is code.
pub const ACCELERATOR: Option<&str> = if cfg!(feature = "cuda") {
    Some("cuda")
} else if cfg!(feature = "rocm") {
    Some("rocm")
} else {
    None
};

/// What a driver loads; empty without an accelerator.
#[cfg(any(feature = "cuda", feature = "rocm"))]
pub static CODE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/matmul.bin"));
/// What a driver loads; empty without an accelerator.
#[cfg(not(any(feature = "cuda", feature = "rocm")))]
pub static CODE: &[u8] = &[];
