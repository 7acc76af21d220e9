//! The times for which commits held those that wait for the next one: a server logs them when it has stopped.

use serde::Serialize;

/// The message of the log line that has them: `Holds::tell` in the store writes it.
const SAYS: &str = "how long commits held those who waited";

/// Times from the server's start to its end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Held {
    pub(crate) commits: u64,
    /// At most a quarter above the true value, and above 20 ms only if that was.
    pub(crate) p99_ms: f64,
    pub(crate) longest_ms: f64,
}

impl Held {
    /// The times that the last server with this log reports. `None` if it does not.
    pub(crate) fn told_in(log: &str) -> Option<Self> {
        let (_, told) = log.lines().rfind(|line| line.contains(SAYS))?.split_once(SAYS)?;
        let number = |name: &str| {
            let fields = told.split_whitespace().filter_map(|field| field.split_once('='));
            fields.into_iter().find(|(field, _)| *field == name)?.1.parse::<u32>().ok()
        };
        let millis = |name| number(name).map(|micros| f64::from(micros) / 1e3);
        Some(Self { commits: number("commits")?.into(), p99_ms: millis("p99_us")?, longest_ms: millis("longest_us")? })
    }

    /// The worse of two nodes.
    pub(crate) fn or_worse(self, other: Self) -> Self {
        Self {
            commits: self.commits + other.commits,
            p99_ms: self.p99_ms.max(other.p99_ms),
            longest_ms: self.longest_ms.max(other.longest_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_server_of_a_log_counts() {
        let line = |commits, p99, longest| {
            format!(
                "2026-11-29T14:00:00.000000Z  INFO store::holds: {SAYS} commits={commits} p50_us=211 p99_us={p99} \
                 longest_us={longest} most_rows=256\n"
            )
        };
        let log = format!("started\n{}started\n{}bye\n", line(7, 1, 1), line(1_234, 3_436, 17_001));
        let held = Held::told_in(&log).expect("it says so");
        assert_eq!(held, Held { commits: 1_234, p99_ms: 3.436, longest_ms: 17.001 });
        assert_eq!(Held::told_in("started\nstopping\n"), None);
    }
}
