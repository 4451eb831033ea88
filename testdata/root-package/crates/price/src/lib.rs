//! Prices in cents.

/// As people write them.
pub fn format(cents: u32) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
