//! `keyward export`: accounts, users, keys and sessions as JSON lines, without a secret or a digest.

use keyward_api::command::{Command, Reply};
use keyward_api::keys::KeyQuestion;
use keyward_api::people::accounts::AccountQuestion;
use keyward_api::people::command::PeopleCommand;
use keyward_api::people::users::UserQuestion;
use keyward_api::sessions::SessionQuestion;
use keyward_api::view::Listing;
use serde::Serialize;

use crate::backend::{self, Reach};
use crate::cli::{Cli, Exported};
use crate::exit::{Failed, Result};
use crate::terminal;

/// How many records are asked for at once.
const PAGE: u32 = 1000;
/// Owners before what they own.
const KINDS: [Exported; 4] = [Exported::Account, Exported::User, Exported::Key, Exported::Session];

/// A record in its line.
#[derive(Serialize)]
struct Line<'a, T> {
    kind: &'static str,
    #[serde(flatten)]
    record: &'a T,
}

/// Prints all records, page by page, so that no answer holds more than a thousand.
///
/// # Errors
/// What asking says.
pub fn run(cli: &Cli, only: Option<Exported>) -> Result<()> {
    let reach = Reach::of(cli)?;
    for kind in KINDS.into_iter().filter(|kind| only.is_none_or(|only| only == *kind)) {
        let mut cursor = None;
        loop {
            cursor = page(&reach, kind, cursor)?;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(())
}

/// Prints one page; where the next one begins.
fn page(reach: &Reach, kind: Exported, cursor: Option<String>) -> Result<Option<String>> {
    let limit = PAGE;
    let command = match kind {
        Exported::Account => {
            Command::People(PeopleCommand::ListAccounts { question: AccountQuestion::default(), cursor, limit })
        }
        Exported::User => {
            Command::People(PeopleCommand::ListUsers { question: UserQuestion::default(), cursor, limit })
        }
        Exported::Key => Command::ListKeys { question: KeyQuestion::default(), cursor, limit },
        Exported::Session => {
            Command::People(PeopleCommand::ListSessions { question: SessionQuestion::default(), cursor, limit })
        }
    };
    match reach.run(command)? {
        Reply::Accounts { listing } => print("account", listing),
        Reply::Users { listing } => print("user", listing),
        Reply::Keys { listing } => print("key", listing),
        Reply::Sessions { listing } => print("session", listing),
        _ => Err(backend::unexpected()),
    }
}

fn print(kind: &'static str, listing: Listing<impl Serialize>) -> Result<Option<String>> {
    for record in &listing.data {
        let line = serde_json::to_string(&Line { kind, record });
        terminal::line(&line.map_err(|error| Failed::Refused(error.to_string()))?);
    }
    Ok(listing.next_cursor)
}
