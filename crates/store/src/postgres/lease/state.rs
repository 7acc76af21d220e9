//! The rules of a lease, by times passed in: shards held, expiry, gains and losses.

use std::collections::HashMap;
use std::time::Duration;

use model::time::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::shard::{Shard, Shards};

/// Divisor of the lease for its safety margin: the last tenth is not used, because the two clocks may drift apart while
/// it runs.
const MARGIN: u32 = 10;

pub(super) struct State {
    held: Shards,
    /// Given back, but not yet in the database.
    giving: Shards,
    /// Time after which other nodes may hold them.
    until: Instant,
    /// The time since which shards are held that were held before.
    since: HashMap<Shard, Timestamp>,
    /// Cancelled when all shards are lost at once.
    lost: CancellationToken,
    changes: u64,
}

/// This node's shards according to the database.
pub(crate) struct Renewal {
    pub(crate) held: Shards,
    /// The shards of `held` that were taken just now and had been held before.
    pub(crate) taken: Vec<Shard>,
    pub(crate) taken_at: Timestamp,
    /// Time at which the database was asked. The lease counts from then on.
    pub(crate) asked: Instant,
    pub(crate) lease: Duration,
}

/// The shards that a renewal changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) gained: Shards,
    pub(crate) lost: Shards,
}

impl State {
    pub(super) fn none(now: Instant) -> Self {
        let lost = CancellationToken::new();
        lost.cancel();
        let (held, giving) = (Shards::default(), Shards::default());
        Self { held, giving, until: now, since: HashMap::new(), lost, changes: 0 }
    }

    pub(super) fn holds(&self, shard: Shard, now: Instant) -> bool {
        self.held.contains(shard) && self.is_current(now)
    }

    pub(super) fn held(&self, now: Instant) -> Shards {
        if self.is_current(now) { self.held } else { Shards::default() }
    }

    pub(super) fn is_current(&self, now: Instant) -> bool {
        now < self.until
    }

    pub(super) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    pub(super) fn until(&self) -> Instant {
        self.until
    }

    pub(super) fn lost(&self) -> CancellationToken {
        self.lost.clone()
    }

    pub(super) fn taken_at(&self, shard: Shard) -> Option<Timestamp> {
        self.since.get(&shard).copied()
    }

    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// Takes over a reply of the database. Shards given back stay so, whatever it says, until the database has recorded
    /// that.
    pub(super) fn renew(&mut self, renewal: Renewal) -> Moved {
        let Renewal { held, taken, taken_at, asked, lease } = renewal;
        let held = held.without(&self.giving);
        let moved = Moved { gained: held.without(&self.held), lost: self.held.without(&held) };
        self.held = held;
        self.until = asked + (lease - lease / MARGIN);
        self.forget(&moved.lost);
        self.since.extend(taken.into_iter().filter(|shard| held.contains(*shard)).map(|shard| (shard, taken_at)));
        self.changes += u64::from(moved != Moved::default());
        if self.lost.is_cancelled() {
            self.lost = CancellationToken::new();
        }
        moved
    }

    /// Gives these shards back: they are not held from here on.
    pub(super) fn give(&mut self, shards: &Shards) {
        self.held = self.held.without(shards);
        shards.iter().for_each(|shard| self.giving.insert(shard));
        self.forget(shards);
        self.changes += 1;
    }

    pub(super) fn giving(&self) -> Shards {
        self.giving
    }

    /// Records that the database has these shards as given back.
    pub(super) fn gave(&mut self, shards: &Shards) {
        self.giving = self.giving.without(shards);
    }

    /// Loses all shards at once. Returns those that were held.
    pub(super) fn lose(&mut self) -> Shards {
        self.lost.cancel();
        self.since.clear();
        self.changes += 1;
        std::mem::take(&mut self.held)
    }

