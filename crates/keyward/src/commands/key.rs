//! `keyward key …`: makes and manages API keys.

use keyward_api::budgets::BudgetView;
use keyward_api::command::{Command, Reply};
use keyward_api::decisions::used_command::UsedCommand;
use keyward_api::keys::overlaps::Ending;
use keyward_api::keys::setting::KeySetting;
use keyward_api::keys::{ChangedKey, KeyQuestion, NewKey, metadata};
use keyward_api::view::{CreatedKey, KeyView, Listing, ReceiptView};

use super::used;
use crate::backend::{self, Reach};
use crate::cli::{Cli, CreateKey, Key, WhichKeys};
use crate::exit::{Failed, Result};
use crate::{pages, terminal};

/// Carries out one of the key commands.
///
/// # Errors
/// What the operation says.
pub fn run(cli: &Cli, command: &Key) -> Result<()> {
    let reach = Reach::of(cli)?;
    let asked = match command {
        Key::List { which, limit, cursor } => {
            return list(&reach, cli.json, &question(which), (*limit, cursor.clone()));
        }
        command => translate(command)?,
    };
    match reach.run(asked)? {
        Reply::Created { key, receipt } => created(cli.json, &key, receipt.as_ref()),
        Reply::Key { key } if cli.json => terminal::json(&key),
        Reply::Key { key } => terminal::line(&(card(&key) + &still_used(&key))),
        Reply::Used(reply) => return used::told(cli.json, &reply),
        Reply::Changed { key } if cli.json => terminal::json(&key),
        Reply::Changed { key } => terminal::line(&changed(&key, command)),
        _ => return Err(backend::unexpected()),
    }
    Ok(())
}

fn question(which: &WhichKeys) -> KeyQuestion {
    KeyQuestion {
        unused: which.unused.clone(),
        older: which.older.clone(),
        owner: which.owner.clone(),
        account: which.account.clone(),
        search: which.search.clone(),
        status: which.status.clone(),
        mode: which.mode.clone(),
        sort: which.sort.clone(),
        order: which.order.clone(),
    }
}

fn translate(command: &Key) -> Result<Command> {
    Ok(match command {
        Key::Create(flags) => Command::CreateKey { key: new_key(flags)? },
        Key::List { which, limit, cursor } => {
            Command::ListKeys { question: question(which), cursor: cursor.clone(), limit: *limit }
        }
        Key::Show { id } => Command::ShowKey { id: id.clone() },
        Key::Usage { id, flags } => Command::Used(UsedCommand::Key { id: id.clone(), question: used::question(flags) }),
        Key::Limits { id } => Command::Used(UsedCommand::LimitsOfKey { id: id.clone() }),
        Key::Rotate { id, overlap, until_quiet } => {
            let ending = Ending { overlap: overlap.clone(), until_quiet: until_quiet.clone() };
            Command::RotateKey { id: id.clone(), ending }
        }
        Key::Set { id, name: Some(name), .. } => {
            Command::SetKey(KeySetting::Name { id: id.clone(), name: name.clone() })
        }
        Key::Set { id, name: None, metadata, no_metadata: _ } => {
            Command::SetKey(KeySetting::Metadata { id: id.clone(), metadata: once(metadata)? })
        }
        Key::Budget { id, change } => Command::BudgetKey { id: id.clone(), change: change.clone() },
        Key::Disable { id } => Command::DisableKey { id: id.clone() },
        Key::Enable { id } => Command::EnableKey { id: id.clone() },
        Key::Revoke { id, reason } => Command::RevokeKey { id: id.clone(), reason: reason.clone() },
    })
}

fn new_key(flags: &CreateKey) -> Result<NewKey> {
    let allowed_ips = pages::addresses(flags.ip.as_deref(), "--ip names no address; leave it out")?;
    Ok(NewKey {
        name: flags.name.clone(),
        owner: Some(flags.owner.clone()),
        account: flags.account.clone(),
        scopes: flags.scopes.as_deref().map(pages::words),
        expires_at: flags.expires.clone(),
        mode: Some(flags.mode.clone()),
        allowed_ips,
        external_id: flags.external_id.clone(),
        budget: flags.budget.clone(),
        pair: flags.pair.then_some(true),
        metadata: if flags.metadata.is_empty() { None } else { Some(once(&flags.metadata)?) },
    })
}

/// Names and values, each name once.
fn once(pairs: &[(String, String)]) -> Result<metadata::Written> {
    let mut written = metadata::Written::new();
    for (name, value) in pairs {
        if written.insert(name.clone(), value.clone()).is_some() {
            return Err(Failed::Refused(format!("--metadata says {name:?} twice")));
        }
    }
    Ok(written)
}

