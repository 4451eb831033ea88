//! What can be greeted.

/// Has a greeting.
pub trait Greeting {
    /// Its name.
    const NAME: &'static str;

    /// The greeting.
    fn greeting(&self) -> String {
        format!("hello, {}", Self::NAME)
    }
}
