//! `keyward session …`: who is signed in.

use keyward_api::command::{Command, Reply};
use keyward_api::people::command::PeopleCommand;
use keyward_api::sessions::{SessionQuestion, SessionView};
use keyward_api::view::Listing;

use crate::backend::{self, Reach};
use crate::cli::{Cli, Session};
use crate::exit::Result;
use crate::{pages, terminal};

/// Carries out one of the session commands.
///
/// # Errors
/// What the operation says.
pub fn run(cli: &Cli, command: &Session) -> Result<()> {
    let reach = Reach::of(cli)?;
    let Session::List { by, user, limit, cursor } = command;
    let question = SessionQuestion { user: user.clone(), by: by.clone() };
    let listing = pages::all(*limit, cursor.clone(), |cursor, limit| {
        let question = question.clone();
        match reach.run(Command::People(PeopleCommand::ListSessions { question, cursor, limit }))? {
            Reply::Sessions { listing } => Ok(listing),
            _ => Err(backend::unexpected()),
        }
    })?;
    told(cli.json, listing);
    Ok(())
}

/// A listing of sessions.
pub fn told(json: bool, listing: Listing<SessionView>) {
    if json {
        return terminal::json(&listing);
    }
    let blank = || "-".to_owned();
    let rows = listing.data.into_iter().map(|one| {
        vec![
            one.id,
            one.user,
            one.status,
            one.by,
            one.plane,
            one.client.unwrap_or_else(blank),
            one.created_at,
            one.seen_at.unwrap_or_else(blank),
        ]
    });
    terminal::line(&terminal::table(&["ID", "USER", "STATUS", "BY", "PLANE", "FROM", "BEGAN", "LAST SEEN"], rows));
}
