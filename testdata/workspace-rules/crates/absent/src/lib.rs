//! What a weak feature does not bring in.
