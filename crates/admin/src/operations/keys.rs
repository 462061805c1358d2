//! Keys of everybody. What is brought to life is never more than whoever does it.

use http::StatusCode;
use keyward_api::budgets;
use keyward_api::failure::Failure;
use keyward_api::fields;
use keyward_api::keys::overlaps::Ending;
use keyward_api::keys::{self, KeyQuestion, NewKey, metadata};
use keyward_api::view::{CreatedKey, KeyView, Listing, ReceiptView};
use keyward_engine::change::KeyChange;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::{self, Reply};
use crate::call::Call;
use crate::operation::{Access, Given, Operation, Sent, Verb, shape};
use crate::operations::{KeyChanged, PAGE, said};

const READ: Access = Access::Scope("keyward:keys:read");
const WRITE: Access = Access::Scope("keyward:keys:write");
const CHANGED: Given = Given::Json(StatusCode::OK, shape::<KeyChanged>);

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation {
        id: "keys.list",
        path: "/keys",
        access: READ,
        summary: "List keys, newest first",
        query: Some(shape::<Which>),
        given: Given::Json(StatusCode::OK, shape::<Listing<KeyView>>),
        refuses: &[404, 409],
        run: |call| Box::pin(list(call)),
        ..Operation::NEW
    },
    Operation {
        id: "keys.create",
        verb: Verb::Post,
        path: "/keys",
        access: WRITE,
        summary: "Make a key; its text is in this answer and nowhere else",
        sent: Sent::Json(shape::<KeyToMake>),
        given: Given::Json(StatusCode::CREATED, shape::<CreatedKey>),
        refuses: &[404, 409],
        run: |call| Box::pin(create(call)),
        is_once: true,
        ..Operation::NEW
    },
    Operation {
        id: "keys.show",
        path: "/keys/{id}",
        access: READ,
        summary: "Show a key",
        given: Given::Json(StatusCode::OK, shape::<KeyView>),
        refuses: &[404],
        run: |call| Box::pin(show(call)),
        ..Operation::NEW
    },
    Operation {
        id: "keys.change",
        verb: Verb::Patch,
        path: "/keys/{id}",
        access: WRITE,
        summary: "Give a key another name or other metadata, one at a time; what it may do cannot change",
        sent: Sent::Json(shape::<Changing>),
        given: CHANGED,
        refuses: &[404, 409],
        run: |call| Box::pin(set(call)),
        is_conditional: true,
        ..Operation::NEW
    },
    Operation {
        id: "keys.rotate",
        verb: Verb::Post,
        path: "/keys/{id}/rotate",
        access: WRITE,
        summary: "Make the successor of a key, which goes on for a while",
        sent: Sent::Maybe(shape::<Overlapping>),
        given: Given::Json(StatusCode::CREATED, shape::<KeyRotated>),
        refuses: &[404, 409],
        run: |call| Box::pin(rotate(call)),
        ..Operation::NEW
    },
    Operation {
        id: "keys.disable",
        verb: Verb::Post,
        path: "/keys/{id}/disable",
        access: WRITE,
        summary: "Pause a key",
        given: CHANGED,
        refuses: &[404, 409],
        run: |call| Box::pin(disable(call)),
        ..Operation::NEW
    },
    Operation {
        id: "keys.enable",
        verb: Verb::Post,
        path: "/keys/{id}/enable",
        access: WRITE,
        summary: "End a key's pause",
        given: CHANGED,
        refuses: &[404, 409],
        run: |call| Box::pin(enable(call)),
        ..Operation::NEW
    },
    Operation {
        id: "keys.revoke",
        verb: Verb::Post,
        path: "/keys/{id}/revoke",
        access: WRITE,
        summary: "End a key for ever",
        sent: Sent::Maybe(shape::<Revoking>),
        given: CHANGED,
        refuses: &[404, 409],
        run: |call| Box::pin(revoke(call)),
        ..Operation::NEW
    },
    Operation {
        id: "keys.budget",
        verb: Verb::Post,
        path: "/keys/{id}/budget",
        access: WRITE,
        summary: "Change what a key and its line may use",
        sent: Sent::Json(shape::<Budgeting>),
        given: CHANGED,
        refuses: &[404, 409],
        run: |call| Box::pin(budget(call)),
        ..Operation::NEW
    },
];

