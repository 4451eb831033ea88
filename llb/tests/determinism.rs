//! Equal inputs give equal bytes, whatever the order of the builder's calls; annotations never reach a digest.
#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

use std::collections::BTreeMap;

use buildkit_llb::{
    Annotate, Cache, Copy, Diff, Digest, Exec, Files, Image, ImageRef, Local, Merge, Mount, Passthrough,
    Platform, ProgressGroup, Resources, SessionId, SourceFile, State, Write,
};
use prost::Message as _;

/// A generator of orders: small, and the same in every run.
struct Shuffle(u64);

impl Shuffle {
    fn order<T>(&mut self, mut items: Vec<T>) -> Vec<T> {
        for last in (1..items.len()).rev() {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let other = usize::try_from(self.0 >> 33).unwrap() % (last + 1);
            items.swap(last, other);
        }
        items
    }
}

type Step<B> = Box<dyn Fn(B) -> B>;

fn apply<B>(builder: B, shuffle: &mut Shuffle, steps: Vec<Step<B>>) -> B {
    shuffle.order(steps).into_iter().fold(builder, |builder, step| step(builder))
}

fn linux() -> Platform {
    Platform::parse("linux/amd64").unwrap()
}

fn base() -> State {
    Image::new(&ImageRef::parse("rust:1.95").unwrap(), &linux()).labeled("base").state()
}

fn graph(shuffle: &mut Shuffle) -> State {
    let base = base();
    let file = SourceFile::new("Cargo.toml", "TOML", "a\nb\nc\n");
    let group = ProgressGroup::new("[deps]");
    let local = apply(
        Local::new("context", &SessionId::new("s")),
        shuffle,
        vec![
            Box::new(|local| local.include(["a", "b"])),
            Box::new(|local| local.exclude(["c", "d"])),
            Box::new(|local| local.follow_paths(["e"])),
            Box::new(|local| local.shared_key_hint("hint")),
            Box::new(|local| local.metadata_only(["f"])),
            Box::new(|local| local.labeled("context").named("load")),
        ],
    );
    let context = local.state();
    let inputs: Vec<State> = (0..20)
        .map(|i| {
            Files::on(&State::SCRATCH).write(format!("/{i}"), 0o644, "").labeled(format!("input:{i}")).state()
        })
        .collect();
    let exec = Exec::new(&linux(), &base, ["true"]);
    let mut steps: Vec<Step<Exec>> = vec![
        Box::new(|exec| exec.env("B", "2")),
        Box::new(|exec| exec.env("A", "1")),
        Box::new(|exec| exec.cwd("/src")),
        Box::new(|exec| exec.user("app")),
        Box::new(|exec| exec.extra_host("b", [127, 0, 0, 2].into())),
        Box::new(|exec| exec.extra_host("a", [127, 0, 0, 1].into())),
        Box::new(|exec| exec.ulimit("nproc", 1, 2)),
        Box::new(|exec| exec.ulimit("nofile", 1, 2)),
        Box::new(|exec| exec.offline()),
        Box::new(|exec| exec.device("b=0", true).device("a=0", false)),
        Box::new(|exec| exec.secret_env("Y", "y", false)),
        Box::new(|exec| exec.secret_env("X", "x", true)),
        Box::new(|exec| exec.mount("/z", Mount::ssh("default"))),
        Box::new(|exec| exec.mount("/y", Mount::secret("y"))),
        Box::new(|exec| exec.mount("/x", Mount::tmpfs())),
        Box::new(|exec| exec.mount("/w", Cache::new("w"))),
        Box::new(|exec| exec.labeled("exec").named("[deps] exec")),
        Box::new(move |exec| exec.grouped(&group)),
        Box::new({
            let file = file.clone();
            move |exec| exec.at(&file.span(0..1))
        }),
    ];
    for (index, input) in inputs.iter().enumerate() {
        let (input, mirror) = (input.clone(), inputs[(index + 7) % 20].clone());
        steps.push(Box::new(move |exec| {
            exec.mount(format!("/in/{index}"), &input)
                .mount(format!("/copy/{index}"), Mount::discard(&mirror))
        }));
    }
    steps.push(Box::new(move |exec| exec.mount("/src", &context)));
    let (b, a) = apply(exec, shuffle, steps).output("/b", &State::SCRATCH).output("/a", &inputs[0]).run();
    // Waiting has no order; the layers of a merge do.
    let waiting = shuffle.order(inputs.clone());
    let ordered = waiting.iter().fold(Passthrough::new("id", &a), Passthrough::requires).state();
    let changes = Diff::new(&base, &b).at(&file.span(2..3)).state();
    Merge::new([&changes, &ordered]).labeled("merged").state()
}

