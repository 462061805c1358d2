//! `keyward audit …`: lists, verifies and exports the record of what happened.

use std::io::Read as _;
use std::path::Path;

use clap::ValueEnum as _;
use keyward_api::audit::lines::{self, CSV_HEAD};
use keyward_api::audit::{AuditQuestion, AuditReport, AuditView, HeadView};
use keyward_api::command::{Command, Reply};
use keyward_api::view::Listing;
use keyward_edge::Unheard;
use serde_json::{Value, json};

use crate::backend::{self, Reach};
use crate::cli::{Audit, AuditFormat, Cli, WhichRecords};
use crate::exit::{Failed, Result};
use crate::remote::{self, Server};
use crate::terminal;

/// How many records are asked for at once.
const AT_ONCE: u32 = 500;

/// Carries out one of the audit commands.
///
/// # Errors
/// What the operation says; a log with something wrong in it.
pub fn run(cli: &Cli, command: &Audit) -> Result<()> {
    let reach = Reach::of(cli)?;
    match command {
        Audit::Export { head: true, .. } => sealed(&reach, true),
        Audit::Export { head: false, format, which } => export(&reach, *format, which),
        Audit::Verify { head } => {
            let head = head.as_deref().map(read_head).transpose()?;
            match reach.run(Command::VerifyAudit { head })? {
                Reply::AuditVerified { report } => verified(cli.json, &report),
                _ => Err(other()),
            }
        }
        Audit::List { which, limit, cursor } => {
            let question = AuditQuestion { limit: *limit, cursor: cursor.clone(), ..question(which) };
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

fn question(which: &WhichRecords) -> AuditQuestion {
    AuditQuestion {
        actor: which.actor.clone(),
        action: which.action.clone(),
        subject: which.subject.clone(),
        since: which.since.clone(),
        until: which.until.clone(),
        ..AuditQuestion::default()
    }
}

/// Prints records: all of them with their seals, or those that fit in another form. A server elsewhere sends them as a stream.
fn export(reach: &Reach, format: AuditFormat, which: &WhichRecords) -> Result<()> {
    let WhichRecords { actor, action, subject, since, until } = which;
    let takes_some = [actor, action, subject, since, until].into_iter().any(Option::is_some);
    if format == AuditFormat::Sealed && takes_some {
        return Err(Failed::Refused(
            "records are printed whole with their seals; --format csv and --format ndjson take some of them".to_owned(),
        ));
    }
    match (reach, format) {
        (Reach::There(server), format) => streamed(server, format, which),
        (Reach::Here(_), AuditFormat::Sealed) => sealed(reach, false),
        (Reach::Here(_), AuditFormat::Csv) => some(reach, which, (CSV_HEAD, lines::csv)),
        (Reach::Here(_), AuditFormat::Ndjson) => some(reach, which, ("", lines::json)),
    }
}

/// As it comes from a server elsewhere.
fn streamed(server: &Server, format: AuditFormat, which: &WhichRecords) -> Result<()> {
    let format = format.to_possible_value().map(|value| value.get_name().to_owned());
    let WhichRecords { actor, action, subject, since, until } = which;
    let asked =
        json!({"format": format, "actor": actor, "action": action, "subject": subject, "since": since, "until": until});
    let target = remote::asked(&["audit", "export"], &asked, &[]);
    let mut print = |piece: &[u8]| terminal::bytes(piece);
    match backend::runtime()?.block_on(server.follow(&target, &[], &mut print))? {
        None => Ok(()),
        Some(Unheard::Garbage) => Err(Failed::Refused(format!(
            "{} broke off: what was printed is not all; `keyward audit verify` says whether a record cannot be read",
            server.url()
        ))),
        Some(why) => Err(server.unheard(why)),
    }
}

/// Pages through the records that fit, newest first.
fn some(reach: &Reach, which: &WhichRecords, (head, line): (&str, fn(&AuditView) -> String)) -> Result<()> {
    let mut cursor = None;
    let mut text = head.to_owned();
    loop {
        let question = AuditQuestion { limit: AT_ONCE, cursor, ..question(which) };
        let Reply::Audit { listing } = reach.run(Command::ListAudit { question })? else { return Err(other()) };
        text.extend(listing.data.iter().map(line));
        if !terminal::bytes(text.as_bytes()) || listing.next_cursor.is_none() {
            return Ok(());
        }
        cursor = listing.next_cursor;
        text.clear();
    }
}

/// Pages through all records, so that no answer holds more than a few hundred.
fn sealed(reach: &Reach, head_alone: bool) -> Result<()> {
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
