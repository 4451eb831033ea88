//! What tests edit.

#[inline(never)]
pub fn says() -> &'static str {
    "one"
}
