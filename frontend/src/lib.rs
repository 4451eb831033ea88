//! A BuildKit frontend for Cargo workspaces.

pub mod call;
pub mod caution;
pub mod config;
pub mod context;
pub mod diagnostic;
pub mod emit;
pub mod gateway;
pub mod ignore;
pub mod image;
pub mod listing;
pub mod lock;
pub mod members;
pub mod output;
pub mod outside;
pub mod paths;
pub mod plan;
pub mod request;
pub mod run;
pub mod target;
pub mod triple;
pub mod units;
pub mod workspace;
