//! Takes its version from the workspace of its repository.

/// What there is to say, and who says it.
pub fn said() -> String {
    format!("one {} {}", env!("CARGO_PKG_VERSION"), two::said())
}
