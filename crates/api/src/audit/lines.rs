//! Records of the audit log as lines of a file: JSON, or CSV for spreadsheets.

use serde::Serialize;

use super::AuditView;

/// The first line of a file of CSV.
pub const CSV_HEAD: &str = "seq,at,actor,action,subject,client,decision,sealed,detail\r\n";

/// A line of JSON.
pub fn json(record: &impl Serialize) -> String {
    // A view always has a form as JSON.
    serde_json::to_string(record).unwrap_or_default() + "\n"
}

/// A line of CSV (RFC 4180).
pub fn csv(record: &AuditView) -> String {
    let detail = record.detail.to_string();
    let fields = [
        &*record.seq.to_string(),
        &record.at,
        &record.actor,
        &record.action,
        &record.subject,
        record.client.as_deref().unwrap_or_default(),
        record.decision.as_deref().unwrap_or_default(),
        if record.sealed { "true" } else { "false" },
        &detail,
    ];
    let mut line = fields.map(cell).join(",");
    line.push_str("\r\n");
    line
}

/// A field of CSV. What a spreadsheet would take for a formula is made a text: names come from strangers, too.
fn cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_field_is_neither_two_nor_a_formula() {
        for (text, expected) in [
            ("plain", "\"plain\""),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("=1+1", "\"'=1+1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("-2", "\"'-2\""),
            ("", "\"\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
