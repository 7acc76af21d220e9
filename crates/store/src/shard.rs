//! Shards: the work is divided by id into 256 parts, each with one owner in the whole cluster.

use model::id::{Id, Kind};

pub type Shard = u8;

pub const COUNT: usize = 256;

/// The shard of an id. Ids end in random bytes, so shards are of even size.
pub fn of<K: Kind>(id: Id<K>) -> Shard {
    let [.., last] = *id.as_bytes();
    last
}

/// A set of shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shards([u64; COUNT / 64]);

impl Shards {
    pub const ALL: Self = Self([u64::MAX; COUNT / 64]);

    pub const fn contains(&self, shard: Shard) -> bool {
        self.0[shard as usize / 64] & (1 << (shard % 64)) != 0
    }

    pub const fn insert(&mut self, shard: Shard) {
        self.0[shard as usize / 64] |= 1 << (shard % 64);
    }

    pub const fn remove(&mut self, shard: Shard) {
        self.0[shard as usize / 64] &= !(1 << (shard % 64));
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub fn len(&self) -> usize {
        self.0.iter().map(|part| part.count_ones() as usize).sum()
    }

    pub fn iter(&self) -> impl Iterator<Item = Shard> {
        let all = *self;
        (0..=Shard::MAX).filter(move |shard| all.contains(*shard))
    }

    /// The shards that are not in `other`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|part| self.0[part] & !other.0[part]))
    }
}

impl FromIterator<Shard> for Shards {
    fn from_iter<I: IntoIterator<Item = Shard>>(shards: I) -> Self {
        let mut all = Self::default();
        shards.into_iter().for_each(|shard| all.insert(shard));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_shards_holds_what_was_put_in() {
        let odd: Shards = (0..=Shard::MAX).filter(|shard| shard % 2 == 1).collect();
        assert_eq!((odd.len(), odd.contains(63), odd.contains(64), odd.contains(255)), (128, true, false, true));
        let even = Shards::ALL.without(&odd);
        assert_eq!(even.iter().collect::<Vec<_>>(), (0..=Shard::MAX).step_by(2).collect::<Vec<_>>());
        let mut one = Shards::default();
        one.insert(7);
        one.remove(7);
        assert!(one.is_empty());
    }
}
