//! Optimised for size.

/// Its name, and what it is made of.
pub fn name() -> String {
    format!("engine of {}", shared::name())
}
