//! The audit log: each event is written in the transaction of the change that it tells of.

use keyward_engine::audit::AuditEvent;
use keyward_engine::ports::StoreError;
use sqlx::query;

use super::transaction::Transaction;

/// Writes an event. Whoever changes something calls this before the feed's head moves, in the same transaction.
pub(super) async fn insert(transaction: &mut Transaction, event: &AuditEvent) -> Result<(), StoreError> {
    let insert = "INSERT INTO audit (at, actor, action, subject, client, decision, detail) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let detail = event.detail.iter().map(|(name, value)| ((*name).to_owned(), serde_json::Value::from(&**value)));
    let statement = query(insert)
        .bind(event.at.as_millis())
        .bind(&*event.actor)
        .bind(event.action.as_str())
        .bind(&*event.subject)
        .bind(event.client.map(|client| client.to_canonical().to_string()))
        .bind(event.decision.map(|decision| decision.to_string()))
        .bind(serde_json::Value::Object(detail.collect()).to_string());
    transaction.run(statement).await.map(drop)
}
