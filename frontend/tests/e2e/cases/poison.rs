//! Tries to have a build take something wrong from a member's cache mount, which is in no key: by everything that
//! changes while the mount stays, and by damage to the mount itself.
//!
//! The program says what was baked into it; what it must say is known without any cache.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::Path,
    thread,
    time::SystemTime,
};

use serde_json::Value;

use super::cross;
use crate::{
    Result,
    build::{Build, Order, tag},
    engine::Engine,
    git::Repository,
    project::{Project, nonce},
};

/// What the helper says when it takes a build script's results from the mount: proof that there was something to get wrong.
const REUSED: &str = "reusing what the build script";

/// A copy of `baked`, with cache mounts of its own.
struct Case {
    project: Project,
    /// Of cache mounts: an argument of every build.
    namespace: String,
    image: String,
}

/// What a correct program says, less the code.
type Truth = BTreeMap<&'static str, String>;

impl Case {
    fn new() -> Result<Self> {
        let namespace = format!("poison-{}", nonce());
        Ok(Self { project: Project::of_testdata("baked")?, image: "baked".to_owned(), namespace })
    }

    /// Another copy of the project, with the same mounts.
    fn beside(&self, image: &str) -> Result<Self> {
        let (project, namespace) = (self.project.copy()?, self.namespace.clone());
        Ok(Self { project, namespace, image: image.to_owned() })
    }

    fn order(&self, more: &[&str]) -> Order {
        let namespace = format!("BUILDKIT_CACHE_MOUNT_NS={}", self.namespace);
        Order::build(&Engine::of_environment(), self.project.path(), &self.image)
            .args(["--build-arg", &namespace])
            .args(more.iter().copied())
    }

    fn says(&self) -> Result<String> {
        let said = Engine::of_environment().run_image(&[], &tag(&self.image), &[])?;
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        Ok(said.stdout.trim_end().to_owned())
    }

    /// The compiler has to run again, and what the build script sees is as before.
    fn edit(&self) -> Result<String> {
        let code = format!("code-{}", nonce());
        let text =
            format!("//! Edited.\n\n#[inline(never)]\npub fn says() -> &'static str {{\n    {code:?}\n}}\n");
        self.project.write("app/src/edited.rs", text)?;
        Ok(code)
    }

    /// Edits, builds, and compares what the program says with the truth.
    #[track_caller]
    fn check(&self, what: &str, truth: &Truth, more: &[&str]) -> Result<Build> {
        let code = self.edit()?;
        let built = self.order(more).must()?;
        assert!(compiled(&built), "{what}: nothing was compiled, so nothing was tried");
        assert_eq!(self.says()?, text(truth, &code), "{what}");
        Ok(built)
    }

    /// The id of the cache mount of `target`'s package.
    fn mount(&self, target: &str) -> Result<String> {
        let namespace = format!("BUILDKIT_CACHE_MOUNT_NS={}", self.namespace);
        let asked = [
            "--call=outline,format=json",
            "--file=Cargo.toml",
            "--build-arg",
            &namespace,
            "--target",
            target,
            ".",
        ];
        let outline =
            Engine::of_environment().docker(["buildx", "build"]).args(asked).at(self.project.path()).run()?;
        let outline: Value = serde_json::from_str(&outline)?;
        let ids = outline["cache"].as_array().ok_or_else(|| format!("no cache mounts in {outline}"))?;
        assert_eq!(ids.len(), 1, "{outline}");
        let id = ids[0]["ID"].as_str().or(ids[0]["id"].as_str()).unwrap_or_default();
        let id = id
            .strip_prefix(&format!("{}/", self.namespace))
            .ok_or_else(|| format!("another namespace: {id}"))?;
        Ok(id.to_owned())
    }

