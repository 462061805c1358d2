//! `keyward audit …`: lists, verifies and exports the record of what happened.

use std::io::Read as _;
use std::path::Path;

use keyward_api::audit::{AuditQuestion, AuditReport, AuditView, HeadView};
use keyward_api::command::{Command, Reply};
use keyward_api::view::Listing;
use serde_json::Value;

use crate::backend::{self, Reach};
use crate::cli::{Audit, Cli};
use crate::exit::{Failed, Result};
use crate::terminal;

/// Carries out one of the audit commands.
///
/// # Errors
/// What the operation says; a log with something wrong in it.
pub fn run(cli: &Cli, command: &Audit) -> Result<()> {
    let reach = Reach::of(cli)?;
    match command {
        Audit::Export { head } => export(&reach, *head),
        Audit::Verify { head } => {
            let head = head.as_deref().map(read_head).transpose()?;
            match reach.run(Command::VerifyAudit { head })? {
                Reply::AuditVerified { report } => verified(cli.json, &report),
                _ => Err(other()),
            }
        }
        Audit::List { actor, action, subject, since, until, limit, cursor } => {
            let question = AuditQuestion {
                actor: actor.clone(),
                action: action.clone(),
                subject: subject.clone(),
                since: since.clone(),
                until: until.clone(),
                limit: *limit,
                cursor: cursor.clone(),
            };
            match reach.run(Command::ListAudit { question })? {
                Reply::Audit { listing } if cli.json => terminal::json(&listing),
                Reply::Audit { listing } => terminal::line(&table(&listing)),
                _ => return Err(other()),
            }
            Ok(())
        }
    }
}

fn other() -> Failed {
    backend::unexpected()
}

/// Pages through all records, so that no answer holds more than a few hundred.
fn export(reach: &Reach, head_alone: bool) -> Result<()> {
    let mut after = if head_alone { u64::MAX } else { 0 };
    loop {
        let Reply::AuditPart { records, head } = reach.run(Command::ReadAudit { after })? else {
            return Err(other());
        };
        for record in &records {
            terminal::line(&serde_json::to_string(record).map_err(|error| Failed::Refused(error.to_string()))?);
        }
        match records.last() {
            Some(last) => after = last.record.seq,
            None => {
                terminal::line(&serde_json::json!({ "head": head }).to_string());
                return Ok(());
            }
        }
    }
}

/// The head in the last line of an export.
fn read_head(path: &Path) -> Result<HeadView> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text))
    };
    read.map_err(|error| Failed::Refused(format!("cannot read {}: {error}", path.display())))?;
    let last: Option<Value> =
        text.lines().rev().find(|line| !line.is_empty()).and_then(|line| serde_json::from_str(line).ok());
    last.and_then(|mut last| serde_json::from_value(last.get_mut("head")?.take()).ok()).ok_or_else(|| {
        Failed::Refused(format!(
            "the last line of {} is no head; `keyward audit export --head` prints one",
            path.display()
        ))
    })
}

fn verified(json: bool, report: &AuditReport) -> Result<()> {
    if json {
        terminal::json(report);
    } else {
        for flaw in &report.flaws {
            terminal::line(&flaw.text);
        }
        if let Some((from, to)) = report.unsealed {
            terminal::line(&format!("records {from} to {to}: not sealed yet, as is normal for the last moments"));
        }
        let end = if report.ok { "ok" } else { "the audit log is NOT as it was written" };
        terminal::line(&format!("{end}: {} records verified", report.verified));
    }
    if report.ok { Ok(()) } else { Err(Failed::Told) }
}

fn table(listing: &Listing<AuditView>) -> String {
    let rows = listing.data.iter().map(|record| {
        vec![
            record.seq.to_string(),
            record.at.clone(),
            terminal::quoted(&record.actor),
            record.action.to_string(),
            terminal::quoted(&record.subject),
            record.client.as_deref().unwrap_or("-").to_owned(),
            record.detail.to_string(),
        ]
    });
    terminal::table(&["NO", "AT", "ACTOR", "ACTION", "SUBJECT", "FROM", "DETAIL"], rows)
}
