//! What goes wrong between BuildKit and us, kept as BuildKit said it.
//!
//! A status carries typed details: which vertex failed, which lines of which file it stands for. They are not ours
//! to read. Clients need every byte of them, so an [`Error`] holds them as they came.

use std::fmt;

use buildkit_proto::rpc;
use prost::Message as _;

use crate::diagnostic::Diagnostics;

/// A call that BuildKit refused, or that did not reach it.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    /// What was being done, outermost first.
    doing: Vec<String>,
    status: rpc::Status,
    told: Option<Box<Told>>,
}

/// What is said besides what BuildKit says.
#[derive(Clone, Debug, Default, PartialEq)]
struct Told {
    /// In place of BuildKit's message.
    message: Option<String>,
    /// What to do.
    help: Option<String>,
}

impl Error {
    /// An error of the gateway's own making.
    pub fn new(code: tonic::Code, message: impl Into<String>) -> Self {
        Self {
            doing: Vec::new(),
            status: rpc::Status { code: code as i32, message: message.into(), details: Vec::new() },
            told: None,
        }
    }

    /// Says it in other words. Code and details stay: clients show by them what failed, and where.
    #[must_use]
    pub fn retold(mut self, message: impl Into<String>) -> Self {
        self.told.get_or_insert_default().message = Some(message.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.told.get_or_insert_default().help = Some(help.into());
        self
    }

    /// Says what was being done, as it follows "failed to": ``read `Cargo.lock` from the build context``.
    ///
    /// Not for a failing step of the build: that one speaks for itself.
    #[must_use]
    pub fn doing(mut self, what: impl Into<String>) -> Self {
        self.doing.insert(0, what.into());
        self
    }

    /// The gRPC code.
    pub fn code(&self) -> tonic::Code {
        tonic::Code::from_i32(self.status.code)
    }

    /// The status as BuildKit sent it.
    pub fn status(&self) -> &rpc::Status {
        &self.status
    }

    /// Whether a file or directory is missing.
    pub fn is_not_found(&self) -> bool {
        // BuildKit reports the operating system's error as a message of no particular code
        // (frontend/gateway/gateway.go, `ReadFile`).
        self.code() == tonic::Code::NotFound || self.status.message.contains("no such file or directory")
    }

    /// The status to end the build with: code and details untouched, the message with what was being done.
    pub fn to_status(&self) -> rpc::Status {
        rpc::Status { message: self.to_string(), ..self.status.clone() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for what in &self.doing {
            write!(f, "failed to {what}: ")?;
        }
        let told = self.told.as_deref();
        f.write_str(told.and_then(|told| told.message.as_ref()).unwrap_or(&self.status.message))?;
        match told.and_then(|told| told.help.as_ref()) {
            Some(help) => write!(f, "\nhelp: {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl From<tonic::Status> for Error {
    fn from(status: tonic::Status) -> Self {
        // The whole status travels a second time, with its details, in the trailer `grpc-status-details-bin`.
        let detailed = rpc::Status::decode(status.details()).ok().filter(|detailed| detailed.code != 0);
        let status = detailed.unwrap_or_else(|| rpc::Status {
            code: status.code() as i32,
            message: status.message().to_owned(),
            details: Vec::new(),
        });
        Self { doing: Vec::new(), status, told: None }
    }
}

/// Why a build ends without a result.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The user's input is wrong.
    Input(Diagnostics),
    /// A solve, a pull or the gateway failed.
    World(Error),
}

impl Failure {
    /// The status to end the build with.
    pub fn to_status(&self) -> rpc::Status {
        match self {
            Self::Input(diagnostics) => diagnostics.to_status(),
            Self::World(error) => error.to_status(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(diagnostics) => diagnostics.fmt(f),
            Self::World(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Input(diagnostics)
    }
}

impl From<crate::diagnostic::Diagnostic> for Failure {
    fn from(diagnostic: crate::diagnostic::Diagnostic) -> Self {
        Self::Input(diagnostic.into())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::World(error)
    }
}

#[cfg(test)]
mod tests {
    use super::Error;

    #[test]
    fn what_was_being_done_is_said_once_from_the_outside_in() {
        let error = Error::new(tonic::Code::Unknown, "open /Cargo.lock: no such file or directory");
        assert!(error.is_not_found());
        let error = error.doing("read `Cargo.lock`").doing("load the workspace");
        assert_eq!(
            error.to_status().message,
            "failed to load the workspace: failed to read `Cargo.lock`: open /Cargo.lock: no such file or directory"
        );
    }

    #[test]
    fn a_status_without_details_keeps_its_code_and_message() {
        let error = Error::from(tonic::Status::resource_exhausted("too much"));
        assert_eq!((error.code(), error.to_string().as_str()), (tonic::Code::ResourceExhausted, "too much"));
        assert!(!error.is_not_found());
    }

    #[test]
    fn details_that_are_no_status_do_not_hide_the_error() {
        let status =
            tonic::Status::with_details(tonic::Code::Internal, "broken", b"\xff\xff".to_vec().into());
        assert_eq!(Error::from(status).to_status().message, "broken");
    }
}
