//! A dialect's own body: its template, and the value whose members stand beside those of the template.

use std::fmt::{self, Write};

use model::attempt::Failure;

use crate::exactly::exactly;
use crate::paths::Paths;
use crate::raw;
use crate::resolve::CompiledSlot;
use crate::slot::{self, Segment};
use crate::template::{Rendered, Template};
use crate::variable::{EndpointInfo, RenderContext, Variable};

/// Twice what an event's data may have: room for a template that shows it in more than one place.
const LONGEST: usize = 32 * 1024 * 1024;

#[derive(Clone, Debug, Default)]
pub(crate) struct BodyTemplate {
    template: Template,
    spread: Option<Spread>,
}

/// A value whose members go to the top level.
#[derive(Clone, Debug)]
struct Spread {
    value: Spreadable,
    /// Members of the template: the value's members of these names are left out.
    taken: Vec<String>,
}

/// A value that can have members.
#[derive(Clone, Debug)]
pub(crate) struct Spreadable {
    variable: Variable,
    paths: Paths,
    /// Its number in `paths`, if it is not the variable itself.
    inside: Option<usize>,
}

impl BodyTemplate {
    pub(crate) fn of(template: Template) -> Self {
        Self { template, spread: None }
    }

    /// Writes the members of `value` into the object that `text` is the template of.
    pub(crate) fn spreading(mut template: Template, text: &str, value: Spreadable) -> Result<Self, String> {
        if !raw::is_object(text) {
            return Err("members are spread into an object, and body.template is none: write { … }".to_owned());
        }
        // The closing brace is written behind the members.
        if let Some(Segment::Text(last)) = template.segments.last_mut() {
            *last = last.strip_suffix('}').unwrap_or(last).into();
        }
        let taken = raw::members(text).map(|member| raw::text(member.key).into_owned()).collect();
        Ok(Self { template, spread: Some(Spread { value, taken }) })
    }

    /// True if the event's data itself is spread, and so has to be an object.
    pub(crate) fn spreads_data(&self) -> bool {
        let is_data = |value: &Spreadable| value.variable == Variable::EventData && value.inside.is_none();
        self.spread.as_ref().is_some_and(|spread| is_data(&spread.value))
    }

    /// True if a slot of the template is just this variable.
    pub(crate) fn shows(&self, variable: Variable) -> bool {
        let is_root = |segment: &Segment<CompiledSlot>| matches!(segment, Segment::Slot(compiled) if compiled.variable() == Some(variable));
        self.template.segments.iter().any(is_root)
    }

    pub(crate) fn render(&self, context: &RenderContext<'_>, endpoint: &EndpointInfo) -> Result<Rendered, Failure> {
        let resolved = self.template.slots.resolve(context, endpoint)?;
        let body = match &self.spread {
            None => exactly(LONGEST, |out| self.template.write(&resolved, out)),
            Some(spread) => {
                let object = spread.value.on(context).unwrap_or_default();
                exactly(LONGEST, |out| {
                    self.template.write(&resolved, out)?;
                    spread.write(object, out)
                })
            }
        }?;
        Ok(Rendered { body, missing: self.template.missing(&resolved, false) })
    }
}

impl Spread {
    /// Writes the members of `object` as they are written there, and closes the body.
    fn write(&self, object: &str, out: &mut dyn Write) -> fmt::Result {
        let mut comma = if self.taken.is_empty() { "" } else { "," };
        for member in raw::members(object) {
            let name = raw::text(member.key);
            if !self.taken.iter().any(|taken| *taken == name) {
                out.write_str(comma)?;
                out.write_str(member.whole)?;
                comma = ",";
            }
        }
        out.write_char('}')
    }
}

impl Spreadable {
    pub(crate) fn named(path: &str) -> Result<Self, String> {
        let named = Variable::named(path).ok().filter(|(variable, _)| variable.has_members() && slot::is_path(path));
        let (variable, words) = named.ok_or_else(|| {
            format!("`{path}` is nothing with members: write event.data, brand or workflow, or a path inside of one")
        })?;
        let mut paths = Paths::default();
        let inside = if words.is_empty() { None } else { Some(paths.add(variable, &words)?) };
        Ok(Self { variable, paths, inside })
    }

    fn on<'a>(&self, context: &RenderContext<'a>) -> Option<&'a str> {
        match self.inside {
            Some(path) => self.paths.find(|variable| variable.json(context)).get(path),
            None => self.variable.json(context),
        }
    }
}
