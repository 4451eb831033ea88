//! Several questions at once: the daemon answers one in a millisecond or so, and a workspace has thousands of files.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Enough that the daemon is never idle, few enough that their answers are small next to what is kept.
const AT_ONCE: usize = 32;

/// Waits for all of them, some at a time; what they yield, in their order.
pub async fn together<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut waiting = futures.into_iter().enumerate();
    let mut asked: Vec<(usize, Pin<Box<F>>)> = Vec::new();
    let mut answers = BTreeMap::new();
    poll_fn(|context| {
        loop {
            asked.extend(
                waiting.by_ref().take(AT_ONCE - asked.len()).map(|(at, future)| (at, Box::pin(future))),
            );
            let before = asked.len();
            asked.retain_mut(|(at, future)| match future.as_mut().poll(context) {
                Poll::Ready(answer) => {
                    answers.insert(*at, answer);
                    false
                }
                Poll::Pending => true,
            });
            if before == 0 {
                return Poll::Ready(());
            }
            if asked.len() == before {
                return Poll::Pending;
            }
        }
    })
    .await;
    answers.into_values().collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn answers_stand_in_the_order_of_the_questions_however_long_they_take() {
        let open = Cell::new(0);
        let most = Cell::new(0);
        let question = |number: usize| {
            let (open, most) = (&open, &most);
            async move {
                open.set(open.get() + 1);
                most.set(most.get().max(open.get()));
                for _ in 0..(number * 7) % 5 {
                    tokio::task::yield_now().await;
                }
                open.set(open.get() - 1);
                number
            }
        };
        let answers = together((0..100).map(question)).await;
        assert_eq!(answers, (0..100).collect::<Vec<_>>());
        assert!((2..=AT_ONCE).contains(&most.get()), "{} at once", most.get());
    }

    #[tokio::test]
    async fn no_question_has_no_answer() {
        assert!(together(Vec::<std::future::Ready<()>>::new()).await.is_empty());
    }
}
