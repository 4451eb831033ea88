//! What a server demands of a request before it does any work.

use std::{error, fmt};

/// A message whose fields have limits; see `derive::Checked`.
pub trait Checked {
    /// Refuses the message when a field is outside its limits.
    fn check(&self) -> Result<(), Refusal>;
}

/// Why a message was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    field: &'static str,
    reason: String,
}

impl Refusal {
    /// A refusal because of one field.
    pub fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field, reason: reason.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.field, self.reason)
    }
}

impl error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use crate::{Checked, v1::PredictRequest};

    fn refusal(text: &str) -> Option<String> {
        PredictRequest { text: text.to_owned() }.check().err().map(|refusal| refusal.to_string())
    }

    #[test]
    fn a_text_must_say_something() {
        assert_eq!(refusal("fine"), None);
        assert_eq!(refusal(" \n").as_deref(), Some("`text` is blank"));
    }

    #[test]
    fn a_text_must_not_be_long() {
        // Characters count, not bytes.
        assert_eq!(refusal(&"é".repeat(1000)), None);
        assert_eq!(
            refusal(&"a".repeat(1001)).as_deref(),
            Some("`text` has 1001 characters, at most 1000 are accepted")
        );
    }
}
