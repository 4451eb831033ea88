//! The settings as the user wrote them: every value with its place, every unknown key an error.
//!
//! This knows which keys exist and of which TOML type they are. What their values may be is for
//! [`validate`](super::validate).

use std::ops::Range;

use buildkit_llb::{SourceFile, Span};
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Code, Diagnostic};

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// `[workspace.metadata.longshore]` as written.
#[derive(Default)]
pub(crate) struct RawWorkspace {
    pub(crate) toolchain: Option<Spanned<String>>,
    pub(crate) profile: Option<Spanned<String>>,
    pub(crate) features: Vec<Spanned<String>>,
    pub(crate) no_default_features: bool,
    pub(crate) all_features: bool,
    pub(crate) image: RawImage,
}

/// `[package.metadata.longshore]` as written.
#[derive(Default)]
pub(crate) struct RawPackage {
    pub(crate) inputs: Vec<Spanned<String>>,
    pub(crate) image: RawImage,
}

/// The settings of an image, which both tables can hold.
#[derive(Default)]
pub(crate) struct RawImage {
    pub(crate) base: Option<Spanned<String>>,
    pub(crate) user: Option<Spanned<String>>,
    pub(crate) workdir: Option<Spanned<String>>,
    pub(crate) env: Vec<(Spanned<String>, Spanned<String>)>,
    pub(crate) labels: Vec<(Spanned<String>, Spanned<String>)>,
    pub(crate) expose: Option<Spanned<Vec<Spanned<Port>>>>,
    pub(crate) entrypoint: Option<Spanned<Vec<Spanned<String>>>>,
    pub(crate) cmd: Option<Spanned<Vec<Spanned<String>>>>,
}

/// An element of `expose`: `8080` or `"8080/tcp"`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Port {
    Number(i64),
    Text(String),
}

impl RawWorkspace {
    pub(crate) fn read(mut table: Table<'_, '_>) -> Self {
        let raw = Self {
            toolchain: table.string("toolchain"),
            profile: table.string("profile"),
            features: table.strings("features").map_or_else(Vec::new, |list| list.value),
            no_default_features: table.boolean("no-default-features").unwrap_or(false),
            all_features: table.boolean("all-features").unwrap_or(false),
            // An entrypoint is the binary of one package, so a workspace cannot have one.
            image: RawImage::read(&mut table, false),
        };
        table.finish(&[
            ("inputs", "`inputs` belongs to one package: write it under `[package.metadata.longshore]`"),
            (
                "entrypoint",
                "`entrypoint` belongs to one package: write it under `[package.metadata.longshore]`",
            ),
        ]);
        raw
    }
}

impl RawPackage {
    pub(crate) fn read(mut table: Table<'_, '_>) -> Self {
        let raw = Self {
            inputs: table.strings("inputs").map_or_else(Vec::new, |list| list.value),
            image: RawImage::read(&mut table, true),
        };
        table.finish(&WORKSPACE_ONLY);
        raw
    }
}

const WORKSPACE_ONLY: [(&str, &str); 5] = [
    ("toolchain", "the whole workspace has one `toolchain`: write it under `[workspace.metadata.longshore]`"),
    ("profile", "the whole workspace has one `profile`: write it under `[workspace.metadata.longshore]`"),
    ("features", "write `features` under `[workspace.metadata.longshore]`, as `package/feature`"),
    ("no-default-features", "write `no-default-features` under `[workspace.metadata.longshore]`"),
    ("all-features", "write `all-features` under `[workspace.metadata.longshore]`"),
];

impl RawImage {
    fn read(table: &mut Table<'_, '_>, entrypoint: bool) -> Self {
        Self {
            base: table.string("base"),
            user: table.string("user"),
            workdir: table.string("workdir"),
            env: table.pairs("env"),
            labels: table.pairs("labels"),
            expose: table.ports("expose"),
            entrypoint: if entrypoint { table.strings("entrypoint") } else { None },
            cmd: table.strings("cmd"),
        }
    }
}

/// A table being read, key by key; what was never asked for is unknown.
pub(crate) struct Table<'a, 'g> {
    file: &'a SourceFile,
    /// Absent when the user wrote no such table: every key is then absent too.
    table: Option<&'a DeTable<'a>>,
    known: Vec<&'static str>,
    gathered: &'g mut Vec<Diagnostic>,
}

impl<'a, 'g> Table<'a, 'g> {
    /// Goes down to the table at `path`; what is missing on the way is an empty table.
    /// Only the last one is ours: other tables of a manifest may hold what they want.
    pub(crate) fn at(
        file: &'a SourceFile,
        root: &'a DeTable<'a>,
        path: &[&str],
        gathered: &'g mut Vec<Diagnostic>,
    ) -> Self {
        let mut table = Some(root);
        for (depth, key) in path.iter().enumerate() {
            let Some(value) = table.and_then(|table| table.get(*key)) else {
                table = None;
                break;
            };
            table = value.get_ref().as_table();
            if table.is_none() && depth + 1 == path.len() {
                gathered.push(wrong_type(
                    file,
                    &format!("`{key}` is"),
                    value.span(),
                    "a table",
                    value.get_ref(),
                ));
            }
        }
        Self { file, table, known: Vec::new(), gathered }
    }

