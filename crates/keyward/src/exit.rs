//! How a command ends badly: 2 for wrong usage, 1 for refused or failed, always with what, where and what to do.

use std::process::ExitCode;

use keyward_api::failure::Failure;

use crate::terminal;

/// A command that did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// Refused or failed, and why.
    #[error("{0}")]
    Refused(String),
    /// It was told already, in a form of its own.
    #[error("")]
    Told,
}

impl Failed {
    /// The exit code. Wrong usage is 2, and clap's to tell.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(1)
    }

    /// Says on stderr what went wrong; as JSON where the caller is a program.
    pub fn print(&self, json: bool) {
        match self {
            Self::Told => {}
            _ if json => terminal::warn_line(&serde_json::json!({"error": self.to_string()}).to_string()),
            _ => terminal::warn_line(&format!("keyward: {self}")),
        }
    }
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure.message)
    }
}

/// A failed command's result.
pub type Result<T> = std::result::Result<T, Failed>;
