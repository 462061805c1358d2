//! `keyward account …`: makes and manages accounts, the owners of users and keys.

use keyward_api::accounts::AccountView;
use keyward_api::command::{Command, Reply};
use keyward_api::people_command::PeopleCommand;
use keyward_api::view::Listing;

use crate::backend;
use crate::cli::{Account, Cli};
use crate::exit::Result;
use crate::settings::Loaded;
use crate::{pages, terminal};

/// Carries out one of the account commands.
///
/// # Errors
/// What the operation says.
pub fn run(cli: &Cli, command: &Account) -> Result<()> {
    let loaded = Loaded::for_command(cli)?;
    let asked = match command {
        Account::Add { name, external_id } => {
            Command::People(PeopleCommand::AddAccount { name: name.clone(), external_id: external_id.clone() })
        }
        Account::List { limit, cursor } => return list(&loaded, cli.json, *limit, cursor.clone()),
        Account::Disable { which } => Command::People(PeopleCommand::DisableAccount { which: which.clone() }),
        Account::Enable { which } => Command::People(PeopleCommand::EnableAccount { which: which.clone() }),
    };
    match backend::run(&loaded, asked)? {
        Reply::AccountAdded { account } if cli.json => terminal::json(&account),
        Reply::AccountAdded { account } => terminal::line(&card(&account)),
        Reply::AccountChanged { account } if cli.json => terminal::json(&account),
        Reply::AccountChanged { account } => {
            let (name, felt) = (&account.view.name, account.receipt.felt());
            terminal::line(&match command {
                Account::Disable { .. } => {
                    format!("{name} disabled: its keys and users are refused and its sessions have ended, {felt}")
                }
                _ => format!("{name} enabled: its keys and users are accepted again, {felt}"),
            });
        }
        _ => return Err(backend::unexpected()),
    }
    Ok(())
}

fn card(account: &AccountView) -> String {
    let mut rows = vec![
        ("id", account.id.clone()),
        ("name", account.name.clone()),
        ("status", account.status.clone()),
        ("created", account.created_at.clone()),
    ];
    let optional = [("external id", &account.external_id), ("disabled", &account.disabled_at)];
    rows.extend(optional.into_iter().filter_map(|(name, value)| value.clone().map(|value| (name, value))));
    pages::card(&rows)
}

fn list(loaded: &Loaded, json: bool, limit: u32, cursor: Option<String>) -> Result<()> {
    let listing: Listing<AccountView> = pages::all(limit, cursor, |cursor, limit| {
        match backend::run(loaded, Command::People(PeopleCommand::ListAccounts { cursor, limit }))? {
            Reply::Accounts { listing } => Ok(listing),
            _ => Err(backend::unexpected()),
        }
    })?;
    if json {
        terminal::json(&listing);
    } else if listing.data.is_empty() {
        terminal::line("no accounts yet; `keyward account add NAME` makes one");
    } else {
        let rows = listing.data.into_iter().map(|account| {
            let external = account.external_id.unwrap_or_else(|| "-".to_owned());
            vec![account.id, account.name, account.status, external, account.created_at]
        });
        terminal::line(&terminal::table(&["ID", "NAME", "STATUS", "EXTERNAL ID", "CREATED"], rows));
    }
    Ok(())
}
