//! Which keys a page lists: looked for in one narrow index that has all that is filtered and sorted by, and then read.

use keyward_core::time::Timestamp;
use keyward_engine::ports::{KeyFilter, KeyOrder, KeyPage, KeyPlace, KeyStatus};

use super::asking::{Asking, Value, anywhere};
use super::rows::{joined_columns, joins};
use super::transaction::Statement;

/// Up to the place where the index is named, or none: of one user or account there is a better one, and SQLite finds it.
const BEGIN: &str = concat!("SELECT ", joined_columns!(), ", k.metadata FROM (SELECT k.id FROM api_keys k");
const IN_LISTING: &str = " INDEXED BY api_keys_listing";

/// Users and accounts that are paused; no key is of the account ''.
macro_rules! paused {
    () => {
        "k.disabled_at IS NOT NULL \
         OR coalesce(k.account, '') IN (SELECT id FROM accounts WHERE disabled_at IS NOT NULL) \
         OR k.owner IN (SELECT id FROM users WHERE disabled_at IS NOT NULL \
              UNION ALL SELECT id FROM users WHERE account IN (SELECT id FROM accounts WHERE disabled_at IS NOT NULL))"
    };
}

/// Whether a time is the end of a key, or past it.
macro_rules! over {
    () => {
        "min(coalesce(k.expires_at, 9223372036854775807), coalesce(k.overlap_ends_at, 9223372036854775807)) <= ?"
    };
}

/// One page of keys that fit.
pub(super) fn select_page(filter: &KeyFilter, page: &KeyPage) -> Statement {
    let mut asking = Asking::begin(BEGIN);
    if filter.owner.is_none() && filter.account.is_none() {
        asking = asking.text(IN_LISTING);
    }
    asking = asking
        .given("k.owner = ?", filter.owner.as_deref())
        .given("k.account = ?", filter.account.as_deref())
        .given("k.mode = ?", filter.mode.map(|mode| mode.as_str()))
        .given("coalesce(k.last_used_at, k.created_at) < ?", filter.unused_since.map(Timestamp::as_millis))
        .given("k.created_at < ?", filter.made_before.map(Timestamp::as_millis))
        .given(concat!("k.revoked_at IS NULL AND NOT (", over!(), ")"), filter.living_at.map(Timestamp::as_millis));
    if let Some((status, now)) = filter.status {
        asking = in_state(asking, status, now.as_millis());
    }
    if let Some(text) = &filter.search {
        let pattern = anywhere(text);
        asking = match &filter.owner {
            // Whose they are is known: who looks through its own keys has nobody look through all users.
            Some(_) => asking.holds("k.search LIKE ? ESCAPE '\\'").value(&*pattern),
            None => asking
                .holds(
                    "k.search LIKE ? ESCAPE '\\' OR k.owner IN (SELECT id FROM users WHERE search LIKE ? ESCAPE '\\')",
                )
                .value(&*pattern)
                .value(&*pattern),
        };
    }
    let words = Words::of(page.order, page.ascending);
    if let Some((place, id)) = &page.after {
        let place = match place {
            KeyPlace::Time(millis) => Value::from(*millis),
            KeyPlace::Name(name) => Value::from(&**name),
        };
        asking = asking.holds(words.after).value(place).value(&**id);
    }
    asking
        .text(words.order)
        .text(" LIMIT ?) page JOIN api_keys k ON k.id = page.id")
        .value(i64::from(page.limit))
        .text(joins!())
        .text(words.order)
        .statement()
}

fn in_state(asking: Asking, status: KeyStatus, now: i64) -> Asking {
    match status {
        KeyStatus::Revoked => asking.holds("k.revoked_at IS NOT NULL"),
        KeyStatus::Disabled => asking.holds(concat!("k.revoked_at IS NULL AND (", paused!(), ")")),
        KeyStatus::Expired => {
            asking.holds(concat!("k.revoked_at IS NULL AND NOT (", paused!(), ") AND ", over!())).value(now)
        }
        KeyStatus::Active => {
            asking.holds(concat!("k.revoked_at IS NULL AND NOT (", paused!(), ") AND NOT (", over!(), ")")).value(now)
        }
    }
}

/// What an order is in SQL.
struct Words {
    /// Whether a key comes after a place and an id.
    after: &'static str,
    order: &'static str,
}

macro_rules! words {
    ($by:literal) => {
        [
            Words {
                after: concat!("(", $by, ", k.id) < (?, ?)"),
                order: concat!(" ORDER BY ", $by, " DESC, k.id DESC"),
            },
            Words { after: concat!("(", $by, ", k.id) > (?, ?)"), order: concat!(" ORDER BY ", $by, ", k.id") },
        ]
    };
}

impl Words {
    fn of(order: KeyOrder, ascending: bool) -> Self {
        let [descending_words, ascending_words] = match order {
            KeyOrder::Created => words!("k.created_at"),
            KeyOrder::Name => words!("k.name COLLATE NOCASE"),
            KeyOrder::LastUsed => words!("coalesce(k.last_used_at, -9223372036854775808)"),
            KeyOrder::Expires => words!("coalesce(k.expires_at, 9223372036854775807)"),
        };
        if ascending { ascending_words } else { descending_words }
    }
}
