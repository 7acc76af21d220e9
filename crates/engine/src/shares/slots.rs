//! Values by small numbers, which stay theirs until they are taken out: access on an event's way costs no hashing.

use std::ops::{Index, IndexMut};

#[derive(Debug)]
pub(super) struct Slots<T> {
    values: Vec<Option<T>>,
    vacant: Vec<usize>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { values: Vec::new(), vacant: Vec::new() }
    }
}

impl<T> Slots<T> {
    pub(super) fn put(&mut self, value: T) -> usize {
        match self.vacant.pop() {
            Some(at) => {
                self.values[at] = Some(value);
                at
            }
            None => {
                self.values.push(Some(value));
                self.values.len() - 1
            }
        }
    }

    pub(super) fn take(&mut self, at: usize) -> Option<T> {
        let value = self.values[at].take();
        if value.is_some() {
            self.vacant.push(at);
        }
        value
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.values.len() - self.vacant.len()
    }
}

impl<T> Index<usize> for Slots<T> {
    type Output = T;

    fn index(&self, at: usize) -> &T {
        self.values[at].as_ref().expect("who has a number has not taken its value out")
    }
}

impl<T> IndexMut<usize> for Slots<T> {
    fn index_mut(&mut self, at: usize) -> &mut T {
        self.values[at].as_mut().expect("who has a number has not taken its value out")
    }
}
