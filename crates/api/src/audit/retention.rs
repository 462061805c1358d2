//! How old records of the audit log are let go, so that what stays still verifies.

use std::sync::Arc;
use std::time::Duration;

use keyward_core::digest::{MacKey, same};
use keyward_core::time::Timestamp;
use keyward_engine::audit::Action;
use keyward_engine::chain::{self, AuditHead, AuditRecord};
use keyward_engine::ports::{AuditFilter, Store, StoreError};
use serde_json::Value;

use super::verification::verify_part;
use super::{BATCH, unread};
use crate::failure::{Failure, Kind};
use crate::hex::{hex, unhex};
use crate::origin::Origin;
use crate::service::Service;

/// How often old records are looked for.
const EVERY: Duration = Duration::from_secs(3600);
/// However short they are kept.
const AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// The last record that was let go, by the newest event that says so under its own seal and with its own proof: nobody
/// without the key can make one, and a walk meets that event in its place.
pub(super) async fn let_go(store: &dyn Store, key: &MacKey) -> Result<Option<AuditHead>, StoreError> {
    let action = Some(Action::AuditPruned.as_str().into());
    let events = store.audit(&AuditFilter { action, limit: BATCH, ..AuditFilter::default() }).await?;
    let readable = events.iter().filter_map(|(_, event)| event.as_ref());
    Ok(readable.filter(|event| chain::is_as_sealed(key, event)).find_map(|event| told_by(key, event)))
}

/// Made where records are let go and nowhere else: the sealer seals whatever row it finds, so a seal alone proves nothing of
/// who wrote an event.
fn proof(key: &MacKey, last: &AuditHead) -> [u8; 32] {
    key.mac(&[b"keyward audit pruning 1", &last.seq.to_be_bytes(), &last.mac])
}

/// What an event of pruning says, if its proof is right.
fn told_by(key: &MacKey, event: &AuditRecord) -> Option<AuditHead> {
    let detail: Value = serde_json::from_str(&event.detail).ok()?;
    let field = |name: &str| detail.get(name).and_then(Value::as_str);
    let last = AuditHead { seq: field("upTo")?.parse().ok()?, mac: unhex(field("seal")?)? };
    same(&proof(key, &last), &unhex(field("proof")?)?).then_some(last)
}

/// Lets go of records that are older than they are kept for, from time to time, for as long as the server runs. What keeps
/// it from that is told when it is another thing than the time before.
pub async fn keep(service: Arc<Service>, keep: Duration, tell: impl Fn(&str)) {
    let mut told = None;
    loop {
        // What fails is tried again; nothing is lost by it but room on the disk.
        let failed = prune(&service, keep).await.err().map(|failure| failure.message);
        if let Some(message) = failed.as_deref().filter(|message| told.as_deref() != Some(*message)) {
            tell(message);
        }
        told = failed;
        tokio::time::sleep(keep.clamp(AT_MOST_EVERY, EVERY)).await;
    }
}

/// First an event says up to where, and is sealed; then the records go. Cut off in between, the next one goes on.
async fn prune(service: &Service, keep: Duration) -> Result<(), Failure> {
    let _walking = service.sealer.walking.lock().await;
    let millis = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
    let origin = Origin::system(service);
    let before = Timestamp::from_millis(origin.at.as_millis().saturating_sub(millis));
    let until_now = async || let_go(&*service.store, &service.sealer.key).await.map_err(unread);
    let told = until_now().await?;
    if let Some(last) = service.store.audit_before(before).await.map_err(unread)?
        && told.is_none_or(|told| told.seq < last.seq)
        && is_worth_it(service, last.seq).await?
    {
        is_evidence_of_nothing(service, told, last).await?;
        let mut event = origin.event(Action::AuditPruned, "audit log");
        event.detail = vec![("upTo", last.seq.to_string().into()), ("seal", hex(&last.mac).into())];
        event.detail.push(("proof", hex(&proof(&service.sealer.key, &last)).into()));
        service.store.record_event(&event).await.map_err(unread)?;
        service.sealer.seal(&*service.store).await.map_err(unread)?;
    }
    if let Some(last) = until_now().await? {
        while service.store.forget_audit(last.seq, BATCH).await.map_err(unread)? > 0 {}
    }
    Ok(())
}

/// Records that somebody tampered with stay, and all that came after them: they show that it was done.
async fn is_evidence_of_nothing(service: &Service, told: Option<AuditHead>, last: AuditHead) -> Result<(), Failure> {
    match verify_part(service, told, last).await.map_err(unread)?.first() {
        None => Ok(()),
        Some(flaw) => Err(Failure {
            kind: Kind::Conflict,
            message: format!(
                "old records of the audit log are kept, because they are not as they were written ({}); `keyward audit \
                 verify` says more",
                flaw.text
            ),
        }),
    }
}

/// Events of pruning alone would be followed by events of their pruning for ever.
async fn is_worth_it(service: &Service, up_to: u64) -> Result<bool, Failure> {
    let oldest = service.store.audit_after(0, BATCH).await.map_err(unread)?;
    let other = |record: &AuditRecord| *record.action != *Action::AuditPruned.as_str();
    Ok(oldest.iter().any(|(seq, record)| *seq <= up_to && record.as_ref().is_none_or(other)))
}
