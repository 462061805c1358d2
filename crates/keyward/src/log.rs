//! The decision log on stdout: a line per request for people, a JSON object per request for programs.

use std::io::Write as _;

use keyward_api::fields::rfc3339;
use keyward_engine::record::{Record, Records};

use crate::cli::Log;
use crate::terminal::printable;

/// Writes records until every journal is gone. Runs on a thread of its own: a reader that is slow to take our lines
/// holds up nobody else.
pub fn write(mut records: Records, form: Log) {
    let mut out = std::io::BufWriter::new(std::io::stdout());
    while let Some(record) = records.next_blocking() {
        let lost = records.take_lost();
        if lost > 0 {
            let _ = writeln!(out, "{}", lost_line(lost, form));
        }
        let line = match form {
            Log::Json => json(&record),
            Log::Human | Log::Off => human(&record),
        };
        let _ = writeln!(out, "{line}");
        if records.is_empty() {
            let _ = out.flush();
        }
    }
    let _ = out.flush();
}

fn lost_line(lost: u64, form: Log) -> String {
    match form {
        Log::Json => serde_json::json!({"lost": lost}).to_string(),
        Log::Human | Log::Off => format!("({lost} lines were lost: stdout was too slow)"),
    }
}

/// `12:03:44 401 GET /orders NoCredential route=all from=127.0.0.1 0.3ms 01…`
fn human(record: &Record) -> String {
    let at = rfc3339(record.at);
    let clock = at.get(11..19).unwrap_or(&at);
    let mut line = format!("{clock} {} {} {}", record.status, record.method, printable(&record.path));
    line.push_str(&format!(" {}", record.outcome));
    if let Some(detail) = &record.detail {
        line.push_str(&format!(" ({})", printable(detail)));
    }
    if let Some(route) = &record.route {
        line.push_str(&format!(" route={}", printable(route)));
    }
    if let Some(credential) = &record.credential {
        line.push_str(&format!(" key={}", printable(credential)));
    }
    line.push_str(&format!(" from={} {:.1}ms {}", record.client, record.took.as_secs_f64() * 1000.0, record.id));
    line
}

fn json(record: &Record) -> String {
    serde_json::json!({
        "at": rfc3339(record.at),
        "decision": record.id.to_string(),
        "status": record.status,
        "outcome": record.outcome,
        "detail": record.detail,
        "method": record.method,
        "path": record.path,
        "route": record.route,
        "principal": record.principal,
        "credential": record.credential,
        "client": record.client.to_string(),
        "millis": (record.took.as_secs_f64() * 1_000_000.0).round() / 1000.0,
    })
    .to_string()
}
