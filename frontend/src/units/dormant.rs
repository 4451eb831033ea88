//! Programs of members that a recording has no unit of, and why.

use std::collections::BTreeMap;

use cargo_metadata::{CrateType, Metadata, Target};

use super::{Unit, UnitKind};

/// Why a program of a member's is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dormant {
    /// It needs features that are not enabled: these, as `--features` takes them.
    Features(String),
    /// It is an example, which cargo compiles where it is asked for.
    Example,
    /// It is an example that is no program.
    ExampleLibrary,
}

/// By name, and by that with the package's before it.
pub(super) fn dormant(units: &[Unit], metadata: &Metadata) -> BTreeMap<String, Dormant> {
    let mut found = BTreeMap::new();
    for package in metadata.workspace_packages() {
        let names = |target: &Target| [target.name.clone(), format!("{}:{}", package.name, target.name)];
        let needy =
            package.targets.iter().filter(|target| target.is_bin() && !target.required_features.is_empty());
        for target in needy.filter(|target| !units.iter().any(|unit| is_bin(unit, &target.name))) {
            let features = target.required_features.iter().map(|name| format!("{}/{name}", package.name));
            let features = features.collect::<Vec<_>>().join(",");
            for name in names(target) {
                found.insert(name, Dormant::Features(features.clone()));
            }
        }
        for target in package.targets.iter().filter(|target| target.is_example()) {
            // `Target::example_target` in cargo's `core/manifest.rs`: what is not a program alone is a library.
            let is_program = target.crate_types.iter().all(|kind| *kind == CrateType::Bin);
            for name in names(target) {
                match found.entry(name).or_insert(Dormant::ExampleLibrary) {
                    known if is_program && *known == Dormant::ExampleLibrary => *known = Dormant::Example,
                    _ => {}
                }
            }
        }
    }
    found
}

fn is_bin(unit: &Unit, name: &str) -> bool {
    matches!(&unit.kind, UnitKind::Bin(bin) if bin == name)
}
