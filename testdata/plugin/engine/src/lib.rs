//! Answers one question over the C calling convention.

/// The answer, twice as large as what is asked.
#[unsafe(no_mangle)]
pub extern "C" fn engine_answer(asked: u32) -> u32 {
    asked.wrapping_mul(2)
}
