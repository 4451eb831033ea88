//! cargo's configuration: the files that it is written in, and what they say together.
//!
//! Pure. The rules are the Cargo book's, "Configuration": each directory from the workspace's upwards may have a file, and
//! a file may `include` others. Of plain values the nearest is taken, and that of a file before those of what it includes;
//! tables and lists are joined (cargo's `util/context/mod.rs`, `load_includes`; `util/context/config_value.rs`, `merge`).
//! The few lists that cargo does not join are read by nobody here. What cargo would refuse is for cargo to refuse.

mod overrides;

use std::collections::{BTreeMap, BTreeSet};

pub use overrides::Overrides;

use buildkit_llb::{SourceFile, Span, State};
use camino::{Utf8Path, Utf8PathBuf};
use toml::{Spanned, de::DeTable, de::DeValue};

use crate::listing::{Kind, Listing};

/// The names of its files, in any directory above: the old name counts where both are.
pub const CARGO_CONFIG_FILES: [&str; 2] = [".cargo/config", ".cargo/config.toml"];

/// Values by their keys.
pub type Table = BTreeMap<String, Entry>;

/// What is configured.
#[derive(Debug, Clone, Default)]
pub struct CargoConfig {
    table: Table,
    paths: BTreeSet<Utf8PathBuf>,
    lost: Vec<Utf8PathBuf>,
}

/// A value, and where it comes from.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What is said.
    pub value: Value,
    /// Where its key stands.
    pub place: Span,
    /// What a path in it is relative to, itself relative to the root of the context: the directory that holds the
    /// directory of the file.
    pub base: Utf8PathBuf,
}

/// What a key can have.
#[derive(Debug, Clone)]
pub enum Value {
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Entry>),
    /// A table.
    Table(Table),
    /// `true` or `false`.
    Flag(bool),
    /// What nothing here is made of.
    Other,
}

impl Value {
    fn has(&self, text: &str) -> bool {
        match self {
            Value::Text(own) => own.contains(text),
            Value::List(list) => list.iter().any(|entry| entry.value.has(text)),
            Value::Table(table) => table.values().any(|entry| entry.value.has(text)),
            Value::Flag(_) | Value::Other => false,
        }
    }
}

impl Entry {
    /// The string that it is.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The table that it is.
    pub fn table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }
}

impl CargoConfig {
    /// What one file says that lies in a directory `.cargo`.
    pub fn parse(file: &SourceFile) -> CargoConfig {
        let name = Utf8Path::new(file.name());
        let base = name.parent().and_then(Utf8Path::parent).unwrap_or(Utf8Path::new(""));
        CargoConfig { table: table_of(file, base), paths: [name.to_owned()].into(), lost: Vec::new() }
    }

    /// What is configured for a workspace in `root`, as far as the files in `texts` tell, and the files that have to be
    /// read to know more. `loaded_by` is what they are read from.
    pub fn gather(
        listing: &Listing,
        root: &Utf8Path,
        texts: &BTreeMap<Utf8PathBuf, Vec<u8>>,
        loaded_by: &State,
    ) -> (CargoConfig, BTreeSet<Utf8PathBuf>) {
        let mut search =
            Search { listing, texts, loaded_by, paths: BTreeSet::new(), missing: BTreeSet::new() };
        let mut table = Table::new();
        let mut lost = Vec::new();
        for directory in root.ancestors() {
            let names = || CARGO_CONFIG_FILES.iter().map(|name| directory.join(name));
            match names().find(|path| search.file(path).is_some()) {
                Some(path) => merge(&mut table, search.load(&path, &mut BTreeSet::new()), Wins::Own),
                None => {
                    lost.extend(names().chain([directory.join(".cargo")]).find(|path| search.is_lost(path)))
                }
            }
        }
        (CargoConfig { table, paths: search.paths, lost }, search.missing)
    }

    /// A table at the top.
    pub fn table(&self, key: &str) -> Option<&Table> {
        self.table.get(key)?.table()
    }

    /// The tables in a table at the top, such as those of `[target.NAME]`.
    pub fn tables(&self, key: &str) -> impl Iterator<Item = (&str, &Table)> {
        let entries = self.table(key).into_iter().flatten();
        entries.filter_map(|(name, entry)| Some((name.as_str(), entry.table()?)))
    }

    /// The variables of `[env]` that are set where nothing else has set them: those without `force` (`apply_env_config` in
    /// cargo's `core/compiler/mod.rs`).
    pub fn yielding_env(&self) -> BTreeSet<String> {
        let is_forced = |entry: &Entry| {
            let force = entry.table().and_then(|table| table.get("force"));
            matches!(force, Some(Entry { value: Value::Flag(true), .. }))
        };
        let all = self.table("env").into_iter().flatten();
        all.filter(|(_, entry)| !is_forced(entry)).map(|(name, _)| name.clone()).collect()
    }

    /// Whether some string in it has this text, but for those of `[target.NAME]` where `is_of` says that it is no target's.
    pub fn has(&self, text: &str, is_of: impl Fn(&str) -> bool) -> bool {
        self.table.iter().any(|(key, entry)| match &entry.value {
            Value::Table(targets) if key == "target" => {
                targets.iter().any(|(name, entry)| is_of(name) && entry.value.has(text))
            }
            value => value.has(text),
        })
    }

