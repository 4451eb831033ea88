//! The whole product on a real Docker Engine: `docker buildx` on one side, running containers on the other.
//!
//! Runs with `E2E=1` only, and then needs `docker` with buildx, `DOCKER_HOST` and the rest in the environment
//! (`eval "$(scripts/engine env)"`), the images of `scripts/engine images` and `images --cross`, and the frontend as
//! `localhost/longshore:dev`. `E2E=graph` runs those that need no containerd image store, `E2E=oldest` those that the
//! oldest engine and client pass, `E2E=accel` those that need more toolkits (`images` with `--rocm`, `--tpu`, `--ascend`,
//! `--cuda-math`), `E2E=corpus` compares whole programs with plain cargo's: with `CONFORMANCE_TABLE` it writes the table, with
//! `CONFORMANCE_TOOLCHAIN` another image compiles them. Tests share the engine, so they run one after the other, in the order
//! of [`cases`]: what one has built, the next finds in the cache. Any of them also runs alone.
//!
//! It knows the frontend only from outside: no item of the library is used here.

mod build;
mod cases;
mod clock;
mod conformance;
mod engine;
mod git;
mod progress;
mod project;
mod server;
mod watch;

use std::process::ExitCode;

use engine::{Engine, FRONTEND_IMAGE};
use libtest_mimic::{Arguments, Failed};

/// Anything that can be printed is a reason to fail.
type Result<T = ()> = std::result::Result<T, Failed>;

/// Says something beside the verdicts: timings, mostly.
macro_rules! note {
    ($($text:tt)*) => { eprintln!("\n    {}", format_args!($($text)*)) };
}
pub(crate) use note;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    let tests = match std::env::var("E2E").as_deref() {
        Ok("1") => cases::all(),
        Ok("graph") => cases::of_any_store(),
        Ok("oldest") => cases::of_the_oldest(),
        Ok("accel") => cases::of_more_accelerators(),
        Ok("corpus") => conformance::corpus(conformance::named_toolchain().as_deref()),
        _ => {
            eprintln!("e2e: not asked for; E2E=1 runs these tests on the Docker Engine in the environment");
            return ExitCode::SUCCESS;
        }
    };
    arguments.test_threads = Some(1);
    let ready = if arguments.list { Ok(()) } else { ready() };
    if let Err(error) = ready {
        eprintln!("e2e: {}", reason(&error));
        return ExitCode::FAILURE;
    }
    let conclusion = libtest_mimic::run(&arguments, tests);
    clock::print_longest();
    if conclusion.has_failed() {
        engine::print_log();
    }
    cases::clean_up();
    if std::env::var_os("CONFORMANCE_TABLE").is_some()
        && let Err(error) = conformance::write_table()
    {
        eprintln!("e2e: {}", reason(&error));
    }
    conclusion.exit_code()
}

/// A failure's text.
fn reason(failed: &Failed) -> &str {
    failed.message().unwrap_or("for an unknown reason")
}

/// One clear sentence instead of a hundred failing tests.
fn ready() -> Result {
    let engine = Engine::of_environment();
    engine
        .docker(["version", "--format", "{{.Server.Version}}"])
        .run()
        .map_err(|error| format!("no Docker Engine answers; try `scripts/engine up`\n{}", reason(&error)))?;
    if !engine.has_image(FRONTEND_IMAGE) {
        return Err(
            format!("the engine has no image `{FRONTEND_IMAGE}`; build it from Dockerfile.frontend").into()
        );
    }
    Ok(())
}
