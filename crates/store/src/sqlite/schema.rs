//! The schema's versions: each a file under `migrations/sqlite`, all missing ones applied in one transaction.

use keyward_core::time::Timestamp;
use keyward_engine::ports::{Random, StoreError};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{SqlStr, query};

use super::error::store_error;
use super::transaction::Transaction;

/// `PRAGMA application_id` of our files: "KWRD". The first migration sets it.
pub(super) const APPLICATION_ID: i64 = 0x4b57_5244;

/// Number, name and text of each version. Add a row; never change one.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "credentials", include_str!("../../migrations/sqlite/0001_credentials.sql")),
    (2, "audit", include_str!("../../migrations/sqlite/0002_audit.sql")),
    (3, "people", include_str!("../../migrations/sqlite/0003_people.sql")),
    (4, "account addresses", include_str!("../../migrations/sqlite/0004_account_addresses.sql")),
    (5, "algorithms", include_str!("../../migrations/sqlite/0005_algorithms.sql")),
    (6, "limits", include_str!("../../migrations/sqlite/0006_limits.sql")),
    (7, "clients", include_str!("../../migrations/sqlite/0007_clients.sql")),
    (8, "signing key turnover", include_str!("../../migrations/sqlite/0008_signing_key_turnover.sql")),
    (9, "cookie sessions", include_str!("../../migrations/sqlite/0009_cookie_sessions.sql")),
    (10, "plans", include_str!("../../migrations/sqlite/0010_plans.sql")),
    (11, "budgets", include_str!("../../migrations/sqlite/0011_budgets.sql")),
    (12, "overlaps", include_str!("../../migrations/sqlite/0012_overlaps.sql")),
    (13, "imported keys", include_str!("../../migrations/sqlite/0013_imported_keys.sql")),
    (14, "once", include_str!("../../migrations/sqlite/0014_once.sql")),
    (16, "planes", include_str!("../../migrations/sqlite/0016_planes.sql")),
    (17, "factors", include_str!("../../migrations/sqlite/0017_factors.sql")),
    (18, "invitations", include_str!("../../migrations/sqlite/0018_invitations.sql")),
    (19, "portal", include_str!("../../migrations/sqlite/0019_portal.sql")),
    (20, "listings", include_str!("../../migrations/sqlite/0020_listings.sql")),
    (21, "metadata", include_str!("../../migrations/sqlite/0021_metadata.sql")),
];

/// The newest version that this program knows.
pub(super) fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |(version, ..)| *version)
}

/// Applies what is missing.
pub(super) async fn migrate(transaction: &mut Transaction) -> Result<(), StoreError> {
    migrate_to(transaction, newest()).await
}

/// Applies what is missing up to a version: tests make a store of old with it.
pub(super) async fn migrate_to(transaction: &mut Transaction, last: i64) -> Result<(), StoreError> {
    let migrations = MIGRATIONS.iter().filter(|(version, ..)| *version <= last).map(|(version, name, text)| {
        // The transaction around all of them is ours.
        let no_transaction = true;
        Migration::new(*version, (*name).into(), MigrationType::Simple, SqlStr::from_static(text), no_transaction)
    });
    let migrator = Migrator::with_migrations(migrations.collect());
    // What `Migrator::run` calls; around it, no future that opens a store would be `Send` ("`Acquire` is not general
    // enough").
    let run = migrator.run_direct(None, transaction.connection(), false);
    run.await.map_err(|error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => store_error(error),
        error => StoreError::Other(error.to_string()),
    })
}

/// Gives a store what it keeps once, unless it has it (another program may just have made it): its epoch and the key
/// of its tags.
pub(super) async fn found(
    transaction: &mut Transaction,
    random: &dyn Random,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut epoch = [0; 8];
    random.fill(&mut epoch);
    let mut tag_key = [0; 32];
    random.fill(&mut tag_key);
    let meta = query("INSERT INTO meta (one, created_at, tag_key) VALUES (1, ?1, ?2) ON CONFLICT DO NOTHING");
    transaction.run(meta.bind(now.as_millis()).bind(tag_key.as_slice())).await?;
    let head = query("INSERT INTO feed_head (one, epoch, position) VALUES (1, ?1, 0) ON CONFLICT DO NOTHING");
    transaction.run(head.bind(i64::from_le_bytes(epoch))).await.map(drop)
}
