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

/// What stands for no list: a word, so that an unset variable of a script does not open an account to everybody.
const ANYWHERE: &str = "anywhere";

/// Carries out one of the account commands.
///
/// # Errors
/// What the operation says.
pub fn run(cli: &Cli, command: &Account) -> Result<()> {
    let loaded = Loaded::for_command(cli)?;
    let asked = match command {
        Account::Add { name, external_id, ip } => Command::People(PeopleCommand::AddAccount {
            name: name.clone(),
            external_id: external_id.clone(),
            allowed_ips: pages::addresses(ip.as_deref(), "--ip names no address; leave it out")?.unwrap_or_default(),
        }),
        Account::Ip { which, list } => {
            let allowed_ips = match list.as_str() {
                ANYWHERE => Vec::new(),
                list => {
                    pages::addresses(Some(list), "the list names no address; write `anywhere`")?.unwrap_or_default()
                }
            };
            Command::People(PeopleCommand::SetAddresses { which: which.clone(), allowed_ips })
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
                Account::Ip { .. } if account.view.allowed_ips.is_empty() => {
                    format!("{name}: its keys and tokens may be used from anywhere, {felt}")
                }
                Account::Ip { .. } => {
                    let list = account.view.allowed_ips.join(", ");
                    format!("{name}: its keys and tokens may be used from {list} alone, {felt}")
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
    if !account.allowed_ips.is_empty() {
        rows.push(("addresses", account.allowed_ips.join(", ")));
    }
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
