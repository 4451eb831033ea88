//! The axes of the matrix: who builds, what was changed before, and on which machine. Names and order, nothing else.

use serde::{Deserialize, Serialize};

/// A way to build a workspace in Docker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contender {
    /// One `RUN cargo build` on a copy of the workspace.
    Plain,
    /// The same with cache mounts for the registry and the target directory.
    Mounts,
    /// cargo-chef's three stages.
    Chef,
    /// This repository's frontend.
    Longshore,
    /// The same with `bundle = true`.
    Bundled,
    /// The same with `bundle = false`.
    Apart,
    /// `cargo build` on the machine itself, in a directory that stays.
    Local,
}

/// What happened to the workspace since it was last built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cell {
    /// Nothing compiled can be reused.
    Cold,
    /// Nothing.
    NoChange,
    /// A line in a binary's `main.rs`.
    Leaf,
    /// A function in the member that most others depend on.
    Shared,
    /// Another version of one small package in `Cargo.lock`.
    LockBump,
    /// A new member with a binary, all of whose dependencies were locked before.
    NewMember,
    /// A second binary in a member.
    NewBinary,
}

/// Where a build runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runner {
    /// The builder that made the last build.
    Warm,
    /// A builder that has built nothing, with the cache that the warm one exported to a registry.
    Fresh,
}

impl Contender {
    /// In the order of tables.
    pub const ALL: [Self; 7] =
        [Self::Plain, Self::Mounts, Self::Chef, Self::Longshore, Self::Bundled, Self::Apart, Self::Local];

    /// Those that are compared unless others are named: what users have.
    pub const USUAL: [Self; 4] = [Self::Plain, Self::Mounts, Self::Chef, Self::Longshore];

    /// As in options and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Mounts => "mounts",
            Self::Chef => "chef",
            Self::Longshore => "longshore",
            Self::Bundled => "bundled",
            Self::Apart => "apart",
            Self::Local => "local",
        }
    }

    /// The cell that stands for another, whose build would do the same: after any edit `plain` compiles everything, and so
    /// does `mounts` where its mounts are empty. The cell itself where the edit matters.
    pub fn stands_for(self, runner: Runner, cell: Cell) -> Cell {
        let starts_over = matches!((self, runner), (Self::Plain, _) | (Self::Mounts, Runner::Fresh));
        match cell {
            Cell::Shared | Cell::LockBump | Cell::NewMember | Cell::NewBinary if starts_over => Cell::Leaf,
            _ => cell,
        }
    }

    /// Whether this repository's frontend builds.
    pub fn is_ours(self) -> bool {
        matches!(self, Self::Longshore | Self::Bundled | Self::Apart)
    }

    /// What `bundle` is set to, where it is.
    pub fn bundle(self) -> Option<bool> {
        match self {
            Self::Bundled => Some(true),
            Self::Apart => Some(false),
            Self::Plain | Self::Mounts | Self::Chef | Self::Longshore | Self::Local => None,
        }
    }
}

impl Cell {
    /// In the order in which they are measured: on the warm builder each edit comes on top of those before it.
    pub const ALL: [Self; 7] = [
        Self::Cold,
        Self::NoChange,
        Self::Leaf,
        Self::Shared,
        Self::LockBump,
        Self::NewMember,
        Self::NewBinary,
    ];

    /// As in options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::NoChange => "no-change",
            Self::Leaf => "leaf",
            Self::Shared => "shared",
            Self::LockBump => "lock-bump",
            Self::NewMember => "new-member",
            Self::NewBinary => "new-binary",
        }
    }
}

impl Runner {
    /// As in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Warm => "warm builder",
            Self::Fresh => "fresh runner",
        }
    }
}

/// Who builds in which order: another one first in every cell and every round, so that nobody always builds on a
/// machine that someone else has just warmed up.
pub fn order(contenders: &[Contender], round: usize, cell: usize) -> Vec<Contender> {
    let mut order = contenders.to_vec();
    if !order.is_empty() {
        order.rotate_left((round + cell) % contenders.len());
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_is_first_once_in_as_many_rounds() {
        let first: Vec<_> = (0..4).map(|round| order(&Contender::USUAL, round, 3)[0]).collect();
        assert_eq!(first, [Contender::Longshore, Contender::Plain, Contender::Mounts, Contender::Chef]);
        assert_eq!(order(&[], 1, 1), []);
    }

    #[test]
    fn what_starts_over_is_measured_once() {
        assert_eq!(Contender::Plain.stands_for(Runner::Warm, Cell::LockBump), Cell::Leaf);
        assert_eq!(Contender::Mounts.stands_for(Runner::Fresh, Cell::Shared), Cell::Leaf);
        for (contender, runner, cell) in [
            (Contender::Plain, Runner::Fresh, Cell::NoChange),
            (Contender::Plain, Runner::Warm, Cell::Cold),
            (Contender::Mounts, Runner::Warm, Cell::LockBump),
            (Contender::Chef, Runner::Fresh, Cell::NewMember),
            (Contender::Longshore, Runner::Warm, Cell::Shared),
        ] {
            assert_eq!(contender.stands_for(runner, cell), cell);
        }
    }

    #[test]
    fn names_are_those_of_the_file() {
        for cell in Cell::ALL {
            assert_eq!(serde_json::to_string(&cell).unwrap(), format!("\"{}\"", cell.name()));
        }
        for contender in Contender::ALL {
            assert_eq!(serde_json::to_string(&contender).unwrap(), format!("\"{}\"", contender.name()));
        }
    }
}
