//! What build scripts need of the toolchain image, and what they may do there.

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
    // Debian's; the crate's own would be 1.3.
    assert!(said.stdout.starts_with("zlib 1.2."), "{said:?}");

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
    assert!(said.contains("no package of this build is called `libz-sis`"), "{said}");
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

/// What the client prints, warnings among it.
fn warnings(engine: &Engine, project: &Project) -> Result<String> {
    let build = engine.docker(["buildx", "build", "--progress=plain", "--file", "Cargo.toml", "."]);
    Ok(build.at(project.path()).output()?.stderr)
}
