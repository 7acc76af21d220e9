//! Foreign text on a card: cleaned, escaped so that it is no markup, and cut between characters.

/// Marks where text was cut off.
pub(super) const ELLIPSIS: char = '…';

/// Invisible separator between two characters that would be read together.
const ZERO_WIDTH_SPACE: char = '\u{200b}';

/// Stands in for text with no visible character.
const EMPTY: &str = "(empty)";

/// `text` on one line, at most `most` characters of it, never empty.
pub(super) fn one_line(text: &str, most: usize) -> String {
    or_empty(clean(text, most, |_| false))
}

/// `text` with its lines, at most `most` characters of it. `None` if there is nothing to see.
pub(super) fn lines(text: &str, most: usize) -> Option<String> {
    Some(clean(text, most, |c| c == '\n')).filter(|text| !text.is_empty())
}

fn or_empty(text: String) -> String {
    if text.is_empty() { EMPTY.to_owned() } else { text }
}

/// Drops invisible characters and those that turn the writing direction, and makes one space of many. Reads no further
/// than it must.
fn clean(text: &str, most: usize, kept: impl Fn(char) -> bool) -> String {
    let mut clean = String::new();
    let (mut count, mut gap) = (0, None);
    for c in text.chars().filter(|c| !is_invisible(*c)) {
        if c.is_whitespace() || c.is_control() {
            // A line's end outlasts the spaces around it.
            gap = if kept(c) || gap == Some('\n') { Some('\n') } else { Some(' ') };
            continue;
        }
        let space = gap.take().filter(|_| count > 0);
        if count + usize::from(space.is_some()) >= most {
            clean.push(ELLIPSIS);
            break;
        }
        count += 1 + usize::from(space.is_some());
        clean.extend(space);
        clean.push(c);
    }
    clean
}

/// Characters without a body: marks of direction, and spaces without width.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The way one character is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    AsItIs,
    /// Behind a backslash.
    Escaped,
    As(&'static str),
    /// Kept from what follows by a space without width.
    Apart,
}

/// Decides how a character is written, by the line before it and the text after it.
pub(super) type Escape = fn(line: &str, character: char, after: &str) -> Written;

/// Escapes `text` by `escape`, in at most `limit` characters. The part cut off is replaced by an ellipsis, and the cut
/// is never inside a character or its escape.
pub(super) fn fit(text: &str, limit: usize, escape: Escape) -> String {
    let mut out = String::new();
    let (mut used, mut room_for_ellipsis) = (0, 0);
    let mut line = 0;
    for (at, c) in text.char_indices() {
        let after = &text[at + c.len_utf8()..];
        let written = escape(&text[line..at], c, after);
        used += match written {
            Written::AsItIs => 1,
            Written::Escaped | Written::Apart => 2,
            Written::As(other) => count(other),
        };
        if used > limit {
            out.truncate(room_for_ellipsis);
            out.push(ELLIPSIS);
            return out;
        }
        match written {
            Written::AsItIs => out.push(c),
            Written::Escaped => out.extend(['\\', c]),
            Written::As(other) => out.push_str(other),
            Written::Apart => out.extend([c, ZERO_WIDTH_SPACE]),
        }
        if used < limit {
            room_for_ellipsis = out.len();
        }
        if c == '\n' {
            line = at + 1;
        }
    }
    out
}

/// Characters as Slack and Discord count them: code points.
pub(super) fn count(text: &str) -> usize {
    text.chars().count()
}

