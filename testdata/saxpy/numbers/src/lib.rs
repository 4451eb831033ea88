//! What no accelerator changes.

/// The sum, for people.
pub fn shown(values: &[f32]) -> String {
    let sum: f32 = values.iter().sum();
    itoa::Buffer::new().format(sum as i64).to_owned()
}
