//! A TOML table being read key by key, with the place of every value.
//!
//! What was never asked for is unknown. Strings have their `${NAME}` replaced when they are read.

use std::ops::Range;

use buildkit_llb::{SourceFile, Span};
use toml::de::{DeTable, DeValue};

use super::args::Args;
use super::raw::{Command, Port};
use crate::diagnostic::{Code, Diagnostic};

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spanned<T> {
    pub(super) value: T,
    pub(super) span: Span,
}

/// A build argument as declared.
pub(super) struct RawArg {
    pub(super) default: Option<String>,
    pub(super) description: String,
    pub(super) required: bool,
}

/// A table being read, key by key; what was never asked for is unknown.
pub(super) struct Table<'a, 'g> {
    file: &'a SourceFile,
    /// Absent when the user wrote no such table: every key is then absent too.
    table: Option<&'a DeTable<'a>>,
    known: Vec<&'static str>,
    gathered: &'g mut Vec<Diagnostic>,
    /// What `${NAME}` stands for; absent while that is not known, and then it stays as it is.
    args: Option<&'g Args>,
}

impl<'a, 'g> Table<'a, 'g> {
    /// Goes down to the table at `path`; what is missing on the way is an empty table.
    /// Only the last one is ours: other tables of a manifest may hold what they want.
    pub(super) fn at(
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
        Self { file, table, known: Vec::new(), gathered, args: None }
    }

    /// The table with `${NAME}` replaced in all that is read from now on.
    pub(super) fn with(self, args: &'g Args) -> Self {
        Self { args: Some(args), ..self }
    }

    /// The key is read elsewhere.
    pub(super) fn known(&mut self, key: &'static str) {
        self.known.push(key);
    }

