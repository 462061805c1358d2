//! The audit log: its one sealer, its listing, its export and its verification.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use keyward_core::digest::{MacKey, same};
use keyward_core::time::Timestamp;
use keyward_engine::audit::Action;
use keyward_engine::chain::{self, AuditHead, AuditRecord, Flaw, Walk};
use keyward_engine::ports::{AuditFilter, FeedHead, Store, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::{Failure, Kind};
use crate::fields::{self, rfc3339};
use crate::hex::{hex, unhex};
use crate::origin::Origin;
use crate::service::Service;
use crate::view::Listing;

/// How long a record waits for its seal.
const PAUSE: Duration = Duration::from_millis(200);
/// How often old records are looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);
/// However short they are kept.
const PRUNE_AT_MOST_EVERY: Duration = Duration::from_secs(1);
/// How many records are sealed or read at once.
const BATCH: u32 = 500;

/// Where a copy of the head is kept beside the store, so that a store that lost its end, or was put back, is noticed.
pub trait HeadKeeper: Send + Sync {
    /// The head as last kept.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    fn read(&self) -> io::Result<Option<AuditHead>>;
    /// Keeps a head in its place, whole or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    fn write(&self, head: &AuditHead) -> io::Result<()>;
    /// Keeps how far the feed has come, for whoever opens the store next.
    ///
    /// # Errors
    /// It cannot be written.
    fn witness(&self, feed: FeedHead) -> io::Result<()>;
}

/// Seals records. There is one for each store at a time: whoever holds the data directory.
pub struct Sealer {
    key: MacKey,
    keeper: Box<dyn HeadKeeper>,
}

impl Sealer {
    /// With a key that is not kept in the store.
    pub fn new(key: MacKey, keeper: Box<dyn HeadKeeper>) -> Self {
        Self { key, keeper }
    }

    /// Seals all that is committed and moves the kept head on.
    ///
    /// # Errors
    /// The store's; what was sealed before stays sealed.
    pub async fn seal(&self, store: &dyn Store) -> Result<(), StoreError> {
        let mut any = false;
        while store.seal_audit(&self.key, BATCH).await? > 0 {
            any = true;
        }
        if !any {
            return Ok(());
        }
        // Whatever moves the feed leaves a record, so that what was just sealed is all that can have moved it.
        let feed = store.identity().await?.head;
        self.keep_head(store).await?;
        self.keeper.witness(feed).map_err(|error| StoreError::Other(error.to_string()))
    }

    /// A kept head that the store does not hold is evidence, and stays until somebody takes it away.
    async fn keep_head(&self, store: &dyn Store) -> Result<(), StoreError> {
        let Some(head) = store.audit_state().await?.head else { return Ok(()) };
        let kept = self.keeper.read().map_err(|error| StoreError::Other(error.to_string()))?;
        if let Some(kept) = kept {
            let rows = store.audit_after(kept.seq.saturating_sub(1), 1).await?;
            let seal = rows.first().and_then(|(_, record)| record.as_ref()?.seal.as_ref());
            let is_there = seal.is_some_and(|seal| same(&seal.mac, &kept.mac));
            if !is_there && pruned(store, &self.key).await?.is_none_or(|last| last.seq < kept.seq) {
                return Ok(());
            }
        }
        self.keeper.write(&head).map_err(|error| StoreError::Other(error.to_string()))
    }
}

/// Seals for as long as the server runs. A batch that fails is tried again.
pub async fn run(service: Arc<Service>) {
    loop {
        let _ = service.sealer.seal(&*service.store).await;
        tokio::time::sleep(PAUSE).await;
    }
}

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
#[derive(Clone, Debug, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadView {
    /// The number of the last sealed record.
    pub seq: u64,
    /// Its seal, in hexadecimal.
    pub seal: String,
}

/// What a verification found.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    let next_cursor = records.last().filter(|_| more).map(|last| last.seq.to_string());
    Ok(Listing { data: records.iter().map(view).collect(), next_cursor })
}

/// Records after a number, with their seals, and the head.
///
/// # Errors
/// A record that cannot be read.
pub async fn read(service: &Service, after: u64) -> Result<(Vec<SealedView>, Option<HeadView>), Failure> {
    let state = service.store.audit_state().await.map_err(unread)?;
    let mut views = Vec::new();
    for (seq, record) in service.store.audit_after(after, BATCH).await.map_err(unread)? {
        let record = record.ok_or_else(|| Failure {
            kind: Kind::Conflict,
            message: format!("record {seq} of the audit log cannot be read; `keyward audit verify` says more"),
        })?;
        views.push(SealedView {
            record: view(&record),
            key_id: record.seal.as_ref().map(|seal| seal.key_id.clone()),
            previous: record.seal.as_ref().map(|seal| hex(&seal.previous)),
            seal: record.seal.as_ref().map(|seal| hex(&seal.mac)),
        });
    }
    Ok((views, state.head.as_ref().map(HeadView::of)))
}

