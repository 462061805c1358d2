//! Operations on API keys: who may make which key, and what a change answers.

use std::time::Duration;

use keyward_core::api_key::{ApiKeyRecord, Owner};
use keyward_core::digest::ApiKeyDigest;
use keyward_core::key_format::ApiKeySecret;
use keyward_core::principal::{Grants, Kind, Mode, Principal};
use keyward_core::scope::ScopeSet;
use keyward_core::time::Timestamp;
use keyward_engine::change::KeyChange;
use keyward_engine::ports::{Joined, Outcome, Page};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::fields;
use crate::service::{ADMIN, Service};
use crate::view::{CreatedKey, KeyView, Listing, ReceiptView, shown_prefix};

/// Who asks for an operation.
#[derive(Clone, Copy, Debug)]
pub enum Actor<'a> {
    /// Whoever may use the data directory: the command line.
    Operator,
    /// A caller of the endpoints, limited to its own keys and scopes.
    Caller(&'a Principal),
}

impl Actor<'_> {
    /// The owner that all it may see and touch belongs to; `None` = everything.
    fn owner(&self) -> Option<&str> {
        match self {
            Self::Operator => None,
            Self::Caller(principal) => Some(&principal.id),
        }
    }
}

/// A key to be made, as a person or program writes it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewKey {
    /// What people call it.
    pub name: String,
    /// The user that owns it, by name; only operators may name one.
    #[serde(default)]
    pub owner: Option<String>,
    /// Its own scopes; absent = its owner's, less `self:` and `keyward:`.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// RFC 3339, or a span such as `90d`.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// `live` (default) or `test`.
    #[serde(default)]
    pub mode: Option<String>,
    /// Addresses and CIDRs; absent or empty = anywhere.
    #[serde(default)]
    pub allowed_ips: Option<Vec<String>>,
    /// An operator's own reference.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Key + secret pairs are not made by this version.
    #[serde(default)]
    pub pair: Option<bool>,
}

/// A changed key and how far the change has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedKey {
    /// The key as it is now.
    #[serde(flatten)]
    pub view: KeyView,
    /// Which nodes know.
    pub receipt: ReceiptView,
}

/// The overlap of a rotation when none is given.
pub const OVERLAP: Duration = Duration::from_secs(24 * 3600);

/// Makes a key. Its text is in the answer and nowhere else.
///
/// # Errors
/// What is wrong with the request, or what the actor may not give.
pub async fn create(service: &Service, actor: Actor<'_>, new: &NewKey) -> Result<CreatedKey, Failure> {
    let now = service.now().wall;
    let owner = owner_of_new_key(service, actor, new).await?;
    let owner_scopes = service.rules.scopes_of_roles(owner.roles.iter().map(AsRef::as_ref));
    let scopes = scopes_of_new_key(actor, new, &owner, &owner_scopes)?;
    if new.pair == Some(true) {
        return Err(Failure::invalid("key + secret pairs are not in this version; leave out \"pair\""));
    }
    let mode = match new.mode.as_deref() {
        None => Mode::Live,
        Some(text) => Mode::parse(text)
            .ok_or_else(|| Failure::invalid(format!("mode {text:?} is neither \"live\" nor \"test\"")))?,
    };
    let prefix = service.prefix(mode);
    let secret = new_secret(service, prefix);
    let record = ApiKeyRecord {
        id: service.new_id("key"),
        owner: owner.id.clone(),
        account: None,
        name: fields::name(&new.name)?,
        prefix: shown_prefix(prefix, &secret),
        digest: ApiKeyDigest::of(secret.expose().as_bytes()),
        mode,
        scopes,
        allowed_ips: fields::networks(new.allowed_ips.as_deref().unwrap_or_default())?,
        external_id: new.external_id.as_deref().map(fields::external_id).transpose()?,
        created_at: now,
        expires_at: new.expires_at.as_deref().map(|text| fields::expiry(text, now)).transpose()?,
        last_used_at: None,
        disabled_at: None,
        revoked_at: None,
        revoked_reason: None,
        replaces: None,
        overlap_ends_at: None,
    };
    service.store.insert_api_key(&record).await?;
    Ok(CreatedKey::of(&secret, &Joined { key: record, owner }, now))
}

