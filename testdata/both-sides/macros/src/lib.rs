//! A macro that uses, when it runs, the library that its users use too.

use proc_macro::TokenStream;

/// The loud name, as a literal.
#[proc_macro]
pub fn shouted(_: TokenStream) -> TokenStream {
    format!("{:?}", names::loud()).parse().expect("a quoted string is a literal")
}
