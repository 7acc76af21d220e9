//! Scans an expression before it is parsed: the parser goes down a level for each bracket and each link of a chain, and
//! what goes too deep overflows the stack.

/// Maximum characters that make a level. The parser takes less than a kilobyte of stack for each link of a chain, so
/// all of them take less than half a megabyte.
const MOST_LINKS: usize = 400;

/// Maximum depth of nested brackets. The parser takes about ten kilobytes of stack for each.
pub(super) const DEEPEST: u16 = 24;

/// Counts characters that may make levels. Those in quotes count as well: only the parser can say what a text is, and a
/// scan that is deceived about it must err on the safe side.
pub(super) fn check(source: &str) -> Result<(), String> {
    let links = source.bytes().filter(|byte| b".[({+-*/%<>=!?".contains(byte)).count();
    let links =
        links + source.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| *word == "in").count();
    if links > MOST_LINKS {
        return Err(format!(
            "it has {links} operators, dots and brackets, and may have {MOST_LINKS}; many alternatives are shorter as \
             `event.type in [\"a\", \"b\"]`"
        ));
    }
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    for byte in source.bytes() {
        match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    if deepest > usize::from(DEEPEST) {
        return Err(format!("its brackets stand {deepest} levels inside each other, and may {DEEPEST}"));
    }
    Ok(())
}
