//! What the daemon was asked, as text: a golden that shows how a phase talks to BuildKit.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use buildkit_proto::{gateway, pb};

use super::name_of;

/// A handle on the daemon's notes. Printing it gives one paragraph for each call, without digests.
#[derive(Clone, Debug, Default)]
pub struct Transcript(Arc<Mutex<Notes>>);

#[derive(Debug, Default)]
struct Notes {
    text: String,
    solved: Vec<gateway::SolveRequest>,
    returned: Option<gateway::ReturnRequest>,
}

impl Transcript {
    /// Every solve, in order.
    pub fn solved(&self) -> Vec<gateway::SolveRequest> {
        self.notes().solved.clone()
    }

    /// How the build ended, if it did.
    pub fn returned(&self) -> Option<gateway::ReturnRequest> {
        self.notes().returned.clone()
    }

    pub(super) fn note(&self, line: impl fmt::Display) {
        // Writing to a `String` cannot fail.
        let _ = writeln!(self.notes().text, "{line}");
    }

    pub(super) fn note_solve(&self, request: &gateway::SolveRequest) {
        let mut text = match &request.definition {
            Some(definition) => {
                let name = name_of(definition).unwrap_or("without a name");
                // The last op only points at the result.
                format!("solve {} ops for {name}", definition.def.len().saturating_sub(1))
            }
            None => format!("solve with {}", request.frontend),
        };
        if request.evaluate {
            text.push_str(", evaluate");
        }
        for import in &request.cache_imports {
            let _ = write!(text, "\n    cache {}", import.r#type);
            for (key, value) in &import.attrs {
                let _ = write!(text, " {key}={value}");
            }
        }
        for (key, value) in &request.frontend_opt {
            let _ = write!(text, "\n    opt {key}={value}");
        }
        for name in request.frontend_inputs.keys() {
            let _ = write!(text, "\n    input {name}");
        }
        self.note(text);
        self.notes().solved.push(request.clone());
    }

    pub(super) fn note_warning(&self, request: &gateway::WarnRequest) {
        let mut text = format!("warn {}", String::from_utf8_lossy(&request.short));
        if let Some(info) = &request.info {
            let _ = write!(text, "\n    at {}", info.filename);
            for pb::Range { start, .. } in &request.ranges {
                let _ = write!(text, ":{}", start.map_or(0, |start| start.line));
            }
        }
        for detail in &request.detail {
            let _ = write!(text, "\n    {}", String::from_utf8_lossy(detail));
        }
        self.note(text);
    }

    /// Refuses a second end, as the daemon does.
    pub(super) fn note_return(&self, request: gateway::ReturnRequest) -> Result<(), tonic::Status> {
        let mut text = String::from("return");
        if let Some(error) = &request.error {
            let _ = write!(text, " error {}: {}", error.code, error.message);
            for detail in &error.details {
                let _ = write!(text, "\n    detail {}", detail.type_url);
            }
        }
        if let Some(result) = &request.result {
            match &result.result {
                Some(gateway::result::Result::Ref(reference)) => {
                    text.push_str(&format!(" {}", shown(&reference.id)))
                }
                Some(gateway::result::Result::Refs(map)) => {
                    for (platform, reference) in &map.refs {
                        let _ = write!(text, "\n    {platform} = {}", shown(&reference.id));
                    }
                }
                other => text.push_str(&format!(" {other:?}")),
            }
            for (key, value) in &result.metadata {
                let _ = write!(text, "\n    {key} = {}", String::from_utf8_lossy(value));
            }
            for platform in result.attestations.keys() {
                let _ = write!(text, "\n    attestations for {platform}");
            }
        }
        self.note(text);
        let mut notes = self.notes();
        if notes.returned.is_some() {
            return Err(tonic::Status::unknown("gateway result is already set"));
        }
        notes.returned = Some(request);
        Ok(())
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        // A panic elsewhere in the test leaves notes that are still worth reading.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shown(id: &str) -> &str {
    if id.is_empty() { "scratch" } else { id }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.notes().text)
    }
}