/// Which keys to list.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// A `nextCursor` of the page before.
    cursor: Option<String>,
    /// How many at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// Not accepted for so long, such as `90d`, or since a time.
    unused: Option<String>,
    /// Made so long ago, such as `1y`, or before a time.
    older: Option<String>,
    /// Of this user, by name, id or reference.
    owner: Option<String>,
    /// Of this account, by name, id or reference.
    account: Option<String>,
    /// With this text in its name, id, prefix or reference, or in its owner's name, id or reference.
    search: Option<String>,
    /// `active`, `expired`, `disabled` or `revoked`.
    #[schemars(extend("enum" = ["active", "expired", "disabled", "revoked"]))]
    status: Option<String>,
    /// `live` or `test`.
    #[schemars(extend("enum" = ["live", "test"]))]
    mode: Option<String>,
    /// `created`, which it is where nothing is said, `name`, `lastUsed` or `expires`.
    #[schemars(extend("enum" = ["created", "name", "lastUsed", "expires"]))]
    sort: Option<String>,
    /// `asc` or `desc`.
    #[schemars(extend("enum" = ["asc", "desc"]))]
    order: Option<String>,
}

async fn list(call: &Call) -> Result<Reply, Failure> {
    let Which { cursor, limit, unused, older, owner, account, search, status, mode, sort, order } = call.query()?;
    let question = KeyQuestion { unused, older, owner, account, search, status, mode, sort, order };
    let page = (cursor.as_deref(), page(limit)?);
    Ok(answer::ok(&keys::list(call.service(), call.actor()?, &question, page).await?))
}

/// The size of a page.
pub(crate) fn page(limit: Option<u32>) -> Result<u32, Failure> {
    match limit {
        Some(1..=1000) | None => Ok(limit.unwrap_or(PAGE)),
        Some(_) => Err(Failure::invalid("limit is a number from 1 to 1000")),
    }
}

/// A key to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct KeyToMake {
    /// What people call it.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// The user that owns it, by name; absent = the caller's.
    owner: Option<String>,
    /// The account that owns it, by name, id or reference; absent = its owner's.
    account: Option<String>,
    /// Its own scopes; absent = its owner's, less `self:` and `keyward:`, as far as the caller has them.
    #[schemars(length(max = 100))]
    scopes: Option<Vec<String>>,
    /// `live` or `test`; absent = as the caller's.
    #[schemars(extend("enum" = ["live", "test", null]))]
    mode: Option<String>,
    /// A time, or a span such as `90d`.
    expires_at: Option<String>,
    /// Addresses and CIDRs; absent or empty = where the caller's may be used.
    #[schemars(length(max = 100))]
    allowed_ips: Option<Vec<String>>,
    /// An operator's own reference.
    #[schemars(length(min = 1, max = 255))]
    external_id: Option<String>,
    /// What it and its successors may use together: `1000`, or `1000/30d` in each 30 days.
    budget: Option<String>,
    /// Whether a secret belongs to it.
    pair: Option<bool>,
    /// Names and values of your own, 4 KiB in all at most. No decision looks at them, and the key's owner is not told of them.
    #[schemars(with = "Option<metadata::Sent>")]
    metadata: Option<metadata::Written>,
}

async fn create(call: &Call) -> Result<Reply, Failure> {
    let asked: KeyToMake = call.body()?;
    let new = NewKey {
        name: asked.name,
        owner: asked.owner,
        account: asked.account,
        scopes: asked.scopes,
        expires_at: asked.expires_at,
        mode: asked.mode,
        allowed_ips: asked.allowed_ips,
        external_id: asked.external_id,
        budget: asked.budget,
        pair: asked.pair,
        metadata: asked.metadata,
    };
    let created = keys::create(call.service(), call.actor()?, &new).await?;
    Ok(answer::made(&format!("/keys/{}", created.view.id), &created))
}

