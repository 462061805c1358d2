//! `keyward account …`: makes and manages accounts, the owners of users and keys.

use keyward_api::budgets::BudgetView;
use keyward_api::command::{Command, Reply};
use keyward_api::decisions::used_command::UsedCommand;
use keyward_api::people::accounts::{AccountQuestion, AccountView, ChangedAccount, NewAccount};
use keyward_api::people::command::{PeopleCommand, PeopleReply};
use keyward_api::portal::links::PortalLink;
use keyward_api::view::Listing;

use super::used;
use crate::backend::{self, Reach};
use crate::cli::{Account, Cli, WhichAccounts};
use crate::exit::{Failed, Result};
use crate::{pages, terminal};

/// What stands for no list: a word, so that an unset variable of a script does not open an account to everybody.
const ANYWHERE: &str = "anywhere";
/// What stands for no limits of its own, likewise.
const OF_PLAN: &str = "plan";

/// Carries out one of the account commands.
///
/// # Errors
/// What the operation says.
pub fn run(cli: &Cli, command: &Account) -> Result<()> {
    let reach = Reach::of(cli)?;
    if let Account::List { which, limit, cursor } = command {
        return list(&reach, cli.json, &question(which), (*limit, cursor.clone()));
    }
    let asked = match command {
        Account::Limits { which, list: None } => Command::Used(UsedCommand::LimitsOfAccount { which: which.clone() }),
        Account::Usage { which, flags } => {
            Command::Used(UsedCommand::Account { which: which.clone(), question: used::question(flags) })
        }
        command => Command::People(translate(command)?),
    };
    match reach.run(asked)? {
        Reply::Used(reply) => return used::told(cli.json, &reply),
        Reply::Account { account } | Reply::AccountAdded { account } if cli.json => terminal::json(&account),
        Reply::Account { account } | Reply::AccountAdded { account } => terminal::line(&card(&account)),
        Reply::People(PeopleReply::PortalLink { link }) if cli.json => terminal::json(&link),
        Reply::People(PeopleReply::PortalLink { link }) => shown(&link),
        Reply::AccountChanged { account } if cli.json => terminal::json(&account),
        Reply::AccountChanged { account } => terminal::line(&said(command, &account)),
        _ => return Err(backend::unexpected()),
    }
    Ok(())
}

/// Limits of its own as they are given.
fn new_limits(list: &Option<String>) -> Result<Vec<String>> {
    match list.as_deref() {
        Some(OF_PLAN) => Ok(Vec::new()),
        list => {
            let limits = pages::words(list.unwrap_or_default());
            if limits.is_empty() {
                let message = format!("the list names no limit; write `{OF_PLAN}` for those of its plan");
                return Err(Failed::Refused(message));
            }
            Ok(limits)
        }
    }
}

/// The link is shown once: on a terminal above the rest, piped alone on stdout.
fn shown(link: &PortalLink) {
    let until = &link.expires_at;
    let text = format!("  on the address of your API, followed by this: lets the account in once, until {until}");
    terminal::line(link.link.expose());
    if terminal::is_terminal() { terminal::line(&text) } else { terminal::warn_line(&text) }
}

fn translate(command: &Account) -> Result<PeopleCommand> {
    Ok(match command {
        Account::Add { name, external_id, ip, plan, limits, budget } => PeopleCommand::AddAccount {
            account: NewAccount {
                name: name.clone(),
                external_id: external_id.clone(),
                allowed_ips: pages::addresses(ip.as_deref(), "--ip names no address; leave it out")?
                    .unwrap_or_default(),
                plan: plan.clone(),
                limits: limits.as_deref().map(pages::words).unwrap_or_default(),
                budget: budget.clone(),
            },
        },
        Account::Set { which, external_id, no_external_id: _ } => {
            PeopleCommand::SetAccountReference { which: which.clone(), external_id: external_id.clone() }
        }
        Account::PortalLink { which } => PeopleCommand::PortalLink { which: which.clone() },
        Account::Limits { which, list } => PeopleCommand::SetLimits { which: which.clone(), limits: new_limits(list)? },
        Account::Budget { which, change } => PeopleCommand::SetBudget { which: which.clone(), change: change.clone() },
        Account::Plan { which, plan, .. } => PeopleCommand::SetPlan { which: which.clone(), plan: plan.clone() },
        Account::Ip { which, list } => {
            let allowed_ips = match list.as_str() {
                ANYWHERE => Vec::new(),
                list => {
                    pages::addresses(Some(list), "the list names no address; write `anywhere`")?.unwrap_or_default()
                }
            };
            PeopleCommand::SetAddresses { which: which.clone(), allowed_ips }
        }
        // Asked for as it is.
        Account::Usage { .. } => return Err(backend::unexpected()),
        Account::List { which, limit, cursor } => {
            PeopleCommand::ListAccounts { question: question(which), cursor: cursor.clone(), limit: *limit }
        }
        Account::Show { which } => PeopleCommand::ShowAccount { which: which.clone() },
        Account::Disable { which } => PeopleCommand::DisableAccount { which: which.clone() },
        Account::Enable { which } => PeopleCommand::EnableAccount { which: which.clone() },
    })
}

