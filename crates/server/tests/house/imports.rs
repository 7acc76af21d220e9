//! Files and crates that a source names.

use std::collections::BTreeSet;

/// A piece of Rust that paths are made of. All else is [`Token::Other`].
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    /// `::`
    Path,
    Sign(char),
    Other,
}

/// The other files of its crate that a file names, by the paths in it.
pub(crate) fn files_named(file: &[String], text: &str, files: &BTreeSet<Vec<String>>) -> BTreeSet<Vec<String>> {
    let is_child = |word: &str| files.contains(&[file, &[word.to_owned()]].concat());
    let begins = |word: &str| ["crate", "self", "super"].contains(&word) || is_child(word);
    let mut named = BTreeSet::new();
    for path in paths(text, &begins) {
        let Some(mut target) = absolute(file, &path) else { continue };
        while !target.is_empty() && !files.contains(&target) {
            target.pop();
        }
        if !target.is_empty() && target != file {
            named.insert(target);
        }
    }
    named
}

/// Those of `ours` that are imported from.
pub(crate) fn crates_named(text: &str, ours: &BTreeSet<&str>) -> BTreeSet<String> {
    let tokens = tokens(text);
    let imported = tokens.windows(3).filter_map(|three| match three {
        [Token::Word(first), Token::Word(name), Token::Path] if first == "use" => Some(name),
        _ => None,
    });
    imported.filter(|name| ours.contains(name.as_str())).cloned().collect()
}

/// The path from the crate's root.
fn absolute(file: &[String], path: &[String]) -> Option<Vec<String>> {
    let mut base = file.to_vec();
    let mut rest = path;
    match rest.first()?.as_str() {
        "crate" => {
            base.clear();
            rest = &rest[1..];
        }
        "self" => rest = &rest[1..],
        _ => {
            while rest.first().is_some_and(|word| word == "super") {
                base.pop()?;
                rest = &rest[1..];
            }
        }
    }
    base.extend_from_slice(rest);
    Some(base)
}

/// Every path with more than one part whose first `begins` takes; those of a group one by one.
fn paths(text: &str, begins: &dyn Fn(&str) -> bool) -> Vec<Vec<String>> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let is_first = at == 0 || tokens[at - 1] != Token::Path && tokens[at - 1] != Token::Sign('.');
        // `pub(in crate::…)` says who sees something, and needs nothing of them.
        let is_seen_by = at > 0 && tokens[at - 1] == Token::Word("in".to_owned());
        match &tokens[at] {
            Token::Word(word) if is_first && !is_seen_by && tokens.get(at + 1) == Some(&Token::Path) => {
                let before = found.len();
                at = tree(&tokens, at, &[], &mut found);
                // What stands in a group of another path is that one's.
                if !begins(word) {
                    found.truncate(before);
                }
            }
            _ => at += 1,
        }
    }
    found
}

/// Reads a path, or a group of them, that goes on after `prefix`. Answers where it ends.
fn tree(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    loop {
        match tokens.get(at) {
            Some(Token::Word(word)) => path.push(word.clone()),
            Some(Token::Sign('{')) => {
                at += 1;
                while tokens.get(at).is_some_and(|token| *token != Token::Sign('}')) {
                    at = match tokens[at] {
                        Token::Word(_) | Token::Sign('{') => tree(tokens, at, &path, found),
                        _ => at + 1,
                    };
                }
                return at + 1;
            }
            _ => {}
        }
        if tokens.get(at + 1) != Some(&Token::Path) {
            found.push(path);
            return at + 1;
        }
        at += 2;
    }
}

/// Comments, texts and letters are left out.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(hashes) = raw_text(rest) {
            let end = format!("\"{}", "#".repeat(hashes));
            let begin = hashes + 2;
            rest[begin..].find(&end).map_or(rest.len(), |at| begin + at + end.len())
        } else if first == '"' {
            tokens.push(Token::Other);
            quoted(rest)
        } else if first == '\'' {
            letter(rest)
        } else if first.is_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..length].to_owned()));
            length
        } else if rest.starts_with("::") {
            tokens.push(Token::Path);
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Sign(first));
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

/// How many `#` a raw text has that begins here.
fn raw_text(rest: &str) -> Option<usize> {
    let behind = rest.strip_prefix('r')?;
    let hashes = behind.len() - behind.trim_start_matches('#').len();
    behind[hashes..].starts_with('"').then_some(hashes)
}

/// How long the text is that begins here.
fn quoted(rest: &str) -> usize {
    let mut escaped = true;
    for (at, c) in rest.char_indices() {
        match c {
            '"' if !escaped => return at + 1,
            '\\' if !escaped => escaped = true,
            _ => escaped = false,
        }
    }
    rest.len()
}

/// How long the letter is that begins here, or the sign alone if it is a lifetime's.
fn letter(rest: &str) -> usize {
    let inner = &rest[1..];
    let end = match inner.strip_prefix('\\') {
        Some(escape) => escape.char_indices().skip(1).find(|(_, c)| *c == '\'').map(|(at, _)| at + 3),
        None => inner.char_indices().nth(1).filter(|(_, c)| *c == '\'').map(|(at, _)| at + 2),
    };
    end.unwrap_or(1)
}
