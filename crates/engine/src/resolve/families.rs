//! Looks up IPv4 and IPv6 at once: one family's addresses wait only briefly for the other's (RFC 8305, section 3).

use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

use model::env::Env;

use super::Error;

/// Maximum wait of the addresses of one family for those of the other.
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);

/// The addresses of both families, those of `v4` first: customers who let only known senders through their firewalls
/// know them by IPv4. When one family has addresses and the other keeps silent for 50 ms, those of the one alone.
pub(super) async fn either(
    env: &dyn Env,
    v4: impl Future<Output = Result<Vec<IpAddr>, Error>>,
    v6: impl Future<Output = Result<Vec<IpAddr>, Error>>,
) -> Result<Vec<IpAddr>, Error> {
    let (mut v4, mut v6) = (pin!(v4), pin!(v6));
    tokio::select! {
        biased;
        first = &mut v4 => match first {
            Ok(addresses) => Ok(joined(addresses, soon(env, v6).await)),
            Err(error) => v6.await.map_err(|other| more_telling(error, other)),
        },
        first = &mut v6 => match first {
            Ok(addresses) => Ok(joined(soon(env, v4).await, addresses)),
            Err(error) => v4.await.map_err(|other| more_telling(other, error)),
        },
    }
}

async fn soon(env: &dyn Env, other: impl Future<Output = Result<Vec<IpAddr>, Error>>) -> Vec<IpAddr> {
    tokio::select! {
        biased;
        other = other => other.unwrap_or_default(),
        () = env.sleep(RESOLUTION_DELAY) => Vec::new(),
    }
}

fn joined(mut v4: Vec<IpAddr>, v6: Vec<IpAddr>) -> Vec<IpAddr> {
    v4.extend(v6);
    v4
}

/// Selects the error to report when neither family has addresses: a lookup that failed says more than a name that has
/// none.
fn more_telling(v4: Error, v6: Error) -> Error {
    match (v4, v6) {
        (Error::NoAddress | Error::NoSuchName, v6 @ (Error::Failed(_) | Error::Local(_))) => v6,
        // A fault of this machine explains whatever else went wrong.
        (_, v6 @ Error::Local(_)) => v6,
        (v4, _) => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use testkit::clock::TestEnv;

    use super::super::Trouble;
    use super::*;

    fn has(address: &str) -> impl Future<Output = Result<Vec<IpAddr>, Error>> {
        ready(Ok(vec![address.parse().unwrap()]))
    }

    fn fails(error: Error) -> impl Future<Output = Result<Vec<IpAddr>, Error>> {
        ready(Err(error))
    }

    fn shown(found: Result<Vec<IpAddr>, Error>) -> String {
        match found {
            Ok(addresses) => addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        }
    }

    /// Moves the clock by `after` once somebody waits.
    async fn then(env: &TestEnv, after: Duration) {
        env.asleep(1).await;
        env.advance(after);
    }

    #[tokio::test]
    async fn a_family_that_keeps_silent_is_left_out_after_50_ms() {
        let env = TestEnv::new();
        let (found, ()) = tokio::join!(either(&env, has("192.0.2.1"), pending()), then(&env, RESOLUTION_DELAY));
        assert_eq!(shown(found), "192.0.2.1");
        let (found, ()) = tokio::join!(either(&env, pending(), has("2001:db8::1")), then(&env, RESOLUTION_DELAY));
        assert_eq!(shown(found), "2001:db8::1");
    }

    #[tokio::test]
    async fn a_family_that_answers_within_50_ms_counts() {
        let env = TestEnv::new();
        let late = async {
            env.sleep(Duration::from_millis(49)).await;
            has("2001:db8::1").await
        };
        let (found, ()) = tokio::join!(either(&env, has("192.0.2.1"), late), then(&env, Duration::from_millis(49)));
        assert_eq!(shown(found), "192.0.2.1 2001:db8::1");
    }

    #[tokio::test]
    async fn a_family_without_addresses_lets_the_other_take_its_time() {
        let env = TestEnv::new();
        let late = || async {
            env.sleep(Duration::from_secs(3)).await;
            has("192.0.2.1").await
        };
        for error in [Error::NoAddress, Error::NoSuchName, Error::Failed(Trouble::ServerFailure)] {
            let (found, ()) = tokio::join!(either(&env, late(), fails(error)), then(&env, Duration::from_secs(3)));
            assert_eq!(shown(found), "192.0.2.1");
        }
    }

    #[tokio::test]
    async fn without_any_address_the_more_telling_error_is_told() {
        let env = TestEnv::new();
        let silence = || Error::Failed(Trouble::Silence);
        let told = async |v4, v6| shown(either(&env, fails(v4), fails(v6)).await);
        assert_eq!(told(Error::NoSuchName, Error::NoSuchName).await, "does not exist");
        assert_eq!(told(Error::NoAddress, silence()).await, silence().to_string());
        assert_eq!(told(silence(), Error::NoAddress).await, silence().to_string());
    }
}
