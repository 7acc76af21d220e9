//! The dialect file that a captured request leads to.

use std::fmt::Write as _;

use super::captured::{Certainty, Finding};
use super::envelope::Envelope;
use super::scheme::Signature;

pub(super) struct Draft {
    pub(super) headers: Vec<(String, String)>,
    pub(super) signatures: Vec<Signature>,
    pub(super) envelope: Envelope,
    /// True if the sample has a secret: without one nothing can be said about signatures.
    pub(super) has_secret: bool,
    /// True if the event type's name is valid with `names = "any"` only.
    pub(super) odd_names: bool,
}

impl Draft {
    /// TOML, with every finding beside what it is about.
    pub(super) fn toml(&self, findings: &[Finding]) -> String {
        let mut out = String::from(
            "# Made from one captured request. What is guessed is marked: look at it with a second request of another type.\n\
             # What is not here is as in the dialect standard: see `posthaste dialects show standard`.\n\
             \n\
             name = \"sample\"                     # change it\n",
        );
        let mut told = Told { findings, told: vec![false; findings.len()] };
        self.no_signatures(&mut told, &mut out);
        self.endpoints_first(&mut out);
        self.headers(&mut told, &mut out);
        self.signatures(&mut told, &mut out);
        self.body(&mut told, &mut out);
        if self.odd_names {
            out.push_str(
                "\n[catalogue]\nnames = \"any\"                     # for types that are no words between full stops\n",
            );
        }
        let rest = told.rest();
        if rest.is_empty() {
            return out;
        }
        // The other findings go between the opening comment and the settings, where they are seen.
        out.replacen("name = ", &format!("{rest}\nname = "), 1)
    }

    fn no_signatures(&self, told: &mut Told<'_>, out: &mut String) {
        if self.signatures.is_empty() {
            told.about("signatures", out);
            out.push_str("signatures = []\n");
        }
    }

    fn endpoints_first(&self, out: &mut String) {
        if self.signatures.is_empty() && !self.has_secret {
            out.push_str("\n[endpoints]\nsecret = \"never\"                  # guessed: the sample has none\n");
        } else if self.signatures.is_empty() {
            out.push_str("\n[endpoints]\nsecret = \"optional\"\n");
        }
    }

    fn headers(&self, told: &mut Told<'_>, out: &mut String) {
        out.push_str("\n[headers]\n");
        for (name, value) in &self.headers {
            told.about(name, out);
            line(out, format_args!("{} = {}", key(name), quoted(value)));
        }
    }

    fn signatures(&self, told: &mut Told<'_>, out: &mut String) {
        for signature in &self.signatures {
            out.push('\n');
            told.about(&signature.header, out);
            out.push_str("[[signatures]]\n");
            for (name, value) in [
                ("header", signature.header.as_str()),
                ("algorithm", signature.algorithm),
                ("key", signature.key),
                ("signs", signature.signs),
                ("encoding", signature.encoding),
                ("format", &signature.format),
            ] {
                line(out, format_args!("{name} = {}", quoted(value)));
            }
            let guess = if signature.joined {
                ""
            } else {
                "                          # guessed: stands between two signatures while a secret is rotated"
            };
            line(out, format_args!("join = {}{guess}", quoted(&signature.join)));
            out.push_str("when = \"always\"                     # guessed: with \"secret\" and [endpoints] secret = \"optional\", only where there is one\n");
        }
    }

    fn body(&self, told: &mut Told<'_>, out: &mut String) {
        out.push_str("\n[body]\n");
        told.about("body", out);
        line(out, format_args!("template = {}", paragraph(&self.envelope.template)));
        if self.envelope.spread {
            out.push_str("spread = \"event.data\"\n");
        }
    }
}

/// Tracks which findings have been written to the file.
struct Told<'f> {
    findings: &'f [Finding],
    told: Vec<bool>,
}

impl Told<'_> {
    /// Writes the findings about `place` (`X-Acme-Event`, `body`) or below it (`body.version`).
    fn about(&mut self, place: &str, out: &mut String) {
        for (finding, told) in self.findings.iter().zip(&mut self.told) {
            let (about, _) = finding.text.split_once(": ").unwrap_or_default();
            let is_below = about.strip_prefix(place).is_some_and(|rest| rest.starts_with('.'));
            if !*told && (about == place || is_below) {
                *told = true;
                comment(finding, out);
            }
        }
    }

    fn rest(&self) -> String {
        let mut out = String::new();
        self.findings
            .iter()
            .zip(&self.told)
            .filter(|(_, told)| !**told)
            .for_each(|(finding, _)| comment(finding, &mut out));
        out
    }
}

fn comment(finding: &Finding, out: &mut String) {
    let certainty = match finding.certainty {
        Certainty::Found => "found",
        Certainty::Guessed => "guessed",
        Certainty::Warning => "WARNING",
    };
    // A comment ends with its line, and TOML has no control characters in it.
    let text: String = finding.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line(out, format_args!("# {certainty}: {text}"));
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("a String takes all that is written");
}

fn key(name: &str) -> String {
    let is_bare = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if is_bare { name.to_owned() } else { quoted(name) }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            control if control.is_control() => write!(out, "\\u{:04X}", u32::from(control)).expect("a String takes it"),
            other => out.push(other),
        }
    }
    out + "\""
}

/// On lines of its own, as it is, if TOML lets it.
fn paragraph(text: &str) -> String {
    let is_plain = !text.contains("'''") && !text.chars().any(|c| c.is_control() && c != '\n');
    match (is_plain, text.contains('\n')) {
        (true, true) => format!("'''\n{text}\n'''"),
        (true, false) if !text.contains('\'') => format!("'{text}'"),
        _ => quoted(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["plain", "a\"b\\c\nd\u{7f}\u{1}ä", "'", "'''", "{\n\"a\": '''\n}", "{\n  \"a\": 1\n}"] {
            for written in [quoted(text), paragraph(text)] {
                let table: toml::Table =
                    format!("a = {written}").parse().unwrap_or_else(|error| panic!("{written}: {error}"));
                assert_eq!(table["a"].as_str().map(str::trim_end), Some(text.trim_end()), "{written}");
            }
        }
    }
}
