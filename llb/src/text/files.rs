//! File actions in the text form: one line each, with patterns and written text below it.

use buildkit_proto::pb;

use crate::text::{InputNames, Lines, quoted};

/// Written files up to this size are shown.
const TEXT_BYTES_MAX: usize = 4096;
const KEEP: i64 = -1;

pub(super) fn write(files: &pb::FileOp, inputs: &InputNames, lines: &mut Lines) -> String {
    for action in &files.actions {
        match &action.action {
            Some(pb::file_action::Action::Mkdir(mkdir)) => {
                let mut words = vec![format!("mkdir {} {:o}", quoted(&mkdir.path), mkdir.mode)];
                words.extend(mkdir.make_parents.then(|| "parents".to_owned()));
                push(lines, words, mkdir.owner.as_ref(), mkdir.timestamp);
            }
            Some(pb::file_action::Action::Mkfile(write)) => {
                let (inline, below) = contents(&write.data);
                let words = vec![format!("write {} {:o}{inline}", quoted(&write.path), write.mode)];
                push(lines, words, write.owner.as_ref(), write.timestamp);
                below.into_iter().for_each(|line| lines.push(line));
            }
            Some(pb::file_action::Action::Symlink(symlink)) => {
                let words =
                    vec![format!("symlink {} -> {}", quoted(&symlink.newpath), quoted(&symlink.oldpath))];
                push(lines, words, symlink.owner.as_ref(), symlink.timestamp);
            }
            Some(pb::file_action::Action::Rm(rm)) => {
                let mut words = vec![format!("remove {}", quoted(&rm.path))];
                words.extend(rm.allow_not_found.then(|| "allow-missing".to_owned()));
                words.extend(rm.allow_wildcard.then(|| "wildcard".to_owned()));
                lines.push(words.join(" "));
            }
            Some(pb::file_action::Action::Copy(copy)) => write_copy(action, copy, inputs, lines),
            None => lines.push("nothing"),
        }
    }
    let base = files.actions.first().map_or(KEEP, |action| action.input);
    format!("files {}", inputs.get(base))
}

fn write_copy(action: &pb::FileAction, copy: &pb::FileActionCopy, inputs: &InputNames, lines: &mut Lines) {
    let from = match usize::try_from(action.secondary_input) {
        // The result of an earlier action of the same op.
        Ok(position) if position >= inputs.len() => format!("(action {})", position - inputs.len() + 1),
        _ => inputs.get(action.secondary_input).to_owned(),
    };
    let mut words = vec![format!("copy {from} {} -> {}", quoted(&copy.src), quoted(&copy.dest))];
    if !copy.mode_str.is_empty() {
        words.push(format!("mode {}", copy.mode_str));
    } else if i64::from(copy.mode) != KEEP {
        words.push(format!("mode {:o}", copy.mode));
    }
    for (word, on) in [
        ("contents", copy.dir_copy_contents),
        ("parents", copy.create_dest_path),
        ("wildcard", copy.allow_wildcard),
        ("allow-empty", copy.allow_empty_wildcard),
        ("follow-symlinks", copy.follow_symlink),
        ("unpack", copy.attempt_unpack_docker_compatibility),
        ("replace", copy.always_replace_existing_dest_paths),
    ] {
        words.extend(on.then(|| word.to_owned()));
    }
    push(lines, words, copy.owner.as_ref(), copy.timestamp);
    for (word, items) in [
        ("include", &copy.include_patterns),
        ("exclude", &copy.exclude_patterns),
        ("required", &copy.required_paths),
    ] {
        items.iter().for_each(|item| lines.push(format!("    {word} {}", quoted(item))));
    }
}

fn push(lines: &mut Lines, mut words: Vec<String>, owner: Option<&pb::ChownOpt>, timestamp: i64) {
    if let Some(owner) = owner {
        let user = |user: &Option<pb::UserOpt>| match user.as_ref().and_then(|user| user.user.as_ref()) {
            Some(pb::user_opt::User::ById(id)) => id.to_string(),
            Some(pb::user_opt::User::ByName(name)) => name.name.clone(),
            None => String::new(),
        };
        words.push(format!("owner {}:{}", user(&owner.user), user(&owner.group)));
    }
    if timestamp != KEEP {
        words.push(format!("time {}", timestamp / 1_000_000_000));
    }
    lines.push(words.join(" "));
}

/// What stands on the line of a written file, and the lines below it.
fn contents(data: &[u8]) -> (String, Vec<String>) {
    match std::str::from_utf8(data) {
        Ok("") => (" empty".to_owned(), Vec::new()),
        Ok(text) if data.len() <= TEXT_BYTES_MAX && !text.contains('\0') => {
            let mut lines: Vec<String> = text
                .split_terminator('\n')
                .map(|line| format!("    | {line}").trim_end().to_owned())
                .collect();
            if !text.ends_with('\n') {
                lines.push("    (no newline at the end)".to_owned());
            }
            (String::new(), lines)
        }
        _ => (format!(" {} bytes", data.len()), Vec::new()),
    }
}
