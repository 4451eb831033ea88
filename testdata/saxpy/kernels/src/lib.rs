//! Device code as bytes.

/// For whom it is, and the code: loaded by the driver of the machine that the program runs on.
pub const DEVICE_CODE: Option<(&str, &[u8])> = if cfg!(feature = "cuda") {
    Some(("cuda", CODE))
} else if cfg!(feature = "rocm") {
    Some(("rocm", CODE))
} else {
    None
};

#[cfg(any(feature = "cuda", feature = "rocm"))]
const CODE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/saxpy.bin"));
#[cfg(not(any(feature = "cuda", feature = "rocm")))]
const CODE: &[u8] = &[];