    /// Its files, and the links to files through which cargo finds them.
    pub fn paths(&self) -> impl Iterator<Item = &Utf8Path> {
        self.paths.iter().map(Utf8PathBuf::as_path)
    }

    /// Links in the place of its files that lead to nothing in the context: cargo passes over them.
    pub fn lost(&self) -> &[Utf8PathBuf] {
        &self.lost
    }
}

/// The way through files that name others.
struct Search<'a> {
    listing: &'a Listing,
    texts: &'a BTreeMap<Utf8PathBuf, Vec<u8>>,
    loaded_by: &'a State,
    paths: BTreeSet<Utf8PathBuf>,
    missing: BTreeSet<Utf8PathBuf>,
}

impl Search<'_> {
    /// The links on the way to a file, and the file.
    fn file(&self, path: &Utf8Path) -> Option<(Vec<Utf8PathBuf>, Utf8PathBuf)> {
        let found = self.listing.walked(path);
        found.filter(|(_, end)| self.listing.kind(end).is_some_and(|kind| kind != Kind::Directory))
    }

    fn is_lost(&self, path: &Utf8Path) -> bool {
        let end = self.listing.walked(path).and_then(|(_, end)| self.listing.kind(&end));
        self.listing.kind(path) == Some(Kind::Other) && end.is_none()
    }

    /// What a file says, with all that it includes. `path` is as cargo puts it together: not normalised. A file is read
    /// once, where cargo refuses to go in circles.
    fn load(&mut self, path: &Utf8Path, seen: &mut BTreeSet<Utf8PathBuf>) -> Table {
        let Some((links, end)) = self.file(path).filter(|(_, end)| !seen.contains(end)) else {
            return Table::new();
        };
        // Those to directories are part of every recording.
        let is_to_file = |link: &Utf8PathBuf| self.file(link).is_some();
        let links: Vec<Utf8PathBuf> = links.into_iter().filter(is_to_file).collect();
        self.paths.extend(links);
        self.paths.insert(end.clone());
        seen.insert(end.clone());
        let Some(text) = self.texts.get(&end) else {
            self.missing.insert(end);
            return Table::new();
        };
        let file = SourceFile::new(end.as_str(), "TOML", text.as_slice()).loaded_by(self.loaded_by);
        let directory = path.parent().unwrap_or(Utf8Path::new(""));
        let base = directory.parent().unwrap_or(Utf8Path::new(""));
        let base = self.listing.walked(base).map_or_else(|| base.to_owned(), |(_, base)| base);
        let mut own = table_of(&file, &base);
        let mut table = Table::new();
        for included in own.remove("include").iter().flat_map(included) {
            merge(&mut table, self.load(&directory.join(included), seen), Wins::Other);
        }
        merge(&mut table, own, Wins::Other);
        table
    }
}

/// The paths that `include` says: a string, or a list of strings and of tables that have a `path`.
fn included(entry: &Entry) -> Vec<&str> {
    let entries = match &entry.value {
        Value::List(entries) => entries,
        _ => return entry.text().into_iter().collect(),
    };
    let paths = entries.iter().filter_map(|entry| match entry.table() {
        Some(table) => table.get("path")?.text(),
        None => entry.text(),
    });
    paths.filter(|path| Utf8Path::new(path).extension() == Some("toml")).collect()
}

fn table_of(file: &SourceFile, base: &Utf8Path) -> Table {
    let text = String::from_utf8_lossy(file.text());
    let (root, _) = DeTable::parse_recoverable(&text);
    entries(root.get_ref(), file, base)
}

fn entries(table: &DeTable<'_>, file: &SourceFile, base: &Utf8Path) -> Table {
    let entries = table.iter().map(|(key, value)| {
        let entry =
            Entry { value: value_of(value, file, base), place: file.span(key.span()), base: base.to_owned() };
        (key.get_ref().to_string(), entry)
    });
    entries.collect()
}

fn value_of(value: &Spanned<DeValue<'_>>, file: &SourceFile, base: &Utf8Path) -> Value {
    match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Array(list) => {
            let entries = list.iter().map(|one| Entry {
                value: value_of(one, file, base),
                place: file.span(one.span()),
                base: base.to_owned(),
            });
            Value::List(entries.collect())
        }
        DeValue::Table(table) => Value::Table(entries(table, file, base)),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        _ => Value::Other,
    }
}

/// Whose value is taken where two tables have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wins {
    Own,
    Other,
}

/// Adds another table. Of lists, what wins stands last, where it wins again as an argument of a compiler.
fn merge(table: &mut Table, other: Table, wins: Wins) {
    for (key, mut from) in other {
        let Some(own) = table.get_mut(&key) else {
            table.insert(key, from);
            continue;
        };
        match (&mut own.value, &mut from.value) {
            (Value::Table(own), Value::Table(from)) => merge(own, std::mem::take(from), wins),
            (Value::List(own), Value::List(from)) => {
                if wins == Wins::Own {
                    std::mem::swap(own, from);
                }
                own.append(from);
            }
            (Value::Table(_) | Value::List(_), _) | (_, Value::Table(_) | Value::List(_)) => {}
            _ if wins == Wins::Other => *own = from,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
