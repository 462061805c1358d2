//! `keyward signing-key …`: the keys that sign tokens.

use keyward_api::command::{Command, Reply};
use keyward_api::signing_keys::{ChangedSigningKey, SigningKeyView};

use crate::backend::{self, Reach};
use crate::cli::{Cli, SigningKey};
use crate::exit::Result;
use crate::terminal;

/// Carries out one of the commands.
///
/// # Errors
/// What the operation says.
pub fn run(cli: &Cli, command: &SigningKey) -> Result<()> {
    let reach = Reach::of(cli)?;
    let asked = match command {
        SigningKey::List => Command::ListSigningKeys,
        SigningKey::Rotate { now } => Command::RotateSigningKey { at_once: *now },
        SigningKey::Retire { id } => Command::RetireSigningKey { id: id.clone() },
    };
    match reach.run(asked)? {
        Reply::SigningKeys { listing } if cli.json => terminal::json(&listing),
        Reply::SigningKeys { listing } if listing.data.is_empty() => {
            terminal::line("no signing keys yet; the first start of the server makes one");
        }
        Reply::SigningKeys { listing } => {
            let head = ["ID", "ALGORITHM", "STATUS", "MADE", "SIGNS FROM", "RETIRED"];
            terminal::line(&terminal::table(&head, listing.data.into_iter().map(row)));
        }
        Reply::SigningKeyChanged { key } if cli.json => terminal::json(&key),
        Reply::SigningKeyChanged { key } => terminal::line(&changed(&key)),
        _ => return Err(backend::unexpected()),
    }
    Ok(())
}

fn row(key: SigningKeyView) -> Vec<String> {
    let retired = key.retired_at.unwrap_or_else(|| "no".to_owned());
    vec![key.id, key.algorithm, key.status, key.created_at, key.active_at, retired]
}

fn changed(ChangedSigningKey { view, receipt }: &ChangedSigningKey) -> String {
    match view.status.as_str() {
        "retired" => format!("{} retired: what it signed is refused {}", view.id, receipt.felt()),
        "announced" => format!("{} announced: it is in the JWK set now, and signs from {} on", view.id, view.active_at),
        _ => format!("{} signs from now on; what the keys before it signed counts to its end", view.id),
    }
}
