//! A pool of permits with several holders, and the number that one may hold: a newcomer always finds one.
//!
//! No holder is made to give a permit back, so what is left decides: one that holds as many as are free takes no more.
//! Each newcomer finds half of what the one before it left, and once all have had their turn each holds the same share,
//! total / (holders + 1).

/// While more than one permit in this many is free, holders need not share.
const AMPLE: usize = 2;

/// One permit in this many is kept for those that hold none.
const RESERVE: usize = 8;

#[derive(Clone, Debug)]
pub(super) struct Pool {
    total: usize,
    taken: usize,
    /// Those that hold at least one.
    holders: usize,
}

impl Pool {
    pub(super) fn new(total: usize) -> Self {
        Self { total: total.max(1), taken: 0, holders: 0 }
    }

    pub(super) fn any_left(&self) -> bool {
        self.taken < self.total
    }

    pub(super) fn is_ample(&self) -> bool {
        self.free() > self.total / AMPLE
    }

    /// True if a holder of `held` may have one more: as many as it likes while there are plenty or nobody else holds
    /// any, otherwise no more than its share.
    pub(super) fn grants(&self, held: usize) -> bool {
        self.is_ample() || (self.is_alone(held) && self.free() > self.reserve()) || self.grants_a_share(held)
    }

    /// The same, without ever more than a share.
    pub(super) fn grants_a_share(&self, held: usize) -> bool {
        self.any_left() && (held == 0 || held < self.free().saturating_sub(self.reserve()))
    }

    /// The number that a holder of `held` may come to hold.
    pub(super) fn share(&self, held: usize) -> usize {
        if self.is_alone(held) {
            return self.total - self.reserve();
        }
        usize::midpoint(held, self.free().saturating_sub(self.reserve())).max(1)
    }

    /// Gives one more to a holder that held `held` before.
    pub(super) fn take(&mut self, held: usize) {
        self.taken += 1;
        self.holders += usize::from(held == 0);
    }

    /// Takes one from a holder that holds `held` afterwards.
    pub(super) fn give_back(&mut self, held: usize) {
        self.taken -= 1;
        self.holders -= usize::from(held == 0);
    }

    fn free(&self) -> usize {
        self.total - self.taken
    }

    fn reserve(&self) -> usize {
        self.total / RESERVE
    }

    fn is_alone(&self, held: usize) -> bool {
        self.holders <= usize::from(held > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes as many as are granted, and returns their number.
    fn fill(pool: &mut Pool, mut held: usize, may: impl Fn(&Pool, usize) -> bool) -> usize {
        let before = held;
        while may(pool, held) {
            pool.take(held);
            held += 1;
        }
        held - before
    }

    #[test]
    fn one_alone_may_have_all_but_a_reserve_and_those_who_come_share_what_is_left() {
        let mut pool = Pool::new(1024);
        assert_eq!(fill(&mut pool, 0, Pool::grants), 896);
        let newcomers: Vec<usize> = (0..5).map(|_| fill(&mut pool, 0, Pool::grants)).collect();
        assert_eq!(newcomers, [1; 5], "the reserve is for many that want one");
        assert!(!pool.grants(896), "who was alone is not any more");
    }

    #[test]
    fn nobody_in_need_is_left_with_nothing_while_others_hold_more_than_one() {
        let mut pool = Pool::new(512);
        let held: Vec<usize> = (0..6).map(|_| fill(&mut pool, 0, Pool::grants_a_share)).collect();
        assert_eq!(held, [224, 112, 56, 28, 14, 7]);
        let more: usize = (0..64).map(|_| fill(&mut pool, 0, Pool::grants_a_share)).sum();
        assert!(more >= 64, "each of 64 more finds one");
    }

    #[test]
    fn in_the_end_all_hold_the_same() {
        let mut pool = Pool::new(512);
        let mut held = [0_usize; 3];
        for turn in 0..100_000 {
            let one = turn % 3;
            if pool.grants_a_share(held[one]) {
                pool.take(held[one]);
                held[one] += 1;
            } else if held[one] > 0 {
                held[one] -= 1;
                pool.give_back(held[one]);
            }
        }
        assert!(held.iter().all(|held| held.abs_diff(448 / 4) <= 2), "{held:?}");
    }

    #[test]
    fn a_pool_of_one_is_for_whoever_comes_first() {
        let mut pool = Pool::new(0);
        assert!(pool.grants(0) && pool.grants_a_share(0));
        pool.take(0);
        assert!(!pool.grants(0) && !pool.grants_a_share(0) && !pool.any_left());
        pool.give_back(0);
        assert!(pool.grants(0));
    }
}
