//! Reads a dialect: text or JSON in, the compiled dialect or all diagnostics out.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::dialect::Dialect;
use crate::document::Document;
use crate::limits::LONGEST;
use crate::syntax::Readable;
use crate::{compile, toml_json};

impl Dialect {
    /// Reads a dialect file. Keys that it leaves out are as in `standard`.
    pub fn parse(text: &str) -> Result<Self, Vec<Diagnostic>> {
        if text.len() > LONGEST {
            let message = format!("a dialect file has at most {LONGEST} bytes, and this one {}", text.len());
            return Err(vec![Diagnostic { key: String::new(), line: None, message }]);
        }
        let readable = Readable::of(text);
        let (document, mut diagnostics) = (Document::read(&readable.text), Diagnostics::default());
        let dialect =
            document.file(&mut diagnostics).map(|file| compile::dialect(file, &document.whole(), &mut diagnostics));
        readable.add_to(diagnostics).none_or(dialect).map(|dialect| dialect.expect("a file without mistakes is typed"))
    }

    /// Reads a dialect from JSON. Only errors in the JSON itself have line numbers.
    pub fn from_json(json: &str) -> Result<Self, Vec<Diagnostic>> {
        let text = toml_json::toml_from_json(json)?;
        Self::parse(&text).map_err(|mut diagnostics| {
            diagnostics.iter_mut().for_each(|diagnostic| diagnostic.line = None);
            diagnostics
        })
    }
}
