//! Workspaces of any size that nobody wrote, as the values that the pure phases take.
//!
//! The shape is that of real ones. A package uses mostly what many use already, sometimes its neighbours, sometimes
//! anything, which gives hubs, chains and leaves. With these shares the mean number of crates that a package's
//! compilation may load is 5, 12 and 14 at 114, 621 and 770 packages, as cargo's own unit graph has it for
//! `testdata/inference`, `testdata/large` and nushell 0.114 (5.1, 12.2, 13.8), and grows with the root of the size.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use cargo_metadata::Metadata;
use longshore::paths;
use longshore::registry::Registry;
use longshore::units::Side;
use longshore_helper::recording::{Call, CallKind, Recording};
use serde_json::{Value, json};

const TRIPLE: &str = "x86_64-unknown-linux-gnu";
const RELEASE: &str = "/longshore/target/release";
const TARGET_RELEASE: &str = "/longshore/target/x86_64-unknown-linux-gnu/release";

/// KiB of archives: of 2,549 published packages, the middles of ten equal parts.
const KIB: [u64; 10] = [6, 10, 15, 21, 29, 40, 58, 91, 162, 614];

/// Shares, in percent.
const MACROS: u64 = 7;
const SCRIPTS: u64 = 12;
const LEAVES: u64 = 28;
const OF_EDGES_TO_POPULAR: u64 = 60;
const OF_EDGES_TO_NEIGHBOURS: u64 = 20;

/// A workspace and what cargo said of it.
#[derive(Debug, Clone)]
pub(crate) struct Synthetic {
    /// Text of `Cargo.lock`.
    pub(crate) lock: String,
    /// What cargo would have run.
    pub(crate) recording: Recording,
    /// `cargo metadata`, less what the frontend does not read.
    pub(crate) metadata: Metadata,
    /// Manifests of members, by directory.
    pub(crate) manifests: BTreeMap<String, String>,
}

/// One package.
struct Krate {
    name: String,
    version: String,
    /// Of its archive.
    kib: u64,
    is_member: bool,
    is_macro: bool,
    is_program: bool,
    has_script: bool,
    has_links: bool,
    features: Vec<String>,
    /// Smaller indices.
    deps: BTreeSet<usize>,
    script_deps: BTreeSet<usize>,
}

/// SplitMix64: the same numbers everywhere and for ever.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap()
    }

    fn percent(&mut self, share: u64) -> bool {
        self.next() % 100 < share
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.below(list.len()))
    }
}

impl Synthetic {
    /// `packages` locked packages, at least four, and `members` members, every tenth of which is a program besides.
    pub(crate) fn new(packages: usize, members: usize) -> Self {
        let krates = krates(packages, members);
        let used = used(&krates);
        let mut calls: Vec<Call> = used
            .iter()
            .flat_map(|(at, side)| calls(&krates, *at, *side))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        calls.sort();
        let recording = Recording {
            rustc: "rustc 1.95.0 (59807616e 2026-04-14)\nbinary: rustc\n".to_owned(),
            cargo: "cargo 1.95.0 (f2d3ce0bd 2026-03-21)".to_owned(),
            host: TRIPLE.to_owned(),
            sizes: used
                .iter()
                .map(|(at, _)| &krates[*at])
                .filter(|krate| !krate.is_member)
                .map(|krate| (krate.root(), krate.kib << 10))
                .collect(),
            calls,
        };
        let own: Vec<&Krate> = krates.iter().filter(|krate| krate.is_member).collect();
        let ids: Vec<String> = own.iter().map(|krate| krate.id()).collect();
        let metadata = json!({
            "packages": krates.iter().map(Krate::described).collect::<Vec<_>>(),
            "workspace_members": ids, "workspace_default_members": ids, "workspace_root": paths::WORKSPACE,
            "target_directory": paths::RECORDING_TARGET, "version": 1, "resolve": null,
        });
        Self {
            lock: lock(&krates),
            recording,
            metadata: serde_json::from_value(metadata).unwrap(),
            manifests: own.iter().map(|krate| (krate.directory(), manifest(&krates, krate))).collect(),
        }
    }
}

