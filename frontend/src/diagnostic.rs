//! What is wrong with the user's input, where, and what to type instead.
//!
//! A phase that validates gathers every [`Diagnostic`] it can and returns them together, so that three mistakes
//! cost one build. How they reach the user (a gRPC status, a snippet, a warning) is decided in [`status`] and
//! [`text`]; nothing here knows which phase is speaking.

pub mod code;
pub mod status;
pub mod suggest;
pub mod text;

use std::fmt;

use buildkit_llb::Span;

pub use code::Code;
pub use suggest::did_you_mean;

/// Whether the build can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The build stops.
    Error,
    /// The build goes on and the user is told.
    Warning,
}

/// A place in one of the user's files and what there is to say about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What stands there; empty when the diagnostic's message says it already.
    pub message: String,
}

/// One mistake of the user's.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// The name of this kind of mistake.
    pub code: Code,
    /// Whether the build can go on.
    pub severity: Severity,
    /// A lower-case phrase without a final period, the user's own text in backticks.
    pub message: String,
    /// The first one is the primary one: its lines are shown.
    pub labels: Vec<Label>,
    /// What to type instead, in one line.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A mistake that stops the build.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, message: message.into(), labels: Vec::new(), help: None }
    }

    /// A mistake that the build can live with.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Points at a place; the first call sets the primary one.
    #[must_use]
    pub fn at(self, span: &Span) -> Self {
        self.labeled(span, "")
    }

    /// Points at a place and says what stands there.
    #[must_use]
    pub fn labeled(mut self, span: &Span, message: impl Into<String>) -> Self {
        self.labels.push(Label { span: span.clone(), message: message.into() });
        self
    }

    /// Says what to type instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says "did you mean `…`?" when one of the candidates is close to what was written.
    #[must_use]
    pub fn suggest<'a>(self, written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        match did_you_mean(written, candidates) {
            Some(candidate) => self.help(format!("did you mean `{candidate}`?")),
            None => self,
        }
    }

    /// The place whose lines are shown.
    pub fn primary(&self) -> Option<&Span> {
        self.labels.first().map(|label| &label.span)
    }
}

/// The mistake and its remedy, without the source lines: the client draws those itself.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for label in self.labels.iter().filter(|label| !label.message.is_empty()) {
            write!(f, "\n{}: {}", label.span, label.message)?;
        }
        match &self.help {
            Some(help) => write!(f, "\nhelp: {help}"),
            None => Ok(()),
        }
    }
}

/// One or more diagnostics, in the order in which they were found.
// Invariant: never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// These diagnostics, of which there is at least one.
    pub fn new(gathered: Vec<Diagnostic>) -> Self {
        assert!(!gathered.is_empty(), "a refusal says what is wrong");
        Self(gathered)
    }

    /// Returns `value` when nothing is wrong.
    ///
    /// # Errors
    /// Every diagnostic gathered, when there is one.
    pub fn check<T>(value: T, gathered: Vec<Diagnostic>) -> Result<T, Self> {
        if gathered.is_empty() { Ok(value) } else { Err(Self(gathered)) }
    }

    /// The diagnostics in the order in which they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// Takes the diagnostics out, to gather them with others.
    pub fn into_vec(self) -> Vec<Diagnostic> {
        self.0
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One diagnostic stands right below its snippet. Several stand below all snippets, so each says where it is.
        if let [only] = self.0.as_slice() {
            return write!(f, "{only}");
        }
        write!(f, "{} problems", self.0.len())?;
        for diagnostic in self {
            f.write_str("\n")?;
            if let Some(span) = diagnostic.primary() {
                write!(f, "{span}: ")?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}
