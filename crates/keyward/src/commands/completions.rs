//! `keyward completions SHELL`: what a shell needs to complete commands and flags.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;

/// Prints the script for a shell.
pub fn run(shell: Shell) {
    let mut command = Cli::command();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "keyward", &mut script);
    crate::terminal::line(String::from_utf8_lossy(&script).trim_end());
}