/// Escapes for Markdown, Discord's and that of Adaptive Cards; the backslash is escaped first of all. Emphasis, code,
/// links, mentions, headings, lists and quotes stay text, and so does `{{DATE(…)}}` of Adaptive Cards.
pub(super) fn in_markdown(line: &str, character: char, after: &str) -> Written {
    let line_begins = line.trim_start().is_empty();
    let escaped = match character {
        '\\' | '*' | '_' | '~' | '`' | '|' | '[' | ']' | '<' | '{' => true,
        '>' => line_begins,
        // A line of them makes a heading of the line before.
        '=' => line_begins,
        // Headings and lists have a space behind their marks; numbers below zero and `#17` have none.
        '#' | '-' | '+' => line_begins && !after.starts_with(char::is_alphanumeric),
        '.' if is_www(line) => true,
        '.' | ')' => is_number(line) && !after.starts_with(char::is_alphanumeric),
        // A bare URL would become a link.
        ':' => after.starts_with("//"),
        // Adaptive Cards would show what an HTML entity stands for.
        '&' => after.starts_with(|c: char| c == '#' || c.is_ascii_alphanumeric()),
        _ => false,
    };
    if escaped { Written::Escaped } else { in_plain_text(line, character, after) }
}

/// Escapes for text without markup, where mentions of everybody and `{{…}}` might still be read.
pub(super) fn in_plain_text(_: &str, character: char, after: &str) -> Written {
    let apart = match character {
        '@' => ["everyone", "here", "channel"].iter().any(|word| begins_with(after, word)),
        '{' => after.starts_with('{'),
        _ => false,
    };
    if apart { Written::Apart } else { Written::AsItIs }
}

/// True if the line so far is a number, which may begin a numbered list.
fn is_number(line: &str) -> bool {
    let number = line.trim_start();
    // Longer numbers begin no list (CommonMark, section 5.2); looking no further keeps long lines cheap.
    (1..=9).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// True if the dot that follows would make a URL without a scheme.
fn is_www(line: &str) -> bool {
    line.len().checked_sub(3).and_then(|at| line.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case("www"))
}

fn begins_with(text: &str, word: &str) -> bool {
    text.as_bytes().get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cleaned_of_what_cannot_be_seen() {
        let cases = [
            ("  a \t\n words ", "a words"),
            ("a\u{0}b\u{7}c", "a b c"),
            ("pay\u{202e}dne", "paydne"),
            ("\u{200b}\u{feff} \u{2028}", "(empty)"),
            ("", "(empty)"),
            ("abcdefghijk", "abcdefgh…"),
            ("abcdefg hijk", "abcdefg…"),
        ];
        for (text, expected) in cases {
            assert_eq!(one_line(text, 8), expected, "{text:?}");
        }
        assert_eq!(lines(" a \n\n b \r\n c", 100).as_deref(), Some("a\nb\nc"));
        assert_eq!(lines(" \n ", 100), None);
    }

    #[test]
    fn a_cut_is_never_inside_a_character_or_its_escape() {
        let cases = [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("a*b", 4, "a\\*b"),
            ("a*b", 3, "a…"),
            ("a**", 4, "a\\*…"),
            ("****", 1, "…"),
            ("🦀🦀🦀", 2, "🦀…"),
            ("@everyone", 3, "@\u{200b}…"),
        ];
        for (text, limit, expected) in cases {
            assert_eq!(fit(text, limit, in_markdown), expected, "{text} in {limit}");
        }
    }

    #[test]
    fn markdown_stays_text() {
        let cases = [
            ("[x](https://y.z)", "\\[x\\](https\\://y.z)"),
            ("# 1. - + >", "\\# 1. - + >"),
            ("> a\n- b\n-# c\n 12. d\n1) e", "\\> a\n\\- b\n\\-# c\n 12\\. d\n1\\) e"),
            ("1.50", "1.50"),
            ("-9.9", "-9.9"),
            ("#17", "#17"),
            ("---", "\\---"),
            ("7.", "7\\."),
            ("2026-01-31 09:30", "2026-01-31 09:30"),
            ("<@123> @here a@b.c", "\\<@123> @\u{200b}here a@b.c"),
            ("&lt; & &#42;", "\\&lt; & \\&#42;"),
            ("{{DATE(x)}}", "\\{\\{DATE(x)}}"),
            ("`a` **b** __c__ ~~d~~ ||e||", "\\`a\\` \\*\\*b\\*\\* \\_\\_c\\_\\_ \\~\\~d\\~\\~ \\|\\|e\\|\\|"),
        ];
        for (text, expected) in cases {
            assert_eq!(fit(text, 1000, in_markdown), expected, "{text}");
        }
    }
}
