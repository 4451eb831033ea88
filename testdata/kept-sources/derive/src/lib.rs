//! Reads the files of what it was made from when it is expanded.

#[proc_macro]
pub fn template(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    format!("{:?}", codegen::template().trim()).parse().unwrap()
}
