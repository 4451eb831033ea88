//! What each contender builds with: Dockerfiles as their users would write them, and the options of the build.

use crate::{matrix::Contender, workspaces::Workspace};

/// The image that the Dockerfiles begin with: the toolchain, cargo-chef, and all packages as a vendored directory.
pub fn base_image(workspace: &str) -> String {
    format!("localhost/longshore-bench:{workspace}")
}

/// How [`base_image`] is made of a context with `vendor`, `cargo-chef` and `config.toml`.
pub fn base_dockerfile(toolchain: &str) -> String {
    format!(
        "FROM {toolchain}\nCOPY vendor /vendor\nCOPY cargo-chef /usr/local/cargo/bin/\nCOPY config.toml /usr/local/cargo/\nRUN cargo chef --version\n"
    )
}

/// A build that uses all images that the others begin with.
pub fn seed_dockerfile(workspace: &str) -> String {
    let base = base_image(workspace);
    format!("FROM {base} AS build\nRUN touch /seed\n\nFROM debian:bookworm-slim\nCOPY --from=build /seed /\n")
}

/// cargo's configuration in [`base_image`].
pub const BASE_CONFIG: &str =
    "[source.crates-io]\nreplace-with = \"vendored\"\n\n[source.vendored]\ndirectory = \"/vendor\"\n";

/// The Dockerfile of a contender that has one. The last stage is the image that ships, as Longshore's is.
pub fn dockerfile(contender: Contender, workspace: &Workspace, programs: &[String]) -> Option<String> {
    let base = base_image(workspace.name);
    let (flag, directory) = match workspace.profile {
        "dev" => ("", "debug"),
        _ => (" --release", "release"),
    };
    let build = format!("cargo build{flag} --locked --offline --workspace --bins");
    let built: Vec<String> = programs.iter().map(|program| format!("target/{directory}/{program}")).collect();
    let copies = |from: &str| -> String {
        programs
            .iter()
            .map(|program| format!("COPY --from=build {from}/{program} /usr/local/bin/\n"))
            .collect()
    };
    let runtime = "FROM debian:bookworm-slim\n";
    let built_in = format!("/app/target/{directory}");
    match contender {
        Contender::Plain => Some(format!(
            "FROM {base} AS build\nWORKDIR /app\nCOPY . .\nRUN {build}\n\n{runtime}{}",
            copies(&built_in)
        )),
        Contender::Mounts => Some(format!(
            "FROM {base} AS build\nWORKDIR /app\nCOPY . .\n\
             RUN --mount=type=cache,target=/usr/local/cargo/registry \\\n    \
             --mount=type=cache,target=/app/target \\\n    \
             {build} && mkdir /out && cp {} /out/\n\n{runtime}{}",
            built.join(" "),
            copies("/out")
        )),
        Contender::Chef => Some(format!(
            "FROM {base} AS chef\nWORKDIR /app\n\n\
             FROM chef AS planner\nCOPY . .\nRUN cargo chef prepare --recipe-path recipe.json\n\n\
             FROM chef AS build\nCOPY --from=planner /app/recipe.json recipe.json\n\
             RUN cargo chef cook{flag} --locked --offline --workspace --recipe-path recipe.json\n\
             COPY . .\nRUN {build}\n\n{runtime}{}",
            copies(&built_in)
        )),
        Contender::Longshore | Contender::Bundled | Contender::Apart | Contender::Local => None,
    }
}

/// Arguments of `cargo` for [`Contender::Local`], with packages from the directory `vendor`.
pub fn local_arguments(workspace: &Workspace, vendor: &str) -> Vec<String> {
    let build = ["build", "--quiet", "--locked", "--offline", "--workspace", "--bins", "--profile"];
    let source = format!("source.vendored.directory=\"{vendor}\"");
    build
        .into_iter()
        .chain([
            workspace.profile,
            "--config",
            "source.crates-io.replace-with=\"vendored\"",
            "--config",
            &source,
        ])
        .map(str::to_owned)
        .collect()
}

