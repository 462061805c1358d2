//! The one way to write: a transaction that ends in an explicit commit or rollback, and a connection that is closed when
//! it did neither.

use std::sync::Arc;

use keyward_engine::ports::StoreError;
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Sqlite, SqlitePool, query};

use super::error::store_error;
use super::file::DatabaseFile;
use crate::faults::{Faults, pass};

/// A statement with its values. They are copied in, so it borrows nothing.
pub(super) type Statement = Query<'static, Sqlite, SqliteArguments>;

/// The one connection that writes.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) pool: SqlitePool,
    pub(super) file: DatabaseFile,
    pub(super) faults: Option<Arc<Faults>>,
}

impl Writer {
    /// Runs a transaction. It holds the write lock from its first statement on, so what it reads stays true until its end.
    /// SQLite itself would write on into a file that was deleted, and say that all is well.
    pub(super) async fn write<T>(
        &self,
        body: impl AsyncFnOnce(&mut Transaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut transaction = Transaction::begin(self).await?;
        if let Err(error) = self.file.is_in_place().await {
            return Err(transaction.roll_back(error).await);
        }
        match body(&mut transaction).await {
            Ok(answer) => transaction.commit().await.map(|()| answer),
            Err(error) => Err(transaction.roll_back(error).await),
        }
    }
}

impl Writer {
    /// Closes the readers and then itself. What was acknowledged is safe in the write-ahead log already; this leaves one plain
    /// file behind. Where another program still reads, SQLite does as much as it can and says so in a row that nobody needs.
    pub(super) async fn close(&self, readers: &SqlitePool) -> Result<(), StoreError> {
        readers.close().await;
        let checkpoint = query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_all(&self.pool).await;
        self.pool.close().await;
        checkpoint.map(drop).map_err(store_error)
    }
}

/// A transaction under way.
#[derive(Debug)]
pub(super) struct Transaction {
    connection: PoolConnection<Sqlite>,
    faults: Option<Arc<Faults>>,
    open: bool,
}

impl Transaction {
    async fn begin(writer: &Writer) -> Result<Self, StoreError> {
        let connection = writer.pool.acquire().await.map_err(store_error)?;
        // Open before it is: the caller may hang up while SQLite waits for the lock.
        let mut transaction = Self { connection, faults: writer.faults.clone(), open: true };
        let begun = transaction.run(query("BEGIN IMMEDIATE")).await;
        transaction.open = begun.is_ok();
        begun.map(|_| transaction)
    }

    /// Runs one statement; every statement of every write comes through here.
    pub(super) async fn run(&mut self, statement: Statement) -> Result<Vec<SqliteRow>, StoreError> {
        pass(self.faults.as_ref()).await?;
        statement.fetch_all(&mut *self.connection).await.map_err(store_error)
    }

    /// The connection itself, for migrations.
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    async fn commit(mut self) -> Result<(), StoreError> {
        if let Err(error) = self.run(query("COMMIT")).await {
            return Err(self.roll_back(error).await);
        }
        self.open = false;
        pass(self.faults.as_ref()).await
    }

    /// Undoes everything and hands back why. SQLite may have rolled back by itself (a full disk); then this fails, and
    /// the connection is closed below.
    async fn roll_back(mut self, why: StoreError) -> StoreError {
        self.open = self.run(query("ROLLBACK")).await.is_err();
        why
    }
}

impl Drop for Transaction {
    /// A caller hung up, or the rollback failed: SQLite rolls back what a closed connection left open, and the pool
    /// makes a new connection for the next write.
    fn drop(&mut self) {
        if self.open {
            self.connection.close_on_drop();
        }
    }
}
