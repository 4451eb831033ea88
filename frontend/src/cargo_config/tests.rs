//! Which files are found, and what they say together.

use std::fmt::Write as _;

use expect_test::{Expect, expect};

use super::*;

/// Files with their texts, and links: `PATH -> TEXT`.
struct Tree {
    listing: Listing,
    texts: BTreeMap<Utf8PathBuf, Vec<u8>>,
}

fn tree(files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree { listing: Listing::default(), texts: BTreeMap::new() };
    for (path, text) in files {
        if let Some((path, target)) = path.split_once(" -> ") {
            tree.listing.insert(path, Kind::Other, target.to_owned());
            continue;
        }
        for above in Utf8Path::new(path).ancestors().skip(1).filter(|above| !above.as_str().is_empty()) {
            tree.listing.insert(above.as_str(), Kind::Directory, String::new());
        }
        tree.listing.insert(path, Kind::File, String::new());
        tree.texts.insert((*path).into(), text.as_bytes().to_vec());
    }
    tree
}

fn told(table: &Table, above: &str, text: &mut String) {
    for (key, entry) in table {
        let key = format!("{above}{key}");
        match &entry.value {
            Value::Table(table) => told(table, &format!("{key}."), text),
            Value::List(entries) => {
                let all: Vec<String> = entries
                    .iter()
                    .map(|entry| format!("{} ({})", entry.text().unwrap_or("…"), entry.place))
                    .collect();
                writeln!(text, "{key} = [{}]", all.join(", ")).unwrap();
            }
            _ => writeln!(
                text,
                "{key} = {} ({}, below `{}`)",
                entry.text().unwrap_or("…"),
                entry.place,
                entry.base
            )
            .unwrap(),
        }
    }
}

/// Reads what has to be read, round after round, as the context does.
fn check(root: &str, files: &[(&str, &str)], expected: Expect) {
    let tree = tree(files);
    let mut texts = BTreeMap::new();
    let mut text = String::new();
    loop {
        let (config, missing) =
            CargoConfig::gather(&tree.listing, Utf8Path::new(root), &texts, &State::SCRATCH);
        if missing.is_empty() {
            told(&config.table, "", &mut text);
            for path in config.lost() {
                writeln!(text, "lost: {path}").unwrap();
            }
            let paths: Vec<&str> = config.paths().map(Utf8Path::as_str).collect();
            writeln!(text, "paths: {}", paths.join(" ")).unwrap();
            break;
        }
        let names: Vec<&str> = missing.iter().map(|path| path.as_str()).collect();
        writeln!(text, "read {}", names.join(" ")).unwrap();
        texts.extend(missing.into_iter().map(|path| {
            let text = tree.texts[&path].clone();
            (path, text)
        }));
    }
    expected.assert_eq(&text);
}

#[test]
fn nothing_is_configured_where_there_is_no_file() {
    let Tree { listing, texts } = tree(&[("Cargo.toml", "")]);
    let (config, missing) = CargoConfig::gather(&listing, Utf8Path::new(""), &texts, &State::SCRATCH);
    assert!(config.table.is_empty() && config.paths.is_empty() && missing.is_empty());
}

#[test]
fn variables_give_way_unless_they_are_forced() {
    let text = "[env]\nA = 'a'\nB = { value = 'b' }\nC = { value = 'c', force = false }\nD = { value = 'd', force = true }\n";
    let config = CargoConfig::parse(&SourceFile::new(".cargo/config.toml", "TOML", text));
    assert_eq!(config.yielding_env().into_iter().collect::<String>(), "ABC");
}

