//! Words written for a setting in one place.

use super::mistake::Place;

/// What was written for a setting in one place, a word for each item of a list.
pub(super) type Words = Vec<Word>;

#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) place: Place,
}
