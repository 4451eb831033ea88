//! `#[derive(Greeting)]`, whose code names the crate `greeting` as the package that uses it does.

use proc_macro::{TokenStream, TokenTree};
use proc_macro_crate::{FoundCrate, crate_name};

/// Derives `Greeting`.
///
/// # Panics
/// The package does not depend on `greeting`, so that the derived code could not name it.
#[proc_macro_derive(Greeting)]
pub fn greeting(item: TokenStream) -> TokenStream {
    let mut tokens = item.into_iter().skip_while(|token| token.to_string() != "struct").skip(1);
    let Some(TokenTree::Ident(name)) = tokens.next() else { panic!("expected a struct") };
    let krate = match crate_name("greeting") {
        Ok(FoundCrate::Itself) => "crate".to_owned(),
        Ok(FoundCrate::Name(krate)) => format!("::{krate}"),
        Err(error) => panic!("{error}"),
    };
    let text = format!("impl {krate}::Greeting for {name} {{ const NAME: &'static str = \"{name}\"; }}");
    text.parse().expect("it is an item")
}
