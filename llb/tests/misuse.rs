//! What the types rule out does not compile, and the compiler says why. One misuse per file in `misuse/`;
//! `TRYBUILD=overwrite` rewrites the messages.

#[expect(clippy::unwrap_used, reason = "a panic fails the test")]
#[path = "misuse/proper_use.rs"]
mod proper_use;

#[test]
fn proper_use_compiles() {
    proper_use::main();
}

/// Where no case has to compile, trybuild only checks, and all cases at once.
#[test]
fn misuse_does_not_compile() {
    let cases = trybuild::TestCases::new();
    for case in [
        "depend_on_a_cache_mount",
        "depend_on_an_exec_without_output",
        "five_outputs",
        "merge_an_exec_before_it_ran",
        "mount_an_exec_before_it_ran",
        "output_on_a_secret",
        "root_is_a_cache",
        "run_an_exec_twice",
        "take_the_output_of_a_read_only_root",
        "two_outputs_as_one_state",
        "unchecked_checksum",
        "unchecked_image_name",
    ] {
        cases.compile_fail(format!("tests/misuse/{case}.rs"));
    }
}
