//! What the types cannot rule out is a mistake in the program, and stops it with a sentence at the line that made it.
#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use buildkit_llb::{
    Exec, Files, Image, ImageRef, Mkdir, Mount, Owner, Passthrough, Platform, Sharing, State,
};

thread_local! {
    static LAST: RefCell<(String, u32, String)> = const { RefCell::new((String::new(), 0, String::new())) };
}

/// The file, the line and the sentence with which `action` stops.
fn stop(action: impl FnOnce()) -> (String, u32, String) {
    std::panic::set_hook(Box::new(|info| {
        let (file, line) = info.location().map_or(("", 0), |location| (location.file(), location.line()));
        let payload = info.payload();
        let sentence = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let message = sentence.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
        LAST.with_borrow_mut(|last| *last = (file.to_owned(), line, message));
    }));
    let stopped = catch_unwind(AssertUnwindSafe(action)).is_err();
    drop(std::panic::take_hook());
    assert!(stopped, "nothing stopped it");
    LAST.with_borrow(Clone::clone)
}

fn exec() -> Exec {
    let linux = Platform::parse("linux/amd64").unwrap();
    let base = Image::new(&ImageRef::parse("debian").unwrap(), &linux).state();
    Exec::new(&linux, &base, ["true"])
}

macro_rules! check {
    ($action:expr, $sentence:literal) => {{
        let expected = (file!().to_owned(), line!(), $sentence.to_owned());
        assert_eq!(stop(|| drop($action)), expected);
    }};
}

#[test]
fn mistakes_stop_the_program_at_the_line_that_made_them() {
    let linux = Platform::parse("linux/amd64").unwrap();
    check!(exec().mount("/a", Mount::tmpfs()).mount("/a/", Mount::tmpfs()), "two mounts at `/a`");
    check!(exec().mount("/", Mount::tmpfs()), "two mounts at `/`");
    check!(exec().mount("/x", Mount::tmpfs()).output("/y/../x", &State::SCRATCH), "two mounts at `/x`");
    check!(exec().mount("a", Mount::tmpfs()), "the mount point `a` is not an absolute path");
    check!(exec().output("", &State::SCRATCH), "the mount point `` is not an absolute path");
    check!(exec().env("A=B", ""), "`A=B` cannot be the name of an environment variable");
    check!(exec().envs([("", "")]), "`` cannot be the name of an environment variable");
    check!(Exec::new(&linux, &State::SCRATCH, [""; 0]), "an exec needs a command");
    check!(Exec::modify(&linux, &State::SCRATCH, [""; 0]), "an exec needs a command");
    check!(Mount::cache("", Sharing::Shared), "a cache mount needs an id");
    check!(Passthrough::new("", &State::SCRATCH), "a passthrough needs an id");
    let named = Mkdir::new("/a", 0o755).owner(Owner::parse("0:app"));
    let sentence = "the owner `app` cannot be looked up in scratch; give a number";
    let expected = (file!().to_owned(), line!() + 1, sentence.to_owned());
    assert_eq!(stop(|| drop(Files::on(&State::SCRATCH).add(named))), expected);
}
