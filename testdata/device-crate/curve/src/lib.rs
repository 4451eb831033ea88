//! What is computed, wherever that is.
#![no_std]

/// Coefficients, the constant one first.
pub const COEFFICIENTS: [f32; 4] = [1.0, -2.0, 0.5, 0.25];

/// The polynomial at `x`.
pub fn at(x: f32) -> f32 {
    COEFFICIENTS.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient)
}
