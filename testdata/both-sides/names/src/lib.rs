//! Names, and only where asked for, loud ones.

/// For the program.
pub fn quiet() -> &'static str {
    env!("NAME")
}

/// For the macro.
#[cfg(feature = "loud")]
pub fn loud() -> String {
    env!("NAME").to_uppercase()
}
