//! Listings of keys: which, in which order, and the cursor that leads from page to page.

use keyward_core::principal::Mode;
use keyward_core::time::Timestamp;
use keyward_engine::ports::{Joined, KeyFilter, KeyOrder, KeyPage, KeyPlace, KeyStatus};
use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::budgets;
use crate::failure::Failure;
use crate::fields;
use crate::listing::{self, MOST};
use crate::people::accounts;
use crate::people::users;
use crate::service::Service;
use crate::view::{KeyView, Listing};

/// Which keys to list, as it is written; what is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KeyQuestion {
    /// Not accepted for so long, such as `90d`, or since a time. One that never was counts from when it was made.
    pub unused: Option<String>,
    /// Made so long ago, such as `1y`, or before a time.
    pub older: Option<String>,
    /// Of this user, by name, id or reference; for operators.
    pub owner: Option<String>,
    /// Of this account, by name, id or reference; for operators.
    pub account: Option<String>,
    /// With this text in its name, id, prefix or reference, or in its owner's name, id or reference.
    pub search: Option<String>,
    /// `active`, `expired`, `disabled` or `revoked`.
    pub status: Option<String>,
    /// `live` or `test`.
    pub mode: Option<String>,
    /// `created` (default), `name`, `lastUsed` or `expires`.
    pub sort: Option<String>,
    /// `asc` or `desc`; absent = the newest first, by name from the first, the last used first, the first to end first.
    pub order: Option<String>,
}

/// A page of keys. `cursor` is a `nextCursor` of the page before. Who asks for those that nobody uses, or for old ones, is
/// told of those that could still be used alone.
///
/// # Errors
/// A cursor that is none of this listing, or a question that cannot be read.
pub async fn list(
    service: &Service,
    actor: Actor<'_>,
    question: &KeyQuestion,
    (cursor, limit): (Option<&str>, u32),
) -> Result<Listing<KeyView>, Failure> {
    let limit = limit.clamp(1, MOST);
    let (order, ascending) = order(question)?;
    let after = cursor.map(|cursor| read(cursor, order, ascending)).transpose()?;
    let page = KeyPage { order, ascending, after, limit: limit + 1 };
    let now = service.now().wall;
    let filter = filter(service, actor, question, now).await?;
    let keys = service.store.api_keys(&filter, &page).await?;
    let cursor = |last: &Joined| write(order, ascending, last);
    let mut listing = listing::cut(&keys, limit, |key| KeyView::of(key, actor, now), cursor);
    budgets::look_up_keys(service, &keys, &mut listing.data).await?;
    Ok(listing)
}

async fn filter(
    service: &Service,
    actor: Actor<'_>,
    question: &KeyQuestion,
    now: Timestamp,
) -> Result<KeyFilter, Failure> {
    let past = |text: &Option<String>| text.as_deref().map(|text| fields::past(text, now)).transpose();
    let (unused_since, made_before) = (past(&question.unused)?, past(&question.older)?);
    let status = |word: &str| {
        let status = KeyStatus::parse(word).map(|status| (status, now));
        status.ok_or_else(|| Failure::invalid("a status is one of active, expired, disabled and revoked"))
    };
    let mode = |word: &str| Mode::parse(word).ok_or_else(|| Failure::invalid("a mode is live or test"));
    let mut filter = KeyFilter {
        owner: actor.owner().map(Into::into),
        living_at: (unused_since.is_some() || made_before.is_some()).then_some(now),
        unused_since,
        made_before,
        account: None,
        search: question.search.as_deref().map(fields::search).transpose()?.flatten(),
        status: question.status.as_deref().map(status).transpose()?,
        mode: question.mode.as_deref().map(mode).transpose()?,
    };
    if actor.is_operator() {
        if let Some(owner) = &question.owner {
            filter.owner = Some(users::find(service, owner).await?.owner.id);
        }
        if let Some(account) = &question.account {
            filter.account = Some(accounts::find(service, account).await?.id);
        }
    }
    Ok(filter)
}

/// By what, and whether the least comes first.
fn order(question: &KeyQuestion) -> Result<(KeyOrder, bool), Failure> {
    let (order, ascending) = match question.sort.as_deref() {
        None | Some("created") => (KeyOrder::Created, false),
        Some("name") => (KeyOrder::Name, true),
        Some("lastUsed") => (KeyOrder::LastUsed, false),
        Some("expires") => (KeyOrder::Expires, true),
        Some(_) => return Err(Failure::invalid("keys are sorted by one of created, name, lastUsed and expires")),
    };
    match question.order.as_deref() {
        None => Ok((order, ascending)),
        Some("asc") => Ok((order, true)),
        Some("desc") => Ok((order, false)),
        Some(_) => Err(Failure::invalid("an order is asc or desc")),
    }
}

/// The letter of an order in a cursor.
fn letter(order: KeyOrder, ascending: bool) -> char {
    let letter = match order {
        KeyOrder::Created => 'c',
        KeyOrder::Name => 'n',
        KeyOrder::LastUsed => 'u',
        KeyOrder::Expires => 'e',
    };
    if ascending { letter } else { letter.to_ascii_uppercase() }
}

/// A cursor: the order, where the last key stands in it, and its id.
fn write(order: KeyOrder, ascending: bool, last: &Joined) -> String {
    let place = match order.place(last) {
        KeyPlace::Time(millis) => millis.to_string(),
        KeyPlace::Name(name) => name.bytes().map(|byte| format!("{byte:02x}")).collect(),
    };
    format!("{}{place}.{}", letter(order, ascending), last.key.id)
}

fn read(cursor: &str, order: KeyOrder, ascending: bool) -> Result<(KeyPlace, Box<str>), Failure> {
    let rest = cursor.strip_prefix(letter(order, ascending));
    let parts = rest.and_then(|rest| rest.split_once('.')).filter(|(_, id)| listing::is_id(id));
    let place = parts.and_then(|(place, id)| {
        let place = match order {
            KeyOrder::Name => KeyPlace::Name(unhex(place)?.into()),
            _ => KeyPlace::Time(place.parse().ok()?),
        };
        Some((place, id.into()))
    });
    place.ok_or_else(|| {
        Failure::invalid("the cursor is not one that this listing gave; it goes on in the order that it began in")
    })
}

/// A text of hexadecimal digits, no longer than any name.
fn unhex(digits: &str) -> Option<String> {
    if digits.len() > fields::NAME_CHARACTERS * 8
        || !digits.len().is_multiple_of(2)
        || !digits.bytes().all(|one| one.is_ascii_hexdigit())
    {
        return None;
    }
    let pairs = digits.as_bytes().chunks_exact(2);
    let bytes =
        pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect::<Option<_>>()?;
    String::from_utf8(bytes).ok()
}