fn krates(packages: usize, members: usize) -> Vec<Krate> {
    let mut chance = Chance(1);
    // What procedural macros are made of; each builds on those before.
    let mut krates: Vec<Krate> = ["unicode-ident", "proc-macro2", "quote", "syn"]
        .iter()
        .enumerate()
        .map(|(at, name)| Krate {
            has_script: at == 1 || at == 2,
            deps: (0..at).collect(),
            ..Krate::new((*name).to_owned(), &mut chance)
        })
        .collect();
    // Every edge once for each time that it is there: what many use is what the next one will use.
    let mut popular: Vec<usize> = (0..krates.len()).collect();
    let mut macros = Vec::new();
    let mut family = (krates.len(), krates.len());
    for at in krates.len()..packages {
        if at == family.1 {
            family = (at, at + 8 + chance.below(32));
        }
        let mut krate = Krate::new(format!("{}-{at:04}", word(&mut chance)), &mut chance);
        krate.is_macro = chance.percent(MACROS);
        krate.has_script = !krate.is_macro && chance.percent(SCRIPTS);
        krate.has_links = krate.has_script && chance.percent(15);
        if krate.has_script && chance.percent(40) {
            krate.script_deps.extend(chance.of(&popular).filter(|dep| **dep > 3));
        }
        if krate.is_macro {
            krate.deps.extend(1..4);
            macros.push(at);
        } else if !chance.percent(LEAVES) {
            for _ in 0..1 + several(&mut chance) {
                let near = at.saturating_sub(8).max(family.0);
                let kind = chance.next() % 100;
                krate.deps.insert(if kind < OF_EDGES_TO_POPULAR {
                    *chance.of(&popular).unwrap()
                } else if kind < OF_EDGES_TO_POPULAR + OF_EDGES_TO_NEIGHBOURS && near < at {
                    near + chance.below(at - near)
                } else {
                    chance.below(at)
                });
            }
            if chance.percent(15) {
                krate.deps.extend(chance.of(&macros));
            }
            popular.extend(krate.deps.iter().filter(|dep| !krates[**dep].is_macro));
        }
        krates.push(krate);
    }

    let used: BTreeSet<usize> = krates.iter().flat_map(|krate| krate.deps.iter().copied()).collect();
    let unused: Vec<usize> = (0..packages).filter(|at| !used.contains(at)).collect();
    for member in 0..members {
        let mut krate = Krate::new(format!("team-{}-{member:03}", word(&mut chance)), &mut chance);
        krate.is_member = true;
        krate.is_program = member % 10 == 9 || member + 1 == members;
        krate.has_script = chance.percent(5);
        krate.has_links = false;
        // Every package has a user; the rest of what a member uses is popular.
        krate.deps.extend(unused.iter().skip(member).step_by(members));
        for _ in 0..2 + several(&mut chance) {
            krate.deps.extend(chance.of(&popular));
        }
        // Of the members before, half of the time one of the first, which are the workspace's own hubs.
        for _ in 0..several(&mut chance).min(member) {
            let among = if chance.percent(50) { member.min(10) } else { member };
            krate.deps.insert(packages + chance.below(among));
        }
        krates.push(krate);
    }
    krates
}

/// On average a little over two.
fn several(chance: &mut Chance) -> usize {
    let mut count = 0;
    while count < 20 && chance.percent(70) {
        count += 1;
    }
    count
}

fn word(chance: &mut Chance) -> &'static str {
    const WORDS: [&str; 12] = [
        "anchor", "ballast", "cable", "derrick", "ebb", "fender", "gantry", "hawser", "jetty", "keel",
        "lantern", "mooring",
    ];
    chance.of(&WORDS).unwrap()
}

/// Packages with the sides that they are compiled for: from the members down, as cargo goes.
fn used(krates: &[Krate]) -> BTreeSet<(usize, Side)> {
    let side_of = |at: usize, side| if krates[at].is_macro { Side::Host } else { side };
    let members = (0..krates.len()).filter(|at| krates[*at].is_member);
    let mut open: Vec<(usize, Side)> = members.map(|at| (at, Side::Target)).collect();
    let mut seen = BTreeSet::new();
    while let Some((at, side)) = open.pop() {
        if seen.insert((at, side)) {
            open.extend(krates[at].deps.iter().map(|dep| (*dep, side_of(*dep, side))));
            open.extend(krates[at].script_deps.iter().map(|dep| (*dep, Side::Host)));
        }
    }
    seen
}

