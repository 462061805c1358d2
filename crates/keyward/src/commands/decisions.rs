//! `keyward decisions …`: lists what was decided, and follows it.

use std::time::Duration;

use keyward_api::command::{Command, Reply};
use keyward_api::decisions::{DecisionQuestion, DecisionView};
use keyward_api::view::Listing;
use keyward_edge::Unheard;
use serde_json::json;

use crate::backend::{self, Reach};
use crate::cli::{Cli, DecisionFlags, Decisions};
use crate::exit::Result;
use crate::remote::{self, Events, Server};
use crate::{pages, terminal};

/// How many decisions `tail` begins with.
const FIRST: u32 = 10;
/// How many it asks for at once.
const AT_ONCE: u32 = 500;
/// How often it asks.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// Carries out one of the commands.
///
/// # Errors
/// What the operation says.
pub fn run(cli: &Cli, command: &Decisions) -> Result<()> {
    let reach = Reach::of(cli)?;
    match command {
        Decisions::List { flags, since, until, limit, cursor } => {
            let question = |cursor, limit| DecisionQuestion {
                since: since.clone(),
                until: until.clone(),
                cursor,
                limit,
                ..question(flags)
            };
            let listing = pages::all(*limit, cursor.clone(), |cursor, limit| ask(&reach, question(cursor, limit)))?;
            if cli.json {
                terminal::json(&listing);
            } else if listing.data.is_empty() {
                terminal::line("no such decisions are kept");
            } else {
                let head = ["AT", "COUNT", "STATUS", "OUTCOME", "REQUEST", "ROUTE", "CREDENTIAL", "FROM", "ID"];
                terminal::line(&terminal::table(&head, listing.data.iter().map(row)));
            }
            Ok(())
        }
        Decisions::Tail { flags } => tail(&reach, cli.json, flags),
    }
}

fn question(flags: &DecisionFlags) -> DecisionQuestion {
    DecisionQuestion {
        outcome: flags.outcome.clone(),
        route: flags.route.clone(),
        principal: flags.principal.clone(),
        credential: flags.credential.clone(),
        client: flags.from.clone(),
        ..DecisionQuestion::default()
    }
}

fn ask(reach: &Reach, question: DecisionQuestion) -> Result<Listing<DecisionView>> {
    match reach.run(Command::ListDecisions { question })? {
        Reply::Decisions { listing } => Ok(listing),
        _ => Err(backend::unexpected()),
    }
}

/// The last few, then each as it comes, until somebody ends this.
fn tail(reach: &Reach, json: bool, flags: &DecisionFlags) -> Result<()> {
    let mut last = ask(reach, DecisionQuestion { limit: FIRST, ..question(flags) })?.data;
    last.reverse();
    let mut after = last.last().map_or(0, |view| view.seq);
    last.iter().for_each(|view| show(json, view));
    if let Reach::There(server) = reach {
        return follow(server, json, flags, after);
    }
    loop {
        let more = DecisionQuestion { limit: AT_ONCE, after: Some(after), ..question(flags) };
        let command = Command::ListDecisions { question: more };
        let Some(reply) = ask_patiently(reach, &command)? else {
            terminal::warn_line("keyward: no server runs on this data directory, so that nothing more will come");
            return Ok(());
        };
        let Reply::Decisions { listing: Listing { data: next, .. } } = reply else { return Err(backend::unexpected()) };
        next.iter().for_each(|view| show(json, view));
        match next.last() {
            Some(view) => after = view.seq,
            None => std::thread::park_timeout(ASK_EVERY),
        }
    }
}

/// How often one that broke off is asked again, and how long after.
const AGAIN: usize = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// The stream of a server elsewhere: to ask it again and again would be one decision more each time. Where it breaks off it is gone
/// on with after the last that came.
fn follow(server: &Server, json: bool, flags: &DecisionFlags, mut after: u64) -> Result<()> {
    let DecisionFlags { outcome, route, principal, credential, from } = flags;
    let asked =
        json!({"outcome": outcome, "route": route, "principal": principal, "credential": credential, "client": from});
    let target = remote::asked(&["decisions", "tail"], &asked, &[]);
    let runtime = backend::runtime()?;
    let mut left = AGAIN;
    loop {
        let (mut events, place) = (Events::default(), after.to_string());
        let mut take = |piece: &[u8]| {
            events.take(piece, |data| {
                if let Ok(view) = serde_json::from_str::<DecisionView>(data) {
                    show(json, &view);
                    (after, left) = (view.seq, AGAIN);
                }
            })
        };
        let broke_off = runtime.block_on(server.follow(&target, &[("last-event-id", place.as_bytes())], &mut take))?;
        left = left.checked_sub(1).ok_or_else(|| server.unheard(broke_off.unwrap_or(Unheard::Garbage)))?;
        std::thread::park_timeout(PAUSE);
    }
}

/// One that broke off is asked again for a while: it is about to be gone for good, and its socket with it.
fn ask_patiently(reach: &Reach, command: &Command) -> Result<Option<Reply>> {
    for _ in 0..AGAIN {
        match reach.ask_running(command) {
            Ok(answer) => return Ok(answer),
            Err(_) => std::thread::park_timeout(PAUSE),
        }
    }
    reach.ask_running(command)
}

fn show(json: bool, view: &DecisionView) {
    if json {
        // A view always has a form as JSON.
        terminal::line(&serde_json::to_string(view).unwrap_or_default());
    } else {
        terminal::line(&row(view).join("  "));
    }
}

fn row(view: &DecisionView) -> Vec<String> {
    let known = |text: &Option<String>| text.as_deref().map_or("-".to_owned(), terminal::printable);
    let statuses: Vec<String> = view.results.iter().map(|result| result.status.to_string()).collect();
    let request = match (&view.method, &view.path) {
        (Some(method), Some(path)) => terminal::printable(&format!("{method} {path}")),
        _ => "(folded)".to_owned(),
    };
    let outcome = match &view.detail {
        Some(detail) => format!("{} ({detail})", view.outcome),
        None => view.outcome.clone(),
    };
    vec![
        view.at.clone(),
        view.count.to_string(),
        statuses.join(","),
        terminal::printable(&outcome),
        request,
        known(&view.route),
        known(&view.credential),
        known(&view.client),
        view.id.clone(),
    ]
}
