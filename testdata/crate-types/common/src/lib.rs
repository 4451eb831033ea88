//! Used by a program and by its build script.

/// The features that this was compiled with.
pub fn features() -> &'static str {
    if cfg!(all(feature = "of-program", feature = "of-script")) {
        "both"
    } else if cfg!(feature = "of-program") {
        "the program's"
    } else {
        "the script's"
    }
}
