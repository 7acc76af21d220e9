//! Positions in an expression, in words: line and column, counted from 1.

/// A position in words; the line is left out where there is only one.
pub(super) fn of(line: usize, column: usize, source: &str) -> String {
    if source.contains('\n') { format!("line {line}, column {column}") } else { format!("column {column}") }
}

/// The position of a byte.
pub(super) fn of_byte(source: &str, offset: u32) -> String {
    let before = &source[..source.floor_char_boundary(offset as usize)];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    of(line, column, source)
}
