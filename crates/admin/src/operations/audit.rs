//! The audit log: read, verified, taken along.

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use keyward_api::audit::lines::{self, CSV_HEAD};
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
const NDJSON: &str = "application/x-ndjson";

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
        summary: "Records that fit, newest first, as CSV or one JSON document per line; or all of them, with their seals",
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
    Sealed,
}

/// Which records to export, and how.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Exporting {
    /// `csv` or `ndjson`: those that fit, newest first. `sealed`: all of them in order, as `ndjson` with their seals, and the head
    /// last.
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
    is_csv: bool,
    question: AuditQuestion,
    /// The first page, which was read before the answer began.
    first: Option<Listing<AuditView>>,
    over: bool,
}

async fn export(call: &Call) -> Result<Reply, Failure> {
    let Exporting { format, actor, action, subject, since, until } = call.query()?;
    let question = AuditQuestion { actor, action, subject, since, until, limit: AT_ONCE, cursor: None };
    let (body, media, name) = match format {
        Form::Csv => (some(call, question, true).await?, "text/csv; charset=utf-8; header=present", "audit.csv"),
        Form::Ndjson => (some(call, question, false).await?, NDJSON, "audit.ndjson"),
        Form::Sealed => (all_sealed(call, &question).await?, NDJSON, "audit-sealed.ndjson"),
    };
    let mut reply = Response::new(body);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    if let Ok(name) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(reply)
}

/// Those that fit. What is wrong with the question is told as a refusal, before anything is.
async fn some(call: &Call, question: AuditQuestion, is_csv: bool) -> Result<Body, Failure> {
    let first = Some(audit::list(call.service(), &question).await?);
    let export = Export { call: call.clone(), is_csv, question, first, over: false };
    Ok(Body::from_stream(stream::try_unfold(export, |export| export.go_on())))
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
        let mut text = if self.is_csv && begins { CSV_HEAD.to_owned() } else { String::new() };
        for record in &page.data {
            text.push_str(&if self.is_csv { lines::csv(record) } else { lines::json(record) });
        }
        Ok(Some((Bytes::from(text), self)))
    }
}

/// All of them, by which whoever keeps them can tell later what was changed: so none is left out.
async fn all_sealed(call: &Call, question: &AuditQuestion) -> Result<Body, Failure> {
    let AuditQuestion { actor, action, subject, since, until, .. } = question;
    if [actor, action, subject, since, until].into_iter().any(Option::is_some) {
        return Err(Failure::invalid("records go out whole with their seals; csv and ndjson take some of them"));
    }
    let (first, head) = audit::read(call.service(), 0).await?;
    let pages = stream::try_unfold((call.clone(), Some((first, head))), |(call, page)| async move {
        let Some((records, head)) = page else { return Ok(None) };
        let mut text: String = records.iter().map(lines::json).collect();
        let next = match records.last() {
            Some(last) => Some(audit::read(call.service(), last.record.seq).await?),
            None => {
                text.push_str(&lines::json(&Head { head }));
                None
            }
        };
        Ok::<_, Failure>(Some((Bytes::from(text), (call, next))))
    });
    Ok(Body::from_stream(pages))
}
