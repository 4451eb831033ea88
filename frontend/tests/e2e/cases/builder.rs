//! What build scripts need of the toolchain image, and what they may do there.

use std::process::Command;

use crate::{
    Result,
    build::{Build, Order, tag},
    engine::Engine,
    project::{Project, nonce},
};

/// Packages are installed in a step of their own, which no edit runs again, and their libraries come along.
pub(crate) fn system_packages_are_installed_once() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("system-packages")?;
    Order::build(&engine, project.path(), "system-packages").must()?;
    let said = engine.run_image(&["--network", "none"], &tag("system-packages"), &[])?;
    // Debian's; the crate's own would be 1.3. What `builder.setup` asked pkg-config for came into the program.
    let (loaded, set_up) = said.stdout.trim().split_once(", set up with ").unwrap_or_default();
    assert!(loaded.starts_with("zlib 1.2.") && loaded.ends_with(set_up) && !set_up.is_empty(), "{said:?}");

    project.replace("src/main.rs", "zlib {}", &format!("zlib {{}} {}", nonce()))?;
    let edited = Order::build(&engine, project.path(), "system-packages").must()?;
    edited.assert_ran([
        "[member] system-packages: own files",
        "[member] system-packages 0.1.0 (bin \"system-packages\")",
        "[image] system-packages: check programs",
        "[image] system-packages",
    ]);
    Ok(())
}

/// Names that the archive does not have, and where they were written.
pub(crate) fn a_package_that_there_is_none_of() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("system-packages")?;
    project.replace("Cargo.toml", "\"zlib1g-dev\"", "\"zlib1g-devel\"")?;
    let build = Order::build(&engine, project.path(), "system-packages").run()?;
    assert!(!build.succeeded);
    let said = build.progress.tail();
    for part in ["no package `zlib1g-devel`", "Cargo.toml:20", "builder.packages = "] {
        assert!(said.contains(part), "{part:?} is not in\n{said}");
    }
    Ok(())
}

/// protoc, CMake, libclang and OpenSSL, each for a build script that cannot do without.
pub(crate) fn tools_of_the_system_make_something() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("build-tools")?;
    Order::build(&engine, project.path(), "build-tools").must()?;
    let said = engine.run_image(&["--network", "none"], &tag("build-tools"), &[])?;
    assert!(said.stdout.starts_with("13 bytes, 3600 tons, aa5e\nOpenSSL 3."), "{said:?}");

    // What CMake and libclang read is a file of the member's.
    project.replace("native/tonnage.c", "1200", "1300")?;
    Order::build(&engine, project.path(), "build-tools").must()?;
    let said = engine.run_image(&["--network", "none"], &tag("build-tools"), &[])?;
    assert!(said.stdout.starts_with("13 bytes, 3900 tons"), "{said:?}");

    // The first of them that is missing, and the line that brings it.
    project.replace("Cargo.toml", ", \"protobuf-compiler\"]", "]")?;
    let without = Order::build(&engine, project.path(), "build-tools").run()?;
    assert!(!without.succeeded);
    let said = without.progress.tail();
    assert!(said.contains("protobuf-compiler") && said.contains("builder.packages"), "{said}");
    Ok(())
}

/// A release in `rust-toolchain.toml`: the oldest that is tested, under the name that the file stands for.
pub(crate) fn a_toolchain_file_chooses_the_image() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("hello")?;
    project.write("rust-toolchain.toml", "[toolchain]\nchannel = \"1.85\"\n")?;
    project.write(
        "build.rs",
        "fn main() {\n    let rustc = std::process::Command::new(std::env::var(\"RUSTC\").unwrap()).arg(\"--version\").output();\n    \
         println!(\"cargo::rustc-env=RELEASE={}\", String::from_utf8(rustc.unwrap().stdout).unwrap().trim());\n}\n",
    )?;
    project.replace("src/main.rs", "println!(\"Hello,", "println!(\"{}: Hello,")?;
    project.replace("src/main.rs", "{}.\", env!", "{}.\", env!(\"RELEASE\"), env!")?;
    let stands_for = "rust:1.85-bookworm=docker-image://longshore/rust-oldest:debian";
    Order::build(&engine, project.path(), "old").args(["--build-context", stands_for]).must()?;
    let said = engine.run_image(&["--network", "none"], &tag("old"), &[])?;
    assert!(said.stdout.starts_with("rustc 1.85."), "{said:?}");
    Ok(())
}

