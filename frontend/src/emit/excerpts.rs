//! What cargo reads of packages when it plans, out of their archives: for some packages at a time.
//!
//! A plan is made anew for a line in a manifest. With what does not change in vertices of its own, it needs no archive: none
//! is mounted, which takes a millisecond each, none is unpacked, and what another builder has exported is enough to plan with.

use std::collections::BTreeMap;

use buildkit_llb::{Annotate, Digest, State};
use camino::Utf8Path;
use longshore_helper::{archive_of, recording::ExcerptRequest};

use super::{
    Prefix, Workshop,
    crates::{Files, Locked},
    known_by_origin,
};

const OUTPUT: &str = "/longshore/excerpt";

/// Packages that are read together, about: so many archives are mounted in the time that a container takes.
const PACKAGES: usize = 128;

/// A package that came as an archive.
pub(super) struct Archive<'a> {
    /// Where the package belongs.
    pub(super) place: &'a Utf8Path,
    /// The archive's checksum in the lock file.
    pub(super) checksum: &'a str,
    is_checked: bool,
    state: &'a State,
    file: &'a str,
}

/// The packages that came as archives, in order.
pub(super) fn archives(locked: &Locked) -> impl Iterator<Item = Archive<'_>> {
    locked.crates.iter().filter_map(|(place, files)| match files {
        Files::Archive { state, file, checksum, is_checked } => {
            Some(Archive { place, checksum, is_checked: *is_checked, state, file })
        }
        Files::Directory(_) => None,
    })
}

/// Vertices whose outputs have excerpts of all packages that came as archives.
pub(super) fn excerpts(workshop: &Workshop, locked: &Locked) -> Vec<State> {
    let groups = groups(archives(locked).count());
    let mut grouped: BTreeMap<u64, Vec<Archive<'_>>> = BTreeMap::new();
    for archive in archives(locked) {
        grouped.entry(number(archive.place) % groups).or_default().push(archive);
    }
    grouped.iter().map(|(number, group)| excerpt(workshop, *number, group)).collect()
}

/// Among how many groups so many packages are divided: a power of two, so that one more package hardly ever moves others.
fn groups(packages: usize) -> u64 {
    (packages / PACKAGES).next_power_of_two() as u64
}

/// Of a package's name alone, so that its group depends on no other package, and another version is in the same.
fn number(place: &Utf8Path) -> u64 {
    let directory = place.file_name().unwrap_or_default();
    let is_version =
        |(at, _): &(usize, &str)| directory[at + 1..].starts_with(|char: char| char.is_ascii_digit());
    let end = directory.match_indices('-').find(is_version).map_or(directory.len(), |(at, _)| at);
    let digest = Digest::of(&directory.as_bytes()[..end]);
    u64::from_str_radix(&digest.hex()[..8], 16).expect("a digest is hexadecimal")
}

fn excerpt(workshop: &Workshop, number: u64, group: &[Archive<'_>]) -> State {
    let checksum = |archive: &Archive<'_>| archive.is_checked.then(|| archive.checksum.to_owned());
    let request = ExcerptRequest {
        archives: group.iter().map(|archive| (archive.place.to_string(), checksum(archive))).collect(),
        output: OUTPUT.to_owned(),
    };
    let request = serde_json::to_string(&request).expect("strings can be written as JSON");
    let mut exec = workshop.helper("excerpt", &request);
    for archive in group {
        let file = known_by_origin(archive.state).subpath(archive.file);
        exec = exec.mount(archive_of(archive.place.as_str()), file);
    }
    // The same for every platform.
    exec.output(OUTPUT, &State::SCRATCH)
        .labeled(format!("excerpt:{number}"))
        .named(format!("{} read {} packages", Prefix::default().of("plan"), group.len()))
        .run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_about_as_large_and_seldom_change() {
        let at = |place: &str| number(Utf8Path::new(place));
        assert_eq!(at("/vendor/httpdate-1.0.2"), at("/vendor/httpdate-1.0.3"));
        assert_ne!(at("/vendor/httpdate-1.0.2"), at("/vendor/httparse-1.0.2"));
        assert_eq!([0, 1, 255, 256, 300, 745, 2000].map(groups), [1, 1, 1, 2, 2, 8, 16]);
        let sizes = (0..745).fold(BTreeMap::<u64, usize>::new(), |mut sizes, package| {
            let place = format!("/longshore/crates/package{package}-1.0.0");
            *sizes.entry(number(Utf8Path::new(&place)) % groups(745)).or_default() += 1;
            sizes
        });
        assert_eq!(sizes.len(), 8);
        assert!(sizes.values().all(|size| (60..130).contains(size)), "{sizes:?}");
    }
}
