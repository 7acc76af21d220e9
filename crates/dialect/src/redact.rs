//! Masks the credentials in a dialect's file, for readers who must not have them.

use std::borrow::Cow;
use std::ops::Range;

use model::mask;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Masks the values of headers that are credentials by their names, or because they are marked. All else stays as it
/// was written, comments and all.
pub fn without_credentials(text: &str) -> Cow<'_, str> {
    let (table, _) = DeTable::parse_recoverable(text);
    let Some(DeValue::Table(headers)) = table.get_ref().get("headers").map(Spanned::get_ref) else {
        return text.into();
    };
    let mut secret: Vec<Range<usize>> =
        headers.iter().filter_map(|(name, value)| credential(name.get_ref(), value)).collect();
    if secret.is_empty() {
        return text.into();
    }
    secret.sort_by_key(|span| span.start);
    let mut masked = String::with_capacity(text.len());
    let mut end = 0;
    for span in secret {
        masked += &text[end..span.start];
        masked.push('"');
        masked += mask::MASK;
        masked.push('"');
        end = span.end;
    }
    masked += &text[end..];
    masked.into()
}

/// The value's range in the text, if it is to be masked.
fn credential(name: &str, value: &Spanned<DeValue<'_>>) -> Option<Range<usize>> {
    match value.get_ref() {
        DeValue::Table(marked) => {
            let is_marked = matches!(marked.get("secret").map(Spanned::get_ref), Some(DeValue::Boolean(true)));
            marked.get("value").filter(|_| is_marked || mask::looks_secret(name)).map(Spanned::span)
        }
        _ => mask::looks_secret(name).then(|| value.span()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_masked_and_nothing_else_is_changed() {
        let text = "name = 'acme' # ours\n[headers]\nX-Acme-Event = \"{{event.type}}\"\nAuthorization = 'Bearer abc'\n\
                    X-Plain = { value = \"s3cr3t\", secret = true }\nX-Open = { value = \"seen\", secret = false }\n\
                    X-Api-Key = { value = '''also''' }\n[retry]\njitter = 0.1\n";
        let expected = "name = 'acme' # ours\n[headers]\nX-Acme-Event = \"{{event.type}}\"\nAuthorization = \"••••••\"\n\
                    X-Plain = { value = \"••••••\", secret = true }\nX-Open = { value = \"seen\", secret = false }\n\
                    X-Api-Key = { value = \"••••••\" }\n[retry]\njitter = 0.1\n";
        assert_eq!(without_credentials(text), expected);
        for whole in ["", "name = 'x'", "[headers]\nX-A = 'b'\n", "not TOML ["] {
            assert!(matches!(without_credentials(whole), Cow::Borrowed(_)), "{whole}");
        }
    }
}