async fn show(call: &Call) -> Result<Reply, Failure> {
    let (actor, id) = (call.actor()?, call.parameter(0));
    // The version first: what comes in between makes it an older one, by which nothing is changed.
    let version = keys::find(call.service(), actor, id).await?.version();
    Ok(answer::versioned(version, &keys::show(call.service(), actor, id).await?))
}

async fn change(call: &Call, change: &KeyChange) -> Result<Reply, Failure> {
    let changed = keys::change(call.service(), call.actor()?, call.parameter(0), change).await?;
    Ok(answer::ok(&KeyChanged::from(changed)))
}

/// What is to change: one of these.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
struct Changing {
    /// What people call it from now on.
    #[schemars(with = "String", length(min = 1, max = 100))]
    #[serde(default, deserialize_with = "said")]
    name: Option<String>,
    /// Names and values of your own, in place of those that it has; 4 KiB in all at most.
    #[schemars(with = "metadata::Sent")]
    #[serde(default, deserialize_with = "said")]
    metadata: Option<metadata::Written>,
}

async fn set(call: &Call) -> Result<Reply, Failure> {
    let (expected, wanted) = (call.expected()?, call.body()?);
    let change = match wanted {
        Changing { name: Some(name), metadata: None } => KeyChange::Rename(fields::name(&name)?),
        Changing { name: None, metadata: Some(metadata) } => KeyChange::Metadata(metadata::read(&metadata)?),
        _ => return Err(Failure::invalid("change name or metadata, one at a time")),
    };
    let changing = keys::change_if(call.service(), call.actor()?, call.parameter(0), (&change, &expected));
    Ok(answer::ok(&KeyChanged::from(changing.await?)))
}

/// How long the old key goes on.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Overlapping {
    /// At most so long, such as `24h`, which it is where nothing is said; `0` = not at all.
    overlap: Option<String>,
    /// It ends earlier, once it was not used for so long, such as `24h`.
    until_quiet: Option<String>,
}

/// The successor of a key.
#[derive(Serialize, JsonSchema)]
struct KeyRotated {
    #[serde(flatten)]
    created: CreatedKey,
    /// How far the change of the old key has come.
    receipt: ReceiptView,
}

async fn rotate(call: &Call) -> Result<Reply, Failure> {
    let Overlapping { overlap, until_quiet } = call.body_or_nothing()?;
    let ending = Ending { overlap, until_quiet };
    let (created, receipt) = keys::rotate(call.service(), call.actor()?, call.parameter(0), &ending).await?;
    Ok(answer::json(StatusCode::CREATED, &KeyRotated { created, receipt }))
}

async fn disable(call: &Call) -> Result<Reply, Failure> {
    change(call, &KeyChange::Disable(call.at.wall)).await
}

async fn enable(call: &Call) -> Result<Reply, Failure> {
    change(call, &KeyChange::Enable).await
}

/// Why a key ends.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Revoking {
    /// Why, for the record.
    #[schemars(length(min = 1, max = 255))]
    reason: Option<String>,
}

async fn revoke(call: &Call) -> Result<Reply, Failure> {
    let Revoking { reason } = call.body_or_nothing()?;
    let reason = reason.as_deref().map(fields::reason).transpose()?;
    change(call, &KeyChange::Revoke(call.at.wall, reason)).await
}

/// Another budget.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Budgeting {
    /// `+500`, `=500`, `=1000/30d` or `none`.
    change: String,
}

async fn budget(call: &Call) -> Result<Reply, Failure> {
    let Budgeting { change } = call.body()?;
    let changed = budgets::change_of_key(call.service(), call.actor()?, call.parameter(0), &change).await?;
    Ok(answer::ok(&KeyChanged::from(changed)))
}
