//! From a list of actions to one op: each works on what the one before it made, the last one's result is the output.

use buildkit_proto::pb;

use crate::caps::Cap;
use crate::files::action::{Action, Copy, Kind, Mode};
use crate::files::{Owner, User};
use crate::meta::Notes;
use crate::state::{Inputs, State, Vertex};

/// No input, no output, nothing to override.
const NONE: i64 = -1;
/// Leaves the mode of a copied file alone. It has to be said: 0 is a mode.
const KEEP_MODE: i32 = -1;
const NANOSECONDS: i64 = 1_000_000_000;

pub(super) fn finish(base: &State, actions: &[Action], mut notes: Notes) -> State {
    notes.need(Cap::FILE);
    let mut inputs = Inputs::default();
    let base = inputs.add(base);
    let sources: Vec<i64> = actions.iter().map(|action| source(action, &mut inputs)).collect();
    // Results of earlier actions are numbered after the inputs.
    let results = i64::try_from(inputs.len()).expect("a list in memory has fewer than 2^63 items");
    let mut previous = base;
    let mut list = Vec::with_capacity(actions.len());
    for (index, (action, secondary_input)) in (0..).zip(actions.iter().zip(sources)) {
        let is_last = list.len() + 1 == actions.len();
        list.push(pb::FileAction {
            input: previous,
            secondary_input,
            output: if is_last { 0 } else { NONE },
            action: Some(lower(action, base, &mut notes)),
        });
        previous = results + index;
    }
    Vertex::state(pb::op::Op::File(pb::FileOp { actions: list }), None, inputs, notes)
}

fn source(action: &Action, inputs: &mut Inputs) -> i64 {
    match &action.0 {
        Kind::Copy(copy) => inputs.add(&copy.from),
        Kind::Mkdir(_) | Kind::Write(_) | Kind::Remove(_) | Kind::Symlink(_) => NONE,
    }
}

fn lower(action: &Action, base: i64, notes: &mut Notes) -> pb::file_action::Action {
    use pb::file_action::Action as Lowered;
    match &action.0 {
        Kind::Mkdir(mkdir) => Lowered::Mkdir(pb::FileActionMkDir {
            path: mkdir.path.clone(),
            mode: permissions(mkdir.mode),
            make_parents: mkdir.parents,
            owner: owner(&mkdir.owner, base),
            timestamp: timestamp(mkdir.seconds),
        }),
        Kind::Write(write) => Lowered::Mkfile(pb::FileActionMkFile {
            path: write.path.clone(),
            mode: permissions(write.mode),
            data: write.data.clone(),
            owner: owner(&write.owner, base),
            timestamp: timestamp(write.seconds),
        }),
        Kind::Symlink(symlink) => {
            notes.need(Cap::FILE_SYMLINK);
            Lowered::Symlink(pb::FileActionSymlink {
                oldpath: symlink.target.clone(),
                newpath: symlink.path.clone(),
                owner: owner(&symlink.owner, base),
                timestamp: timestamp(symlink.seconds),
            })
        }
        Kind::Remove(remove) => {
            if remove.wildcard {
                notes.need(Cap::FILE_RM_WILDCARD);
            }
            Lowered::Rm(pb::FileActionRm {
                path: remove.path.clone(),
                allow_not_found: remove.allow_missing,
                allow_wildcard: remove.wildcard,
            })
        }
        Kind::Copy(copy) => {
            need_copy_caps(copy, notes);
            Lowered::Copy(lower_copy(copy, base))
        }
    }
}

fn lower_copy(copy: &Copy, base: i64) -> pb::FileActionCopy {
    let (mode, mode_str) = match &copy.mode {
        Mode::Keep => (KEEP_MODE, String::new()),
        Mode::Bits(bits) => (permissions(*bits), String::new()),
        Mode::Symbolic(mode) => (0, mode.clone()),
    };
    pb::FileActionCopy {
        src: copy.src.clone(),
        dest: copy.dest.clone(),
        owner: owner(&copy.owner, base),
        mode,
        follow_symlink: copy.follow_symlinks,
        dir_copy_contents: copy.contents,
        attempt_unpack_docker_compatibility: copy.unpack,
        create_dest_path: copy.parents,
        allow_wildcard: copy.wildcard,
        allow_empty_wildcard: copy.allow_empty_wildcard,
        timestamp: timestamp(copy.seconds),
        include_patterns: copy.include.clone(),
        exclude_patterns: copy.exclude.clone(),
        always_replace_existing_dest_paths: copy.replace,
        mode_str,
        required_paths: copy.required.clone(),
    }
}

fn need_copy_caps(copy: &Copy, notes: &mut Notes) {
    if !copy.include.is_empty() || !copy.exclude.is_empty() {
        notes.need(Cap::FILE_COPY_PATTERNS);
    }
    if !copy.required.is_empty() {
        notes.need(Cap::FILE_COPY_REQUIRED);
    }
    if copy.replace {
        notes.need(Cap::FILE_COPY_REPLACE);
    }
    if matches!(copy.mode, Mode::Symbolic(_)) {
        // BuildKit names a capability for this, `file.copy.modestring`, and no daemon says that it has it
        // (solver/pb/caps.go never registers the name). What came after it in the same release is what can be asked for.
        notes.need(Cap::FILE_SYMLINK);
    }
}

/// The twelve bits that a mode has.
fn permissions(mode: u32) -> i32 {
    i32::try_from(mode & 0o7777).expect("twelve bits fit")
}

fn timestamp(seconds: Option<i64>) -> i64 {
    seconds.map_or(NONE, |seconds| seconds.saturating_mul(NANOSECONDS))
}

fn owner(owner: &Owner, base: i64) -> Option<pb::ChownOpt> {
    let user = |user: &User| pb::UserOpt {
        user: Some(match user {
            User::Id(id) => pb::user_opt::User::ById(*id),
            User::Name(name) => {
                pb::user_opt::User::ByName(pb::NamedUserOpt { name: name.clone(), input: base })
            }
        }),
    };
    (*owner != Owner::default())
        .then(|| pb::ChownOpt { user: owner.user.as_ref().map(user), group: owner.group.as_ref().map(user) })
}
