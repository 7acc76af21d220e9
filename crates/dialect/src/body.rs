//! A dialect's own body: its template, and the value whose members stand beside those of the template.

use crate::raw;
use crate::root::{Addressee, Occasion, Root, Value};
use crate::template::Template;

#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    template: Template,
    spread: Option<Spread>,
}

/// A value whose members go to the top level.
#[derive(Clone, Debug)]
struct Spread {
    root: Root,
    /// Inside of it.
    path: Vec<String>,
    /// Members that the template has and the value does not get to say again.
    taken: Vec<String>,
}

impl Body {
    pub(crate) fn of(template: Template) -> Self {
        Self { template, spread: None }
    }

    /// The members of the value go to the object that `text` is the template of.
    pub(crate) fn spreading(template: Template, text: &str, (root, path): (Root, Vec<String>)) -> Result<Self, String> {
        if !raw::is_object(text) {
            return Err("members are spread into an object, and body.template is none: write { … }".to_owned());
        }
        let taken = raw::members(text).map(|member| raw::text(member.key).into_owned()).collect();
        Ok(Self { template, spread: Some(Spread { root, path, taken }) })
    }

    /// Whether the event's data itself is spread, and so has to be an object.
    pub(crate) fn spreads_data(&self) -> bool {
        self.spread.as_ref().is_some_and(|spread| spread.root == Root::EventData && spread.path.is_empty())
    }

    pub(crate) fn render(&self, occasion: &Occasion<'_>, addressee: &Addressee) -> Vec<u8> {
        let mut body = self.template.render(occasion, addressee);
        if let Some(spread) = &self.spread {
            spread.append(&mut body, spread.value(occasion, addressee).unwrap_or_default());
        }
        body
    }
}

impl Spread {
    fn value<'a>(&self, occasion: &'a Occasion<'_>, addressee: &'a Addressee) -> Option<&'a str> {
        let Value::Json(json) = self.root.value(occasion, addressee) else { return None };
        self.path.iter().try_fold(json, |json, word| raw::find(json, word))
    }

    /// Puts the members of `object` in front of the brace that closes `body`, as they are written.
    fn append(&self, body: &mut Vec<u8>, object: &str) {
        let brace = body.pop();
        for member in raw::members(object) {
            let name = raw::text(member.key);
            if self.taken.iter().any(|taken| *taken == name) {
                continue;
            }
            if body.last() != Some(&b'{') {
                body.push(b',');
            }
            body.extend_from_slice(member.whole.as_bytes());
        }
        body.extend(brace);
    }
}
