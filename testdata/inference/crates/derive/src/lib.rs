//! `#[derive(Checked)]`: implements `api::Checked` from attributes on the fields.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Field, Fields, LitInt, parse_macro_input, spanned::Spanned};

/// Checks each string field against its `#[check(…)]`: `not_blank` and `chars_max = N`.
#[proc_macro_derive(Checked, attributes(check))]
pub fn derive_checked(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new(input.span(), "`Checked` is for structs"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new(input.span(), "`Checked` needs named fields"));
    };
    let checks = fields.named.iter().map(checks_of).collect::<syn::Result<Vec<_>>>()?;
    let (name, generics) = (&input.ident, &input.generics);
    let (impl_generics, type_generics, bounds) = generics.split_for_impl();
    Ok(quote! {
        impl #impl_generics ::api::Checked for #name #type_generics #bounds {
            fn check(&self) -> ::std::result::Result<(), ::api::Refusal> {
                #(#checks)*
                ::std::result::Result::Ok(())
            }
        }
    })
}

fn checks_of(field: &Field) -> syn::Result<TokenStream> {
    let ident = field.ident.as_ref().expect("the fields are named");
    let name = ident.to_string();
    let mut checks = TokenStream::new();
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("check")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("not_blank") {
                checks.extend(quote! {
                    if self.#ident.trim().is_empty() {
                        return ::std::result::Result::Err(::api::Refusal::new(#name, "is blank"));
                    }
                });
                Ok(())
            } else if meta.path.is_ident("chars_max") {
                let limit: usize = meta.value()?.parse::<LitInt>()?.base10_parse()?;
                checks.extend(quote! {
                    let chars = self.#ident.chars().count();
                    if chars > #limit {
                        return ::std::result::Result::Err(::api::Refusal::new(
                            #name,
                            ::std::format!("has {chars} characters, at most {} are accepted", #limit),
                        ));
                    }
                });
                Ok(())
            } else {
                Err(meta.error("expected `not_blank` or `chars_max = N`"))
            }
        })?;
    }
    Ok(checks)
}
