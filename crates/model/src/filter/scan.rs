//! A look at an expression before it is parsed: the parser goes down a level for each bracket and each link of a chain,
//! and what goes too deep overflows the stack.

/// How many characters there may be that make a level. The parser takes less than a kilobyte of stack for each link of a
/// chain, so all of them take less than half a megabyte.
const MOST_LINKS: usize = 400;

/// How deep brackets may stand inside each other. The parser takes about ten kilobytes of stack for each.
pub(super) const DEEPEST: u16 = 24;

/// Counts what may make levels. Texts in quotes count as well: what is a text is for the parser to say, and a look that
/// is deceived about it must not be deceived to the dangerous side.
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
