//! Verification of the audit log: a walk over its records that says what is wrong with them.

use keyward_engine::chain::{AuditHead, Flaw, Found, Walk};
use keyward_engine::ports::StoreError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BATCH, HeadView, retention, unread};
use crate::failure::{Failure, Kind};
use crate::service::Service;

/// What a verification found.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditReport {
    /// Nothing is wrong.
    pub ok: bool,
    /// How many records are as they were sealed.
    pub verified: u64,
    /// The head.
    pub head: Option<HeadView>,
    /// What is wrong, the first first.
    pub flaws: Vec<FlawView>,
    /// Records that are not sealed yet, first and last: what happened in the last moments.
    pub unsealed: Option<(u64, u64)>,
}

/// What is wrong in one place.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FlawView {
    /// From this record.
    pub from: u64,
    /// To this one.
    pub to: u64,
    /// What: `altered`, `not sealed`, `out of order`, `missing`, `not the head`.
    pub flaw: String,
    /// In a sentence.
    pub text: String,
}

/// Walks over all records and says what is wrong with them.
///
/// # Errors
/// A head that is none or is of a record that was let go, or a store that cannot be read.
pub async fn verify(service: &Service, exported: Option<&HeadView>) -> Result<AuditReport, Failure> {
    let _walking = service.sealer.walking.lock().await;
    // The copy is read first: it may only be behind the store, never ahead.
    let kept = service.sealer.keeper.read().map_err(|error| Failure {
        kind: Kind::Conflict,
        message: format!("the kept head of the audit log cannot be read: {error}"),
    })?;
    let let_go = retention::let_go(&*service.store, &service.sealer.key).await.map_err(unread)?;
    let exported = exported.map(|view| comparable(view, let_go.as_ref())).transpose()?;
    let heads: Vec<AuditHead> = kept.into_iter().chain(exported).collect();
    let state = service.store.audit_state().await.map_err(unread)?;
    let sealed_to = heads.iter().chain(&state.head).map(|head| head.seq).max().unwrap_or_default();
    let mut walk = begin(service, &heads, let_go);
    over(service, &mut walk, let_go, sealed_to.min(state.last)).await.map_err(unread)?;
    let unsealed = tail(service, &mut walk, sealed_to, state.last).await.map_err(unread)?;
    let (verified, found) = walk.end(state.given);
    let flaws: Vec<FlawView> = found.iter().map(flaw).collect();
    Ok(AuditReport { ok: flaws.is_empty(), verified, head: state.head.as_ref().map(HeadView::of), flaws, unsealed })
}

/// What is wrong with the records after those that were let go, up to one, each of which must be there and sealed.
///
/// # Errors
/// A store that cannot be read.
pub(super) async fn verify_part(
    service: &Service,
    let_go: Option<AuditHead>,
    last: AuditHead,
) -> Result<Vec<FlawView>, StoreError> {
    let heads = [last];
    let mut walk = begin(service, &heads, let_go);
    over(service, &mut walk, let_go, last.seq).await?;
    Ok(walk.end(last.seq).1.iter().map(flaw).collect())
}

/// A head from elsewhere, if the record that it is of can still be met.
fn comparable(view: &HeadView, let_go: Option<&AuditHead>) -> Result<AuditHead, Failure> {
    let none = || Failure::invalid("the head is none: its seal is no 64 hexadecimal digits");
    let head = view.head().ok_or_else(none)?;
    match let_go {
        Some(last) if head.seq < last.seq => Err(Failure::invalid(format!(
            "the head is of record {}, and the records up to {} were let go as old: nobody can compare it any more. Verify \
             with a newer head (`keyward audit export --head`), or without one",
            head.seq, last.seq
        ))),
        _ => Ok(head),
    }
}

fn begin<'a>(service: &'a Service, heads: &'a [AuditHead], let_go: Option<AuditHead>) -> Walk<'a> {
    let key = &service.sealer.key;
    let_go.map_or_else(|| Walk::new(key, heads), |last| Walk::after(key, heads, last))
}

/// Walks over the records after those that were let go, up to a number.
async fn over(service: &Service, walk: &mut Walk<'_>, let_go: Option<AuditHead>, up_to: u64) -> Result<(), StoreError> {
    let mut after = let_go.map_or(0, |last| last.seq);
    while after < up_to {
        let rows = service.store.audit_after(after, BATCH).await?;
        let Some((last, _)) = rows.last() else { break };
        after = *last;
        rows.iter().filter(|(seq, _)| *seq <= up_to).for_each(|(seq, record)| walk.step(*seq, record.as_ref()));
    }
    Ok(())
}

/// Goes on over the records that are not sealed yet, and says from which to which they are.
async fn tail(
    service: &Service,
    walk: &mut Walk<'_>,
    mut after: u64,
    last: u64,
) -> Result<Option<(u64, u64)>, StoreError> {
    let mut unsealed = None;
    while after < last {
        let rows = service.store.audit_after(after, BATCH).await?;
        let Some((end, _)) = rows.last() else { break };
        after = *end;
        for (seq, _) in rows.iter().filter(|(seq, _)| *seq <= last) {
            walk.tail(*seq);
            unsealed = Some((unsealed.map_or(*seq, |(first, _)| first), *seq));
        }
    }
    Ok(unsealed)
}

fn flaw(found: &Found) -> FlawView {
    let Found { flaw, from, to } = *found;
    let (word, what) = match flaw {
        Flaw::Altered => ("altered", "not as sealed: changed, put in, or moved here from another place"),
        Flaw::NotSealed => ("not sealed", "without a seal, though it must have one"),
        Flaw::OutOfOrder => ("out of order", "sealed after another record than the one before it"),
        Flaw::Missing => ("missing", "gone"),
        Flaw::NotTheHead => ("not the head", "sealed otherwise than the head that was kept says: the log was replaced"),
    };
    let which = if from == to { format!("record {from}") } else { format!("records {from} to {to}") };
    FlawView { from, to, flaw: word.to_owned(), text: format!("{which}: {what}") }
}
