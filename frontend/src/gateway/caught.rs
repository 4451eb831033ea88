//! Our own mistakes: a panic becomes a status that tells the user what to report.
//!
//! Without it the daemon would say no more than that the frontend's process ended.

use std::any::Any;
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::sync::Once;
use std::task::Poll;

use buildkit_proto::rpc;

thread_local! {
    /// Where this thread panicked last; a payload does not say.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs the future, and turns a panic into the status to end the build with.
///
/// # Errors
/// When the future panicked.
pub async fn caught<T>(future: impl Future<Output = T>) -> Result<T, rpc::Status> {
    remember_places();
    let mut future = pin!(future);
    poll_fn(|context| {
        // After a panic the future is dropped and never polled again, so nobody sees what it left half done.
        match panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(payload) => Poll::Ready(Err(internal(&*payload))),
        }
    })
    .await
}

/// Adds to the process's panic hook, which still prints to stderr: the daemon's log.
fn remember_places() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PLACE.set(info.location().map(ToString::to_string));
            previous(info);
        }));
    });
}

fn internal(payload: &(dyn Any + Send)) -> rpc::Status {
    let said = payload.downcast_ref::<&str>().map(ToString::to_string);
    let said = said.or_else(|| payload.downcast_ref::<String>().cloned());
    let said = said.unwrap_or_else(|| "a panic without words".to_owned());
    let place = PLACE.take().map(|place| format!(" ({place})")).unwrap_or_default();
    rpc::Status {
        code: tonic::Code::Internal as i32,
        message: format!(
            "internal error: {said}{place}; please report this with the files and the command that led to it \
             (longshore {})",
            env!("CARGO_PKG_VERSION")
        ),
        details: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::caught;

    #[tokio::test]
    async fn a_panic_is_a_status_that_says_what_and_where() {
        let status = caught(async {
            tokio::task::yield_now().await;
            assert!(std::hint::black_box(false), "two mounts at `/out`");
        })
        .await
        .unwrap_err();
        assert_eq!(status.code, 13);
        assert!(status.message.starts_with("internal error: two mounts at `/out` ("), "{}", status.message);
        assert!(status.message.contains("caught.rs:"), "{}", status.message);
        assert!(status.message.contains("please report this"), "{}", status.message);
    }

    #[tokio::test]
    async fn what_does_not_panic_passes() {
        assert_eq!(caught(async { 7 }).await, Ok(7));
    }
}