/// rustup as far as builds see it, in an image that has but its own toolchain: what it is asked to install is made of that
/// one. It says what it was asked. Under the names of other programs it starts those of the toolchain in use, as rustup does.
const RUSTUP: &str = r#"#!/bin/sh
set -eu
cd "$RUSTUP_HOME/toolchains"
own=$(readlink ../own)
host=${own#*-}
full() { if [ -n "$1" ]; then echo "$1-$host"; else echo "$own"; fi; }
if [ "${0##*/}" != rustup ]; then
  name=${RUSTUP_TOOLCHAIN:-$own}
  [ -d "$name" ] || name=$(full "$name")
  cd "$OLDPWD"
  RUSTUP_TOOLCHAIN=$name exec "$RUSTUP_HOME/toolchains/$name/bin/${0##*/}" "$@"
fi
echo "rustup: $* (${RUSTUP_TOOLCHAIN:-none})" >&2
command=$1
channel= components= targets=
case $command in
  toolchain) channel=$3; shift 3 ;;
  component | target) shift 2 ;;
  which) shift ;;
esac
while [ $# -gt 0 ]; do
  case $1 in
    --profile) shift ;;
    --component) components="$components $2"; shift ;;
    --target) targets="$targets $2"; shift ;;
    --toolchain) channel=$2; shift ;;
    --*) ;;
    *) if [ "$command" = component ]; then components="$components $1"; else targets="$targets $1"; fi ;;
  esac
  shift
done
name=$(full "$channel")
if [ "$command" = which ]; then
  [ -d "$name" ] || { echo "error: toolchain '$name' is not installed" >&2; exit 1; }
  echo "$RUSTUP_HOME/toolchains/$name/bin/rustc"
  exit 0
fi
case $channel in
  *-02-30) echo "error: no release found for '$channel'" >&2; exit 1 ;;
esac
if [ ! -d "$name" ]; then
  # What says where the compiler lies must be a file of its own.
  mkdir -p "$name/bin" "$name/lib/rustlib"
  cp "$own/bin/cargo" "$own/bin/rustc" "$name/bin/"
  for file in "$own"/lib/*; do
    case $file in
      */rustlib) ;;
      */librustc_driver*) cp "$file" "$name/lib/" ;;
      *) ln -s "$PWD/$file" "$name/lib/" ;;
    esac
  done
  ln -s "$PWD/$own/lib/rustlib/$host" "$name/lib/rustlib/"
fi
for component in $components; do
  echo "$component" >>"$name/lib/rustlib/components"
  [ "$component" != rustfmt ] || cp "$own/rustfmt" "$name/bin/"
done
for target in $targets; do
  mkdir -p "$name/lib/rustlib/$target/lib"
  : >"$name/lib/rustlib/$target/lib/libcore.rlib"
done
"#;

/// A new image with that rustup, whose own toolchain is minimal: nothing that was installed in another is known in it.
fn with_rustup(engine: &Engine) -> Result<String> {
    let project = Project::of_testdata("hello")?;
    project.write("rustup", format!("{RUSTUP}# {}\n", nonce()))?;
    project.write(
        "Dockerfile",
        "FROM rust:1.95-bookworm\nCOPY --chmod=755 rustup /usr/local/cargo/bin/\n\
         RUN cd $RUSTUP_HOME/toolchains && own=$(echo *) && ln -s $own ../own && cd $own && mv bin/rustfmt . && \
         rm -f lib/rustlib/components && cd /usr/local/cargo/bin && \
         for name in cargo rustc rustfmt; do ln -sf rustup $name; done\n",
    )?;
    let image = tag("rust-with-rustup");
    engine.docker(["buildx", "build", "--load", "--quiet", "-t", &image, "."]).at(project.path()).run()?;
    Ok(format!("rust:1.95-bookworm=docker-image://{image}"))
}

/// What a step of `builder` wrote, by the beginning of its name.
fn log<'b>(build: &'b Build, name: &str) -> &'b str {
    let mut vertices = build.progress.vertices.values();
    vertices
        .find(|vertex| vertex.name.starts_with(name))
        .map(|vertex| vertex.log.as_str())
        .unwrap_or_default()
}

