//! What cargo is told of targets that are not the builder's own.

use buildkit_llb::SourceFile;
use expect_test::{Expect, expect};
use longshore_helper::recording::Call;

use super::*;

const AMD64: &str = "linux/amd64";

#[derive(Default)]
struct Case<'a> {
    config: &'a str,
    image: &'a [(&'a str, &'a str)],
    rustflags: &'a str,
    triple: &'a str,
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn config(text: &str) -> CargoConfig {
    CargoConfig::parse(&SourceFile::new(".cargo/config.toml", "TOML", text))
}

fn cross_of(platform: &str, case: &Case<'_>) -> Cross {
    let platform = Platform::parse(platform).unwrap();
    Cross::new(&Given {
        build_platform: &Platform::parse(AMD64).unwrap(),
        platform: &platform,
        triple: if case.triple.is_empty() { triple::of(&platform).unwrap() } else { case.triple },
        cargo_config: &config(case.config),
        toolchain_env: &map(case.image),
        rustflags: case.rustflags,
    })
}

fn check(platform: &str, case: &Case<'_>, expected: &Expect) {
    let cross = cross_of(platform, case);
    let mut text = String::new();
    for (name, value) in &cross.env {
        text += &format!("cargo: {name}={value}\n");
    }
    for value in &cross.config {
        text += &format!("cargo: --config {value}\n");
    }
    for (name, value) in &cross.script_env {
        text += &format!("scripts: {name}={value}\n");
    }
    expected.assert_eq(&text.replace('\u{1f}', "<US>"));
}

#[test]
fn the_builders_own_platform_needs_nothing() {
    let config = "[build]\nrustflags = ['-g']\n";
    assert_eq!(cross_of(AMD64, &Case { config, rustflags: "-g", ..Case::default() }), Cross::default());
    let musl = Case { triple: "x86_64-unknown-linux-musl", ..Case::default() };
    assert_eq!(cross_of(AMD64, &musl), Cross::default());
    assert_eq!(cross_of("wasi/wasm", &Case::default()), Cross::default(), "rustc brings a linker of its own");
}

