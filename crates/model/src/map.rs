//! Maps and sets by keys that we made ourselves.
//!
//! Such keys cannot be chosen from outside so that they collide, which std's hashing is proof against and slow for.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

pub type Map<K, V> = HashMap<K, V, RandomState>;
pub type Set<K> = HashSet<K, RandomState>;