/// A page of keys, newest first. `cursor` is a `nextCursor` of the page before.
///
/// # Errors
/// A cursor that is none of ours.
pub async fn list(
    service: &Service,
    actor: Actor<'_>,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Listing<KeyView>, Failure> {
    let limit = limit.clamp(1, 1000);
    let after = cursor.map(read_cursor).transpose()?;
    // One more than asked for tells whether there is a next page.
    let mut keys = service.store.api_keys(actor.owner(), &Page { after, limit: limit + 1 }).await?;
    let more = keys.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    keys.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next_cursor = keys.last().filter(|_| more).map(|last| write_cursor(&last.key));
    let now = service.now().wall;
    Ok(Listing { data: keys.iter().map(|key| KeyView::of(key, now)).collect(), next_cursor })
}

/// One key.
///
/// # Errors
/// Not found, or somebody else's.
pub async fn show(service: &Service, actor: Actor<'_>, id: &str) -> Result<KeyView, Failure> {
    let joined = find(service, actor, id).await?;
    Ok(KeyView::of(&joined, service.now().wall))
}

/// Renames, disables, enables or revokes a key, and waits for the receipt.
///
/// # Errors
/// Not found or somebody else's, or a state that does not allow it.
pub async fn change(service: &Service, actor: Actor<'_>, id: &str, change: &KeyChange) -> Result<ChangedKey, Failure> {
    let outcome = service.store.change_api_key(id, actor.owner(), change).await?;
    finish(service, id, outcome).await
}

/// Makes a successor with the same name, scopes, mode, addresses and expiry; the old key goes on until the overlap ends.
///
/// # Errors
/// Not found or somebody else's, or a state that does not allow it.
pub async fn rotate(
    service: &Service,
    actor: Actor<'_>,
    id: &str,
    overlap: Duration,
) -> Result<(CreatedKey, ReceiptView), Failure> {
    let old = find(service, actor, id).await?;
    if let Actor::Caller(maker) = actor {
        // The successor is a new key: its maker must hold all that it will be able to do.
        may_give(&maker.grants, old.resolve(&service.rules).principal.grants.scopes())?;
    }
    let now = service.now().wall;
    let prefix = service.prefix(old.key.mode);
    let secret = new_secret(service, prefix);
    let successor = ApiKeyRecord {
        id: service.new_id("key"),
        prefix: shown_prefix(prefix, &secret),
        digest: ApiKeyDigest::of(secret.expose().as_bytes()),
        created_at: now,
        last_used_at: None,
        replaces: Some(old.key.id.clone()),
        ..old.key.clone()
    };
    let replace = KeyChange::Replace { at: now, overlap_ends_at: now.after(overlap) };
    let outcome = service.store.rotate_api_key(actor.owner(), &replace, &successor).await?;
    let changed = finish(service, id, outcome).await?;
    let joined = Joined { key: successor, owner: old.owner };
    Ok((CreatedKey::of(&secret, &joined, now), changed.receipt))
}

async fn find(service: &Service, actor: Actor<'_>, id: &str) -> Result<Joined, Failure> {
    let found = service.store.api_key(id).await?;
    found
        .filter(|joined| actor.owner().is_none_or(|owner| *joined.key.owner == *owner))
        .ok_or_else(|| Failure::no_such_key(id))
}

async fn finish(service: &Service, id: &str, outcome: Outcome) -> Result<ChangedKey, Failure> {
    match outcome {
        Outcome::NotFound => Err(Failure::no_such_key(id)),
        Outcome::Refused(refusal) => Err(refusal.into()),
        Outcome::Done(head, joined) => {
            let committed = service.now();
            let receipt = service.receipt(head, committed).await;
            Ok(ChangedKey { view: KeyView::of(&joined, committed.wall), receipt })
        }
    }
}

