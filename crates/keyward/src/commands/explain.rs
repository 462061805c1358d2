//! `keyward explain`: says what was decided and why, or what would become of a request not yet made.

use std::io::Read as _;

use keyward_api::command::{Command, Reply};
use keyward_api::explain::{Explanation, Question};

use crate::backend::{self, Reach};
use crate::cli::{Cli, Explain};
use crate::exit::{Failed, Result};
use crate::terminal;

/// The most that is read as headers.
const MAX_HEADERS: u64 = 64 * 1024;

/// Explains; the exit code tells only whether it could be explained, not whether the request would pass.
///
/// # Errors
/// The request cannot be written like this, or nobody could be asked.
pub fn run(cli: &Cli, flags: &Explain) -> Result<()> {
    let reach = Reach::of(cli)?;
    if let Some(id) = &flags.decision {
        return decided(&reach, cli.json, id);
    }
    let question = Question {
        method: flags.method.clone(),
        // Without an id there is a path.
        path: flags.path.clone().unwrap_or_default(),
        key_id: flags.key_id.clone(),
        headers: headers(&flags.header)?,
        from: flags.from.clone(),
    };
    let Reply::Explained { explanation } = reach.run(Command::Explain { question })? else {
        return Err(backend::unexpected());
    };
    if cli.json {
        terminal::json(&explanation);
    } else {
        terminal::line(&prose(flags, &explanation));
    }
    Ok(())
}

/// A decision that was made.
fn decided(reach: &Reach, json: bool, id: &str) -> Result<()> {
    let Reply::Decided { decided } = reach.run(Command::ExplainDecision { id: id.to_owned() })? else {
        return Err(backend::unexpected());
    };
    if json {
        terminal::json(&decided);
        return Ok(());
    }
    for sentence in &decided.text {
        terminal::line(&terminal::printable(sentence));
    }
    if let Some(advice) = &decided.advice {
        terminal::line(&format!("what to do: {advice}"));
    }
    Ok(())
}

fn headers(sources: &[String]) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for source in sources {
        let Some(place) = source.strip_prefix('@') else {
            terminal::warn_line(
                "keyward: others on this machine can see a header given here; prefer --header @- or @FILE",
            );
            lines.push(source.clone());
            continue;
        };
        let mut text = String::new();
        let read = if place == "-" {
            std::io::stdin().take(MAX_HEADERS).read_to_string(&mut text)
        } else {
            std::fs::File::open(place).and_then(|file| file.take(MAX_HEADERS).read_to_string(&mut text))
        };
        read.map_err(|error| Failed::Refused(format!("cannot read headers from {source}: {error}")))?;
        lines.extend(text.lines().map(str::to_owned));
    }
    Ok(lines)
}

fn prose(flags: &Explain, explanation: &Explanation) -> String {
    let mut text = format!("{} {}\n", flags.method, flags.path.as_deref().unwrap_or_default());
    for step in &explanation.steps {
        let mark = if step.ok { "ok" } else { "NO" };
        text.push_str(&format!("  {mark}  {}\n", step.text));
    }
    match (explanation.status, &explanation.reason) {
        (Some(status), Some(reason)) => text.push_str(&format!("refused: {status} {reason}")),
        _ => text.push_str("allowed: it would go on to where the route leads"),
    }
    if let Some(advice) = &explanation.advice {
        text.push_str(&format!("\nwhat to do: {advice}"));
    }
    text
}
