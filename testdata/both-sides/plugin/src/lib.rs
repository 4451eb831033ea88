//! What another program may load; no image needs it.

/// How long the name is.
#[unsafe(no_mangle)]
pub extern "C" fn name_bytes() -> usize {
    names::quiet().len()
}