#[test]
fn another_architecture_has_a_linker_and_libraries() {
    check(
        "linux/arm64",
        &Case::default(),
        &expect![[r#"
        cargo: CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
        scripts: PKG_CONFIG_ALLOW_CROSS=1
        scripts: PKG_CONFIG_LIBDIR=/usr/local/lib/aarch64-linux-gnu/pkgconfig:/usr/local/share/pkgconfig:/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/aarch64-linux-gnu/lib/pkgconfig:/usr/share/pkgconfig
    "#]],
    );
    check(
        "linux/386",
        &Case::default(),
        &expect![[r#"
        cargo: CARGO_TARGET_I686_UNKNOWN_LINUX_GNU_LINKER=i686-linux-gnu-gcc
        scripts: PKG_CONFIG_ALLOW_CROSS=1
        scripts: PKG_CONFIG_LIBDIR=/usr/local/lib/i386-linux-gnu/pkgconfig:/usr/local/share/pkgconfig:/usr/lib/i386-linux-gnu/pkgconfig:/usr/i686-linux-gnu/lib/pkgconfig:/usr/share/pkgconfig
    "#]],
    );
    check(
        "linux/arm64",
        &Case { triple: "aarch64-unknown-linux-musl", ..Case::default() },
        &expect![[r#"
            cargo: CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=aarch64-linux-gnu-gcc
        "#]],
    );
}

#[test]
fn the_users_linker_and_the_images_variables_stay() {
    let linker = "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER";
    let is_ours = |config: &str| {
        let cross = cross_of("linux/arm64", &Case { config, ..Case::default() });
        cross.env.contains_key(linker)
    };
    assert!(!is_ours("[target.aarch64-unknown-linux-gnu]\nlinker = 'clang'\n"));
    assert!(!is_ours(
        "[target.'cfg(all(target_os = \"linux\", target_arch = \"aarch64\"))']\nlinker = 'clang'\n"
    ));
    assert!(is_ours("[target.x86_64-unknown-linux-gnu]\nlinker = 'clang'\n"));
    assert!(is_ours("[target.'cfg(target_arch = \"x86_64\")']\nlinker = 'clang'\n"));
    assert!(is_ours("[target.aarch64-unknown-linux-gnu]\nrustflags = []\n"));
    assert!(is_ours("not TOML"), "which is for cargo to say");

    let image = [(linker, "my-gcc"), ("PKG_CONFIG_LIBDIR", "/sysroot/lib/pkgconfig")];
    check(
        "linux/arm64",
        &Case { image: &image, ..Case::default() },
        &expect![[r#"
        scripts: PKG_CONFIG_ALLOW_CROSS=1
    "#]],
    );
}

#[test]
fn a_level_of_x86_64_is_a_flag_wherever_the_user_has_flags() {
    check(
        "linux/amd64/v3",
        &Case::default(),
        &expect![[r#"
        cargo: --config build.rustflags=["-Ctarget-cpu=x86-64-v3"]
    "#]],
    );
    let config = "[build]\nrustflags = '--cfg tokio_unstable'\n\n[target.'cfg(unix)']\nrustflags = ['-g']\n\n\
                  [target.x86_64-unknown-linux-gnu]\nlinker = 'clang'\n";
    check(
        "linux/amd64/v2",
        &Case { config, ..Case::default() },
        &expect![[r#"
        cargo: --config build.rustflags="--cfg tokio_unstable -Ctarget-cpu=x86-64-v2"
        cargo: --config target."cfg(unix)".rustflags=["-Ctarget-cpu=x86-64-v2"]
    "#]],
    );
    check(
        "linux/amd64/v4",
        &Case { rustflags: "-g", ..Case::default() },
        &expect![[r#"
        cargo: RUSTFLAGS=-g -Ctarget-cpu=x86-64-v4
        cargo: --config build.rustflags=["-Ctarget-cpu=x86-64-v4"]
    "#]],
    );
    let image = [
        ("RUSTFLAGS", "-g"),
        ("CARGO_ENCODED_RUSTFLAGS", "-g"),
        ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", "-g"),
    ];
    check(
        "linux/amd64/v4",
        &Case { image: &image, ..Case::default() },
        &expect![[r#"
        cargo: CARGO_ENCODED_RUSTFLAGS=-g<US>-Ctarget-cpu=x86-64-v4
        cargo: CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS=-g -Ctarget-cpu=x86-64-v4
        cargo: RUSTFLAGS=-g -Ctarget-cpu=x86-64-v4
        cargo: --config build.rustflags=["-Ctarget-cpu=x86-64-v4"]
    "#]],
    );
}

#[test]
fn only_scripts_for_the_target_are_told_and_what_cargo_says_stays() {
    let call = |kind, env: &[(&str, &str)]| Call {
        kind,
        exe: String::new(),
        args: Vec::new(),
        cwd: "/ws".to_owned(),
        env: map(env),
    };
    let triple = "aarch64-unknown-linux-gnu";
    let mut recording = Recording {
        rustc: String::new(),
        cargo: String::new(),
        host: "x86_64-unknown-linux-gnu".to_owned(),
        sizes: [].into(),
        calls: vec![
            call(CallKind::BuildScript, &[("TARGET", "x86_64-unknown-linux-gnu")]),
            call(CallKind::BuildScript, &[("TARGET", triple), ("PKG_CONFIG_LIBDIR", "/mine")]),
            call(CallKind::Rustc, &[("TARGET", triple)]),
        ],
    };
    let before = recording.clone();
    let cross = cross_of("linux/arm64", &Case::default());
    cross.complete(triple, &mut recording);
    assert_eq!(recording.calls[0], before.calls[0]);
    assert_eq!(recording.calls[2], before.calls[2]);
    let told = map(&[("TARGET", triple), ("PKG_CONFIG_ALLOW_CROSS", "1"), ("PKG_CONFIG_LIBDIR", "/mine")]);
    assert_eq!(recording.calls[1].env, told);
}
