//! `longshore-helper excerpt`: what cargo reads of packages when it plans, out of their archives.
//!
//! It is the same for every plan. So it is written down once for some packages at a time, and a recording needs no archive:
//! to mount and unpack hundreds took longer than cargo does, and a builder that has the exported cache need not download them.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;

use longshore_helper::recording::{EXCERPTS_FILE, Excerpt, ExcerptRequest};

use crate::problem::Result;
use crate::{archive, files, mtime, slots};

/// Writes the excerpts that the request asks for, on all CPUs.
pub(crate) fn write(request: &ExcerptRequest) -> Result<()> {
    let all: Vec<(&String, &Option<String>)> = request.archives.iter().collect();
    let share = all.len().div_ceil(slots::parallelism()).max(1);
    let read = |part: &[(&String, &Option<String>)]| {
        let excerpts = part.iter().map(|(place, checksum)| {
            Ok(((*place).clone(), archive::excerpt(Path::new(place), checksum.as_deref())?))
        });
        excerpts.collect::<Result<Vec<(String, Excerpt)>>>()
    };
    let excerpts = thread::scope(|scope| {
        let parts: Vec<_> = all.chunks(share).map(|part| scope.spawn(move || read(part))).collect();
        let mut excerpts = BTreeMap::new();
        for part in parts {
            excerpts.extend(part.join().expect("reading does not panic")?);
        }
        Ok::<_, crate::problem::Problem>(excerpts)
    })?;
    let output = Path::new(&request.output);
    files::write_json(&output.join(EXCERPTS_FILE), &excerpts)?;
    mtime::normalise(output)
}
