//! Many rows in few statements: each statement costs a way to the thread that runs it and back, and rows as JSON cost SQLite
//! far more to read than to keep.

use keyward_engine::ports::StoreError;
use sqlx::{AssertSqlSafe, query};

use super::transaction::{Statement, Transaction};

/// How many rows go into one statement; SQLite takes 32,766 values in one.
const AT_ONCE: usize = 64;

/// A statement around `VALUES (?, …), …`.
pub(super) struct Many {
    pub(super) before: &'static str,
    /// How many values a row has.
    pub(super) columns: usize,
    pub(super) after: &'static str,
}

impl Many {
    /// Runs it over all rows, each of which binds its values.
    pub(super) async fn run<T>(
        &self,
        transaction: &mut Transaction,
        rows: &[T],
        bind: impl Fn(Statement, &T) -> Statement,
    ) -> Result<(), StoreError> {
        for rows in rows.chunks(AT_ONCE) {
            let statement = rows.iter().fold(self.statement(rows.len()), &bind);
            transaction.run(statement).await?;
        }
        Ok(())
    }

    /// SQLite keeps what it made of the one that comes often.
    fn statement(&self, rows: usize) -> Statement {
        let row = format!("({})", vec!["?"; self.columns].join(", "));
        let text = [self.before, " VALUES ", &vec![row; rows].join(", "), self.after].concat();
        // Three texts of this program and question marks.
        query(AssertSqlSafe(text)).persistent(rows == AT_ONCE)
    }
}
