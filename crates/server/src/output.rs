//! The one door to standard output and standard error, and how tables and blocks look there.

mod style;
mod table;
mod text;

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use serde_json::value::RawValue;

use self::text::one_line;

pub use self::style::OutputStyle;
pub use self::table::table;
pub use self::text::harmless;

/// Writes `text` to standard output and flushes it. A reader that went away (`posthaste … | head`) is no error.
pub fn print(text: &str) -> io::Result<()> {
    written(io::stdout().lock(), text)
}

/// Writes `text` and a line break to standard error. If even that fails, there is nobody left to tell.
pub fn print_error(text: &str) {
    let _ = written(io::stderr().lock(), &format!("{text}\n"));
}

/// Whether the person at the terminal wants it. Where there is none, who typed the command has decided.
pub fn confirmed(question: &str) -> io::Result<bool> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(true);
    }
    let _ = written(io::stderr().lock(), &format!("{question} [y/N] "));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn written(mut out: impl Write, text: &str) -> io::Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Names and values below each other.
pub fn block(pairs: &[(String, String)]) -> String {
    let widest = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in pairs {
        writeln!(text, "{name:<widest$}  {}", one_line(value)).expect("a String takes everything");
    }
    text
}

/// JSON on indented lines. Numbers, strings and the order of members stay as they came, controls are escaped.
pub fn pretty(json: &RawValue) -> String {
    let (mut out, mut depth) = (String::new(), 0_usize);
    let mut rest = json.get().chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\n' | '\r' | '\t' => {}
            '"' => {
                out.push('"');
                copy_string(&mut rest, &mut out);
            }
            '{' | '[' => {
                out.push(c);
                while rest.next_if(|c| c.is_ascii_whitespace()).is_some() {}
                if let Some(end) = rest.next_if(|c| matches!(c, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    break_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                break_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(',');
                break_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c => out.push(c),
        }
    }
    out
}

/// Up to the closing quotation mark, which is copied too.
fn copy_string(rest: &mut impl Iterator<Item = char>, out: &mut String) {
    while let Some(c) = rest.next() {
        match c {
            // DEL and the C1 controls: JSON lets them stand, some terminals obey them.
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
        match c {
            '"' => return,
            '\\' => out.extend(rest.next()),
            _ => {}
        }
    }
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_cannot_steer_the_terminal() {
        let text = table(&["ID", "BODY"], &[vec!["1".into(), "a\u{1b}[2Jb\r\nc\u{9b}".into()]], OutputStyle::default());
        assert!(!text.contains('\u{1b}') && !text.contains('\r') && !text.contains('\u{9b}'), "{text:?}");
        assert_eq!(text.lines().count(), 2);
        let block = block(&[("name".into(), "a\nb".into()), ("id".into(), "\u{7}".into())]);
        assert_eq!(block, "name  a b\nid    \u{fffd}\n");
    }

    #[test]
    fn json_is_indented_and_otherwise_as_it_came() {
        let cases = [
            (
                r#"{"b":1.00,"a":[1,{"x":"\"[{,:"}],"e":{},"f":[ ]}"#,
                "{\n  \"b\": 1.00,\n  \"a\": [\n    1,\n    {\n      \"x\": \"\\\"[{,:\"\n    }\n  ],\n  \"e\": {},\n  \"f\": []\n}",
            ),
            (" \"a b\" ", "\"a b\""),
            ("12345678901234567890123", "12345678901234567890123"),
            ("\"a\u{9b}\"", r#""a\u009b""#),
        ];
        for (text, expected) in cases {
            assert_eq!(pretty(serde_json::from_str(text).unwrap()), expected);
        }
    }
}
