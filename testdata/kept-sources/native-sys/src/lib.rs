//! Has a header.
