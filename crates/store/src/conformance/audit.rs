//! Cases about the audit log: which records may go, and that only these do.

use std::sync::Arc;

use keyward_core::digest::MacKey;
use keyward_engine::audit::AuditEvent;
use keyward_engine::ports::Store;

use super::Home;
use super::fixtures::{at, event};

async fn numbers(store: &dyn Store) -> Vec<u64> {
    store.audit_after(0, 100).await.unwrap().into_iter().map(|(seq, _)| seq).collect()
}

pub async fn old_records_go_from_the_beginning_and_only_sealed_ones<H: Home>() {
    let home = H::new();
    let store = home.open(Arc::default()).await;
    // The fourth is of an earlier time than the third: a clock was set back.
    for millis in [10, 20, 40, 30, 50] {
        store.record_event(&AuditEvent { at: at(millis), ..event() }).await.unwrap();
    }
    let before = async |millis| store.audit_before(at(millis)).await.unwrap().map(|head| head.seq);
    assert_eq!(before(99).await, None, "nothing is sealed");
    assert_eq!(store.forget_audit(9, 100).await.unwrap(), 0, "what is not sealed stays");
    store.seal_audit(&MacKey::from_bytes([7; 32]), 4).await.unwrap();
    // before this time | the last that may go
    for (millis, last) in
        [(10, None), (11, Some(1)), (20, Some(1)), (21, Some(2)), (35, Some(2)), (41, Some(4)), (99, Some(4))]
    {
        assert_eq!(before(millis).await, last, "before {millis}");
    }
    let sealed = store.audit_after(1, 1).await.unwrap().remove(0).1.unwrap().seal.unwrap();
    assert_eq!(store.audit_before(at(21)).await.unwrap().unwrap().mac, sealed.mac);
    assert_eq!(store.forget_audit(3, 2).await.unwrap(), 2, "a few at a time");
    assert_eq!(numbers(&*store).await, [3, 4, 5]);
    assert_eq!(store.forget_audit(9, 100).await.unwrap(), 2);
    assert_eq!(numbers(&*store).await, [5], "the last is not sealed");
    store.record_event(&event()).await.unwrap();
    assert_eq!(numbers(&*store).await, [5, 6], "no number is given twice");
}
