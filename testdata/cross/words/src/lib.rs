//! A macro: code that runs on the builder, whatever platform the program is for.

use proc_macro::TokenStream;

/// Turns a literal into capitals.
#[proc_macro]
pub fn shout(literal: TokenStream) -> TokenStream {
    literal.to_string().to_uppercase().parse().unwrap()
}
