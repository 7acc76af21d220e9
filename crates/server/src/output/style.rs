//! Width and colours that standard output can show.

use std::io::{self, IsTerminal};

use crate::config::Environment;

/// What standard output can show.
#[derive(Clone, Copy, Debug, Default)]
pub struct OutputStyle {
    /// Columns of the terminal. `None` is a file or a pipe: nothing is cut.
    pub width: Option<u16>,
    pub colours: bool,
}

impl OutputStyle {
    pub fn of_stdout(environment: &Environment) -> Self {
        if !io::stdout().is_terminal() {
            return Self::default();
        }
        let plain = environment.var("NO_COLOR").is_some() || environment.var("TERM") == Some("dumb");
        let width = terminal_size::terminal_size().map(|(width, _)| width.0);
        Self { width, colours: !plain }
    }
}
