//! The commands, one file each: they translate flags into operations and answers into text.

mod account;
mod audit;
mod backup;
mod completions;
pub mod config;
mod decisions;
mod doctor;
mod explain;
mod export;
mod import;
mod init;
mod key;
mod overview;
mod preset;
mod restore;
mod rules;
mod serve;
mod session;
mod signing_key;
mod status;
mod token;
mod used;
mod user;

use crate::cli::{Cli, Command, Plan, Role};
use crate::exit::Result;

/// Carries out the command that the flags name.
///
/// # Errors
/// What went wrong, with its exit code.
pub fn run(cli: &Cli) -> Result<()> {
    match &cli.command {
        Command::Serve(flags) => serve::run(cli, flags),
        Command::Init => init::run(cli),
        Command::Config(command) => config::run(cli, command),
        Command::Preset(command) => preset::run(cli, command),
        Command::Key(command) => key::run(cli, command),
        Command::User(command) => user::run(cli, command),
        Command::Account(command) => account::run(cli, command),
        Command::Session(command) => session::run(cli, command),
        Command::Role(Role::List) => rules::roles(cli),
        Command::Plan(Plan::List) => rules::plans(cli),
        Command::Token(command) => token::run(cli, command),
        Command::SigningKey(command) => signing_key::run(cli, command),
        Command::Audit(command) => audit::run(cli, command),
        Command::Decisions(command) => decisions::run(cli, command),
        Command::Usage(flags) => used::run(cli, flags),
        Command::Overview { span } => overview::run(cli, span),
        Command::Status => status::run(cli),
        Command::Doctor => doctor::run(cli),
        Command::Explain(flags) => explain::run(cli, flags),
        Command::Backup { file } => backup::run(cli, file),
        Command::Restore { file } => restore::run(cli, file),
        Command::Import(form) => import::run(cli, form),
        Command::Export { kind } => export::run(cli, *kind),
        Command::Completions { shell } => {
            completions::run(*shell);
            Ok(())
        }
    }
}