/// Arguments of `docker buildx build` that differ between contenders, the last of which is the build context.
/// `dockerfile` is where [`dockerfile`] was written.
pub fn arguments(
    contender: Contender,
    workspace: &Workspace,
    context: &str,
    dockerfile: &str,
) -> Vec<String> {
    let mut arguments = match contender.is_ours() {
        true => vec!["--file".to_owned(), format!("{context}/Cargo.toml")],
        false => vec!["--file".to_owned(), dockerfile.to_owned()],
    };
    if contender.is_ours() {
        arguments.extend(["--target", "all"].map(str::to_owned));
        if workspace.profile != "release" {
            arguments.extend(["--build-arg".to_owned(), format!("PROFILE={}", workspace.profile)]);
        }
    }
    arguments.push(context.to_owned());
    arguments
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::workspaces;

    fn check(contender: Contender, profile: &'static str, expect: Expect) {
        let workspace = Workspace { profile, ..workspaces::ALL[0].clone() };
        let programs = ["rg".to_owned(), "other".to_owned()];
        expect.assert_eq(&dockerfile(contender, &workspace, &programs).unwrap());
    }

    #[test]
    fn dockerfiles_are_what_users_write() {
        check(
            Contender::Plain,
            "dev",
            expect![[r#"
                FROM localhost/longshore-bench:ripgrep AS build
                WORKDIR /app
                COPY . .
                RUN cargo build --locked --offline --workspace --bins

                FROM debian:bookworm-slim
                COPY --from=build /app/target/debug/rg /usr/local/bin/
                COPY --from=build /app/target/debug/other /usr/local/bin/
            "#]],
        );
        check(
            Contender::Mounts,
            "release",
            expect![[r#"
                FROM localhost/longshore-bench:ripgrep AS build
                WORKDIR /app
                COPY . .
                RUN --mount=type=cache,target=/usr/local/cargo/registry \
                    --mount=type=cache,target=/app/target \
                    cargo build --release --locked --offline --workspace --bins && mkdir /out && cp target/release/rg target/release/other /out/

                FROM debian:bookworm-slim
                COPY --from=build /out/rg /usr/local/bin/
                COPY --from=build /out/other /usr/local/bin/
            "#]],
        );
        check(
            Contender::Chef,
            "release",
            expect![[r#"
                FROM localhost/longshore-bench:ripgrep AS chef
                WORKDIR /app

                FROM chef AS planner
                COPY . .
                RUN cargo chef prepare --recipe-path recipe.json

                FROM chef AS build
                COPY --from=planner /app/recipe.json recipe.json
                RUN cargo chef cook --release --locked --offline --workspace --recipe-path recipe.json
                COPY . .
                RUN cargo build --release --locked --offline --workspace --bins

                FROM debian:bookworm-slim
                COPY --from=build /app/target/release/rg /usr/local/bin/
                COPY --from=build /app/target/release/other /usr/local/bin/
            "#]],
        );
    }

    #[test]
    fn cargo_alone_builds_the_same() {
        let arguments = local_arguments(&workspaces::ALL[0], "/v").join(" ");
        assert_eq!(
            arguments,
            "build --quiet --locked --offline --workspace --bins --profile release --config \
             source.crates-io.replace-with=\"vendored\" --config source.vendored.directory=\"/v\""
        );
    }

    #[test]
    fn longshore_needs_no_file() {
        let workspace = &workspaces::ALL[0];
        assert_eq!(dockerfile(Contender::Longshore, workspace, &[]), None);
        assert_eq!(
            arguments(Contender::Longshore, workspace, "ws", "unused"),
            ["--file", "ws/Cargo.toml", "--target", "all", "ws"]
        );
        assert_eq!(arguments(Contender::Chef, workspace, "ws", "chef"), ["--file", "chef", "ws"]);
    }
}