/// A nightly of a day, with what its file lists that builds use: installed once, and all steps after that use it.
pub(crate) fn rustup_installs_what_a_toolchain_file_asks_for() -> Result {
    let engine = Engine::of_environment();
    let stands_for = with_rustup(&engine)?;
    let project = Project::of_testdata("toolchain-file")?;
    let build = |settings: &str| -> Result<Build> {
        project.write("rust-toolchain.toml", settings)?;
        let order = Order::build(&engine, project.path(), "toolchain-file");
        order.args(["--build-context", &stands_for]).run()
    };
    let says = || -> Result<String> {
        Ok(engine.run_image(&["--network", "none"], &tag("toolchain-file"), &[])?.stdout)
    };
    let dated = project.read("rust-toolchain.toml")?;
    let built = build(&dated)?;
    assert!(built.succeeded, "{}", built.progress.tail());
    let step = log(&built, "[builder] toolchain: ");
    let asked = "rustup: toolchain install nightly-2026-01-05 --profile minimal --no-self-update --component rust-src \
                 --component rustfmt --target wasm32-wasip1 (none)";
    assert!(step.contains(asked), "{step}");
    let said = says()?;
    assert!(said.starts_with("42 by nightly-2026-01-05-"), "{said}");
    assert!(said.ends_with(": pub const ANSWER: u32 = 42;\n"), "formatted: {said}");

    // An edit installs nothing again.
    project.replace("src/main.rs", "{} by {}", &format!("{}: {{}} by {{}}", nonce()))?;
    let order = Order::build(&engine, project.path(), "toolchain-file");
    let edited = order.args(["--build-context", &stands_for]).must()?;
    assert_eq!(log(&edited, "[builder] toolchain: "), "");
    assert!(says()?.contains(": 42 by nightly-2026-01-05-"));

    // The image's own, with what it lacks.
    let own = build("[toolchain]\nchannel = \"stable\"\ncomponents = [\"rustfmt\", \"clippy\"]\n")?;
    assert!(own.succeeded, "{}", own.progress.tail());
    let step = log(&own, "[builder] toolchain: ");
    assert!(step.contains("rustup: component add rustfmt (none)"), "{step}");
    assert!(says()?.contains("42 by 1.95"), "{}", says()?);

    // What there is not: rustup's words, ours, and the place.
    let refused = build("[toolchain]\nchannel = \"nightly-2026-02-30\"\n")?;
    let said = refused.progress.tail();
    for part in ["no release found", "there is no such toolchain", "rust-toolchain.toml:2", "channel ="] {
        assert!(!refused.succeeded && said.contains(part), "{part:?} is not in\n{said}");
    }
    Ok(())
}

/// An image that has no rustup has to have what is asked for; what it has is found.
pub(crate) fn an_image_without_rustup() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("toolchain-file")?;
    let refused = Order::build(&engine, project.path(), "no-rustup").run()?;
    let said = refused.progress.tail();
    for part in
        ["the toolchain image has no rustup, and it has rustc 1.", "`toolchain = ", "rust-toolchain.toml:2"]
    {
        assert!(!refused.succeeded && said.contains(part), "{part:?} is not in\n{said}");
    }

    project.write(
        "rust-toolchain.toml",
        "[toolchain]\nchannel = \"stable\"\ncomponents = [\"rustfmt\", \"rust-src\"]\n",
    )?;
    Order::build(&engine, project.path(), "no-rustup").must()?;
    let said = engine.run_image(&["--network", "none"], &tag("no-rustup"), &[])?.stdout;
    assert!(said.ends_with(": pub const ANSWER: u32 = 42;\n"), "{said}");
    let said = warnings(&engine, &project)?;
    assert!(said.contains("the component `rust-src` of `rust-toolchain.toml` is not in"), "{said}");
    assert!(!said.contains("the component `rustfmt`"), "{said}");
    Ok(())
}

/// What one package of the lock file is given, and no other.
pub(crate) fn one_crate_has_variables_of_its_own() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("system-packages")?;
    let table = "[workspace.metadata.longshore]\n";
    project.replace("Cargo.toml", "builder.env = { LIBZ_SYS_STATIC = \"0\" }\n", "")?;
    let build = |settings: &str| -> Result<Build> {
        let text = project.read("Cargo.toml")?;
        let (before, after) = text.split_once(table).ok_or("the table is gone")?;
        let after = after.lines().filter(|line| !line.starts_with("crates.")).collect::<Vec<_>>().join("\n");
        project.write("Cargo.toml", format!("{before}{table}{settings}{after}\n"))?;
        Order::build(&engine, project.path(), "one-crate").must()
    };
    build("")?;
    let built =
        build(&format!("crates.libz-sys.env = {{ LIBZ_SYS_STATIC = \"1\", NONCE = \"{}\" }}\n", nonce()))?;
    let compiled: Vec<&str> =
        built.progress.ran().into_iter().filter(|name| name.contains("[crate] ")).collect();
    assert_eq!(compiled, ["[crate] libz-sys 1.1.31"]);
    let said = engine.run_image(&["--network", "none"], &tag("one-crate"), &[])?;
    assert!(said.stdout.starts_with("zlib 1.3"), "the crate's own: {said:?}");

    build("crates.libz-sis.env = { A = \"1\" }\n")?;
    let said = warnings(&engine, &project)?;
    assert!(said.contains("no package is called `libz-sis`"), "{said}");
    Ok(())
}

