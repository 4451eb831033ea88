//! Build arguments: which there are, what they are worth in this build, and where `${NAME}` stands for them.

use std::collections::BTreeMap;

use buildkit_llb::Span;
use longshore_helper::trace::TRACE_ENV;

use super::table::{Spanned, Table};
use crate::diagnostic::{Code, Diagnostic, did_you_mean};

/// A build argument that the user has declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    /// What it is for.
    pub description: String,
    /// What it is worth: the client's value, or the default. Empty when there is neither.
    pub value: String,
    /// Where it is declared.
    pub span: Span,
}

/// The build arguments of a workspace, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Args(BTreeMap<String, Arg>);

/// Arguments that mean something without being declared.
const BUILT_IN: [&str; 8] = [
    "ALL_FEATURES",
    "CARGO_TERM_COLOR",
    "FEATURES",
    TRACE_ENV,
    "NO_DEFAULT_FEATURES",
    "PROFILE",
    "RUSTFLAGS",
    "SOURCE_DATE_EPOCH",
];

/// A build argument that says yes or no; an empty one, as bake sends for a variable without a value, is as if not given.
///
/// # Errors
/// It says neither.
pub fn flag(given: &BTreeMap<String, String>, name: &str) -> Result<Option<bool>, Diagnostic> {
    match given.get(name).map(|value| value.to_ascii_lowercase()).as_deref() {
        None | Some("") => Ok(None),
        Some("1" | "true") => Ok(Some(true)),
        Some("0" | "false") => Ok(Some(false)),
        Some(other) => {
            let message = format!("the build argument `{name}` is `{other}`, and not `true` or `false`");
            Err(Diagnostic::error(Code::InvalidOption, message))
        }
    }
}

fn is_built_in(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    BUILT_IN.contains(&name) || name.starts_with("BUILDKIT_") || lower.ends_with("_proxy")
}

impl Args {
    /// Reads the table `args`; `given` are the client's.
    pub(super) fn read(table: &mut Table<'_, '_>, given: &BTreeMap<String, String>) -> Self {
        let mut args = BTreeMap::new();
        for (name, arg) in table.args("args") {
            let span = name.span.clone();
            if let Some(why) = unfit(&name.value) {
                table.report(
                    Diagnostic::error(Code::InvalidValue, format!("`args` declares `{}`, {why}", name.value))
                        .at(&span),
                );
                continue;
            }
            let value = given.get(&name.value).cloned().or(arg.default);
            if value.is_none() && arg.required {
                table.report(
                    Diagnostic::error(
                        Code::MissingArgument,
                        format!("the build argument `{}` has no value", name.value),
                    )
                    .at(&span)
                    .help(format!("pass `--build-arg {}=…`", name.value)),
                );
            }
            args.insert(
                name.value,
                Arg { description: arg.description, value: value.unwrap_or_default(), span },
            );
        }
        Self(args)
    }

    /// The argument of that name.
    pub fn get(&self, name: &str) -> Option<&Arg> {
        self.0.get(name)
    }

    /// Every argument.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arg)> {
        self.0.iter().map(|(name, arg)| (name.as_str(), arg))
    }

    /// Those of the client's arguments that nobody has declared and that mean nothing by themselves.
    pub fn undeclared(&self, given: &BTreeMap<String, String>) -> Vec<Diagnostic> {
        let unknown = given.keys().filter(|name| !self.0.contains_key(*name) && !is_built_in(name));
        unknown
            .map(|name| {
                let known = self.0.keys().map(String::as_str).chain(BUILT_IN);
                let warning = Diagnostic::warning(
                    Code::UnknownArgument,
                    format!("nothing uses the build argument `{name}`"),
                );
                match did_you_mean(name, known) {
                    Some(close) => warning.help(format!("did you mean `{close}`?")),
                    None => warning.help("declare it under `args` of `[workspace.metadata.longshore]`"),
                }
            })
            .collect()
    }

    /// Replaces `${NAME}` by the argument's value; `$${` stands for `${` itself.
    ///
    /// # Errors
    /// The name is not declared.
    pub(super) fn expand(&self, written: &Spanned<String>) -> Result<String, Diagnostic> {
        let mut expanded = String::new();
        let mut rest = written.value.as_str();
        while let Some(at) = rest.find("${") {
            let (head, tail) = rest.split_at(at);
            if let Some(head) = head.strip_suffix('$') {
                expanded.push_str(head);
                expanded.push_str("${");
                rest = &tail[2..];
                continue;
            }
            expanded.push_str(head);
            let Some((name, after)) = tail[2..].split_once('}') else {
                let open = Diagnostic::error(Code::InvalidValue, "`${` is not closed").at(&written.span);
                return Err(open.help("write `$${` for the characters themselves"));
            };
            let Some(arg) = self.0.get(name) else {
                let unknown = Diagnostic::error(
                    Code::UnknownArgument,
                    format!("`${{{name}}}` is no build argument of this workspace"),
                )
                .at(&written.span);
                return Err(match did_you_mean(name, self.0.keys().map(String::as_str)) {
                    Some(close) => unknown.help(format!("did you mean `${{{close}}}`?")),
                    None => unknown.help(format!(
                        "declare it: `args.{name} = \"…\"` under `[workspace.metadata.longshore]`"
                    )),
                });
            };
            expanded.push_str(&arg.value);
            rest = after;
        }
        expanded.push_str(rest);
        Ok(expanded)
    }
}

/// Why no argument can have this name.
fn unfit(name: &str) -> Option<&'static str> {
    let mut chars = name.chars();
    let starts = chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    if !starts || !chars.all(|char| char.is_ascii_alphanumeric() || char == '_') {
        return Some("a name has letters, digits and `_`, and begins with no digit");
    }
    is_built_in(name).then_some("which has a meaning already")
}
