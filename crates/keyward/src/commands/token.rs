//! `keyward token …`: what one token is worth, and its end.

use keyward_api::command::{Command, Reply};
use keyward_api::sessions::token_command::{TokenCommand, TokenView};

use crate::backend::{self, Reach};
use crate::cli::{Cli, Token};
use crate::exit::Result;
use crate::{pages, secret_input, terminal};

/// Carries out one of the commands.
///
/// # Errors
/// What the operation says.
pub fn run(cli: &Cli, command: &Token) -> Result<()> {
    let reach = Reach::of(cli)?;
    let asked = match command {
        Token::Inspect { source } => TokenCommand::Inspect { text: secret_input::whole(source)? },
        Token::Revoke { source } => TokenCommand::Revoke { text: secret_input::whole(source)? },
    };
    match reach.run(Command::Token(asked))? {
        Reply::Token { token } if cli.json => terminal::json(&token),
        Reply::Token { token } => terminal::line(&card(&token)),
        Reply::TokenRevoked { session } if cli.json => terminal::json(&session),
        Reply::TokenRevoked { session } => terminal::line(&format!(
            "{} has ended, and every token of it is refused {}",
            session.session.id,
            session.receipt.felt()
        )),
        _ => return Err(backend::unexpected()),
    }
    Ok(())
}

fn card(token: &TokenView) -> String {
    let mut rows = vec![
        ("status", token.status.clone()),
        ("kind", format!("{} token", token.kind)),
        ("user", format!("{} ({})", token.username, token.user)),
        ("session", token.session.clone()),
        ("scopes", if token.scopes.is_empty() { "none".to_owned() } else { token.scopes.join(" ") }),
        ("issued", token.issued_at.clone()),
        ("expires", token.expires_at.clone()),
    ];
    rows.extend(token.client.clone().map(|client| ("client", client)));
    pages::card(&rows)
}