/// Every process of one package on one side.
fn calls(krates: &[Krate], at: usize, side: Side) -> Vec<Call> {
    let krate = &krates[at];
    let mut calls = Vec::new();
    let externs = |deps: &BTreeSet<usize>, side: Side, extension: &str| -> Vec<String> {
        let mut args = Vec::new();
        for dep in deps.iter().map(|dep| &krates[*dep]) {
            let (directory, extension) =
                if dep.is_macro { (deps_of(Side::Host), "so") } else { (deps_of(side), extension) };
            let side = if dep.is_macro { Side::Host } else { side };
            args.extend([
                "--extern".to_owned(),
                format!(
                    "{}={directory}/lib{}{}.{extension}",
                    dep.crate_name(),
                    dep.crate_name(),
                    dep.extra(side)
                ),
            ]);
        }
        args
    };
    let out_dir = format!("{}/build/{}{}/out", release(side), krate.name, krate.extra(side));
    let mut env = krate.env(&krate.crate_name());
    if krate.has_script {
        let directory = format!("{RELEASE}/build/{}-{:016x}", krate.name, krate.hash("script"));
        let mut args = krate.start("build_script_build", "build.rs", "bin", "dep-info,link", false);
        args.extend(["-C".to_owned(), format!("extra-filename=-{:016x}", krate.hash("script"))]);
        args.extend(["--out-dir".to_owned(), directory.clone()]);
        args.extend(["-L".to_owned(), format!("dependency={}", deps_of(Side::Host))]);
        args.extend(externs(&krate.script_deps, Side::Host, "rlib"));
        args.extend(["--cap-lints".to_owned(), "allow".to_owned()]);
        calls.push(krate.call(CallKind::Rustc, "", args, krate.env("build_script_build")));
        let mut env = krate.env("");
        env.remove("CARGO_CRATE_NAME");
        for (name, value) in RUN_ENV {
            env.insert((*name).to_owned(), (*value).to_owned());
        }
        for feature in &krate.features {
            env.insert(format!("CARGO_FEATURE_{}", feature.to_uppercase()), "1".to_owned());
        }
        env.insert("OUT_DIR".to_owned(), out_dir.clone());
        calls.push(krate.call(
            CallKind::BuildScript,
            &format!("{directory}/build-script-build"),
            Vec::new(),
            env,
        ));
        calls.last_mut().unwrap().cwd = krate.root();
    }
    if krate.has_script {
        env.insert("OUT_DIR".to_owned(), out_dir);
    }
    let kind = if krate.is_macro { "proc-macro" } else { "lib" };
    let emit = if krate.is_macro { "dep-info,link" } else { "dep-info,metadata,link" };
    let extension = if krate.is_macro { "rlib" } else { "rmeta" };
    let finish = |args: &mut Vec<String>, hash: String| {
        args.extend([
            "-C".to_owned(),
            format!("metadata={:016x}", krate.hash(&hash)),
            "-C".to_owned(),
            format!("extra-filename={hash}"),
        ]);
        args.extend(["--out-dir".to_owned(), deps_of(side).to_owned()]);
        if side == Side::Target {
            args.extend(["--target".to_owned(), TRIPLE.to_owned()]);
            args.extend(["-L".to_owned(), format!("dependency={}", deps_of(Side::Target))]);
        }
        args.extend(["-L".to_owned(), format!("dependency={}", deps_of(Side::Host))]);
    };
    let mut args = krate.start(&krate.crate_name(), "src/lib.rs", kind, emit, side == Side::Target);
    finish(&mut args, krate.extra(side));
    args.extend(externs(&krate.deps, side, extension));
    if !krate.is_member {
        args.extend(["--cap-lints".to_owned(), "allow".to_owned()]);
    }
    calls.push(krate.call(CallKind::Rustc, "", args, env.clone()));
    if krate.is_program && side == Side::Target {
        let mut args = krate.start(&krate.crate_name(), "src/main.rs", "bin", "dep-info,link", true);
        finish(&mut args, format!("-{:016x}", krate.hash("bin")));
        let own: BTreeSet<usize> = krate.deps.iter().copied().chain([at]).collect();
        args.extend(externs(&own, side, "rlib"));
        env.insert("CARGO_BIN_NAME".to_owned(), krate.name.clone());
        calls.push(krate.call(CallKind::Rustc, "", args, env));
    }
    calls
}

fn release(side: Side) -> &'static str {
    match side {
        Side::Host => RELEASE,
        Side::Target => TARGET_RELEASE,
    }
}

fn deps_of(side: Side) -> &'static str {
    match side {
        Side::Host => "/longshore/target/release/deps",
        Side::Target => "/longshore/target/x86_64-unknown-linux-gnu/release/deps",
    }
}