#[test]
fn levels_are_joined_and_the_nearer_wins() {
    check(
        "rust/ws",
        &[
            (
                ".cargo/config.toml",
                "[build]\njobs = 1\nrustflags = ['far']\ntarget = 'far'\n[source.a]\ndirectory = 'v'\n",
            ),
            (
                "rust/ws/.cargo/config",
                "[build]\nrustflags = ['near']\ntarget = 'near'\n[source.b]\ndirectory = 'v'\n",
            ),
            ("rust/ws/.cargo/config.toml", "[build]\nrustflags = ['not read beside the old name']\n"),
            ("rust/.cargo/config.toml", "[build]\njobs = ['no number']\ntarget = 'middle'\n"),
            ("rust/ws/member/.cargo/config.toml", "[build]\nincremental = true\n"),
        ],
        expect![[r#"
            read .cargo/config.toml rust/.cargo/config.toml rust/ws/.cargo/config
            build.jobs = [no number (rust/.cargo/config.toml:2)]
            build.rustflags = [far (.cargo/config.toml:3), near (rust/ws/.cargo/config:2)]
            build.target = near (rust/ws/.cargo/config:3, below `rust/ws`)
            source.a.directory = v (.cargo/config.toml:6, below ``)
            source.b.directory = v (rust/ws/.cargo/config:5, below `rust/ws`)
            paths: .cargo/config.toml rust/.cargo/config.toml rust/ws/.cargo/config
        "#]],
    );
}

#[test]
fn what_is_included_comes_before_what_includes() {
    check(
        "",
        &[
            (
                ".cargo/config.toml",
                "include = ['one.toml', { path = '../ci/two.toml', optional = true }, { path = 'no.toml', optional = true }, 'x.txt']\n\
                 [build]\nrustflags = ['own']\n[env]\nA = 'own'\n",
            ),
            (".cargo/one.toml", "[build]\nrustflags = ['one']\n[env]\nA = 'one'\nB = 'one'\nC = 'one'\n"),
            ("ci/two.toml", "include = 'deep/three.toml'\n[build]\nrustflags = ['two']\n[env]\nB = 'two'\n"),
            (
                "ci/deep/three.toml",
                "include = ['../two.toml']\n[source.s]\ndirectory = 'v'\n[env]\nB = 'three'\n",
            ),
            (".cargo/x.txt", "[env]\nX = ''\n"),
        ],
        expect![[r#"
            read .cargo/config.toml
            read .cargo/one.toml ci/two.toml
            read ci/deep/three.toml
            build.rustflags = [one (.cargo/one.toml:2), two (ci/two.toml:3), own (.cargo/config.toml:3)]
            env.A = own (.cargo/config.toml:5, below ``)
            env.B = two (ci/two.toml:5, below ``)
            env.C = one (.cargo/one.toml:6, below ``)
            source.s.directory = v (ci/deep/three.toml:3, below `ci`)
            paths: .cargo/config.toml .cargo/one.toml ci/deep/three.toml ci/two.toml
        "#]],
    );
}

#[test]
fn links_are_followed() {
    check(
        "rust",
        &[
            (".cargo -> ci/cargo", ""),
            ("ci/cargo/config.toml -> real.toml", ""),
            ("ci/cargo/real.toml", "include = ['../more.toml']\n[source.s]\ndirectory = 'v'\n"),
            ("ci/more.toml", "[env]\nA = ''\n"),
            ("rust/.cargo/config.toml -> ../../ci/rust.toml", ""),
            ("ci/rust.toml", "include = ['beside.toml']\n[source.t]\ndirectory = 'v'\n"),
            ("ci/beside.toml", "[env]\nB = ''\n"),
            ("rust/.cargo/beside.toml", "[env]\nC = ''\n"),
        ],
        expect![[r#"
            read ci/cargo/real.toml ci/rust.toml
            read ci/more.toml rust/.cargo/beside.toml
            env.A =  (ci/more.toml:2, below `ci/cargo`)
            env.C =  (rust/.cargo/beside.toml:2, below `rust`)
            source.s.directory = v (ci/cargo/real.toml:3, below ``)
            source.t.directory = v (ci/rust.toml:3, below `rust`)
            paths: ci/cargo/config.toml ci/cargo/real.toml ci/more.toml ci/rust.toml rust/.cargo/beside.toml rust/.cargo/config.toml
        "#]],
    );
}

#[test]
fn links_that_lead_nowhere_are_no_files() {
    check(
        "rust/ws",
        &[
            (".cargo/config -> ../../outside.toml", ""),
            (".cargo/config.toml", "include = ['out.toml', '../../x.toml', '/etc/x.toml']\n[env]\nA = ''\n"),
            (".cargo/out.toml -> gone.toml", ""),
            ("rust/.cargo -> ../../x", ""),
            ("rust/ws/.cargo/config.toml -> gone.toml", ""),
        ],
        expect![[r#"
            read .cargo/config.toml
            env.A =  (.cargo/config.toml:3, below ``)
            lost: rust/ws/.cargo/config.toml
            lost: rust/.cargo
            paths: .cargo/config.toml
        "#]],
    );
}
