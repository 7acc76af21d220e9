//! Reading a dialect: text or JSON in, the compiled dialect or all mistakes out.

use crate::dialect::Dialect;
use crate::document::Document;
use crate::limits::LONGEST;
use crate::mistake::{Mistake, Mistakes};
use crate::syntax::Readable;
use crate::{compile, interchange};

impl Dialect {
    /// Reads a dialect file. What it leaves out is as in `standard`.
    pub fn parse(text: &str) -> Result<Self, Vec<Mistake>> {
        if text.len() > LONGEST {
            let message = format!("a dialect file has at most {LONGEST} bytes, and this one {}", text.len());
            return Err(vec![Mistake { key: String::new(), line: None, message }]);
        }
        let readable = Readable::of(text);
        let (document, mut mistakes) = (Document::read(&readable.text), Mistakes::default());
        let dialect = document.file(&mut mistakes).map(|file| compile::dialect(file, &document.whole(), &mut mistakes));
        readable.add_to(mistakes).none_or(dialect).map(|dialect| dialect.expect("a file without mistakes is typed"))
    }

    /// Reads the same from JSON. Lines are told only of what is wrong with the JSON itself.
    pub fn from_json(json: &str) -> Result<Self, Vec<Mistake>> {
        let text = interchange::toml_from_json(json)?;
        Self::parse(&text).map_err(|mut mistakes| {
            mistakes.iter_mut().for_each(|mistake| mistake.line = None);
            mistakes
        })
    }
}
