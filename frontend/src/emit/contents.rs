//! What a filesystem holds, as a digest, where it comes without one.

use buildkit_llb::{Annotate, State};
use longshore_helper::spec::Contents;

use super::{Workshop, known_by_origin};

/// Where it is shown, and where the digest is written.
const SHOWN: &str = "/contents";
const OUTPUT: &str = "/digest";

/// A step that reads all of `files`, or what lies at `paths`, and writes [`CONTENTS_FILE`]. It runs again when what made
/// the files runs again.
///
/// [`CONTENTS_FILE`]: longshore_helper::spec::CONTENTS_FILE
pub fn digest(workshop: &Workshop, files: &State, paths: &[String], name: &str) -> State {
    let bind = || known_by_origin(files);
    let mounts = match paths {
        [] => vec![(SHOWN.to_owned(), bind())],
        paths => paths.iter().map(|path| (format!("{SHOWN}{path}"), bind().subpath(path))).collect(),
    };
    let directories = mounts.iter().map(|(place, _)| place.clone()).collect();
    let request = Contents { directories, output: OUTPUT.to_owned() };
    let request = serde_json::to_string(&request).expect("strings can be written as JSON");
    let mut exec = workshop.helper("contents", &request);
    for (place, bind) in mounts {
        exec = exec.mount(place, bind);
    }
    exec.output(OUTPUT, &State::SCRATCH)
        .labeled(format!("contents:{name}"))
        .named(format!("[toolchain] contents of {name}"))
        .run()
}