/// A step that may use the network has one, and the user is told what that means.
pub(crate) fn a_network_is_allowed_by_name() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("hello")?;
    let script = "fn main() {\n    let count = std::fs::read_dir(\"/sys/class/net\").unwrap().count();\n    \
                  assert!(count > 1, \"Could not resolve host: there is no network\");\n}\n";
    project.write("build.rs", format!("{script}// {}\n", nonce()))?;
    let refused = Order::build(&engine, project.path(), "network").run()?;
    let said = refused.progress.tail();
    assert!(!refused.succeeded && said.contains("crates.hello.network = true"), "{said}");
    project.append("Cargo.toml", "\n[workspace.metadata.longshore]\ncrates.hello.network = true\n")?;
    Order::build(&engine, project.path(), "network").must()?;
    let said = warnings(&engine, &project)?;
    assert!(said.contains("have a network"), "{said}");
    Ok(())
}

/// A shared library that lies in the workspace, outside of the member whose build script names it, is there for who links it.
pub(crate) fn a_library_of_the_workspace_reaches_who_links_it() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("outside-files")?;
    project.replace("Cargo.toml", "\"apps/other\"", "\"apps/other\", \"sys/vendor-sys\"")?;
    let settings =
        "\n[workspace.metadata.longshore]\nfiles = [{ from = \"libs/*.so\", to = \"/usr/lib/\" }]\n";
    project.append("Cargo.toml", settings)?;
    project.write("sys/vendor-sys/Cargo.toml", "[package]\nname = \"vendor-sys\"\nversion = \"0.1.0\"\n")?;
    let script = "fn main() {\n    let directory = std::env::var(\"CARGO_MANIFEST_DIR\").unwrap();\n    \
                  println!(\"cargo:rustc-link-search=native={directory}/../../libs\");\n    \
                  println!(\"cargo:rustc-link-lib=dylib=vendor\");\n}\n";
    project.write("sys/vendor-sys/build.rs", script)?;
    project.write("sys/vendor-sys/src/lib.rs", "extern \"C\" { pub fn answer() -> i32; }\n")?;
    project
        .append("apps/other/Cargo.toml", "[dependencies]\nvendor-sys.path = \"../../sys/vendor-sys\"\n")?;
    let main = "fn main() {\n    println!(\"{}\", unsafe { vendor_sys::answer() });\n}\n";
    project.write("apps/other/src/main.rs", main)?;
    project.replace(
        "Cargo.lock",
        "name = \"other\"\nversion = \"0.1.0\"\n",
        "name = \"other\"\nversion = \"0.1.0\"\ndependencies = [\n \"vendor-sys\",\n]\n",
    )?;
    project.append("Cargo.lock", "\n[[package]]\nname = \"vendor-sys\"\nversion = \"0.1.0\"\n")?;
    let answer = nonce() % 1000;
    project.write("libs/vendor.c", format!("int answer(void) {{ return {answer}; }}\n"))?;
    let library = project.path().join("libs");
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-o", "libvendor.so", "vendor.c"])
        .current_dir(library)
        .status()?;
    assert!(made.success());
    Order::build(&engine, project.path(), "vendor").target("other").must()?;
    let said = engine.run_image(&["--network", "none"], &tag("vendor"), &[])?;
    assert_eq!(said.stdout, format!("{answer}\n"), "{}", said.stderr);
    Ok(())
}

/// What the client prints, warnings among it.
fn warnings(engine: &Engine, project: &Project) -> Result<String> {
    let build = engine.docker(["buildx", "build", "--progress=plain", "--file", "Cargo.toml", "."]);
    Ok(build.at(project.path()).output()?.stderr)
}
