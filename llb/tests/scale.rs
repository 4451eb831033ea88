//! Large graphs: sharing is cheap, depth needs no stack.
#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

use std::time::{Duration, Instant};

use buildkit_llb::{Annotate, Exec, Files, Image, ImageRef, Platform, State};

fn linux() -> Platform {
    Platform::parse("linux/amd64").unwrap()
}

/// An unoptimized build hashes slowly.
const EXECS: usize = if cfg!(debug_assertions) { 200 } else { 1000 };

#[test]
fn hundreds_of_execs_with_hundreds_of_inputs_each_marshal_at_once() {
    let base = Image::new(&ImageRef::parse("rust:1.95").unwrap(), &linux()).state();
    let mut outputs: Vec<State> = Vec::new();
    for index in 0..EXECS {
        let mut exec = Exec::new(&linux(), &base, ["true".to_owned(), index.to_string()]).offline();
        for (position, input) in outputs.iter().rev().take(300).enumerate() {
            exec = exec.mount(format!("/in/{position:03}"), input);
        }
        outputs.push(exec.output("/out", &State::SCRATCH).labeled(format!("package:{index}")).run());
    }
    let all = Files::on(outputs.last().unwrap()).write("/done", 0o644, "").state();
    let start = Instant::now();
    let definition = all.definition();
    let proto = definition.to_proto();
    let elapsed = start.elapsed();
    assert_eq!(proto.def.len(), EXECS + 3);
    // An optimized build takes some 100 ms; the bound only tells linear from quadratic, on any machine.
    assert!(elapsed < Duration::from_secs(5), "marshalling took {elapsed:?}");
    println!("marshalled {} MiB in {elapsed:?}", proto.def.iter().map(Vec::len).sum::<usize>() >> 20);
}

#[test]
fn a_deep_chain_neither_marshals_nor_drops_by_recursion() {
    let mut state = State::SCRATCH;
    for index in 0..20_000 {
        state = Files::on(&state).write("/counter", 0o644, index.to_string()).state();
    }
    let proto = state.definition().to_proto();
    assert_eq!(proto.def.len(), 20_001);
    drop(state);
    let imported = State::from_definition(&proto).unwrap();
    assert_eq!(imported.definition().to_proto(), proto);
}

#[test]
fn a_diamond_of_many_levels_is_walked_once() {
    // 2^60 paths from top to bottom.
    let mut state = Files::on(&State::SCRATCH).write("/bottom", 0o644, "").state();
    for _ in 0..60 {
        let left = Files::on(&state).write("/left", 0o644, "").state();
        let right = Files::on(&state).write("/right", 0o644, "").state();
        state = Files::on(&left).copy(&right, "/right", "/both").state();
    }
    assert_eq!(state.definition().vertices().count(), 181);
}
