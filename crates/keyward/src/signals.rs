//! The signals that a server hears.

use crate::exit::{Failed, Result};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// SIGTERM, SIGINT: finish and end.
    Stop,
    /// SIGHUP: read the configuration again.
    Reload,
}

/// The signals that end the process or have it read its configuration again. Heard from the start on, so that one that comes early is not lost.
pub struct Signals {
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    /// Heard so that it ends nobody: a limit on the size of files fails the write, as a full disk does.
    _file_size: tokio::signal::unix::Signal,
}

impl Signals {
    /// Begins to hear them.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn listen() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let hang_up = signal(SignalKind::hangup()).map_err(failed)?;
        let interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let file_size = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
        Ok(Self { terminate, hang_up, interrupt, _file_size: signal(file_size).map_err(failed)? })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Heard {
        tokio::select! {
            _ = self.terminate.recv() => Heard::Stop,
            _ = self.interrupt.recv() => Heard::Stop,
            _ = self.hang_up.recv() => Heard::Reload,
        }
    }
}

fn failed(error: impl std::fmt::Display) -> Failed {
    Failed::Refused(error.to_string())
}