/// What cargo tells a build script besides its package.
const RUN_ENV: &[(&str, &str)] = &[
    ("CARGO_CFG_PANIC", "unwind"),
    ("CARGO_CFG_TARGET_ARCH", "x86_64"),
    ("CARGO_CFG_TARGET_ENDIAN", "little"),
    ("CARGO_CFG_TARGET_ENV", "gnu"),
    ("CARGO_CFG_TARGET_FAMILY", "unix"),
    ("CARGO_CFG_TARGET_FEATURE", "fxsr,sse,sse2"),
    ("CARGO_CFG_TARGET_HAS_ATOMIC", "16,32,64,8,ptr"),
    ("CARGO_CFG_TARGET_OS", "linux"),
    ("CARGO_CFG_TARGET_POINTER_WIDTH", "64"),
    ("CARGO_CFG_TARGET_VENDOR", "unknown"),
    ("CARGO_CFG_UNIX", ""),
    ("CARGO_ENCODED_RUSTFLAGS", ""),
    ("DEBUG", "false"),
    ("HOST", TRIPLE),
    ("OPT_LEVEL", "3"),
    ("PROFILE", "release"),
    ("RUSTC", "rustc"),
    ("RUSTDOC", "rustdoc"),
    ("TARGET", TRIPLE),
];