async fn owner_of_new_key(service: &Service, actor: Actor<'_>, new: &NewKey) -> Result<Owner, Failure> {
    let owner = match actor {
        Actor::Operator => {
            let username = new.owner.as_deref().unwrap_or(ADMIN);
            service.store.user_by_name(username).await?.ok_or_else(|| Failure {
                kind: crate::failure::Kind::NotFound,
                message: format!("there is no user {username:?}"),
            })?
        }
        Actor::Caller(principal) if principal.kind == Kind::Static => {
            return Err(Failure::forbidden(
                "an operator's key from the configuration has no user that could own keys; use `keyward key create`",
            ));
        }
        Actor::Caller(principal) => {
            if new.owner.is_some() {
                return Err(Failure::invalid("\"owner\" is for operators; a key made here is its maker's"));
            }
            service.store.user(&principal.id).await?.ok_or_else(|| Failure::forbidden("your user is gone"))?
        }
    };
    if owner.disabled_at.is_some() {
        return Err(Failure::forbidden(format!("user {:?} is disabled", owner.username)));
    }
    Ok(owner)
}

/// The scopes that a new key gets: never more than its maker has, and never more than its owner has.
fn scopes_of_new_key(
    actor: Actor<'_>,
    new: &NewKey,
    owner: &Owner,
    owner_scopes: &ScopeSet,
) -> Result<Option<ScopeSet>, Failure> {
    let Some(texts) = &new.scopes else {
        return Ok(match actor {
            Actor::Operator => None,
            Actor::Caller(maker) => inherited_from_maker(&maker.grants, owner_scopes),
        });
    };
    let scopes = fields::scopes(texts)?;
    if let Actor::Caller(maker) = actor {
        may_give(&maker.grants, &scopes)?;
    }
    let beyond: Vec<&str> = scopes.beyond(owner_scopes).map(|scope| scope.as_str()).collect();
    if !beyond.is_empty() {
        let message = format!(
            "user {:?} does not have {}; a key never has more than its owner",
            owner.username,
            beyond.join(", ")
        );
        return Err(Failure::forbidden(message));
    }
    Ok(Some(scopes))
}

/// A key that names no scopes would have its owner's, which may be more than its maker has: then it gets the maker's.
fn inherited_from_maker(maker: &Grants, owner_scopes: &ScopeSet) -> Option<ScopeSet> {
    let whole = owner_scopes.inheritable();
    let covered = whole.iter().all(|scope| maker.grant(scope));
    (!covered).then(|| maker.scopes().inheritable())
}

fn may_give(maker: &Grants, scopes: &ScopeSet) -> Result<(), Failure> {
    let beyond: Vec<&str> = scopes.iter().filter(|scope| !maker.grant(scope)).map(|scope| scope.as_str()).collect();
    if beyond.is_empty() {
        return Ok(());
    }
    Err(Failure::forbidden(format!("you do not have {} yourself, so you cannot give it", beyond.join(", "))))
}

fn new_secret(service: &Service, prefix: &str) -> ApiKeySecret {
    let mut random = [0_u8; 24];
    service.random.fill(&mut random);
    ApiKeySecret::assemble(prefix, &random, &service.tag_key)
}

fn write_cursor(key: &ApiKeyRecord) -> String {
    format!("{}.{}", key.created_at.as_millis(), key.id)
}

fn read_cursor(cursor: &str) -> Result<(Timestamp, Box<str>), Failure> {
    let parts = cursor.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id)));
    let (at, id) = parts.ok_or_else(|| Failure::invalid("the cursor is not one that a listing here gave"))?;
    Ok((Timestamp::from_millis(at), id.into()))
}
