//! Waiting for whichever comes first.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;

/// What came first of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Either<A, B> {
    /// The first of them.
    First(A),
    /// The second of them.
    Second(B),
}

/// Waits for the one of two futures that is done first, and drops the other; when both are, for
/// `first`. So what is dropped must be cancel safe if it is to be asked again: receiving from a flow
/// or a channel, accepting, a line of the console, sleeping.
pub async fn either<A: Future, B: Future>(first: A, second: B) -> Either<A::Output, B::Output> {
    let (mut first, mut second) = (pin!(first), pin!(second));
    poll_fn(|cx| match first.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Either::First(output)),
        Poll::Pending => second.as_mut().poll(cx).map(Either::Second),
    })
    .await
}

#[cfg(test)]
mod tests {
    use core::future::{pending, ready};
    use core::task::{Context, Waker};

    use super::*;

    #[test]
    fn the_first_wins_also_when_both_are_done() {
        let mut cx = Context::from_waker(Waker::noop());
        let both = pin!(either(ready(1), ready(2))).poll(&mut cx);
        assert_eq!(both, Poll::Ready(Either::First(1)));
        let second = pin!(either(pending::<()>(), ready(2))).poll(&mut cx);
        assert_eq!(second, Poll::Ready(Either::Second(2)));
        let neither = pin!(either(pending::<()>(), pending::<()>())).poll(&mut cx);
        assert_eq!(neither, Poll::Pending);
    }
}
