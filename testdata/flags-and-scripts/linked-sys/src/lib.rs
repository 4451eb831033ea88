//! Links what its script compiled.

extern "C" {
    #[link_name = "answer"]
    fn c_answer() -> i32;
}

/// What C says.
pub fn answer() -> i32 {
    // SAFETY: it takes nothing and returns a number.
    unsafe { c_answer() }
}
