//! Lines for people, on standard error.

use std::cell::RefCell;
use std::io::{self, Write as _};

/// Says a line, or several, in one piece.
///
/// BuildKit's client keeps the last lines of a failed step, and of a piece of output that ends within a line only the last
/// (`util/progress/progressui/printer.go`). `eprintln!` writes every part of its format by itself, and what is between
/// two such parts may be all that a person gets to see of an error.
macro_rules! say {
    ($($text:tt)*) => { $crate::console::write(format!($($text)*)) };
}
pub(crate) use say;

thread_local! {
    /// What has been said since [`heard`] began, if it did.
    static HEARD: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Writes the text and a newline at once. There is nobody to tell when that fails.
pub(crate) fn write(mut text: String) {
    text.push('\n');
    let _ = io::stderr().write_all(text.as_bytes());
    HEARD.with_borrow_mut(|heard| heard.iter_mut().for_each(|heard| heard.push_str(&text)));
}

/// What `work` comes to, and what it says meanwhile on this thread.
pub(crate) fn heard<T>(work: impl FnOnce() -> T) -> (T, String) {
    HEARD.with_borrow_mut(|heard| *heard = Some(String::new()));
    let result = work();
    let said = HEARD.with_borrow_mut(Option::take);
    (result, said.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard_by_who_asks() {
        say!("before");
        let (result, said) = heard(|| {
            std::thread::spawn(|| say!("elsewhere")).join().expect("it only says something");
            say!("one {}", 1);
            say!("two");
            3
        });
        assert_eq!((result, said.as_str()), (3, "one 1\ntwo\n"));
        assert_eq!(heard(|| ()).1, "");
    }
}
