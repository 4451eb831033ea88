//! BuildKit's errors in the words of who reads them: what is known here and not there is added. Pure.
//!
//! The messages are those of BuildKit as tests have seen them; one that is worded otherwise passes as it is.

use buildkit_llb::Span;

use crate::{
    diagnostic::{Code, Diagnostic, did_you_mean},
    dockerfile::Mentions,
    gateway::Failure,
};

/// What there is to know about a build that fails.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// Secrets that packages name.
    pub secrets: &'a [(&'a str, &'a Span)],
    /// Names of targets.
    pub targets: &'a [&'a str],
    /// What the Dockerfile names, if that is what is built.
    pub dockerfile: Option<&'a Mentions>,
}

/// What a failing step of the helper's is called by BuildKit.
const HELPER: &str = "process \"/longshore/helper ";

/// The failure, with what is known about it.
pub fn retell(failure: Failure, known: &Known<'_>) -> Failure {
    let Failure::World(error) = failure else { return failure };
    let message = error.status().message.clone();
    if let Some(id) = between(&message, "secret ", ": not found") {
        let given = format!(
            "pass `--secret id={id},src=FILE` or `--secret id={id},env=VARIABLE`, with bake \
             `--set '*.secrets=id={id},src=FILE'`"
        );
        return match known.secrets.iter().find(|(known, _)| *known == id) {
            Some((_, span)) => {
                Diagnostic::error(Code::MissingSecret, format!("the client gives no secret `{id}`"))
                    .help(format!("{given}; or make it optional: `required = false`"))
                    .at(span)
                    .into()
            }
            None => error.help(given).into(),
        };
    }
    if let Some(after) = message.split(HELPER).nth(1).filter(|after| after.ends_with("exit code: 1")) {
        let says = match after.split('"').next() {
            Some("build") => "a package could not be compiled; what its step said is above",
            Some("install") => "packages of `builder` could not be installed; what the step said is above",
            Some("toolchain") => {
                "the toolchain file asks for what could not be installed; what the step said is above"
            }
            Some("finish") => "an image would not work; what is wrong is above",
            _ => return Failure::World(error),
        };
        return error.retold(says).into();
    }
    match known.dockerfile.and_then(|mentions| dockerfile_help(&message, mentions, known.targets)) {
        Some(help) => error.help(help).into(),
        None => Failure::World(error),
    }
}

fn dockerfile_help(message: &str, mentions: &Mentions, targets: &[&str]) -> Option<String> {
    let is_target = |name: &str| targets.iter().any(|target| target.eq_ignore_ascii_case(name));
    if let Some(stage) = message.split("circular dependency detected on stage: ").nth(1) {
        let stage = stage.split_whitespace().next().filter(|stage| is_target(stage))?;
        return Some(format!(
            "`--from={stage}` means the stage itself; the workspace's binary is `--from=bin-{stage}`"
        ));
    }
    if message.contains("failed to resolve source metadata for docker.io/library/") {
        let name = between(message, "docker.io/library/", ":")?.to_owned();
        if !mentions.sources.contains(&name) || targets.is_empty() {
            return None;
        }
        let prefixed: Vec<String> =
            targets.iter().map(|target| format!("bin-{}", target.to_lowercase())).collect();
        let stages = mentions.stages.iter().map(String::as_str);
        let names = prefixed.iter().map(String::as_str).chain(stages).chain(targets.iter().copied());
        let near = did_you_mean(&name, names).map(|near| format!(": did you mean `{near}`?"));
        return Some(format!(
            "`{name}` is no stage, no context and no target of the workspace{}",
            near.unwrap_or_else(|| format!("; its targets are `{}`", prefixed.join("`, `")))
        ));
    }
    let used = mentions.sources.iter().find(|source| {
        let name = source.strip_prefix("bin-").unwrap_or(source);
        !mentions.stages.contains(*source) && is_target(name)
    })?;
    if message.contains("failed to calculate checksum") && message.ends_with("not found") {
        let file = used.strip_prefix("bin-").unwrap_or(used);
        return Some(format!("a binary lies at the root of its context: `COPY --from={used} /{file} …`"));
    }
    None
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let start = text.find(before)? + before.len();
    let length = text[start..].find(after)?;
    let found = &text[start..start + length];
    (!found.is_empty() && !found.contains(char::is_whitespace)).then_some(found)
}

