//! What an older database brings back to life: keys and users that a newer one has ended since.

use std::path::Path;

use keyward_engine::ports::StoreError;
use sqlx::{Connection as _, SqliteConnection, query};

use super::error::store_error;
use super::inspect::read;
use super::open::{OpenError, reading};
use super::rows::{column, json_list};
use super::transaction::Statement;

/// What counts again once an older database takes the place of a newer one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comeback {
    /// Ids of keys that were revoked, paused or replaced, the last ended first.
    pub keys: Vec<Box<str>>,
    /// Names of users that were paused.
    pub users: Vec<Box<str>>,
    /// Names of users who have the same password in both.
    pub same_password: Vec<Box<str>>,
}

/// Compares the database in `newer` with the one in `older`.
///
/// # Errors
/// One of them cannot be read.
pub async fn comeback(newer: &Path, older: &Path) -> Result<Comeback, OpenError> {
    let ended = "SELECT id FROM api_keys WHERE coalesce(revoked_at, disabled_at, overlap_ends_at) IS NOT NULL \
         ORDER BY coalesce(revoked_at, disabled_at, overlap_ends_at) DESC, id";
    let paused = "SELECT username AS id FROM users WHERE disabled_at IS NOT NULL ORDER BY disabled_at DESC, id";
    // As pairs: a hash that is the same, salt included, is of the same password.
    let passwords = "SELECT json_array(username, password) AS id FROM users WHERE password IS NOT NULL ORDER BY id";
    let [ended, paused, passwords] = find(newer, [query(ended), query(paused), query(passwords)]).await?;
    let keys = "SELECT k.id FROM json_each(?1) ended JOIN api_keys k ON k.id = ended.value \
         WHERE k.revoked_at IS NULL AND k.disabled_at IS NULL AND k.overlap_ends_at IS NULL ORDER BY ended.key";
    let users = "SELECT u.username AS id FROM json_each(?1) ended JOIN users u ON u.username = ended.value \
         WHERE u.disabled_at IS NULL ORDER BY ended.key";
    let same = "SELECT u.username AS id FROM users u JOIN json_each(?1) pair \
         ON pair.value = json_array(u.username, u.password) ORDER BY u.username";
    let statements = [
        query(keys).bind(json_list(&ended)),
        query(users).bind(json_list(&paused)),
        query(same).bind(json_list(&passwords)),
    ];
    let [keys, users, same_password] = find(older, statements).await?;
    Ok(Comeback { keys, users, same_password })
}

/// The ids that some statements find in the database of a directory.
async fn find<const N: usize>(dir: &Path, statements: [Statement; N]) -> Result<[Vec<Box<str>>; N], OpenError> {
    let (file, mut connection, _) = reading(dir).await?;
    let found = async {
        let mut all = [const { Vec::new() }; N];
        for (found, statement) in all.iter_mut().zip(statements) {
            *found = ids(&mut connection, statement).await?;
        }
        Ok::<_, StoreError>(all)
    };
    let found = found.await;
    let closed = connection.close().await.map_err(store_error);
    found.and_then(|found| closed.map(|()| found)).map_err(|error| OpenError::Store { file: file.path().into(), error })
}

async fn ids(connection: &mut SqliteConnection, statement: Statement) -> Result<Vec<Box<str>>, StoreError> {
    read(connection, statement).await?.iter().map(|row| column(row, "id")).collect()
}
