//! The audit log: read, verified, taken along.

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use keyward_api::audit::{self, AuditQuestion, AuditReport, AuditView, HeadView};
use keyward_api::failure::Failure;
use keyward_api::view::Listing;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::{self, Reply};
use crate::call::Call;
use crate::operation::{Access, Given, Operation, Sent, Verb, shape};
use crate::operations::keys::page;

const READ: Access = Access::Scope("keyward:audit:read");

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation {
        id: "audit.list",
        path: "/audit",
        access: READ,
        summary: "List records of the audit log, newest first",
        query: Some(shape::<Which>),
        given: Given::Json(StatusCode::OK, shape::<Listing<AuditView>>),
        refuses: &[409],
        run: |call| Box::pin(list(call)),
        ..Operation::NEW
    },
    Operation {
        id: "audit.head",
        path: "/audit/head",
        access: READ,
        summary: "The head of the audit log, to be kept elsewhere",
        given: Given::Json(StatusCode::OK, shape::<Head>),
        refuses: &[409],
        run: |call| Box::pin(head(call)),
        ..Operation::NEW
    },
    Operation {
        id: "audit.export",
        path: "/audit/export",
        access: READ,
        summary: "All records that fit, newest first, as CSV or one JSON document per line",
        query: Some(shape::<Exporting>),
        given: Given::Text(&["text/csv", "application/x-ndjson"]),
        refuses: &[409],
        run: |call| Box::pin(export(call)),
        ..Operation::NEW
    },
    Operation {
        id: "audit.verify",
        verb: Verb::Post,
        path: "/audit/verify",
        access: READ,
        summary: "Walk over the audit log and say what is not as it was written",
        sent: Sent::Maybe(shape::<Verifying>),
        given: Given::Json(StatusCode::OK, shape::<AuditReport>),
        refuses: &[409],
        run: |call| Box::pin(verify(call)),
        ..Operation::NEW
    },
];

/// Which records to list.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// By whom: `operator`, `system`, `stranger`, or an id.
    actor: Option<String>,
    /// What, such as `key.revoked`.
    action: Option<String>,
    /// To what, by its id.
    subject: Option<String>,
    /// Not before: a time, or a span back such as `7d`.
    since: Option<String>,
    /// Not after, likewise.
    until: Option<String>,
    /// A `nextCursor` of the page before.
    cursor: Option<String>,
    /// How many at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
}

async fn list(call: &Call) -> Result<Reply, Failure> {
    let Which { actor, action, subject, since, until, cursor, limit } = call.query()?;
    let question = AuditQuestion { actor, action, subject, since, until, limit: page(limit)?, cursor };
    Ok(answer::ok(&audit::list(call.service(), &question).await?))
}

/// The head of the log.
#[derive(Serialize, JsonSchema)]
struct Head {
    /// The last sealed record; null = none is.
    head: Option<HeadView>,
}

async fn head(call: &Call) -> Result<Reply, Failure> {
    Ok(answer::ok(&Head { head: audit::head(call.service()).await? }))
}

/// What to verify by.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Verifying {
    /// A head that was kept elsewhere.
    head: Option<HeadView>,
}

async fn verify(call: &Call) -> Result<Reply, Failure> {
    let Verifying { head } = call.body_or_nothing()?;
    Ok(answer::ok(&audit::verify(call.service(), head.as_ref()).await?))
}

/// The form of an export.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Form {
    Csv,
    Ndjson,
}

/// Which records to export, and how.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Exporting {
    /// `csv` or `ndjson`.
    format: Form,
    /// By whom.
    actor: Option<String>,
    /// What.
    action: Option<String>,
    /// To what.
    subject: Option<String>,
    /// Not before.
    since: Option<String>,
    /// Not after.
    until: Option<String>,
}

/// Records of one page of an export.
const AT_ONCE: u32 = 500;

/// What is left of an export.
struct Export {
    call: Call,
    form: Form,
    question: AuditQuestion,
    /// The first page, which was read before the answer began.
    first: Option<Listing<AuditView>>,
    over: bool,
}

async fn export(call: &Call) -> Result<Reply, Failure> {
    let Exporting { format, actor, action, subject, since, until } = call.query()?;
    let question = AuditQuestion { actor, action, subject, since, until, limit: AT_ONCE, cursor: None };
    // What is wrong with the question is told as a refusal, before anything is.
    let first = Some(audit::list(call.service(), &question).await?);
    let export = Export { call: call.clone(), form: format, question, first, over: false };
    let (media, name) = match format {
        Form::Csv => ("text/csv; charset=utf-8; header=present", "attachment; filename=\"audit.csv\""),
        Form::Ndjson => ("application/x-ndjson", "attachment; filename=\"audit.ndjson\""),
    };
    let pages = stream::try_unfold(export, |export| export.go_on());
    let mut reply = Response::new(Body::from_stream(pages));
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static(name));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(reply)
}

impl Export {
    /// The next page, as it is written. A fault breaks the answer off, so that nobody takes a part for the whole.
    async fn go_on(mut self) -> Result<Option<(Bytes, Self)>, Failure> {
        if self.over {
            return Ok(None);
        }
        let begins = self.first.is_some();
        let page = match self.first.take() {
            Some(page) => page,
            None => audit::list(self.call.service(), &self.question).await?,
        };
        self.over = page.next_cursor.is_none();
        self.question.cursor = page.next_cursor;
        let mut text = String::new();
        if let (Form::Csv, true) = (self.form, begins) {
            text.push_str("seq,at,actor,action,subject,client,decision,sealed,detail\r\n");
        }
        for record in &page.data {
            match self.form {
                Form::Csv => text.push_str(&row(record)),
                Form::Ndjson => {
                    text.push_str(&serde_json::to_string(record).unwrap_or_default());
                    text.push('\n');
                }
            }
        }
        Ok(Some((Bytes::from(text), self)))
    }
}

/// A line of CSV (RFC 4180).
fn row(record: &AuditView) -> String {
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
