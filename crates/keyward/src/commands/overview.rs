//! `keyward overview`: what the last time saw, as tables.

use keyward_api::command::{Command, Reply};
use keyward_api::decisions::overview::Overview;

use crate::backend::{self, Reach};
use crate::cli::Cli;
use crate::exit::Result;
use crate::terminal::{self, printable, table};

/// Carries out the command.
///
/// # Errors
/// What the operation says.
pub fn run(cli: &Cli, span: &str) -> Result<()> {
    let reach = Reach::of(cli)?;
    let Reply::Figures { overview } = reach.run(Command::Overview { span: span.to_owned() })? else {
        return Err(backend::unexpected());
    };
    if cli.json {
        terminal::json(&overview);
    } else if overview.outcomes.is_empty() {
        terminal::line(&format!("no requests since {}", overview.since));
    } else {
        terminal::line(&text(&overview));
    }
    Ok(())
}

fn text(overview: &Overview) -> String {
    let millis = |span: Option<f64>| span.map_or_else(|| "-".to_owned(), |span| format!("{span:.1}"));
    let busy = overview.points.iter().filter(|point| point.allowed + point.refused + point.failed > 0);
    let points = busy.map(|point| {
        let counts = [point.allowed, point.refused, point.failed].map(|count| count.to_string());
        [vec![point.at.clone()], counts.to_vec(), vec![millis(point.p50), millis(point.p99)]].concat()
    });
    let outcomes = overview.outcomes.iter().map(|one| vec![one.outcome.clone(), one.count.to_string()]);
    let routes = overview.routes.iter().map(|one| {
        let route = one.route.as_deref().map_or_else(|| "-".to_owned(), printable);
        vec![route, one.count.to_string(), one.refused.to_string()]
    });
    let keys = overview.top_keys.iter().map(|one| {
        let name = one.name.as_deref().map_or_else(|| "-".to_owned(), printable);
        vec![printable(&one.credential), name, printable(&one.principal), one.count.to_string()]
    });
    let tables = [
        table(&["AT", "ALLOWED", "REFUSED", "FAILED", "P50 MS", "P99 MS"], points),
        table(&["OUTCOME", "COUNT"], outcomes),
        table(&["ROUTE", "COUNT", "REFUSED"], routes),
        table(&["CREDENTIAL", "NAME", "PRINCIPAL", "COUNT"], keys),
    ];
    tables.join("\n\n")
}
