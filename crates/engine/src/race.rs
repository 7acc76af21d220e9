//! Staggered attempts, raced: the next begins when one has failed or has been silent for a while.

use std::future::Future;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use model::env::Env;

/// The first success, or every attempt's error in the order of the attempts. Attempts still running then are dropped.
pub(crate) async fn staggered<T, E, A>(
    env: &dyn Env,
    gap: Duration,
    attempts: impl IntoIterator<Item = A>,
) -> Result<T, Vec<E>>
where
    A: Future<Output = Result<T, E>>,
{
    let mut waiting = attempts.into_iter().enumerate().peekable();
    let mut running = FuturesUnordered::new();
    let mut errors = Vec::new();
    loop {
        if let Some((position, attempt)) = waiting.next() {
            running.push(async move { attempt.await.map_err(|error| (position, error)) });
        }
        let silence = async {
            match waiting.peek() {
                Some(_) => env.sleep(gap).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            ended = running.next() => match ended {
                Some(Ok(success)) => return Ok(success),
                Some(Err(error)) => errors.push(error),
                None => break,
            },
            () = silence => {}
        }
    }
    errors.sort_by_key(|(position, _)| *position);
    Err(errors.into_iter().map(|(_, error)| error).collect())
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::pin::Pin;

    use testkit::clock::TestEnv;

    use super::*;

    type Attempt = Pin<Box<dyn Future<Output = Result<u8, u8>>>>;

    const GAP: Duration = Duration::from_millis(250);

    fn silent() -> Attempt {
        Box::pin(pending())
    }

    fn ends(with: Result<u8, u8>) -> Attempt {
        Box::pin(ready(with))
    }

    #[tokio::test]
    async fn a_failure_lets_the_next_begin_at_once_and_all_failures_are_told_in_order() {
        let env = TestEnv::new();
        assert_eq!(staggered(&env, GAP, [ends(Err(1)), ends(Ok(2)), ends(Ok(3))]).await, Ok(2));
        assert_eq!(staggered(&env, GAP, [ends(Err(1)), ends(Err(2))]).await, Err(vec![1, 2]));
        assert_eq!(staggered(&env, GAP, [] as [Attempt; 0]).await, Err(vec![]));
    }

    #[tokio::test]
    async fn a_silent_attempt_lets_the_next_begin_after_the_gap() {
        let env = TestEnv::new();
        let move_clock = async {
            for _ in 0..2 {
                env.asleep(1).await;
                env.advance(GAP);
            }
        };
        let race = staggered(&env, GAP, [silent(), silent(), ends(Ok(3)), ends(Ok(4))]);
        assert_eq!(tokio::join!(race, move_clock).0, Ok(3));
    }
}
