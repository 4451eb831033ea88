//! Is what Longshore's vertices run what cargo runs? Plain cargo's processes on one side, the trace of a build on the
//! other, both brought into one form and compared; and the table of what came of it.
//!
//! Pure: logs and traces in, a [`Report`] out. Who builds, and where, is for the end-to-end tests.

pub mod allowed;
mod compare;
pub mod corpus;
mod normal;
mod side;
pub mod table;

pub use compare::{Difference, Report, compare};
pub use side::{Side, Unreadable, read_process};

/// Where plain cargo is told to put its output, as the recording is: paths are then the same on both sides.
pub const TARGET_DIR: &str = "/longshore/target";
