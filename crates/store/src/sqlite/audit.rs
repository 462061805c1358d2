//! The audit: events written in the transaction of what they tell of.

use keyward_engine::audit::AuditEvent;
use keyward_engine::ports::StoreError;
use sqlx::query;

use super::transaction::Transaction;

/// Writes one event.
pub(super) async fn insert(transaction: &mut Transaction, event: &AuditEvent) -> Result<(), StoreError> {
    let insert = "INSERT INTO audit (at, actor, action, subject, client, decision, detail) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let detail: serde_json::Map<String, serde_json::Value> =
        event.detail.iter().map(|(name, value)| ((*name).to_owned(), value.to_string().into())).collect();
    let insert = query(insert)
        .bind(event.at.as_millis())
        .bind(&*event.actor)
        .bind(event.action.as_str())
        .bind(&*event.subject)
        .bind(event.client.map(|client| client.to_string()))
        .bind(event.decision.map(|decision| decision.to_string()))
        .bind(serde_json::Value::Object(detail).to_string());
    transaction.run(insert).await.map(drop)
}