    fn forget(&mut self, shards: &Shards) {
        self.since.retain(|shard, _| !shards.contains(*shard));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(10);
    const THEN: Timestamp = Timestamp::from_millis(1_000);
    const LATER: Timestamp = Timestamp::from_millis(2_000);

    fn shards<const N: usize>(shards: [Shard; N]) -> Shards {
        shards.into_iter().collect()
    }

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    type Change = fn(&mut State, Instant);

    /// A lease that was never granted, and the current time.
    fn nothing() -> (State, Instant) {
        let now = Instant::now();
        (State::none(now), now)
    }

    /// A lease of these shards, and the time it was asked for.
    fn holding<const N: usize>(held: [Shard; N]) -> (State, Instant) {
        let (mut state, asked) = nothing();
        state.renew(Renewal { held: shards(held), taken: Vec::new(), taken_at: THEN, asked, lease: LEASE });
        (state, asked)
    }

    impl State {
        /// Renews as if the database, asked at `asked`, said that the node holds these and took none of them.
        fn has<const N: usize>(&mut self, held: [Shard; N], asked: Instant) -> Moved {
            self.takes(held, [], THEN, asked)
        }

        fn takes<const N: usize, const M: usize>(
            &mut self,
            held: [Shard; N],
            taken: [Shard; M],
            taken_at: Timestamp,
            asked: Instant,
        ) -> Moved {
            self.renew(Renewal { held: shards(held), taken: taken.to_vec(), taken_at, asked, lease: LEASE })
        }
    }

    fn moved<const N: usize, const M: usize>(gained: [Shard; N], lost: [Shard; M]) -> Moved {
        Moved { gained: shards(gained), lost: shards(lost) }
    }

    #[test]
    fn a_lease_holds_until_a_tenth_of_it_is_left() {
        let (state, asked) = holding([7]);
        for (after, holds) in [(0.0, true), (5.0, true), (8.999, true), (9.0, false), (9.5, false), (11.0, false)] {
            let now = asked + seconds(after);
            let held = if holds { shards([7]) } else { Shards::default() };
            assert_eq!((state.holds(7, now), state.is_current(now)), (holds, holds), "after {after} s");
            assert_eq!((state.held(now), state.holds(8, now)), (held, false), "after {after} s");
        }
        assert_eq!(state.until(), asked + seconds(9.0));
        assert!(state.is_holding(), "it is to be lost yet");
    }

    #[test]
    fn a_renewal_counts_from_when_it_was_asked_for_and_for_as_long_as_the_lease() {
        let (mut state, asked) = holding([7]);
        state.has([7], asked + seconds(4.0));
        assert_eq!(state.until(), asked + seconds(13.0));
        let short = Renewal { held: shards([7]), taken: vec![], taken_at: THEN, asked, lease: seconds(1.0) };
        state.renew(short);
        assert_eq!(state.until(), asked + seconds(0.9));
    }

    #[test]
    fn a_lease_that_never_was_holds_nothing_and_is_lost() {
        let (state, now) = nothing();
        assert_eq!((state.holds(0, now), state.held(now), state.is_current(now)), (false, Shards::default(), false));
        assert_eq!((state.is_holding(), state.lost().is_cancelled(), state.taken_at(0)), (false, true, None));
    }

    #[test]
    fn a_lease_of_nothing_is_current_and_can_lose_nothing() {
        let (state, asked) = holding([]);
        assert_eq!((state.is_current(asked), state.is_holding()), (true, false));
        assert!(!state.is_current(asked + LEASE));
    }

    #[test]
    fn a_renewal_tells_what_came_and_what_went() {
        let (mut state, asked) = holding([1, 2]);
        let cases = [
            (shards([1, 2]), moved([], [])),
            (shards([2, 3]), moved([3], [1])),
            (shards([]), moved([], [2, 3])),
            (shards([1]), moved([1], [])),
        ];
        for (held, expected) in cases {
            let moved = state.renew(Renewal { held, taken: vec![], taken_at: THEN, asked, lease: LEASE });
            assert_eq!((moved, state.held(asked)), (expected, held));
        }
    }

    #[test]
    fn what_is_given_away_is_not_held_from_that_moment_on() {
        let (mut state, asked) = holding([1, 2]);
        state.give(&shards([1]));
        assert_eq!((state.held(asked), state.giving()), (shards([2]), shards([1])));
        assert!(!state.lost().is_cancelled(), "what is under way elsewhere goes on");
    }

    #[test]
    fn a_renewal_does_not_take_back_what_was_given_away_before_the_database_was_told() {
        let (mut state, asked) = holding([1, 2]);
        state.give(&shards([1]));
        for _ in 0..2 {
            assert_eq!((state.has([1, 2], asked), state.holds(1, asked)), (moved([], []), false));
        }
        state.gave(&shards([1]));
        assert_eq!((state.has([1, 2], asked), state.holds(1, asked)), (moved([1], []), true));
    }

    #[test]
    fn what_is_given_away_while_the_database_is_told_of_something_else_is_still_to_be_told() {
        let (mut state, asked) = holding([1, 2]);
        state.give(&shards([1]));
        let told = state.giving();
        state.give(&shards([2]));
        state.gave(&told);
        assert_eq!(state.giving(), shards([2]));
        assert_eq!((state.has([1, 2], asked), state.held(asked)), (moved([1], []), shards([1])));
    }

    #[test]
    fn what_was_given_away_stays_so_when_the_lease_is_lost() {
        let (mut state, asked) = holding([1, 2]);
        state.give(&shards([1]));
        assert_eq!(state.lose(), shards([2]));
        assert_eq!((state.has([1, 2], asked), state.giving()), (moved([2], []), shards([1])));
    }

    #[test]
    fn a_lease_that_is_lost_holds_nothing_and_ends_what_is_under_way() {
        let (mut state, asked) = holding([1, 2]);
        let lost = state.lost();
        state.has([1, 2], asked);
        assert!(!lost.is_cancelled(), "a renewal ends nothing");

        assert_eq!(state.lose(), shards([1, 2]));
        assert!(lost.is_cancelled() && state.lost().is_cancelled());
        assert_eq!((state.held(asked), state.is_holding(), state.lose()), (shards([]), false, shards([])));

        assert_eq!(state.has([1], asked), moved([1], []), "what is held again has come");
        assert!(lost.is_cancelled() && !state.lost().is_cancelled(), "what begins now is its own");
    }

    #[test]
    fn it_is_known_since_when_a_shard_is_held_that_was_held_before() {
        let gone: [(&str, Change); 3] = [
            ("given away", |state, _| {
                state.give(&shards([1]));
                state.gave(&shards([1]));
            }),
            ("taken away", |state, asked| {
                state.has([2], asked);
            }),
            ("lost with all others", |state, _| {
                state.lose();
            }),
        ];
        for (how, go) in gone {
            let (mut state, asked) = holding([2]);
            state.takes([1, 2], [1], THEN, asked);
            assert_eq!((state.taken_at(1), state.taken_at(2)), (Some(THEN), None));
            state.has([1, 2], asked);
            assert_eq!(state.taken_at(1), Some(THEN), "renewed");

            go(&mut state, asked);
            assert_eq!(state.taken_at(1), None, "{how}");
            state.takes([1, 2], [1], LATER, asked);
            assert_eq!(state.taken_at(1), Some(LATER), "{how}, and held again");
        }
    }

    #[test]
    fn nothing_is_known_of_a_shard_that_was_given_away_while_it_was_taken() {
        let (mut state, asked) = holding([2]);
        state.give(&shards([1]));
        state.takes([1, 2], [1], THEN, asked);
        assert_eq!(state.taken_at(1), None);
    }

    #[test]
    fn every_coming_and_going_counts_also_when_the_same_is_held_afterwards() {
        let (mut state, asked) = holding([1, 2]);
        let mut before = state.changes();
        state.has([1, 2], asked + LEASE / 3);
        assert_eq!(state.changes(), before, "nothing came or went");
        let comings_and_goings: [Change; 6] = [
            |state, asked| {
                state.has([1, 2, 3], asked);
            },
            |state, asked| {
                state.has([1, 2], asked);
            },
            |state, _| state.give(&shards([1])),
            |state, asked| {
                state.gave(&shards([1]));
                state.has([1, 2], asked);
            },
            |state, _| {
                state.lose();
            },
            |state, asked| {
                state.has([1, 2], asked);
            },
        ];
        for (number, come_or_go) in comings_and_goings.into_iter().enumerate() {
            come_or_go(&mut state, asked);
            assert!(state.changes() > before, "{number}");
            before = state.changes();
        }
    }
}
