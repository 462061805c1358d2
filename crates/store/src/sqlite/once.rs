//! What was asked to be done once, on SQLite.

use keyward_core::time::Timestamp;
use keyward_engine::once::{Begun, Once, OnceOnly};
use keyward_engine::ports::{Answer, StoreError};
use sqlx::query;

use super::SqliteStore;
use super::rows::{column, first};
use super::transaction::Transaction;

impl OnceOnly for SqliteStore {
    fn begin_once<'a>(&'a self, once: &'a Once, forget_before: Timestamp) -> Answer<'a, Begun> {
        Box::pin(self.writer.write(async move |transaction| begin(transaction, once, forget_before).await))
    }

    fn end_once<'a>(&'a self, name: &'a [u8; 32], answer: Option<&'a [u8]>) -> Answer<'a, ()> {
        Box::pin(self.writer.write(async move |transaction| end(transaction, name, answer).await))
    }
}

async fn begin(transaction: &mut Transaction, once: &Once, forget_before: Timestamp) -> Result<Begun, StoreError> {
    transaction.run(query("DELETE FROM once WHERE at < ?1").bind(forget_before.as_millis())).await?;
    let insert = "INSERT INTO once (name, request, at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING RETURNING at";
    let insert = query(insert).bind(once.name.as_slice()).bind(once.request.as_slice()).bind(once.at.as_millis());
    if !transaction.run(insert).await?.is_empty() {
        return Ok(Begun::New);
    }
    let select = query("SELECT request, at, answer FROM once WHERE name = ?1").bind(once.name.as_slice());
    let rows = transaction.run(select).await?;
    let row = first(&rows)?;
    if column::<Vec<u8>>(row, "request")? != once.request {
        return Ok(Begun::Other);
    }
    Ok(match column::<Option<Vec<u8>>>(row, "answer")? {
        Some(answer) => Begun::Done(answer.into()),
        None => Begun::Running(Timestamp::from_millis(column(row, "at")?)),
    })
}

async fn end(transaction: &mut Transaction, name: &[u8; 32], answer: Option<&[u8]>) -> Result<(), StoreError> {
    let statement = match answer {
        Some(answer) => query("UPDATE once SET answer = ?2 WHERE name = ?1").bind(name.as_slice()).bind(answer),
        None => query("DELETE FROM once WHERE name = ?1 AND answer IS NULL").bind(name.as_slice()),
    };
    transaction.run(statement).await.map(drop)
}