/// Walks over all records and says what is wrong with them.
///
/// # Errors
/// A head that is none, or a store that cannot be read.
pub async fn verify(service: &Service, exported: Option<&HeadView>) -> Result<AuditReport, Failure> {
    // The copy is read first: it may only be behind the store, never ahead.
    let kept = service.sealer.keeper.read().map_err(|error| Failure {
        kind: Kind::Conflict,
        message: format!("the kept head of the audit log cannot be read: {error}"),
    })?;
    let exported = exported
        .map(|view| {
            view.head().ok_or_else(|| Failure::invalid("the head is none: its seal is no 64 hexadecimal digits"))
        })
        .transpose()?;
    let pruned = pruned(&*service.store, &service.sealer.key).await.map_err(unread)?;
    // A head of a record that was let go is met by what was let go, where it was the last of it; else nobody can say.
    let let_go = pruned.as_ref().map_or(0, |last| last.seq);
    let heads: Vec<AuditHead> = kept.into_iter().chain(exported).filter(|head| head.seq > let_go).collect();
    let state = service.store.audit_state().await.map_err(unread)?;
    let sealed_to = heads.iter().chain(&state.head).map(|head| head.seq).max().unwrap_or_default();
    let key = &service.sealer.key;
    let mut walk = pruned.map_or_else(|| Walk::new(key, &heads), |last| Walk::after(key, &heads, last));
    let (mut after, mut unsealed) = (let_go, None);
    while after < state.last {
        let rows = service.store.audit_after(after, BATCH).await.map_err(unread)?;
        let Some((last, _)) = rows.last() else { break };
        after = *last;
        for (seq, record) in rows.iter().filter(|(seq, _)| *seq <= state.last) {
            if *seq <= sealed_to {
                walk.step(*seq, record.as_ref());
            } else {
                walk.tail(*seq);
                unsealed = Some((unsealed.map_or(*seq, |(first, _)| first), *seq));
            }
        }
    }
    let (verified, found) = walk.end(state.given);
    let flaws: Vec<FlawView> = found.iter().map(|found| flaw(found.flaw, found.from, found.to)).collect();
    Ok(AuditReport { ok: flaws.is_empty(), verified, head: state.head.as_ref().map(HeadView::of), flaws, unsealed })
}

/// The last record that was let go, by the newest event that says so under its own seal: nobody without the key can
/// forge one, and the walk meets that event in its place.
async fn pruned(store: &dyn Store, key: &MacKey) -> Result<Option<AuditHead>, StoreError> {
    let action = Some(Action::AuditPruned.as_str().into());
    let events = store.audit(&AuditFilter { action, limit: BATCH, ..AuditFilter::default() }).await?;
    Ok(events.iter().filter(|event| chain::is_as_sealed(key, event)).find_map(|event| pruned_by(key, event)))
}

/// Made where records are let go and nowhere else: the sealer seals whatever row it finds, so a seal alone proves nothing of
/// who wrote an event.
fn proof(key: &MacKey, last: &AuditHead) -> [u8; 32] {
    key.mac(&[b"keyward audit pruning 1", &last.seq.to_be_bytes(), &last.mac])
}

/// What an event of pruning says, if its proof is right.
fn pruned_by(key: &MacKey, event: &AuditRecord) -> Option<AuditHead> {
    let detail: Value = serde_json::from_str(&event.detail).ok()?;
    let field = |name: &str| detail.get(name).and_then(Value::as_str);
    let last = AuditHead { seq: field("upTo")?.parse().ok()?, mac: unhex(field("seal")?)? };
    same(&proof(key, &last), &unhex(field("proof")?)?).then_some(last)
}

/// Lets go of records that are older than they are kept for, from time to time, for as long as the server runs.
pub async fn keep(service: Arc<Service>, keep: Duration) {
    loop {
        // What fails is tried again; nothing is lost by it but room on the disk.
        let _ = prune(&service, keep).await;
        tokio::time::sleep(keep.clamp(PRUNE_AT_MOST_EVERY, PRUNE_EVERY)).await;
    }
}

/// First an event says up to where, and is sealed; then the records go. Cut off in between, the next one goes on.
async fn prune(service: &Service, keep: Duration) -> Result<(), Failure> {
    let millis = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
    let origin = Origin::system(service);
    let before = Timestamp::from_millis(origin.at.as_millis().saturating_sub(millis));
    let let_go = async || pruned(&*service.store, &service.sealer.key).await.map_err(unread);
    let told = let_go().await?;
    if let Some(last) = service.store.audit_before(before).await.map_err(unread)?
        && told.is_none_or(|told| told.seq < last.seq)
        && is_worth_it(service, last.seq).await?
    {
        let mut event = origin.event(Action::AuditPruned, "audit log");
        event.detail = vec![("upTo", last.seq.to_string().into()), ("seal", hex(&last.mac).into())];
        event.detail.push(("proof", hex(&proof(&service.sealer.key, &last)).into()));
        service.store.record_event(&event).await.map_err(unread)?;
        service.sealer.seal(&*service.store).await.map_err(unread)?;
    }
    if let Some(last) = let_go().await? {
        while service.store.forget_audit(last.seq, BATCH).await.map_err(unread)? > 0 {}
    }
    Ok(())
}

/// Events of pruning alone would be followed by events of their pruning for ever.
async fn is_worth_it(service: &Service, up_to: u64) -> Result<bool, Failure> {
    let oldest = service.store.audit_after(0, BATCH).await.map_err(unread)?;
    let other = |record: &AuditRecord| *record.action != *Action::AuditPruned.as_str();
    Ok(oldest.iter().any(|(seq, record)| *seq <= up_to && record.as_ref().is_none_or(other)))
}

fn flaw(flaw: Flaw, from: u64, to: u64) -> FlawView {
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
