//! The pool of permits that lanes take turns for. A permit is held from before an attempt is sent until it is recorded.

/// While more than this share of the pool is free, a lane may take what its pace allows; below, only an equal share.
const AMPLE: usize = 2;

/// Endpoints that do not answer hold at most this part of the pool, all together.
const SUSPECTS: usize = 4;

#[derive(Debug)]
pub(crate) struct Permits {
    total: usize,
    taken: usize,
    taken_by_suspects: usize,
    /// Lanes that hold at least one.
    sharers: usize,
}

/// A lane's claim on the pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    /// What it has in flight already.
    pub(crate) in_flight: usize,
    pub(crate) suspect: bool,
}

impl Permits {
    pub(crate) fn new(total: usize) -> Self {
        Self { total: total.max(1), taken: 0, taken_by_suspects: 0, sharers: 0 }
    }

    pub(crate) fn any_left(&self) -> bool {
        self.taken < self.total
    }

    /// Whether nobody needs to share them.
    pub(crate) fn are_ample(&self) -> bool {
        self.total - self.taken > self.total / AMPLE
    }

    /// Takes a permit, or not: the pool is empty, or others need it more.
    pub(crate) fn take(&mut self, claim: Claim) -> bool {
        if !self.any_left() || !self.is_fair(claim) {
            return false;
        }
        self.taken += 1;
        self.taken_by_suspects += usize::from(claim.suspect);
        self.sharers += usize::from(claim.in_flight == 0);
        true
    }

    /// The endpoint has answered, or been given up on: the lane's turn is over, the record is still to come.
    pub(crate) fn answered(&mut self, was_suspect: bool, left_in_flight: usize) {
        self.taken_by_suspects -= usize::from(was_suspect);
        self.sharers -= usize::from(left_in_flight == 0);
    }

    /// Undoes a [`take`](Self::take) that came to nothing.
    pub(crate) fn put_back(&mut self, claim: Claim) {
        self.answered(claim.suspect, claim.in_flight);
        self.give_back();
    }

    /// The record is on disk.
    pub(crate) fn give_back(&mut self) {
        self.taken -= 1;
    }

    fn is_fair(&self, claim: Claim) -> bool {
        if claim.suspect && self.taken_by_suspects >= (self.total / SUSPECTS).max(1) {
            return false;
        }
        self.are_ample() || claim.in_flight < (self.total / (self.sharers + 1)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healthy(in_flight: usize) -> Claim {
        Claim { in_flight, suspect: false }
    }

    #[test]
    fn one_lane_cannot_take_the_pool_from_others() {
        let mut permits = Permits::new(100);
        let first = (0..100).filter(|held| permits.take(healthy(*held))).count();
        assert_eq!(first, 50, "half the pool while nobody else wants any");
        let second = (0..100).filter(|held| permits.take(healthy(*held))).count();
        assert_eq!(second, 33, "an equal share when it is getting tight");
        assert!(permits.take(healthy(0)), "a third always finds some");
    }

    #[test]
    fn endpoints_that_do_not_answer_share_a_quarter() {
        let mut permits = Permits::new(100);
        let silent = (0..100).filter(|_| permits.take(Claim { in_flight: 0, suspect: true })).count();
        assert_eq!(silent, 25);
        assert!(permits.take(healthy(0)));
        permits.answered(true, 0);
        assert!(permits.take(Claim { in_flight: 0, suspect: true }));
    }

    #[test]
    fn a_permit_is_held_until_it_is_given_back() {
        let mut permits = Permits::new(1);
        assert!(permits.take(healthy(0)));
        permits.answered(false, 0);
        assert!(!permits.take(healthy(0)));
        permits.give_back();
        assert!(permits.take(healthy(0)));
    }
}
