//! It is never built.
