//! The template of a header's value: one line of text with slots.

use std::fmt::{self, Write};
use std::sync::Arc;

use model::attempt::{Failure, FailureKind};

use crate::resolve::{CompiledSlot, Slots};
use crate::slot::{self, Segment};
use crate::variable::{EndpointInfo, RenderContext, Variable};

/// Maximum bytes of a rendered value. A slot may hold an event's whole data; receivers refuse headers long before this.
const LONGEST: usize = 8 * 1024;

#[derive(Clone, Debug, Default)]
pub(crate) struct HeaderTemplate {
    segments: Vec<Segment<CompiledSlot>>,
    slots: Slots,
}

/// A header of a dialect's own.
#[derive(Clone, Debug)]
pub(crate) struct DialectHeader {
    /// In lower case.
    pub(crate) name: Arc<str>,
    pub(crate) template: HeaderTemplate,
    /// A credential, by its mark or its name: masked wherever it is kept or shown.
    pub(crate) secret: bool,
}

impl HeaderTemplate {
    /// Reads a template, or returns all errors in it.
    pub(crate) fn parse(text: &str) -> Result<Self, Vec<String>> {
        let mut slots = Slots::default();
        let segments = slot::segments(text, |slot| {
            let compiled = slots.add_in_header(slot)?;
            let json = format!("a header holds text: write {{{{{}}}}} without the json filter", slot.path);
            if compiled.json { Err(json) } else { Ok(compiled) }
        })?;
        Ok(Self { segments, slots })
    }

    /// The text between the slots.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Text(text) => Some(&**text),
            Segment::Slot(_) => None,
        })
    }

    /// The template's segments, with the variables in its slots; `None` is a slot that is more than a variable alone.
    pub(crate) fn variables(&self) -> Vec<Segment<Option<Variable>>> {
        let variable = |segment: &Segment<CompiledSlot>| match segment {
            Segment::Text(text) => Segment::Text(text.clone()),
            Segment::Slot(compiled) => Segment::Slot(compiled.variable()),
        };
        self.segments.iter().map(variable).collect()
    }

    /// Appends the rendered value to `out`, and the paths into values that lead nowhere to `missing`.
    pub(crate) fn write(
        &self,
        context: &RenderContext<'_>,
        endpoint: &EndpointInfo,
        out: &mut String,
        missing: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let resolved = self.slots.resolve(context, endpoint)?;
        for segment in &self.segments {
            match segment {
                Segment::Text(text) => out.push_str(text),
                Segment::Slot(compiled) => {
                    resolved
                        .with(*compiled, |value| value.write_text(&mut Bounded(out)))
                        .map_err(|fmt::Error| too_long())?;
                    resolved.note(*compiled, false, missing);
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

/// Writes at most [`LONGEST`] bytes.
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
