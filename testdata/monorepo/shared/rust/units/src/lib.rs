//! Units of length.

/// So many meters.
pub fn nautical_miles(meters: u32) -> u32 {
    meters / 1852
}
