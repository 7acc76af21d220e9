//! Body templates: JSON whose strings hold slots, cut once into fixed text and slots.

mod cutter;

use std::fmt::{self, Write};

use model::attempt::Failure;
use model::json::{DEEPEST, is_deeper, why_broken};
use serde_json::value::RawValue;

use self::cutter::Cutter;
use crate::exactly::exactly;
use crate::resolve::{CompiledSlot, ResolvedSlots, Slots};
use crate::slot::{self, Segment};
pub use crate::variable::{EndpointInfo, RenderContext};

/// Maximum bytes of a template.
const LONGEST: usize = 64 * 1024;
/// Maximum bytes of a body rendered by an endpoint's template.
const LONGEST_RESULT: usize = 256 * 1024;

/// A compiled body. It writes JSON without spaces of its own, whatever the data.
#[derive(Clone, Debug, Default)]
pub struct Template {
    pub(crate) segments: Vec<Segment<CompiledSlot>>,
    pub(crate) slots: Slots,
}

/// A body, and the paths in it that had no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub body: Vec<u8>,
    /// The paths that led nowhere, each once, in the order of the template.
    pub missing: Vec<String>,
}

impl Template {
    /// Reads a template, or returns all errors in it, each with its position as a JSON pointer (RFC 6901).
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        if text.len() > LONGEST {
            return Err(vec![format!("a template has at most {LONGEST} bytes, and this one {}", text.len())]);
        }
        let json: &RawValue = serde_json::from_str(text).map_err(|error| vec![not_json(text, &error)])?;
        if is_deeper(text, DEEPEST) {
            return Err(vec![format!("objects and lists stand at most {DEEPEST} levels inside each other")]);
        }
        let mut cutter = Cutter::default();
        cutter.json(json.get());
        cutter.finish().map(|(segments, slots)| Self { segments, slots })
    }

    /// Renders the body by an endpoint's own template.
    pub fn render(&self, context: &RenderContext<'_>, endpoint: &EndpointInfo) -> Result<Rendered, Failure> {
        let resolved = self.slots.resolve(context, endpoint)?;
        let body = exactly(LONGEST_RESULT, |out| self.write(&resolved, out))?;
        Ok(Rendered { body, missing: self.missing(&resolved, true) })
    }

    pub(crate) fn write(&self, resolved: &ResolvedSlots<'_>, out: &mut dyn Write) -> fmt::Result {
        for segment in &self.segments {
            match segment {
                Segment::Text(text) => out.write_str(text)?,
                Segment::Slot(compiled) if compiled.json => resolved.with(*compiled, |value| value.write_json(out))?,
                Segment::Slot(compiled) => resolved.with(*compiled, |value| value.write_inside_string(out))?,
            }
        }
        Ok(())
    }

    /// The paths that lead nowhere; with `roots`, also the variables that the event or endpoint does not have at all.
    pub(crate) fn missing(&self, resolved: &ResolvedSlots<'_>, roots: bool) -> Vec<String> {
        let mut missing = Vec::new();
        for segment in &self.segments {
            if let Segment::Slot(compiled) = segment {
                resolved.note(*compiled, roots, &mut missing);
            }
        }
        missing
    }
}

fn not_json(text: &str, error: &serde_json::Error) -> String {
    let why = why_broken(text, error);
    if slot::has_slots(text) {
        return format!("{why}. Slots stand inside strings, and \"{{{{… | json}}}}\" alone in one is the value itself");
    }
    why
}
