//! The types that say how many states an exec yields. Nothing here exists at run time.

use crate::state::State;

/// One output, in the list of an [`Exec`](crate::Exec).
#[derive(Debug, Clone, Copy)]
pub enum Slot {}

/// A list of outputs, and the states that come of them.
pub trait Outputs: sealed::List {
    /// One state for each output: nothing, a state, or a tuple of states.
    type States;

    #[doc(hidden)]
    fn collect(states: &mut dyn Iterator<Item = State>) -> Self::States;
}

/// A list that can take one more output: an exec has at most four. For more results, write them below one output and
/// mount its paths with [`Mount::subpath`](crate::Mount::subpath).
pub trait PushOutput: Outputs {
    /// The list with one more output.
    type Next: Outputs;
}

mod sealed {
    pub trait List {}
}

macro_rules! outputs {
    ($list:ty => $states:ty, |$next:ident| $collect:expr) => {
        impl sealed::List for $list {}
        impl Outputs for $list {
            type States = $states;
            fn collect(states: &mut dyn Iterator<Item = State>) -> $states {
                #[expect(clippy::allow_attributes, reason = "the list without outputs takes no state")]
                #[allow(unused_mut, unused_variables, reason = "the list without outputs takes no state")]
                let mut $next = || states.next().expect("an exec yields a state for each of its outputs");
                $collect
            }
        }
    };
}

outputs!(() => (), |next| ());
outputs!((Slot,) => State, |next| next());
outputs!((Slot, Slot) => (State, State), |next| (next(), next()));
outputs!((Slot, Slot, Slot) => (State, State, State), |next| (next(), next(), next()));
outputs!((Slot, Slot, Slot, Slot) => (State, State, State, State), |next| (next(), next(), next(), next()));

impl PushOutput for () {
    type Next = (Slot,);
}

impl PushOutput for (Slot,) {
    type Next = (Slot, Slot);
}

impl PushOutput for (Slot, Slot) {
    type Next = (Slot, Slot, Slot);
}

impl PushOutput for (Slot, Slot, Slot) {
    type Next = (Slot, Slot, Slot, Slot);
}