    /// Runs a line in a shell with a mount as its working directory.
    fn in_mount(&self, id: &str, line: &str) -> Result {
        let namespace = format!("BUILDKIT_CACHE_MOUNT_NS={}", self.namespace);
        let directory = tempfile::tempdir()?;
        let text = format!(
            "FROM debian:bookworm-slim\nWORKDIR /mount\n# {}\nRUN --mount=type=cache,target=/mount,id={id} set -eu; \
             echo {}; {line}\n",
            nonce(),
            nonce(),
        );
        fs::write(directory.path().join("Dockerfile"), text)?;
        let args = [
            "buildx",
            "build",
            "--progress=plain",
            "--output=type=cacheonly",
            "--build-arg",
            &namespace,
            ".",
        ];
        Engine::of_environment().docker(args).at(directory.path()).run()?;
        Ok(())
    }
}

fn truth() -> Truth {
    [
        ("declared", "one"),
        ("mood", "calm"),
        ("opt-level", "0"),
        ("profile", "debug"),
        ("target", "x86_64-unknown-linux-gnu"),
        ("undeclared", "one"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}

fn with(name: &'static str, value: &str) -> Truth {
    let mut truth = truth();
    truth.insert(name, value.to_owned());
    truth
}

fn text(truth: &Truth, code: &str) -> String {
    let said: Vec<String> = truth.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{} code={code} untouched", said.join(" "))
}

fn compiled(build: &Build) -> bool {
    build.progress.compiled().into_keys().any(|name| name.contains("baked"))
}

fn reused(build: &Build) -> bool {
    build.progress.own().any(|vertex| vertex.log.contains(REUSED))
}

/// Writes a file anew, with the time and the size that it always has.
fn swap(path: &Path, text: &str) -> Result {
    assert_eq!(text.len(), 3, "another size");
    fs::write(path, text)?;
    File::options().write(true).open(path)?.set_modified(SystemTime::UNIX_EPOCH)?;
    Ok(())
}

/// Files, variables, secrets: whatever the script read, declared or not. The files have one size and one time, for which
/// the context is an archive: a client does not send such a file of a directory again.
pub(crate) fn changed_inputs() -> Result {
    let case = Case::new()?;
    let file = |name: &str| case.project.path().join("app").join(name);
    let check = |what: &str, truth: &Truth| -> Result<String> {
        let code = case.edit()?;
        let line = format!(
            "tar -c . | docker buildx build --progress=plain -f Cargo.toml -t {} --build-arg BUILDKIT_CACHE_MOUNT_NS={} -",
            tag(&case.image),
            case.namespace
        );
        let built = Engine::of_environment().shell(&line).at(case.project.path()).output()?;
        assert_eq!(built.code, Some(0), "{}", built.stderr);
        assert_eq!(case.says()?, text(truth, &code), "{what}");
        Ok(built.stderr)
    };
    for name in ["declared.txt", "undeclared.txt"] {
        swap(&file(name), "one")?;
    }
    check("the first build", &truth())?;
    assert!(check("nothing changed", &truth())?.contains(REUSED), "the mount is of no use");
    for name in ["declared", "undeclared"] {
        swap(&file(&format!("{name}.txt")), "two")?;
        let said = check(name, &with(name, "two"))?;
        assert!(!said.contains(REUSED), "{said}");
        swap(&file(&format!("{name}.txt")), "one")?;
    }
    case.check("a variable", &with("mood", "cross"), &["--build-arg", "MOOD=cross"])?;
    let secret = case.project.path().join("target/token");
    for value in ["abc", "xyz"] {
        case.project.write("target/token", value)?;
        let secret = format!("id=token,src={}", secret.display());
        case.check("a secret in a file", &with("secret", value), &["--secret", &secret])?;
    }
    Ok(())
}

/// What a script writes beside its sources is there for the compiler, also when only other files were edited.
pub(crate) fn generated_sources() -> Result {
    let case = Case::new()?;
    case.project.write("app/src/lib.rs", "pub mod beside;\n")?;
    case.project.write("app/src/beside.rs", "pub const BESIDE: &str = \"out of date\";\n")?;
    case.project.replace("app/src/main.rs", "untouched::says()", "baked::beside::BESIDE")?;
    for what in ["the first build", "the second"] {
        let code = case.edit()?;
        case.project.append("app/src/lib.rs", &format!("// {what}\n"))?;
        case.order(&[]).must()?;
        assert_eq!(case.says()?, text(&truth(), &code).replace("untouched", "one"), "{what}");
    }
    Ok(())
}

/// Sources that others than their package read, as cargo has them all in one tree: first built, then edited one by one, of
/// which no script that reads them declares one.
pub(crate) fn sources_read_by_others() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("kept-sources")?;
    let mut said = ["first"; 4].map(str::to_owned);
    let check = |said: &[String; 4]| -> Result {
        Order::build(&engine, project.path(), "kept-sources").must()?;
        let [template, made, header, derived] = said;
        let expected = format!("template {template}, made {made}, header {header}, derived {derived}\n");
        assert_eq!(engine.run_image(&["--network", "none"], &tag("kept-sources"), &[])?.stdout, expected);
        Ok(())
    };
    check(&said)?;
    for (file, places) in [
        ("codegen/made.txt", &[1][..]),
        ("codegen/templates/one.txt", &[0, 3]),
        ("native-sys/include/kept.h", &[2]),
    ] {
        let text = nonce().to_string();
        project.write(file, &text)?;
        places.iter().for_each(|place| said[*place].clone_from(&text));
        check(&said)?;
    }
    Ok(())
}

/// Two builds of the same member at the same time, with other contents, and again the other way around.
pub(crate) fn builds_at_once() -> Result {
    let first = Case::new()?;
    let second = first.beside("baked-beside")?;
    for values in [["one", "two"], ["two", "one"]] {
        let both = thread::scope(|scope| {
            let threads: Vec<_> = [&first, &second]
                .into_iter()
                .zip(values)
                .map(|(case, value)| {
                    scope.spawn(move || {
                        case.project.write("app/declared.txt", value)?;
                        case.check("at once", &with("declared", value), &[]).map(drop)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("a wrong program")).collect::<Vec<Result>>()
        });
        both.into_iter().collect::<Result<Vec<()>>>()?;
    }
    Ok(())
}

/// Files of the mount are removed, cut off, exchanged and edited; and the mount itself is removed.
pub(crate) fn damaged_mounts() -> Result {
    let case = Case::new()?;
    case.check("the first build", &truth(), &[])?;
    case.project.write("app/undeclared.txt", "two")?;
    case.check("the second build", &with("undeclared", "two"), &[])?;
    let id = case.mount("baked")?;
    for (what, line) in [
        (
            "files are gone, cut off and empty",
            "i=0; for file in $(find . -type f | sort); do i=$((i + 1)); case $((i % 3)) in 0) rm $file;; 1) truncate \
             --size=-7 $file;; 2) truncate --size=0 $file;; esac; done",
        ),
        (
            "words are others in files",
            "grep -rlaE 'untouched|declared=' . | tee /tmp/hit | xargs -r sed -i 's/untouched/poisoned!/g; \
             s/declared=/declaren=/g'; test -s /tmp/hit",
        ),
        (
            "entries are under each other's names",
            "cd build-script; set -- *; test $# = 2; mv $1 aside; mv $2 $1; mv aside $2",
        ),
        (
            "directories are files, or links to nothing",
            "rm -r build-script incremental; touch build-script; ln -s /nowhere incremental",
        ),
    ] {
        case.in_mount(&id, line)?;
        for value in ["one", "two"] {
            case.project.write("app/undeclared.txt", value)?;
            case.check(what, &with("undeclared", value), &[])?;
        }
    }
    let prune = ["buildx", "prune", "--force", "--all", "--filter", "type=exec.cachemount"];
    Engine::of_environment().docker(prune).run()?;
    let pruned = case.check("the mount is gone", &with("undeclared", "two"), &[])?;
    assert!(!reused(&pruned));
    Ok(())
}

/// Another profile, option of a profile, or accelerator.
pub(crate) fn other_compilers() -> Result {
    let case = Case::new()?;
    let release = || {
        let mut truth = with("profile", "release");
        truth.insert("opt-level", "3".to_owned());
        truth
    };
    case.check("the dev profile", &truth(), &[])?;
    case.check("the release profile", &release(), &["--build-arg", "PROFILE=release"])?;
    case.project.append("Cargo.toml", "\n[profile.dev]\nopt-level = 1\n")?;
    case.check("an option of the profile", &with("opt-level", "1"), &[])?;
    case.project.replace("Cargo.toml", "opt-level = 1", "opt-level = 0")?;
    for arch in ["1", "2"] {
        let target = format!("baked-own-{arch}");
        case.check("an accelerator", &with("arch", arch), &["--target", &target])?;
    }
    Ok(())
}

/// One platform after the other, and back.
pub(crate) fn other_platforms() -> Result {
    let case = Case::new()?;
    for platforms in [["linux/amd64", "linux/arm64"], ["linux/arm64", "linux/amd64"]] {
        let code = case.edit()?;
        for platform in platforms {
            let to = tempfile::tempdir()?;
            let output = format!("type=local,dest={}", to.path().display());
            case.order(&["--platform", platform, "--output", &output])
                .args(["--build-context", &format!("rust:1.95-bookworm=docker-image://{}", cross::TOOLCHAIN)])
                .args(["--build-context", &format!("debian:bookworm-slim=docker-image://{}", cross::BASE)])
                .must()?;
            let triple = if platform == "linux/amd64" { "x86_64" } else { "aarch64" };
            let program = fs::read(to.path().join("usr/local/bin/baked"))?;
            for word in [&format!("target={triple}-unknown-linux-gnu"), &code] {
                assert!(has(&program, word), "{platform}: no {word}");
            }
        }
    }
    Ok(())
}

fn has(program: &[u8], word: &str) -> bool {
    program.windows(word.len()).any(|window| window == word.as_bytes())
}

/// The toolchain is a target of a bake file, which has the same name whatever is in it.
pub(crate) fn another_toolchain() -> Result {
    let case = Case::new()?;
    case.project.write("tools/Dockerfile", "FROM rust:1.95-bookworm\nCOPY baked-tool /etc/baked-tool\n")?;
    case.project.write(
        "docker-bake.hcl",
        "group \"default\" {\n  targets = [\"baked\"]\n}\n\ntarget \"toolchain\" {\n  context = \"tools\"\n}\n\ntarget \"baked\" {\n  dockerfile = \"Cargo.toml\"\n  \
         contexts = { \"rust:1.95-bookworm\" = \"target:toolchain\" }\n}\n",
    )?;
    for tool in ["old", "new"] {
        case.project.write("tools/baked-tool", tool)?;
        let code = case.edit()?;
        let namespace = format!("baked.args.BUILDKIT_CACHE_MOUNT_NS={}", case.namespace);
        Order::bake(&Engine::of_environment(), case.project.path(), &["baked"])
            .args(["--set", &namespace])
            .must()?;
        assert_eq!(case.says()?, text(&with("tool", tool), &code), "the tool is {tool}");
    }
    Ok(())
}

/// A repository that is mounted for an accelerator, at another commit.
pub(crate) fn another_repository() -> Result {
    let case = Case::new()?;
    let directory = tempfile::tempdir()?;
    let directory = directory.path().join("repository");
    fs::create_dir(&directory)?;
    fs::write(directory.join("file"), "old")?;
    let repository = Repository::new(&directory)?;
    let old = repository.git(&["rev-parse", "HEAD"])?;
    fs::write(directory.join("file"), "new")?;
    let new = repository.commit()?;
    let server = repository.serve("/tools.git")?;
    let line = "build.arch-env = ";
    let mounted = |commit: &str| {
        format!(
            "build.git = [{{ url = \"{}/tools.git\", commit = \"{commit}\", to = \"/tmp/repository\" }}]\n{line}",
            server.address
        )
    };
    case.project.replace("Cargo.toml", line, &mounted(&old))?;
    let mut truth = with("arch", "1");
    for (content, commit) in [("old", &old), ("new", &new)] {
        case.project.replace("Cargo.toml", &old, commit)?;
        truth.insert("repository", content.to_owned());
        case.check(content, &truth, &["--target", "baked-own-1"])?;
    }
    Ok(())
}
