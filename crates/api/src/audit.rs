//! The audit log: its listing and its export; in the rooms below, its lines, its sealer, its verification, and how old records go.

pub mod lines;
mod retention;
mod sealer;
mod verification;

use keyward_engine::chain::{AuditHead, AuditRecord};
use keyward_engine::ports::{AuditFilter, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use retention::keep;
pub use sealer::{HeadKeeper, Sealer, run};
pub use verification::{AuditReport, FlawView, verify};

use crate::failure::{Failure, Kind};
use crate::fields::{self, rfc3339};
use crate::hex::{hex, unhex};
use crate::service::Service;
use crate::view::Listing;

/// How many records are sealed or read at once.
const BATCH: u32 = 500;

/// Which records to list, as a person or program writes it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AuditQuestion {
    /// By whom.
    pub actor: Option<String>,
    /// What.
    pub action: Option<String>,
    /// To what.
    pub subject: Option<String>,
    /// Not before.
    pub since: Option<String>,
    /// Not after.
    pub until: Option<String>,
    /// How many at most.
    pub limit: u32,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// A record for people and programs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditView {
    /// Its number.
    pub seq: u64,
    /// When.
    pub at: String,
    /// Who.
    pub actor: Box<str>,
    /// What.
    pub action: Box<str>,
    /// To what.
    pub subject: Box<str>,
    /// From where.
    pub client: Option<Box<str>>,
    /// By which decision.
    pub decision: Option<Box<str>>,
    /// More.
    pub detail: Value,
    /// Whether it has its seal.
    pub sealed: bool,
}

/// A record with its seal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SealedView {
    /// The record.
    #[serde(flatten)]
    pub record: AuditView,
    /// Which key sealed it.
    pub key_id: Option<Box<str>>,
    /// The seal before, in hexadecimal.
    pub previous: Option<String>,
    /// Its seal.
    pub seal: Option<String>,
}

/// A head, to be kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeadView {
    /// The number of the last sealed record.
    pub seq: u64,
    /// Its seal, in hexadecimal.
    pub seal: String,
}

impl HeadView {
    /// Of a head.
    pub fn of(head: &AuditHead) -> Self {
        Self { seq: head.seq, seal: hex(&head.mac) }
    }

    /// The head; `None` where the text is no seal.
    pub fn head(&self) -> Option<AuditHead> {
        Some(AuditHead { seq: self.seq, mac: unhex(&self.seal)? })
    }
}

/// A page of records, newest first.
///
/// # Errors
/// A time or cursor that is none.
pub async fn list(service: &Service, question: &AuditQuestion) -> Result<Listing<AuditView>, Failure> {
    let limit = question.limit.clamp(1, 1000);
    let now = service.now().wall;
    let text = |text: &Option<String>| text.as_deref().map(Into::into);
    let before = question
        .cursor
        .as_deref()
        .map(|cursor| cursor.parse().map_err(|_| Failure::invalid("the cursor is not one that a listing here gave")));
    let filter = AuditFilter {
        actor: text(&question.actor),
        action: text(&question.action),
        subject: text(&question.subject),
        since: question.since.as_deref().map(|since| fields::past(since, now)).transpose()?,
        until: question.until.as_deref().map(|until| fields::past(until, now)).transpose()?,
        before: before.transpose()?,
        limit: limit + 1,
    };
    let mut records = service.store.audit(&filter).await.map_err(unread)?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = records.len() > most;
    records.truncate(most);
    let next_cursor = records.last().filter(|_| more).map(|(seq, _)| seq.to_string());
    let views = records.iter().map(|(seq, record)| readable(*seq, record.as_ref()).map(view));
    let data = views.collect::<Result<_, _>>()?;
    Ok(Listing { data, next_cursor })
}

/// The last sealed record; `None`: none is.
///
/// # Errors
/// The log cannot be read.
pub async fn head(service: &Service) -> Result<Option<HeadView>, Failure> {
    Ok(service.store.audit_state().await.map_err(unread)?.head.as_ref().map(HeadView::of))
}

/// Records after a number, with their seals, and the head.
///
/// # Errors
/// A record that cannot be read.
pub async fn read(service: &Service, after: u64) -> Result<(Vec<SealedView>, Option<HeadView>), Failure> {
    let state = service.store.audit_state().await.map_err(unread)?;
    let mut views = Vec::new();
    for (seq, record) in service.store.audit_after(after, BATCH).await.map_err(unread)? {
        let record = readable(seq, record.as_ref())?;
        views.push(SealedView {
            record: view(record),
            key_id: record.seal.as_ref().map(|seal| seal.key_id.clone()),
            previous: record.seal.as_ref().map(|seal| hex(&seal.previous)),
            seal: record.seal.as_ref().map(|seal| hex(&seal.mac)),
        });
    }
    Ok((views, state.head.as_ref().map(HeadView::of)))
}

fn readable(seq: u64, record: Option<&AuditRecord>) -> Result<&AuditRecord, Failure> {
    record.ok_or_else(|| Failure {
        kind: Kind::Conflict,
        message: format!("record {seq} of the audit log cannot be read; `keyward audit verify` says more"),
    })
}

fn view(record: &AuditRecord) -> AuditView {
    AuditView {
        seq: record.seq,
        at: rfc3339(record.at),
        actor: record.actor.clone(),
        action: record.action.clone(),
        subject: record.subject.clone(),
        client: record.client.clone(),
        decision: record.decision.clone(),
        detail: serde_json::from_str(&record.detail).unwrap_or_else(|_| Value::from(&*record.detail)),
        sealed: record.seal.is_some(),
    }
}

fn unread(error: StoreError) -> Failure {
    Failure { kind: Kind::Unavailable, message: format!("the audit log cannot be read: {error}") }
}
