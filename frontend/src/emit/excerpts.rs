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
    crates::{Archive, Locked},
};

const OUTPUT: &str = "/longshore/excerpt";

/// Packages that are read together, about: so many archives are mounted in the time that a container takes.
const PACKAGES: usize = 128;

/// Packages that are read together.
type Group<'a> = Vec<(&'a Utf8Path, &'a Archive)>;

/// Vertices whose outputs have excerpts of all packages that came as archives.
pub(super) fn excerpts(workshop: &Workshop, locked: &Locked) -> Vec<State> {
    let groups = groups(locked.archives().count());
    let mut grouped: BTreeMap<u64, Group<'_>> = BTreeMap::new();
    for (place, archive) in locked.archives() {
        grouped.entry(number(place) % groups).or_default().push((place, archive));
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

/// What is said to have been compared is not compared again.
fn request(group: &Group<'_>) -> ExcerptRequest {
    let checksum = |archive: &Archive| archive.is_checked.then(|| archive.checksum.clone());
    ExcerptRequest {
        archives: group.iter().map(|(place, archive)| (place.to_string(), checksum(archive))).collect(),
        output: OUTPUT.to_owned(),
    }
}

fn excerpt(workshop: &Workshop, number: u64, group: &Group<'_>) -> State {
    let request = serde_json::to_string(&request(group)).expect("strings can be written as JSON");
    let mut exec = workshop.helper("excerpt", &request);
    for (place, archive) in group {
        exec = exec.mount(archive_of(place.as_str()), archive.bind());
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
    use crate::{
        emit::crates::{Provider, Provision},
        lock::{Lock, LockedPackage},
        registry::{Download, Registry},
    };

    /// One package, had in this way.
    fn locked(provision: Provision) -> Locked {
        let registry = Registry::crates_io();
        let provider = Provider { name: "crates-io".to_owned(), provision };
        let providers = BTreeMap::from([(registry.as_str().to_owned(), provider)]);
        let package = LockedPackage {
            name: "a".to_owned(),
            version: "1.0.0".to_owned(),
            registry,
            checksum: "c".repeat(64),
        };
        let lock = Lock { packages: vec![package], git: Vec::new(), unused: Vec::new() };
        Locked::new(&lock, &providers, &State::SCRATCH)
    }

    #[test]
    fn archives_of_the_workspace_have_to_be_compared() {
        let known = |provision| {
            let locked = locked(provision);
            let request = request(&locked.archives().collect());
            request.archives.into_values().collect::<Vec<_>>()
        };
        let download = Provision::Download { download: Download::crates_io(), token: None };
        assert_eq!(known(download), [Some("c".repeat(64))]);
        assert_eq!(known(Provision::Archives("registry".into())), [None]);
    }

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
