//! Builds the same workspaces in four ways on one engine, in turns, and says how long each took. `bench/run` starts it.
//!
//! What is built, edited, counted and reported is plain functions from values to values; `engine`, `files`, `machine`,
//! `members`, `prepare`, `series`, `sweep`, `together`, `usage` and `wire` touch the world.

pub mod chart;
pub mod contenders;
pub mod edits;
pub mod engine;
pub mod files;
pub mod machine;
pub mod matrix;
pub mod members;
pub mod options;
pub mod prepare;
pub mod progress;
pub mod report;
pub mod results;
pub mod series;
pub mod stats;
pub mod summary;
pub mod sweep;
pub mod together;
pub mod usage;
pub mod wire;
pub mod workspaces;

/// An error is said to the person who started this, and nothing else becomes of it.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;
