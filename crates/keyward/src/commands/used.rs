//! `keyward usage`, `key usage`, `account usage` and what is left of limits: what was used, as tables.

use keyward_api::command::{Command, Reply};
use keyward_api::decisions::usage::{Of, UsageQuestion};
use keyward_api::decisions::used::{KeyUsage, Used, UsedQuestion};
use keyward_api::decisions::used_command::{UsedCommand, UsedReply};
use keyward_api::limits::LimitsView;

use crate::backend::{self, Reach};
use crate::cli::{Cli, Usage, UsedFlags};
use crate::exit::Result;
use crate::terminal::{printable, table};
use crate::{pages, terminal};

/// Lists usage by the hour.
///
/// # Errors
/// What the operation says.
pub fn run(cli: &Cli, flags: &Usage) -> Result<()> {
    let reach = Reach::of(cli)?;
    let of = Of {
        principal: flags.principal.clone(),
        credential: flags.credential.clone(),
        route: flags.route.clone(),
        outcome: flags.outcome.clone(),
    };
    let listing = pages::all(flags.limit, flags.cursor.clone(), |cursor, limit| {
        let question = UsageQuestion { since: flags.since.clone(), until: flags.until.clone(), cursor, limit };
        match reach.run(Command::Used(UsedCommand::List { of: of.clone(), question }))? {
            Reply::Used(UsedReply::List { listing }) => Ok(listing),
            _ => Err(backend::unexpected()),
        }
    })?;
    if cli.json {
        terminal::json(&listing);
    } else if listing.data.is_empty() {
        terminal::line("nothing of this kind was used");
    } else {
        let known = |text: &Option<Box<str>>| text.as_deref().map_or_else(|| "-".to_owned(), printable);
        let rows = listing.data.iter().map(|row| {
            let count = row.count.to_string();
            let (principal, credential) = (known(&row.principal), known(&row.credential));
            vec![row.hour.clone(), principal, credential, known(&row.route), row.outcome.to_string(), count]
        });
        terminal::line(&table(&["HOUR", "PRINCIPAL", "CREDENTIAL", "ROUTE", "OUTCOME", "COUNT"], rows));
    }
    Ok(())
}

/// From when to when, as the operation takes it.
pub fn question(flags: &UsedFlags) -> UsedQuestion {
    UsedQuestion { since: flags.since.clone(), until: flags.until.clone(), step: flags.step.clone() }
}

/// What was used, and what is left.
///
/// # Errors
/// An answer to something else.
pub fn told(json: bool, reply: &UsedReply) -> Result<()> {
    match reply {
        UsedReply::Key { usage } if json => terminal::json(usage),
        UsedReply::Key { usage } => terminal::line(&of_key(usage)),
        UsedReply::Account { usage } if json => terminal::json(usage),
        UsedReply::Account { usage } => terminal::line(&text(usage)),
        UsedReply::Limits { limits } if json => terminal::json(limits),
        UsedReply::Limits { limits } => terminal::line(&left(limits)),
        UsedReply::List { .. } => return Err(backend::unexpected()),
    }
    Ok(())
}

fn of_key(usage: &KeyUsage) -> String {
    let places = usage.used_from.iter().map(|place| {
        let known = |text: &Option<String>| text.as_deref().map_or_else(|| "-".to_owned(), printable);
        vec![place.last_at.clone(), printable(&place.address), known(&place.route), known(&place.user_agent)]
    });
    let places = table(&["LAST AT", "FROM", "ROUTE", "USER AGENT"], places);
    let last = usage.last_used_at.as_deref().unwrap_or("never");
    format!("{}\n\nlast used: {last}\n\n{places}", text(&usage.used))
}

fn text(used: &Used) -> String {
    let busy = used.points.iter().filter(|point| point.allowed + point.refused + point.failed > 0);
    let points = busy.map(|point| {
        let counts = [point.allowed, point.refused, point.failed].map(|count| count.to_string());
        [vec![point.at.clone()], counts.to_vec()].concat()
    });
    let outcomes = used.outcomes.iter().map(|one| vec![one.outcome.clone(), one.count.to_string()]);
    let tables = [table(&["AT", "ALLOWED", "REFUSED", "FAILED"], points), table(&["OUTCOME", "COUNT"], outcomes)];
    tables.join("\n\n")
}

/// What is left of limits.
fn left(view: &LimitsView) -> String {
    let rows = view.limits.iter().map(|limit| {
        let window = limit.window_seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds} s"));
        let resets = limit.resets_at.clone().unwrap_or_else(|| "never".to_owned());
        let left = limit.remaining.to_string();
        vec![limit.limit.to_string(), limit.per.clone(), limit.requests.to_string(), window, left, resets]
    });
    let head = ["LIMIT", "PER", "REQUESTS", "WINDOW", "LEFT", "RESETS"];
    let plan = view.plan.as_deref().unwrap_or("none");
    format!("plan: {plan}\n\n{}", table(&head, rows))
}
