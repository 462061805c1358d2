//! `keyward status`: whether a server runs, and how it is.

use keyward_api::command::{Command, Reply};
use keyward_api::nodes::NodeShown;

use crate::backend::{self, Reach};
use crate::cli::Cli;
use crate::exit::{Failed, Result};
use crate::{pages, terminal};

/// Tells of each node; exit code 1 where none runs or one is not ready.
///
/// # Errors
/// None runs, or one is not ready; the server does not answer.
pub fn run(cli: &Cli) -> Result<()> {
    let listing = match Reach::of(cli)?.ask_running(&Command::ListNodes)? {
        Some(Reply::Nodes(listing)) => listing,
        Some(_) => return Err(backend::unexpected()),
        None => {
            return Err(Failed::Refused(
                "no server runs on this data directory; `keyward serve` starts one".to_owned(),
            ));
        }
    };
    if cli.json {
        terminal::json(&listing);
    } else {
        listing.data.iter().for_each(|node| terminal::line(&card(node)));
    }
    if listing.data.iter().all(|node| node.state == "ready") { Ok(()) } else { Err(Failed::Told) }
}

fn card(node: &NodeShown) -> String {
    let size = |bytes: Option<u64>| {
        bytes.map_or_else(|| "size unknown".to_owned(), |bytes| format!("{} KiB", bytes.div_ceil(1024)))
    };
    let store = if node.store.answers { "answers" } else { "does NOT answer" };
    let decisions = match (&node.decisions.kept, &node.decisions.oldest) {
        (false, _) => "not kept".to_owned(),
        (true, _) if node.decisions.stuck => "cannot be written now; they wait in memory".to_owned(),
        (true, None) => format!("none yet, {}", size(node.decisions.bytes)),
        (true, Some(oldest)) => format!("since {oldest}, {}", size(node.decisions.bytes)),
    };
    let memory = if node.fresh { "holds every change" } else { "is not proven fresh" };
    pages::card(&[
        ("node", format!("{}: {}", node.node, node.state)),
        ("version", node.version.clone()),
        ("running since", node.started_at.clone()),
        ("configuration", format!("version {}", node.configuration)),
        ("memory", memory.to_owned()),
        ("store", format!("{store}, {}", size(node.store.bytes))),
        ("decisions", decisions),
        ("waiting", format!("{} passwords", node.passwords_waiting)),
        ("limits", format!("{} callers counted", node.limit_cells)),
    ])
}