#[cfg(test)]
mod tests {
    use buildkit_llb::SourceFile;
    use expect_test::{Expect, expect};

    use super::*;
    use crate::gateway::Error;

    fn check(message: &str, dockerfile: Option<&str>, expected: Expect) {
        let file = SourceFile::new("Cargo.toml", "TOML", "secrets = [{ id = \"token\" }]\n");
        let span = file.span(0..7);
        let mentions = dockerfile.map(Mentions::parse);
        let known = Known {
            secrets: &[("token", &span)],
            targets: &["api", "worker"],
            dockerfile: mentions.as_ref(),
        };
        let failure = Failure::World(Error::new(tonic::Code::Unknown, message));
        expected.assert_eq(&retell(failure, &known).to_string());
    }

    #[test]
    fn a_secret_that_is_not_given() {
        check(
            "secret token: not found",
            None,
            expect![[r#"
                the client gives no secret `token`
                help: pass `--secret id=token,src=FILE` or `--secret id=token,env=VARIABLE`, with bake `--set '*.secrets=id=token,src=FILE'`; or make it optional: `required = false`"#]],
        );
        check(
            "secret other: not found",
            None,
            expect![[r#"
                secret other: not found
                help: pass `--secret id=other,src=FILE` or `--secret id=other,env=VARIABLE`, with bake `--set '*.secrets=id=other,src=FILE'`"#]],
        );
    }

    #[test]
    fn steps_of_the_helper() {
        let end = "did not complete successfully: exit code";
        check(
            &format!("process \"/longshore/helper build\" {end}: 1"),
            None,
            expect!["a package could not be compiled; what its step said is above"],
        );
        check(
            &format!("process \"/longshore/helper build\" {end}: 137"),
            None,
            expect![[r#"process "/longshore/helper build" did not complete successfully: exit code: 137"#]],
        );
        check(
            &format!("process \"/bin/sh -c false\" {end}: 1"),
            None,
            expect![[r#"process "/bin/sh -c false" did not complete successfully: exit code: 1"#]],
        );
    }

    #[test]
    fn slips_in_dockerfiles() {
        check(
            "circular dependency detected on stage: worker",
            Some("FROM debian AS worker\nCOPY --from=worker /worker /\n"),
            expect![[r#"
                circular dependency detected on stage: worker
                help: `--from=worker` means the stage itself; the workspace's binary is `--from=bin-worker`"#]],
        );
        let missing = |name: &str| {
            format!(
                "{name}: failed to resolve source metadata for docker.io/library/{name}:latest: dial tcp: lookup"
            )
        };
        check(
            &missing("bin-wroker"),
            Some("FROM debian\nCOPY --from=bin-wroker /worker /\n"),
            expect![[r#"
            bin-wroker: failed to resolve source metadata for docker.io/library/bin-wroker:latest: dial tcp: lookup
            help: `bin-wroker` is no stage, no context and no target of the workspace: did you mean `bin-worker`?"#]],
        );
        check(
            &missing("builder"),
            Some("FROM debian\nCOPY --from=builder /app /\n"),
            expect![[r#"
            builder: failed to resolve source metadata for docker.io/library/builder:latest: dial tcp: lookup
            help: `builder` is no stage, no context and no target of the workspace; its targets are `bin-api`, `bin-worker`"#]],
        );
        check(
            &missing("builder"),
            Some("FROM debian\n"),
            expect![
                "builder: failed to resolve source metadata for docker.io/library/builder:latest: dial tcp: lookup"
            ],
        );
        check(
            "failed to compute cache key: failed to calculate checksum of ref x::y: \"/app/target/release/api\": not found",
            Some("FROM debian\nCOPY --from=bin-api /app/target/release/api /\n"),
            expect![[r#"
                failed to compute cache key: failed to calculate checksum of ref x::y: "/app/target/release/api": not found
                help: a binary lies at the root of its context: `COPY --from=bin-api /api …`"#]],
        );
    }
}