    fn take(&mut self, key: &'static str) -> Option<(&'a DeValue<'a>, Range<usize>)> {
        self.known.push(key);
        let value = self.table?.get(key)?;
        Some((value.get_ref(), value.span()))
    }

    /// `subject` is the beginning of the sentence, up to its verb.
    fn wrong_type(&mut self, subject: &str, bytes: Range<usize>, expected: &str, found: &DeValue<'_>) {
        self.gathered.push(wrong_type(self.file, subject, bytes, expected, found));
    }

    fn spanned<T>(&self, value: T, bytes: Range<usize>) -> Spanned<T> {
        Spanned { value, span: self.file.span(bytes) }
    }

    fn string(&mut self, key: &'static str) -> Option<Spanned<String>> {
        let (value, bytes) = self.take(key)?;
        match value.as_str() {
            Some(text) => Some(self.spanned(text.to_owned(), bytes)),
            None => {
                self.wrong_type(&format!("`{key}` is"), bytes, "a string", value);
                None
            }
        }
    }

    fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let (value, bytes) = self.take(key)?;
        if value.as_bool().is_none() {
            self.wrong_type(&format!("`{key}` is"), bytes, "`true` or `false`", value);
        }
        value.as_bool()
    }

    fn strings(&mut self, key: &'static str) -> Option<Spanned<Vec<Spanned<String>>>> {
        self.list(key, "a list of strings", |value| value.as_str().map(str::to_owned))
    }

    fn ports(&mut self, key: &'static str) -> Option<Spanned<Vec<Spanned<Port>>>> {
        self.list(key, "a list of ports like `8080` or `\"53/udp\"`", |value| match value {
            DeValue::String(text) => Some(Port::Text(text.to_string())),
            DeValue::Integer(number) => Some(match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Port::Number(number),
                // Too large for a number, and no port either way.
                Err(_) => Port::Text(number.as_str().to_owned()),
            }),
            _ => None,
        })
    }

    fn list<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        element: impl Fn(&DeValue<'_>) -> Option<T>,
    ) -> Option<Spanned<Vec<Spanned<T>>>> {
        let (value, bytes) = self.take(key)?;
        let Some(array) = value.as_array() else {
            let wrong = wrong_type(self.file, &format!("`{key}` is"), bytes.clone(), expected, value);
            self.gathered.push(if element(value).is_some() {
                // What was meant is one element.
                let written = String::from_utf8_lossy(&self.file.text()[bytes]);
                wrong.help(format!("write `{key} = [{written}]`"))
            } else {
                wrong
            });
            return None;
        };
        let mut list = Vec::new();
        for item in array.iter() {
            match element(item.get_ref()) {
                Some(value) => list.push(self.spanned(value, item.span())),
                None => self.wrong_type(&format!("`{key}` has"), item.span(), expected, item.get_ref()),
            }
        }
        Some(self.spanned(list, bytes))
    }

    fn pairs(&mut self, key: &'static str) -> Vec<(Spanned<String>, Spanned<String>)> {
        let Some((value, bytes)) = self.take(key) else { return Vec::new() };
        let Some(table) = value.as_table() else {
            self.wrong_type(&format!("`{key}` is"), bytes, "a table of strings", value);
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for (name, value) in table {
            match value.get_ref().as_str() {
                Some(text) => pairs.push((
                    self.spanned(name.get_ref().to_string(), name.span()),
                    self.spanned(text.to_owned(), value.span()),
                )),
                None => {
                    let subject = format!("`{key}.{}` is", name.get_ref());
                    self.wrong_type(&subject, value.span(), "a string", value.get_ref());
                }
            }
        }
        pairs
    }

    /// Reports the keys that nobody asked for. `elsewhere` knows better for keys that exist in another table.
    fn finish(self, elsewhere: &[(&str, &str)]) {
        let Some(table) = self.table else { return };
        for (key, _) in table {
            let name: &str = key.get_ref();
            if self.known.contains(&name) {
                continue;
            }
            let unknown = Diagnostic::error(Code::UnknownKey, format!("unknown key `{name}`"))
                .at(&self.file.span(key.span()));
            self.gathered.push(match elsewhere.iter().find(|(other, _)| *other == name) {
                Some((_, help)) => unknown.help(*help),
                None => unknown.suggest(name, self.known.iter().copied()),
            });
        }
    }
}

fn wrong_type(
    file: &SourceFile,
    subject: &str,
    bytes: Range<usize>,
    expected: &str,
    found: &DeValue<'_>,
) -> Diagnostic {
    let found = match found {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    Diagnostic::error(Code::InvalidValue, format!("{subject} {found}, expected {expected}"))
        .at(&file.span(bytes))
}
