//! A command's outcome: its output or its failure, and the exit code.

use std::process::ExitCode;

use serde_json::Value;

use super::connection::Output;
use super::exit;
use crate::client::Error;
use crate::output;

#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    #[error(transparent)]
    Client(#[from] Error),
    #[error("nothing was done")]
    Declined,
    /// What was to be sent cannot be.
    #[error("{0}")]
    Input(String),
    #[error("standard output cannot be written: {0}")]
    Output(#[from] std::io::Error),
    /// The command did what it should, and its answer is no: what was checked has mistakes, what was compared differs.
    #[error("{}", .0.text)]
    No(Printed),
    /// The same, but it is not urgent.
    #[error("{}", .0.text)]
    Warned(Printed),
}

/// What a command prints.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Printed {
    pub text: String,
    /// For the person at the terminal, on standard error.
    pub note: Option<String>,
}

/// Prints what a command has to say, in the form that was asked for, and says how the process ends.
pub(super) fn finish(done: Result<Printed, CommandError>, format: Output) -> ExitCode {
    let (printed, code) = match done {
        Ok(printed) => (printed, exit::DONE),
        Err(CommandError::No(printed)) => (printed, exit::FAILED),
        Err(CommandError::Warned(printed)) => (printed, exit::WARNINGS),
        Err(failure) => return complain(&failure, format),
    };
    match printed.print() {
        Ok(()) => ExitCode::from(code),
        Err(failure) => complain(&failure, format),
    }
}

fn complain(failure: &CommandError, format: Output) -> ExitCode {
    match format {
        Output::Json => output::print_error(&failure.json().to_string()),
        Output::Table | Output::Toml => output::print_error(&format!("error: {failure}")),
    }
    ExitCode::from(failure.code())
}

impl Printed {
    fn print(&self) -> Result<(), CommandError> {
        output::print(&self.text)?;
        self.note.iter().for_each(|note| output::print_error(note));
        Ok(())
    }
}

impl CommandError {
    /// For programs: the problem as the server told it, or one with a detail alone.
    fn json(&self) -> Value {
        match self {
            Self::Client(Error::Refused(problem)) => problem.json(),
            other => serde_json::json!({ "detail": other.to_string() }),
        }
    }

    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Input(_) => exit::WRONG_WORDS,
            Self::Client(Error::NotAServer { .. } | Error::NotAHeader { .. }) => exit::WRONG_WORDS,
            Self::Client(_) | Self::Output(_) | Self::No(_) | Self::Declined => exit::FAILED,
            Self::Warned(_) => exit::WARNINGS,
        }
    }
}
