//! `keyward role list` and `keyward plan list`: the named sets of the configuration that runs.

use std::time::Duration;

use keyward_api::command::{Command, Reply};
use keyward_api::people::plans::{PlanLimitView, PlanView};
use keyward_api::people::roles::RoleView;

use crate::backend::{self, Reach};
use crate::cli::Cli;
use crate::exit::Result;
use crate::terminal;

/// Lists the roles.
///
/// # Errors
/// There is no data directory, or it does not answer.
pub fn roles(cli: &Cli) -> Result<()> {
    match Reach::of(cli)?.run(Command::ListRoles)? {
        Reply::Roles(listing) if cli.json => terminal::json(&listing),
        Reply::Roles(listing) => {
            terminal::line(&terminal::table(&["ROLE", "SCOPES"], listing.data.into_iter().map(role)));
        }
        _ => return Err(backend::unexpected()),
    }
    Ok(())
}

/// Lists the plans.
///
/// # Errors
/// There is no data directory, or it does not answer.
pub fn plans(cli: &Cli) -> Result<()> {
    match Reach::of(cli)?.run(Command::ListPlans)? {
        Reply::Plans(listing) if cli.json => terminal::json(&listing),
        Reply::Plans(listing) if listing.data.is_empty() => {
            terminal::line("no plans; they stand in the configuration, under `plans`");
        }
        Reply::Plans(listing) => {
            let head = ["PLAN", "DEFAULT", "LIMITS"];
            terminal::line(&terminal::table(&head, listing.data.into_iter().map(plan)));
        }
        _ => return Err(backend::unexpected()),
    }
    Ok(())
}

fn role(role: RoleView) -> Vec<String> {
    let scopes = if role.scopes.is_empty() { "none".to_owned() } else { role.scopes.join(" ") };
    vec![role.name, scopes]
}

fn plan(plan: PlanView) -> Vec<String> {
    let default = if plan.is_default { "yes" } else { "no" }.to_owned();
    let limits: Vec<String> = plan.limits.iter().map(limit).collect();
    vec![plan.name, default, if limits.is_empty() { "none".to_owned() } else { limits.join(", ") }]
}

fn limit(limit: &PlanLimitView) -> String {
    let window = keyward_core::limit::window_word(Duration::from_secs_f64(limit.window_seconds));
    let burst = limit.burst.map(|burst| format!(" (burst {burst})")).unwrap_or_default();
    format!("{}/{window}{burst}", limit.requests)
}
