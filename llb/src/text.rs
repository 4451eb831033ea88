//! The text form of a definition, made for goldens that a person reads in a review: one paragraph for each op, named
//! by its label, one attribute a line. Defaults, digests and capabilities are left out; what differs in every build is
//! a word (`$SESSION`).

mod exec;
mod files;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use buildkit_proto::pb;
use prost::Message as _;

use crate::definition::{Definition, Entry};
use crate::digest::Digest;
use crate::meta::{LABEL_KEY, NAME_KEY, Notes};
use crate::state::Output;

impl fmt::Display for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Names::new(self);
        for entry in &self.entries {
            writeln!(f, "{}", paragraph(entry, &names))?;
        }
        let result = self.result.0.as_ref().map_or_else(|| "scratch".to_owned(), |output| names.of(output));
        writeln!(f, "return {result}")
    }
}

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What each vertex is called: its label, or its kind and a number; a label that is taken gets a number as well.
pub(crate) struct Names<'d>(BTreeMap<&'d Digest, String>);

impl<'d> Names<'d> {
    fn new(definition: &'d Definition) -> Names<'d> {
        let mut taken = BTreeSet::new();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut names = BTreeMap::new();
        for Entry { vertex, notes } in &definition.entries {
            let base = match notes.label() {
                Some(label) => label.to_owned(),
                None => kind(&vertex.bytes).to_owned(),
            };
            let name = loop {
                let count = counts.entry(base.clone()).or_default();
                *count += 1;
                let plain = *count == 1 && notes.label().is_some();
                let name = if plain { base.clone() } else { format!("{base}#{count}") };
                if taken.insert(name.clone()) {
                    break name;
                }
            };
            names.insert(&vertex.digest, name);
        }
        Names(names)
    }

    /// An output by the name of its vertex; the first one, mostly the only one, needs no number.
    fn of(&self, output: &Output) -> String {
        let name = self.0.get(&output.vertex.digest).map_or("?", String::as_str);
        if output.index == 0 { name.to_owned() } else { format!("{name}.{}", output.index) }
    }
}

/// The inputs of one op by name.
pub(crate) struct InputNames(Vec<String>);

impl InputNames {
    /// The name of the input at this position, -1 being scratch.
    pub(crate) fn get(&self, position: i64) -> &str {
        match usize::try_from(position) {
            Ok(position) => self.0.get(position).map_or("?", String::as_str),
            Err(_) => "scratch",
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The lines of one op.
#[derive(Default)]
pub(crate) struct Lines(Vec<String>);

impl Lines {
    pub(crate) fn push(&mut self, line: impl Into<String>) {
        self.0.push(line.into());
    }

    /// `key value`, if there is a value.
    pub(crate) fn word(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.push(format!("{key} {}", quoted(value)));
        }
    }

    /// `key`, if it is so.
    pub(crate) fn flag(&mut self, key: &str, on: bool) {
        if on {
            self.push(key);
        }
    }
}

fn paragraph(entry: &Entry, names: &Names<'_>) -> String {
    let Entry { vertex, notes } = entry;
    let name = names.0.get(&vertex.digest).map_or("?", String::as_str);
    let Ok(op) = pb::Op::decode(vertex.bytes.as_slice()) else {
        return format!("{name} = (an op that cannot be decoded)\n");
    };
    let inputs = InputNames(vertex.inputs.iter().map(|output| names.of(output)).collect());
    let mut lines = Lines::default();
    let head = body(&op, &inputs, &mut lines);
    annotations(notes, &mut lines);
    let platform = op.platform.as_ref().map(platform).unwrap_or_default();
    let mut text = format!("{name} = {head}{platform}\n");
    for line in lines.0 {
        text.push_str("    ");
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn kind(bytes: &[u8]) -> &'static str {
    match pb::Op::decode(bytes).ok().and_then(|op| op.op) {
        Some(pb::op::Op::Exec(_)) => "exec",
        Some(pb::op::Op::Source(_)) => "source",
        Some(pb::op::Op::File(_)) => "files",
        Some(pb::op::Op::Build(_)) => "build",
        Some(pb::op::Op::Merge(_)) => "merge",
        Some(pb::op::Op::Diff(_)) => "diff",
        Some(pb::op::Op::Passthrough(_)) => "passthrough",
        None => "op",
    }
}

fn body(op: &pb::Op, inputs: &InputNames, lines: &mut Lines) -> String {
    match &op.op {
        Some(pb::op::Op::Exec(exec)) => exec::write(exec, inputs, lines),
        Some(pb::op::Op::Source(source)) => source::write(source, lines),
        Some(pb::op::Op::File(files)) => files::write(files, inputs, lines),
        Some(pb::op::Op::Build(build)) => format!("build {}", inputs.get(build.builder)),
        Some(pb::op::Op::Merge(merge)) => {
            for layer in &merge.inputs {
                lines.push(inputs.get(layer.input));
            }
            "merge".to_owned()
        }
        Some(pb::op::Op::Diff(diff)) => {
            let lower = diff.lower.as_ref().map_or(-1, |lower| lower.input);
            let upper = diff.upper.as_ref().map_or(-1, |upper| upper.input);
            format!("diff {} -> {}", inputs.get(lower), inputs.get(upper))
        }
        Some(pb::op::Op::Passthrough(passthrough)) => {
            let outputs = &passthrough.outputs;
            // By name: inputs stand in the order of digests, which any change reshuffles.
            let mut after: Vec<&str> =
                (0..).take(inputs.len()).filter(|i| !outputs.contains(i)).map(|i| inputs.get(i)).collect();
            after.sort_unstable();
            after.iter().for_each(|name| lines.push(format!("after {name}")));
            lines.word("id", &passthrough.id);
            let outputs: Vec<&str> = outputs.iter().map(|&output| inputs.get(output)).collect();
            format!("passthrough {}", outputs.join(" "))
        }
        None => "nothing".to_owned(),
    }
}

fn platform(platform: &pb::Platform) -> String {
    match crate::Platform::try_from(platform) {
        Ok(platform) => format!("  [{platform}]"),
        Err(_) => format!("  [{}/{}]", platform.os, platform.architecture),
    }
}

fn annotations(notes: &Notes, lines: &mut Lines) {
    if let Some(name) = notes.name() {
        lines.push(format!("name {name:?}"));
    }
    if let Some(group) = &notes.group {
        lines.push(format!("group {:?}{}", group.name, if group.weak { " weak" } else { "" }));
    }
    for (key, text) in &notes.description {
        if !matches!(&**key, NAME_KEY | LABEL_KEY) {
            lines.push(format!("description {key} {text:?}"));
        }
    }
    for location in &notes.locations {
        if location.ranges.is_empty() {
            lines.push(format!("at {}", location.file.name()));
        }
        for range in &location.ranges {
            let line =
                |position: &Option<pb::Position>| position.as_ref().map_or(0, |position| position.line);
            let (first, last) = (line(&range.start), line(&range.end));
            let end = if last > first { format!("-{last}") } else { String::new() };
            lines.push(format!("at {}:{first}{end}", location.file.name()));
        }
    }
    lines.flag("uncached", notes.ignore_cache);
    if let Some(export) = notes.export_cache {
        lines.push(format!("export-cache {export}"));
    }
    if let Some(resources) = &notes.resources {
        for (key, value) in [
            ("memory", resources.memory_bytes.to_string()),
            ("memory-swap", resources.memory_swap_bytes.to_string()),
            ("cpu-shares", resources.cpu_shares.to_string()),
            ("cpu-period", resources.cpu_period_us.to_string()),
            ("cpu-quota", resources.cpu_quota_us.to_string()),
            ("cpuset-cpus", resources.cpuset_cpus.clone()),
            ("cpuset-mems", resources.cpuset_mems.clone()),
        ] {
            if value != "0" || key.starts_with("cpuset") {
                lines.word(key, &value);
            }
        }
    }
}

/// As it is, or in quotes where it could be read wrongly.
pub(crate) fn quoted(text: &str) -> String {
    let plain = !text.is_empty()
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\''));
    if plain { text.to_owned() } else { format!("{text:?}") }
}
