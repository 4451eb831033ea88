//! Of the first edition.

mod inner {
    pub fn name() -> &'static str {
        "edition 2015"
    }
}

/// Paths begin at the crate.
pub fn name() -> &'static str {
    ::inner::name()
}
