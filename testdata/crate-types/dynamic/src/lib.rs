//! A library in Rust's own way of calling, which needs its standard library at run time.

/// Its name.
pub fn name() -> String {
    "dynamic".repeat(2)
}