#[test]
fn reordered_builder_calls_give_the_same_bytes_metadata_included() {
    let first = graph(&mut Shuffle(0)).definition();
    let bytes = first.to_proto().encode_to_vec();
    let text = first.to_string();
    assert!(first.vertices().count() > 20);
    for seed in 1..=25 {
        let again = graph(&mut Shuffle(seed)).definition();
        assert_eq!(again.to_string(), text, "seed {seed}");
        assert!(
            again.to_proto().encode_to_vec() == bytes,
            "seed {seed}: the bytes differ, the text does not"
        );
    }
}

#[test]
fn the_shuffle_does_shuffle() {
    let orders: BTreeMap<Vec<u32>, ()> =
        (0..25).map(|seed| (Shuffle(seed).order((0..10).collect()), ())).collect();
    assert!(orders.len() > 20, "only {} orders", orders.len());
}

#[test]
fn the_order_of_file_actions_has_a_meaning() {
    let write = |path: &str| Write::new(path, 0o644, "");
    let ab = Files::on(&State::SCRATCH).add(write("/a")).add(write("/b")).state();
    let ba = Files::on(&State::SCRATCH).add(write("/b")).add(write("/a")).state();
    assert_ne!(ab, ba);
}

#[test]
fn the_order_of_outputs_is_that_of_their_paths_and_the_states_are_those_asked_for() {
    let exec = || Exec::modify(&linux(), &base(), ["true"]);
    let (root, a, b) = exec().output("/a", &State::SCRATCH).output("/b", &State::SCRATCH).run();
    let (root2, b2, a2) = exec().output("/b", &State::SCRATCH).output("/a", &State::SCRATCH).run();
    assert_eq!((&root, &a, &b), (&root2, &a2, &b2));
    assert_eq!((root.index(), a.index(), b.index()), (0, 1, 2));
}

#[test]
fn annotations_do_not_reach_the_digest() {
    let file = SourceFile::new("Cargo.toml", "TOML", "a\n");
    let plain = Exec::modify(&linux(), &base(), ["true"]).run();
    let resources = Resources { memory_bytes: 1, cpu_shares: 2, ..Resources::default() };
    let annotated = Exec::modify(&linux(), &base(), ["true"])
        .labeled("l")
        .named("n")
        .grouped(&ProgressGroup::new("g").weak())
        .at(&file.span(0..1))
        .uncached()
        .export_cache(false)
        .resources(&resources)
        .run();
    assert_eq!(plain, annotated);
    let changed = Exec::modify(&linux(), &base(), ["false"]).run();
    assert_ne!(plain, changed);
}

#[test]
fn equal_ops_are_one_vertex_and_their_annotations_add_up() {
    let file = SourceFile::new("f", "Text", "1\n2\n3\n");
    let write = || Files::on(&State::SCRATCH).write("/a", 0o644, "a");
    let a = write().labeled("first").at(&file.span(0..1)).state();
    let b = write().labeled("second").named("shown").at(&file.span(2..3)).uncached().state();
    // Below each, an equal op once more: the second one's notes must not be lost.
    let on_a = Files::on(&a).write("/x", 0o644, "").state();
    let on_b = Files::on(&b).write("/x", 0o644, "").labeled("x").state();
    let definition = Merge::new([&on_a, &on_b]).state().definition();
    assert_eq!(definition.vertices().count(), 3);
    let text = definition.to_string();
    let expected = "first = files scratch\n    write /a 644\n        | a\n        (no newline at the end)\n    name \"shown\"\n    at f:1\n    at f:2\n    uncached\n\n\
        x = files first\n    write /x 644 empty\n\nmerge#1 = merge\n    x\n    x\n\nreturn merge#1\n";
    assert_eq!(text, expected);
}

#[test]
fn metadata_and_source_map_name_the_digests_of_the_definition() {
    let definition = graph(&mut Shuffle(3)).definition().to_proto();
    let digests: Vec<String> = definition.def.iter().map(|op| Digest::of(op).as_str().to_owned()).collect();
    let mut known = digests.clone();
    known.sort();
    assert_eq!(definition.metadata.keys().cloned().collect::<Vec<_>>(), known);
    let source = definition.source.unwrap();
    assert_eq!(source.infos.len(), 1, "one file, one text");
    assert_eq!(source.locations.len(), 2);
    assert!(source.locations.keys().all(|digest| digests.contains(digest)));
    for location in source.locations.values().flat_map(|list| &list.locations) {
        for range in &location.ranges {
            assert!(range.start.is_some() && range.end.is_some(), "clients read both ends unchecked");
        }
    }
}

#[test]
fn copying_and_comparing_states_is_about_digests() {
    let a = Files::on(&State::SCRATCH).add(Copy::new(&base(), "/a", "/a")).state();
    let b = Files::on(&State::SCRATCH).add(Copy::new(&base(), "/a/../a/", "/a")).state();
    assert_eq!(a, b, "paths are cleaned");
    assert_ne!(a, State::SCRATCH);
    assert_eq!(a.digest(), b.digest());
}
