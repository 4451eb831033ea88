//! How the frontend's own work grows with a workspace; `bench/scale` runs it.
//!
//! `scale [PACKAGES MEMBERS]`: with a size, also where the bytes of its graph are.

#![expect(clippy::unwrap_used, reason = "a panic ends the program")]
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

#[path = "../tests/shared/phases.rs"]
mod phases;
#[path = "../tests/shared/synthetic.rs"]
mod synthetic;

use std::collections::BTreeMap;

use buildkit_proto::pb;
use longshore::plan::VertexId;
use longshore_helper::wire::REQUEST_ENV_PREFIX;
use phases::{Made, PHASES};
use prost::Message as _;
use synthetic::Synthetic;

/// Locked packages and members.
const SIZES: [(usize, usize); 6] =
    [(400, 40), (1_000, 100), (2_000, 200), (5_000, 500), (1_000, 500), (2_000, 500)];
const RUNS: usize = 5;

/// One size, measured.
struct Row {
    packages: usize,
    /// Seconds of each phase.
    seconds: Vec<f64>,
    vertices: usize,
    mounts: usize,
    definition: usize,
    largest_op: usize,
    recording: usize,
}

fn main() {
    let mut sizes: Vec<(usize, usize)> = SIZES.to_vec();
    let (flags, asked): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|arg| arg == "--bundle");
    let bundle = !flags.is_empty();
    let asked: Vec<usize> = asked.iter().map(|arg| arg.parse().unwrap()).collect();
    if let [packages, members] = asked[..] {
        let made = Made::new(&Synthetic::new(packages, members), bundle);
        shape(&made);
        sizes = vec![(packages, members)];
    }
    print!("{:>8} {:>7}", "packages", "members");
    for phase in PHASES {
        print!(" {:>9}", format!("{phase} ms"));
    }
    println!(" {:>8} {:>8} {:>8} {:>8} {:>8}", "vertices", "mounts", "graph MB", "op KB", "read MB");
    let mut rows: Vec<Row> = Vec::new();
    for (packages, members) in sizes {
        let row = measure(packages, members, bundle);
        print!("{packages:>8} {members:>7}");
        for seconds in &row.seconds {
            print!(" {:>9.1}", seconds * 1e3);
        }
        println!(
            " {:>8} {:>8} {:>8.2} {:>8.1} {:>8.1}",
            row.vertices,
            row.mounts,
            row.definition as f64 / 1e6,
            row.largest_op as f64 / 1e3,
            row.recording as f64 / 1e6
        );
        rows.push(row);
    }
    // The rows whose members grow with their packages.
    println!("\ngrowth exponents");
    for pair in rows
        .windows(2)
        .filter(|pair| pair[0].packages < pair[1].packages && pair[0].vertices * 2 <= pair[1].vertices)
    {
        let [small, large] = pair else { continue };
        let by = (large.packages as f64 / small.packages as f64).ln();
        let exponent = |small: f64, large: f64| (large / small).ln() / by;
        print!("{:>6} to {:<6}", small.packages, large.packages);
        for (at, phase) in PHASES.iter().enumerate() {
            print!("  {phase} {:.2}", exponent(small.seconds[at], large.seconds[at]));
        }
        println!(
            "  mounts {:.2}  bytes {:.2}",
            exponent(small.mounts as f64, large.mounts as f64),
            exponent(small.definition as f64, large.definition as f64)
        );
    }
}

fn measure(packages: usize, members: usize, bundle: bool) -> Row {
    let workspace = Synthetic::new(packages, members);
    let runs: Vec<Made> = (0..RUNS).map(|_| Made::new(&workspace, bundle)).collect();
    let median = |phase: usize| {
        let mut seconds: Vec<f64> = runs.iter().map(|made| made.took[phase].as_secs_f64()).collect();
        seconds.sort_by(f64::total_cmp);
        seconds[RUNS / 2]
    };
    let made = &runs[0];
    Row {
        packages,
        seconds: (0..PHASES.len()).map(median).collect(),
        vertices: made.plan.together(&(0..).map(VertexId).take(made.plan.vertices.len()).collect()).len(),
        mounts: made.mounts(),
        definition: made.definition.encoded_len(),
        largest_op: made.definition.def.iter().map(Vec::len).max().unwrap(),
        recording: serde_json::to_vec(&workspace.recording).unwrap().len(),
    }
}

/// What vertices see, by kind, and where the definition's bytes are.
fn shape(made: &Made) {
    let mut seen: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for vertex in &made.plan.vertices {
        let kind = if vertex.spec.member.is_some() { "member" } else { "crate" };
        seen.entry(kind).or_default().push(vertex.inputs.len());
    }
    for (kind, mut counts) in seen {
        counts.sort_unstable();
        let total: usize = counts.iter().sum();
        let at = |share: f64| counts[((counts.len() - 1) as f64 * share) as usize];
        println!(
            "{kind}: {} vertices see {total}, mean {:.1}, median {}, 90 % {}, most {}",
            counts.len(),
            total as f64 / counts.len() as f64,
            at(0.5),
            at(0.9),
            at(1.0)
        );
    }
    let mut parts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut add = |part, bytes| *parts.entry(part).or_default() += bytes;
    for op in made.definition.def.iter().map(|bytes| pb::Op::decode(bytes.as_slice()).unwrap()) {
        match op.op {
            Some(pb::op::Op::Exec(ref exec)) => {
                let meta = exec.meta.as_ref().unwrap();
                let request: usize =
                    meta.env.iter().filter(|env| env.starts_with(REQUEST_ENV_PREFIX)).map(String::len).sum();
                let mounts = exec.mounts.iter().map(|mount| mount.encoded_len() + 2).sum();
                let inputs = op.inputs.iter().map(|input| input.encoded_len() + 2).sum();
                add("exec: requests", request);
                add("exec: mounts", mounts);
                add("exec: inputs", inputs);
                add("exec: rest", op.encoded_len() - request - mounts - inputs);
            }
            Some(pb::op::Op::File(_)) => add("file ops", op.encoded_len()),
            Some(pb::op::Op::Source(_)) => add("sources", op.encoded_len()),
            _ => {}
        }
    }
    for (digest, metadata) in &made.definition.metadata {
        add("metadata: digests", digest.len() + 4);
        add("metadata", metadata.encoded_len() + 4);
    }
    let source = made.definition.source.as_ref().unwrap();
    add("source map: files", source.infos.iter().map(prost::Message::encoded_len).sum());
    add(
        "source map: places",
        source.encoded_len() - source.infos.iter().map(prost::Message::encoded_len).sum::<usize>(),
    );
    add("all", made.definition.encoded_len());
    for (part, bytes) in parts {
        println!("{part:>28} {:>9.3} MB", bytes as f64 / 1e6);
    }
    for (part, bytes) in requests(made) {
        println!("{:>28} {:>9.3} MB", format!("in requests: {part}"), bytes as f64 / 1e6);
    }
}

/// Bytes of each part of what the helper is asked.
fn requests(made: &Made) -> BTreeMap<String, usize> {
    let mut parts: BTreeMap<String, usize> = BTreeMap::new();
    for vertex in &made.plan.vertices {
        let mut spec = serde_json::to_value(&vertex.spec).unwrap();
        let steps = std::mem::take(&mut spec["steps"]);
        let fields =
            steps.as_array().unwrap().iter().chain([&spec]).flat_map(|value| value.as_object().unwrap());
        for (name, value) in fields {
            *parts.entry(name.clone()).or_default() += name.len() + 4 + value.to_string().len();
        }
    }
    parts
}
