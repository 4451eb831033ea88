//! A library for Rust and for C.

/// The sum.
#[no_mangle]
pub extern "C" fn add(one: i32, other: i32) -> i32 {
    one + other
}
