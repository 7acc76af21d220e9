//! A line with slots, such as the value of a header.

use std::fmt::{self, Write};
use std::sync::Arc;

use model::attempt::{Failure, FailureKind};

use crate::fill::{Hole, Slots};
use crate::root::{Addressee, Occasion, Root};
use crate::slot::{self, Piece};

/// What is filled in may be an event's whole data; receivers refuse headers long before this.
const LONGEST: usize = 8 * 1024;

#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pieces: Vec<Piece<Hole>>,
    slots: Slots,
}

/// A header of a dialect's own.
#[derive(Clone, Debug)]
pub(crate) struct HeaderLine {
    /// In lower case.
    pub(crate) name: Arc<str>,
    pub(crate) line: Line,
    /// A credential, by its mark or its name: masked wherever it is kept or shown.
    pub(crate) secret: bool,
}

impl Line {
    /// Reads a line, or says all that is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, Vec<String>> {
        let mut slots = Slots::default();
        let pieces = slot::pieces(text, |slot| {
            let hole = slots.add_in_header(slot)?;
            let json = format!("a header holds text: write {{{{{}}}}} without the json filter", slot.path);
            if hole.json { Err(json) } else { Ok(hole) }
        })?;
        Ok(Self { pieces, slots })
    }

    /// The text between the slots.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(&**text),
            Piece::Slot(_) => None,
        })
    }

    /// The line's pieces, with the roots in its slots; `None` is a slot that says more than a root alone.
    pub(crate) fn roots(&self) -> Vec<Piece<Option<Root>>> {
        let root = |piece: &Piece<Hole>| match piece {
            Piece::Text(text) => Piece::Text(text.clone()),
            Piece::Slot(hole) => Piece::Slot(hole.root()),
        };
        self.pieces.iter().map(root).collect()
    }

    /// Appends the line to `out`, and the paths into values that lead nowhere to `missing`.
    pub(crate) fn write(
        &self,
        occasion: &Occasion<'_>,
        addressee: &Addressee,
        out: &mut String,
        missing: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let filled = self.slots.fill(occasion, addressee)?;
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Slot(hole) => {
                    filled.with(*hole, |value| value.write_text(&mut Bounded(out))).map_err(|fmt::Error| too_long())?;
                    filled.note(*hole, false, missing);
                }
            }
        }
        Ok(())
    }
}

fn too_long() -> Failure {
    let message = format!("a header would have more than {LONGEST} bytes: name a smaller part of the event in it");
    Failure::new(FailureKind::Render, message)
}

/// Takes no more than a header may have.
struct Bounded<'s>(&'s mut String);

impl Write for Bounded<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > LONGEST {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}