impl Krate {
    fn new(name: String, chance: &mut Chance) -> Self {
        let version = format!("{}.{}.{}", chance.below(3), chance.below(40), chance.below(20));
        let features = (0..several(chance)).map(|number| format!("{}_{number}", word(chance))).collect();
        // Not of the chance that makes the shape.
        let size = Chance(name.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte)))
            .below(KIB.len());
        Self {
            name,
            version,
            kib: KIB[size],
            features,
            is_member: false,
            is_macro: false,
            is_program: false,
            has_script: false,
            has_links: false,
            deps: BTreeSet::new(),
            script_deps: BTreeSet::new(),
        }
    }

    fn crate_name(&self) -> String {
        self.name.replace('-', "_")
    }

    fn directory(&self) -> String {
        format!("crates/{}", self.name)
    }

    fn root(&self) -> String {
        if self.is_member {
            format!("{}/{}", paths::WORKSPACE, self.directory())
        } else {
            format!("{}/{}-{}", paths::VENDOR, self.name, self.version)
        }
    }

    fn id(&self) -> String {
        if self.is_member {
            format!("path+file://{}#{}", self.root(), self.version)
        } else {
            format!("{}#{}@{}", Registry::crates_io().as_str(), self.name, self.version)
        }
    }

    /// Sixteen digits that tell one unit from another, as cargo's do.
    fn hash(&self, what: &str) -> u64 {
        let bytes = self.name.bytes().chain(what.bytes());
        bytes
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }

    fn extra(&self, side: Side) -> String {
        let side = match side {
            Side::Host => "host",
            Side::Target => "target",
        };
        format!("-{:016x}", self.hash(side))
    }

    fn start(&self, name: &str, source: &str, kind: &str, emit: &str, optimised: bool) -> Vec<String> {
        let source = if self.is_member {
            format!("{}/{source}", self.directory())
        } else {
            format!("{}/{source}", self.root())
        };
        let mut args: Vec<String> = vec![
            "--crate-name".to_owned(),
            name.to_owned(),
            "--edition=2024".to_owned(),
            source,
            "--error-format=json".to_owned(),
            "--json=diagnostic-rendered-ansi,artifacts,future-incompat".to_owned(),
            "--crate-type".to_owned(),
            kind.to_owned(),
            format!("--emit={emit}"),
            "-C".to_owned(),
            if optimised { "opt-level=3" } else { "debug-assertions=off" }.to_owned(),
            "-C".to_owned(),
            "embed-bitcode=no".to_owned(),
        ];
        for feature in &self.features {
            args.extend(["--cfg".to_owned(), format!("feature=\"{feature}\"")]);
        }
        let known: Vec<String> =
            self.features.iter().map(|feature| format!("\"{feature}\", \"no_{feature}\"")).collect();
        args.extend(["--check-cfg", "cfg(docsrs,test)", "--check-cfg"].map(str::to_owned));
        args.push(format!("cfg(feature, values({}))", known.join(", ")));
        args
    }

    fn env(&self, crate_name: &str) -> BTreeMap<String, String> {
        let mut numbers = self.version.split('.');
        let mut number = || numbers.next().unwrap_or_default().to_owned();
        [
            ("CARGO", "/usr/local/rustup/toolchains/1.95.0-x86_64-unknown-linux-gnu/bin/cargo".to_owned()),
            ("CARGO_CRATE_NAME", crate_name.to_owned()),
            ("CARGO_MANIFEST_DIR", self.root()),
            ("CARGO_MANIFEST_PATH", format!("{}/Cargo.toml", self.root())),
            ("CARGO_PKG_AUTHORS", String::new()),
            ("CARGO_PKG_DESCRIPTION", self.description()),
            ("CARGO_PKG_HOMEPAGE", String::new()),
            ("CARGO_PKG_LICENSE", "MIT OR Apache-2.0".to_owned()),
            ("CARGO_PKG_LICENSE_FILE", String::new()),
            ("CARGO_PKG_NAME", self.name.clone()),
            ("CARGO_PKG_README", "README.md".to_owned()),
            ("CARGO_PKG_REPOSITORY", self.repository()),
            ("CARGO_PKG_RUST_VERSION", "1.85".to_owned()),
            ("CARGO_PKG_VERSION", self.version.clone()),
            ("CARGO_PKG_VERSION_MAJOR", number()),
            ("CARGO_PKG_VERSION_MINOR", number()),
            ("CARGO_PKG_VERSION_PATCH", number()),
            ("CARGO_PKG_VERSION_PRE", String::new()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    fn description(&self) -> String {
        format!("What {} does, said in about as many words as is usual", self.name)
    }

    fn repository(&self) -> String {
        format!("https://git.example.org/{0}/{0}", self.name)
    }

    fn call(&self, kind: CallKind, exe: &str, args: Vec<String>, env: BTreeMap<String, String>) -> Call {
        let cwd = if self.is_member { paths::WORKSPACE.to_owned() } else { self.root() };
        Call { kind, exe: exe.to_owned(), args, cwd, env }
    }

    /// Its entry in `cargo metadata`.
    fn described(&self) -> Value {
        let target = |name: &str, kind: &str, source: &str| {
            let types = if kind == "custom-build" { "bin" } else { kind };
            json!({
                "name": name, "kind": [kind], "crate_types": [types], "edition": "2024",
                "src_path": format!("{}/{source}", self.root()),
            })
        };
        let mut targets =
            vec![target(&self.crate_name(), if self.is_macro { "proc-macro" } else { "lib" }, "src/lib.rs")];
        if self.is_program {
            targets.push(target(&self.name, "bin", "src/main.rs"));
        }
        if self.has_script {
            targets.push(target("build-script-build", "custom-build", "build.rs"));
        }
        json!({
            "name": self.name, "version": self.version, "id": self.id(), "targets": targets, "features": {},
            "manifest_path": format!("{}/Cargo.toml", self.root()), "dependencies": [], "edition": "2024",
            "links": self.has_links.then(|| self.crate_name()), "rust_version": "1.85", "license": "MIT OR Apache-2.0",
            "source": (!self.is_member).then(|| Registry::crates_io().as_str().to_owned()),
            "description": self.description(), "repository": self.repository(), "authors": [],
        })
    }
}

fn lock(krates: &[Krate]) -> String {
    let mut sorted: Vec<&Krate> = krates.iter().collect();
    sorted.sort_by_key(|krate| &krate.name);
    let mut text = "# This file is automatically @generated by Cargo.\n# It is not intended for manual editing.\nversion = 4\n".to_owned();
    for krate in sorted {
        write!(text, "\n[[package]]\nname = \"{}\"\nversion = \"{}\"\n", krate.name, krate.version).unwrap();
        if !krate.is_member {
            let sum: String = (0..4).map(|part| format!("{:016x}", krate.hash(&part.to_string()))).collect();
            let source = Registry::crates_io();
            write!(text, "source = \"{}\"\nchecksum = \"{sum}\"\n", source.as_str()).unwrap();
        }
        let mut deps: Vec<&str> =
            krate.deps.union(&krate.script_deps).map(|dep| krates[*dep].name.as_str()).collect();
        deps.sort_unstable();
        if !deps.is_empty() {
            let lines: String = deps.iter().map(|name| format!(" \"{name}\",\n")).collect();
            write!(text, "dependencies = [\n{lines}]\n").unwrap();
        }
    }
    text
}

fn manifest(krates: &[Krate], krate: &Krate) -> String {
    let Krate { name, version, .. } = krate;
    let mut text = format!(
        "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2024\"\n\n[dependencies]\n"
    );
    for dep in &krate.deps {
        writeln!(text, "{}.workspace = true", krates[*dep].name).unwrap();
    }
    text
}