/// On a terminal the whole card; piped, the key alone (of a pair its secret in a second line), and the card where a person
/// may still see it.
fn created(json: bool, created: &CreatedKey, receipt: Option<&ReceiptView>) {
    if json {
        return terminal::json(created);
    }
    let shown = match &created.secret {
        Some(secret) => format!("{}\n{secret}", created.key),
        None => created.key.clone(),
    };
    let mut text = match &created.secret {
        Some(_) => "  shown once: neither the key nor the secret can be shown again\n".to_owned(),
        None => "  shown once: it cannot be shown again\n".to_owned(),
    };
    if let (Some(old), Some(receipt)) = (&created.view.replaces, receipt) {
        text.push_str(&format!("  replaces     {old}, which goes on until its overlap ends ({})\n", receipt.felt()));
    }
    text.push_str(&card(&created.view));
    text.push_str(&format!("\n  undo         keyward key revoke {}", created.view.id));
    if terminal::is_terminal() {
        terminal::line(&format!("{shown}\n{text}"));
    } else {
        terminal::line(&shown);
        terminal::warn_line(&text);
    }
}

fn card(key: &KeyView) -> String {
    let list = |items: &[String], none: &str| if items.is_empty() { none.to_owned() } else { items.join(" ") };
    let mut rows = vec![
        ("id", key.id.clone()),
        ("name", key.name.clone()),
        ("prefix", format!("{}…", key.prefix)),
        ("status", key.status.clone()),
        ("mode", key.mode.clone()),
        ("owner", key.owner.clone()),
        ("scopes", key.scopes.as_ref().map_or("its owner's".to_owned(), |scopes| list(scopes, "none"))),
        ("from", list(&key.allowed_ips, "anywhere")),
        ("created", key.created_at.clone()),
        ("expires", key.expires_at.clone().unwrap_or_else(|| "never".to_owned())),
        ("last used", key.last_used_at.clone().unwrap_or_else(|| "never".to_owned())),
    ];
    if key.pair {
        rows.push(("secret", "with one, for tokens; the key alone opens nothing".to_owned()));
    }
    let optional = [
        ("account", &key.account),
        ("external id", &key.external_id),
        ("replaces", &key.replaces),
        ("ends", &key.overlap_ends_at),
        ("disabled", &key.disabled_at),
        ("revoked", &key.revoked_at),
        ("reason", &key.revoked_reason),
    ];
    rows.extend(key.budget.as_ref().map(|budget| ("budget", budget.words())));
    rows.extend(key.metadata.iter().flatten().map(|(name, value)| ("metadata", format!("{name}={value}"))));
    rows.extend(optional.into_iter().filter_map(|(name, value)| value.clone().map(|value| (name, value))));
    pages::card(&rows)
}

/// Who still uses a key that was replaced, below its card.
fn still_used(key: &KeyView) -> String {
    let Some(overlap) = &key.overlap else { return String::new() };
    let mut text = String::new();
    if let Some(quiet) = &overlap.until_quiet {
        text.push_str(&format!("\n  ends earlier once it was not used for {quiet}"));
    }
    if overlap.used_by.is_empty() {
        return text + "\n  nobody used it since it was replaced";
    }
    let rows = overlap
        .used_by
        .iter()
        .map(|one| vec![one.address.clone(), one.route.clone(), one.last_at.clone(), one.user_agent.clone()]);
    text + "\n\n" + &terminal::table(&["STILL USED FROM", "ROUTE", "LAST", "USER AGENT"], rows)
}

fn changed(key: &ChangedKey, command: &Key) -> String {
    if let Key::Budget { .. } = command {
        let budget = key.view.budget.as_ref().map_or("without bound".to_owned(), BudgetView::words);
        return format!("{}: {budget}, {}", key.view.id, key.receipt.felt());
    }
    if let Key::Set { name, .. } = command {
        let what = if name.is_some() { "has another name" } else { "has other metadata" };
        return format!("{} {what}, {}", key.view.id, key.receipt.felt());
    }
    let what = match command {
        Key::Disable { .. } => "disabled: refused",
        Key::Enable { .. } => "enabled: accepted",
        _ => "revoked for ever: refused",
    };
    format!("{} {what} {}", key.view.id, key.receipt.felt())
}

fn list(reach: &Reach, json: bool, question: &KeyQuestion, (limit, cursor): (u32, Option<String>)) -> Result<()> {
    let Listing { data, next_cursor } = pages::all(limit, cursor, |cursor, limit| {
        let question = question.clone();
        match reach.run(Command::ListKeys { question, cursor, limit })? {
            Reply::Keys { listing } => Ok(listing),
            _ => Err(backend::unexpected()),
        }
    })?;
    if json {
        terminal::json(&Listing { data, next_cursor });
    } else if data.is_empty() {
        let none = if *question == KeyQuestion::default() {
            "no keys yet; `keyward key create NAME` makes one"
        } else {
            "no such keys"
        };
        terminal::line(none);
    } else {
        let rows = data.into_iter().map(row);
        terminal::line(&terminal::table(
            &["ID", "NAME", "PREFIX", "STATUS", "MODE", "OWNER", "EXPIRES", "LAST USED"],
            rows,
        ));
    }
    Ok(())
}

fn row(key: KeyView) -> Vec<String> {
    let never = || "never".to_owned();
    vec![
        key.id,
        key.name,
        format!("{}…", key.prefix),
        key.status,
        key.mode,
        key.owner,
        key.expires_at.unwrap_or_else(never),
        key.last_used_at.unwrap_or_else(never),
    ]
}
