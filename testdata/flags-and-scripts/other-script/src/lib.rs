//! Its script lies elsewhere, and is replaced by the configuration.

/// What the configuration says in its place.
pub const NAME: &str = env!("FROM_OVERRIDE");
