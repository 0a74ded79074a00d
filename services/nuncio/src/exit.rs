//! What a command leaves behind: text or JSON on standard output, an exit code and, if it failed, one line on standard
//! error.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

/// Why a command failed, and what to tell the shell.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    /// None where everything was said already.
    message: Option<String>,
}

/// What a command gives.
pub(crate) type Outcome = Result<(), Failure>;

impl Failure {
    /// The command was called wrongly: exit code 2.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self { code: 2, message: Some(message.to_string()) }
    }

    /// The command was called rightly and could not do its work: exit code 1.
    pub(crate) fn new(message: impl Display) -> Self {
        Self { code: 1, message: Some(message.to_string()) }
    }

    /// What was looked for was found wanting, and that has been printed: exit code 1.
    pub(crate) fn found() -> Self {
        Self { code: 1, message: None }
    }
}

/// What is wrong, in one line.
impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message.as_deref().unwrap_or("it failed").trim())
    }
}

/// An error with all its causes, on one line.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::new(format!("{error:#}"))
    }
}

/// Ends the command.
pub(crate) fn code(outcome: Outcome) -> ExitCode {
    let Err(Failure { code, message }) = outcome else { return ExitCode::SUCCESS };
    if let Some(message) = message {
        eprintln!("nuncio: {}", message.trim().replace('\n', " "));
    }
    ExitCode::from(code)
}

/// Prints `text` as it is. A reader that has gone away (`| head`) is no failure.
pub(crate) fn print_text(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Prints `text` with its styles to a terminal, unless `NO_COLOR` is set; without them elsewhere.
pub(crate) fn print_styled(text: &str) {
    let _ = anstream::stdout().lock().write_all(text.as_bytes());
}

/// Prints `value` as JSON for programs, readable for people.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Outcome {
    let text = serde_json::to_string_pretty(value).map_err(Failure::new)?;
    print_text(&format!("{text}\n"));
    Ok(())
}