/// What a change came to.
fn said(command: &Account, account: &ChangedAccount) -> String {
    let (name, felt) = (&account.view.name, account.receipt.felt());
    match command {
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
        Account::Limits { .. } if account.view.limits.is_empty() => {
            format!("{name} has the limits of its plan, {felt}")
        }
        Account::Limits { .. } => {
            format!("{name} has limits of its own: {}, {felt}", account.view.limits.join(", "))
        }
        Account::Budget { .. } => {
            let budget = account.view.budget.as_ref().map_or("without bound".to_owned(), BudgetView::words);
            format!("{name}: {budget}, {felt}")
        }
        Account::Set { .. } => match &account.view.external_id {
            Some(reference) => format!("{name} has the external id {reference}, {felt}"),
            None => format!("{name} has no external id, {felt}"),
        },
        Account::Plan { .. } => {
            let plan =
                account.view.plan.as_deref().map_or("the default plan".to_owned(), |plan| format!("plan {plan}"));
            format!("{name} is on {plan}, {felt}")
        }
        _ => format!("{name} enabled: its keys and users are accepted again, {felt}"),
    }
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
    if !account.limits.is_empty() {
        rows.push(("limits", account.limits.join(", ")));
    }
    rows.extend(account.budget.as_ref().map(|budget| ("budget", budget.words())));
    let optional = [("plan", &account.plan), ("external id", &account.external_id), ("disabled", &account.disabled_at)];
    rows.extend(optional.into_iter().filter_map(|(name, value)| value.clone().map(|value| (name, value))));
    pages::card(&rows)
}

fn question(which: &WhichAccounts) -> AccountQuestion {
    AccountQuestion {
        search: which.search.clone(),
        external_id: which.external_id.clone(),
        plan: which.plan.clone(),
        status: which.status.clone(),
    }
}

fn list(reach: &Reach, json: bool, question: &AccountQuestion, (limit, cursor): (u32, Option<String>)) -> Result<()> {
    let listing: Listing<AccountView> = pages::all(limit, cursor, |cursor, limit| {
        let question = question.clone();
        match reach.run(Command::People(PeopleCommand::ListAccounts { question, cursor, limit }))? {
            Reply::Accounts { listing } => Ok(listing),
            _ => Err(backend::unexpected()),
        }
    })?;
    if json {
        terminal::json(&listing);
    } else if listing.data.is_empty() {
        let none = if *question == AccountQuestion::default() {
            "no accounts yet; `keyward account add NAME` makes one"
        } else {
            "no such accounts"
        };
        terminal::line(none);
    } else {
        let head = ["ID", "NAME", "STATUS", "PLAN", "LIMITS", "ADDRESSES", "EXTERNAL ID", "CREATED"];
        terminal::line(&terminal::table(&head, listing.data.into_iter().map(row)));
    }
    Ok(())
}

fn row(account: AccountView) -> Vec<String> {
    let none = || "-".to_owned();
    let several = |texts: &[String], none: &str| if texts.is_empty() { none.to_owned() } else { texts.join(",") };
    vec![
        account.id,
        account.name,
        account.status,
        account.plan.unwrap_or_else(none),
        several(&account.limits, "-"),
        several(&account.allowed_ips, "anywhere"),
        account.external_id.unwrap_or_else(none),
        account.created_at,
    ]
}