    /// Says that something is wrong.
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.gathered.push(diagnostic);
    }

    /// A table within this one, or within a list in it.
    fn inner<T>(&mut self, table: &'a DeTable<'a>, read: impl FnOnce(&mut Table<'a, '_>) -> T) -> T {
        let mut inner = Table {
            file: self.file,
            table: Some(table),
            known: Vec::new(),
            gathered: &mut *self.gathered,
            args: self.args,
        };
        read(&mut inner)
    }

    /// The text with its arguments replaced; one that does not exist is reported, and the text stays.
    fn expanded(&mut self, written: Spanned<String>) -> Spanned<String> {
        match self.args.map(|args| args.expand(&written)) {
            Some(Ok(value)) => Spanned { value, ..written },
            Some(Err(problem)) => {
                self.gathered.push(problem);
                written
            }
            None => written,
        }
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

    /// A string.
    pub(super) fn string(&mut self, key: &'static str) -> Option<Spanned<String>> {
        let (value, bytes) = self.take(key)?;
        match value.as_str() {
            Some(text) => {
                let text = self.spanned(text.to_owned(), bytes);
                Some(self.expanded(text))
            }
            None => {
                self.wrong_type(&format!("`{key}` is"), bytes, "a string", value);
                None
            }
        }
    }

    /// A string that must be there.
    pub(super) fn required(&mut self, key: &'static str) -> Option<Spanned<String>> {
        let is_there = self.table.is_some_and(|table| table.contains_key(key));
        let value = self.string(key);
        if !is_there && let Some(span) = self.first_line() {
            self.report(Diagnostic::error(Code::InvalidValue, format!("`{key}` is missing")).at(&span));
        }
        value
    }

    /// Where the table begins, as far as its keys tell.
    fn first_line(&self) -> Option<Span> {
        let first = self.table?.iter().map(|(key, _)| key.span()).min_by_key(|span| span.start)?;
        Some(self.file.span(first))
    }

    /// Whether the key is there and `false`; such a key is then read.
    pub(super) fn is_false(&mut self, key: &'static str) -> bool {
        let is_false =
            self.table.and_then(|table| table.get(key)).and_then(|value| value.get_ref().as_bool())
                == Some(false);
        if is_false {
            self.known.push(key);
        }
        is_false
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let (value, bytes) = self.take(key)?;
        if value.as_bool().is_none() {
            self.wrong_type(&format!("`{key}` is"), bytes, "`true` or `false`", value);
        }
        value.as_bool()
    }

    /// A whole number.
    pub(super) fn integer(&mut self, key: &'static str) -> Option<Spanned<i64>> {
        let (value, bytes) = self.take(key)?;
        let number = match value {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        if number.is_none() {
            self.wrong_type(&format!("`{key}` is"), bytes.clone(), "a whole number", value);
        }
        number.map(|number| self.spanned(number, bytes))
    }

    /// A list of words, or a line for a shell.
    pub(super) fn command(&mut self, key: &'static str) -> Option<Command> {
        let is_line =
            self.table.and_then(|table| table.get(key)).is_some_and(|value| value.get_ref().is_str());
        if is_line { self.string(key).map(Command::Line) } else { self.strings(key).map(Command::Words) }
    }

    /// A table in this one.
    pub(super) fn subtable<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Span, &mut Table<'a, '_>) -> T,
    ) -> Option<T> {
        let (value, bytes) = self.take(key)?;
        match value.as_table() {
            Some(table) => {
                let span = self.file.span(bytes);
                Some(self.inner(table, |table| read(span, table)))
            }
            None => {
                self.wrong_type(&format!("`{key}` is"), bytes, "a table", value);
                None
            }
        }
    }

    /// A table of tables with names of the user's.
    pub(super) fn subtables<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Table<'a, '_>) -> T,
    ) -> Vec<(Spanned<String>, T)> {
        let Some((value, bytes)) = self.take(key) else { return Vec::new() };
        let Some(tables) = value.as_table() else {
            self.wrong_type(&format!("`{key}` is"), bytes, "a table of tables", value);
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, value) in tables {
            match value.get_ref().as_table() {
                Some(table) => {
                    let name = self.spanned(name.get_ref().to_string(), name.span());
                    found.push((name, self.inner(table, &mut read)));
                }
                None => {
                    let subject = format!("`{key}.{}` is", name.get_ref());
                    self.wrong_type(&subject, value.span(), "a table", value.get_ref());
                }
            }
        }
        found
    }

    /// A list of tables.
    pub(super) fn elements<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        mut read: impl FnMut(Span, &mut Table<'a, '_>) -> T,
    ) -> Vec<T> {
        let Some((value, bytes)) = self.take(key) else { return Vec::new() };
        let Some(list) = value.as_array() else {
            self.wrong_type(&format!("`{key}` is"), bytes, expected, value);
            return Vec::new();
        };
        let mut found = Vec::new();
        for item in list.iter() {
            match item.get_ref().as_table() {
                Some(table) => {
                    let span = self.file.span(item.span());
                    found.push(self.inner(table, |table| read(span, table)));
                }
                None => self.wrong_type(&format!("`{key}` has"), item.span(), expected, item.get_ref()),
            }
        }
        found
    }

    /// Build arguments: a default, or a table that says more.
    pub(super) fn args(&mut self, key: &'static str) -> Vec<(Spanned<String>, RawArg)> {
        let Some((value, bytes)) = self.take(key) else { return Vec::new() };
        let Some(table) = value.as_table() else {
            self.wrong_type(
                &format!("`{key}` is"),
                bytes,
                "a table of build arguments like `args.NAME = \"default\"`",
                value,
            );
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, value) in table {
            let spanned = self.spanned(name.get_ref().to_string(), name.span());
            let arg = match value.get_ref() {
                DeValue::String(text) => {
                    RawArg { default: Some(text.to_string()), description: String::new(), required: false }
                }
                DeValue::Table(table) => self.inner(table, |table| {
                    let arg = RawArg {
                        default: table.string("default").map(|text| text.value),
                        description: table.string("description").map(|text| text.value).unwrap_or_default(),
                        required: table.boolean("required").unwrap_or(false),
                    };
                    table.finish(&[]);
                    arg
                }),
                other => {
                    let subject = format!("`{key}.{}` is", name.get_ref());
                    self.wrong_type(&subject, value.span(), "a string or a table", other);
                    continue;
                }
            };
            found.push((spanned, arg));
        }
        found
    }

    /// A list of strings.
    pub(super) fn strings(&mut self, key: &'static str) -> Option<Spanned<Vec<Spanned<String>>>> {
        let list = self.list(key, "a list of strings", |value| value.as_str().map(str::to_owned))?;
        let value = list.value.into_iter().map(|text| self.expanded(text)).collect();
        Some(Spanned { value, span: list.span })
    }

    /// A list of ports.
    pub(super) fn ports(&mut self, key: &'static str) -> Option<Spanned<Vec<Spanned<Port>>>> {
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

    /// A table of strings.
    pub(super) fn pairs(&mut self, key: &'static str) -> Vec<(Spanned<String>, Spanned<String>)> {
        let Some((value, bytes)) = self.take(key) else { return Vec::new() };
        let Some(table) = value.as_table() else {
            self.wrong_type(&format!("`{key}` is"), bytes, "a table of strings", value);
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for (name, value) in table {
            match value.get_ref().as_str() {
                Some(text) => {
                    let text = self.spanned(text.to_owned(), value.span());
                    let text = self.expanded(text);
                    pairs.push((self.spanned(name.get_ref().to_string(), name.span()), text));
                }
                None => {
                    let subject = format!("`{key}.{}` is", name.get_ref());
                    self.wrong_type(&subject, value.span(), "a string", value.get_ref());
                }
            }
        }
        pairs
    }

    /// Reports the keys that nobody asked for. `elsewhere` knows better for keys that exist in another table.
    pub(super) fn finish(&mut self, elsewhere: &[(&str, &str)]) {
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
