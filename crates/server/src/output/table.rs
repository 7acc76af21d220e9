//! Tables without lines, no wider than the terminal that they are shown on.

use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Row, Table, Width, presets};

use super::style::OutputStyle;
use super::text::one_line;

/// Cells up to this width are whole on any terminal: numbers, states, titles. Of wider ones at least this much is shown.
const NEVER_CUT: u16 = 12;

/// Between columns.
const GAP: u16 = 2;

/// What a cell that is cut ends in.
const CUT: &str = "…";

/// On a terminal the first column is whole, wide cells are cut, and columns that have no room are left out, the last first.
/// A line below says which.
pub fn table(titles: &[&str], rows: &[Vec<String>], style: OutputStyle) -> String {
    let widths = filled(titles, rows, style).column_max_content_widths();
    let is_whole: Vec<bool> = (0..titles.len())
        .map(|index| index == 0 || widths[index] <= NEVER_CUT || rows.iter().any(|row| is_time(&row[index])))
        .collect();
    let shown = fitting(&widths, &is_whole, style.width);
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row[..shown].to_vec()).collect();
    let mut table = filled(&titles[..shown], &rows, style);
    for (index, column) in table.column_iter_mut().enumerate() {
        let gap = if index + 1 == shown { 0 } else { GAP };
        let narrowest = ColumnConstraint::LowerBoundary(Width::Fixed(NEVER_CUT + gap));
        column.set_padding((0, gap));
        column.set_constraint(if is_whole[index] { ColumnConstraint::ContentWidth } else { narrowest });
    }
    table.trim_fmt() + "\n" + &left_out(&titles[shown..], style)
}

fn filled(titles: &[&str], rows: &[Vec<String>], style: OutputStyle) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_truncation_indicator(CUT);
    if style.colours {
        table.enforce_styling()
    } else {
        table.force_no_tty()
    };
    match style.width {
        Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    let bold =
        |title: &&str| if style.colours { Cell::new(title).add_attribute(Attribute::Bold) } else { Cell::new(title) };
    table.set_header(titles.iter().map(bold));
    for row in rows {
        let mut row = Row::from(row.iter().map(|text| cell(text, style)).collect::<Vec<_>>());
        table.add_row(std::mem::take(row.max_height(1)));
    }
    table
}

/// How many columns have room beside each other when each is as narrow as it can be.
fn fitting(widths: &[u16], is_whole: &[bool], room: Option<u16>) -> usize {
    let Some(room) = room else { return widths.len() };
    let narrowest = widths.iter().zip(is_whole).map(|(width, is_whole)| if *is_whole { *width } else { NEVER_CUT });
    let ends = narrowest.scan(0, |end: &mut u16, width| {
        let ends_at = end.saturating_add(width);
        *end = ends_at.saturating_add(GAP);
        Some(ends_at)
    });
    ends.take_while(|end| *end <= room).count().max(1)
}

fn left_out(titles: &[&str], style: OutputStyle) -> String {
    if titles.is_empty() {
        return String::new();
    }
    let room = style.width.map_or(usize::MAX, usize::from);
    let text = format!("No room for {}: widen the terminal, or use --output json\n", titles.join(", "));
    if text.chars().count() <= room + 1 {
        return text;
    }
    text.chars().take(room.saturating_sub(1)).collect::<String>() + CUT + "\n"
}

/// Half of one says nothing.
fn is_time(text: &str) -> bool {
    text.len() == "2026-01-31T09:30:00.000Z".len() && text.ends_with('Z') && text.as_bytes()[10] == b'T'
}

fn cell(text: &str, style: OutputStyle) -> Cell {
    let cell = Cell::new(one_line(text));
    match colour(text) {
        Some(colour) if style.colours => cell.fg(colour),
        _ => cell,
    }
}

/// States have colours wherever they stand.
fn colour(text: &str) -> Option<Color> {
    match text {
        "active" | "delivered" | "done" => Some(Color::Green),
        "paused" | "pending" | "running" | "cancelled" => Some(Color::Yellow),
        "disabled" | "failed" => Some(Color::Red),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<String>> {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        vec![
            row(["ep_1", "https://example.com/a/very/long/path/that/goes/on", "active"]),
            row(["ep_22", "https://b.example", "disabled"]),
        ]
    }

    fn on(width: u16) -> OutputStyle {
        OutputStyle { width: Some(width), colours: false }
    }

    #[test]
    fn a_table_is_aligned_and_whole_when_nothing_limits_it() {
        let text = table(&["ID", "URL", "STATUS"], &rows(), OutputStyle::default());
        let expected = "\
ID     URL                                                STATUS
ep_1   https://example.com/a/very/long/path/that/goes/on  active
ep_22  https://b.example                                  disabled
";
        assert_eq!(text, expected);
    }

    #[test]
    fn long_cells_are_cut_to_the_terminal_but_the_first_is_not() {
        let text = table(&["ID", "URL", "STATUS"], &rows(), on(40));
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 40), "{text}");
        assert!(text.contains("ep_1   https://exa") && text.contains('…') && text.contains("disabled"), "{text}");
    }

    #[test]
    fn columns_without_room_are_left_out_the_last_first_and_named() {
        let (id, time) = ("d".repeat(36), "2026-01-31T09:30:00.000Z");
        let row = [&id, "failed", "timeout", "order.created.again", time, "ep_1", "t"].map(str::to_owned).to_vec();
        let titles = ["ID", "STATUS", "ERROR", "EVENT TYPE", "CREATED", "ENDPOINT", "TENANT"];
        let text = |width| table(&titles, std::slice::from_ref(&row), on(width));
        for width in 20..140 {
            let narrowest = if width < 36 { 36 } else { usize::from(width) };
            let text = text(width);
            assert!(text.lines().all(|line| line.chars().count() <= narrowest), "{width}:\n{text}");
            assert!(text.contains(&id), "the first is whole: {text}");
            assert_eq!(text.contains("2026"), text.contains(time), "times are whole or not there: {text}");
        }
        let narrow = text(75);
        assert!(narrow.contains("timeout") && narrow.contains("order.create"), "{narrow}");
        assert!(
            narrow.ends_with("No room for CREATED, ENDPOINT, TENANT: widen the terminal, or use --output…\n"),
            "{narrow}"
        );
        assert_eq!(text(140), table(&titles, std::slice::from_ref(&row), OutputStyle::default()));
    }

    #[test]
    fn colours_are_there_only_when_wanted() {
        let coloured = table(&["ID", "URL", "STATUS"], &rows(), OutputStyle { width: Some(80), colours: true });
        assert!(coloured.contains("\u{1b}[") && coloured.contains("active"), "{coloured:?}");
        assert!(!table(&["ID", "URL", "STATUS"], &rows(), OutputStyle::default()).contains('\u{1b}'));
    }
}
