//! Operations on API keys: who may make which key, and what a change answers.

use std::time::Duration;

use ipnet::IpNet;
use keyward_core::api_key::{ApiKeyRecord, Owner, OwningAccount};
use keyward_core::digest::ApiKeyDigest;
use keyward_core::key_format::ApiKeySecret;
use keyward_core::principal::{Grants, Kind, Mode};
use keyward_core::rules::Rules;
use keyward_core::scope::ScopeSet;
use keyward_core::time::Timestamp;
use keyward_engine::audit::Action;
use keyward_engine::change::KeyChange;
use keyward_engine::ports::{Joined, Outcome};
use serde::{Deserialize, Serialize};

use crate::accounts;
use crate::actor::Actor;
use crate::failure::Failure;
use crate::fields;
use crate::listing;
use crate::service::{ADMIN, Service};
use crate::told::{said_of, said_of_change};
use crate::view::{CreatedKey, KeyView, Listing, ReceiptView, shown_prefix};

/// A key to be made, as a person or program writes it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewKey {
    /// What people call it.
    pub name: String,
    /// The user that owns it, by name; only operators may name one.
    #[serde(default)]
    pub owner: Option<String>,
    /// The account that owns it, by name, id or reference; absent = its owner's. Only operators may name one.
    #[serde(default)]
    pub account: Option<String>,
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
    /// Whether a secret belongs to it: such a pair is shown for tokens, and the key alone opens nothing.
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
    let account = account_of_new_key(service, actor, new, &owner).await?;
    let mode = mode_of_new_key(actor, new)?;
    let configuration = service.configuration();
    let made = Secrets::make(service, mode, new.pair == Some(true));
    let key = ApiKeyRecord {
        id: service.new_id("key"),
        owner: owner.id.clone(),
        account: account.as_ref().map(|account| account.id.clone()),
        name: fields::name(&new.name)?,
        prefix: made.shown.clone(),
        digest: made.key_digest(),
        secret: made.secret_digest(),
        mode,
        scopes: scopes_of_new_key(&configuration.rules, actor, new, &owner)?,
        allowed_ips: addresses_of_new_key(actor, new)?,
        external_id: new.external_id.as_deref().map(fields::external_id).transpose()?,
        created_at: now,
        expires_at: end_of_new_key(actor, new, now)?,
        last_used_at: None,
        disabled_at: None,
        revoked_at: None,
        revoked_reason: None,
        replaces: None,
        overlap_ends_at: None,
        line: None,
    };
    let joined = Joined { key, account, owner };
    may_bring_to_life(service, actor, &joined)?;
    let event = actor.event(now, Action::KeyCreated, &joined.key.id, said_of(&joined.key));
    service.store.insert_api_key(&joined.key, &event).await?;
    Ok(made.with(&joined, now))
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
    let (page, limit) = listing::page(cursor, limit)?;
    let keys = service.store.api_keys(actor.owner(), &page).await?;
    let now = service.now().wall;
    Ok(listing::of(keys, limit, |key| KeyView::of(key, now)))
}

impl listing::Place for Joined {
    fn place(&self) -> (Timestamp, &str) {
        (self.key.created_at, &self.key.id)
    }
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
    if *change == KeyChange::Enable {
        may_bring_to_life(service, actor, &find(service, actor, id).await?)?;
    }
    let (action, detail) = said_of_change(change);
    let event = actor.event(service.now().wall, action, id, detail);
    let outcome = service.store.change_api_key(id, actor.owner(), change, &event).await?;
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
    may_bring_to_life(service, actor, &old)?;
    let now = service.now().wall;
    let made = Secrets::make(service, old.key.mode, old.key.secret.is_some());
    let successor = ApiKeyRecord {
        id: service.new_id("key"),
        prefix: made.shown.clone(),
        digest: made.key_digest(),
        secret: made.secret_digest(),
        created_at: now,
        last_used_at: None,
        replaces: Some(old.key.id.clone()),
        line: Some(old.key.first_in_line().into()),
        ..old.key.clone()
    };
    let replace = KeyChange::Replace { at: now, overlap_ends_at: now.after(overlap) };
    let mut detail = said_of(&successor);
    detail.push(("successor", successor.id.clone()));
    detail.push(("overlapEndsAt", fields::rfc3339(now.after(overlap)).into()));
    let event = actor.event(now, Action::KeyRotated, id, detail);
    let outcome = service.store.rotate_api_key(actor.owner(), &replace, &successor, &event).await?;
    let changed = finish(service, id, outcome).await?;
    let joined = Joined { key: successor, ..old };
    Ok((made.with(&joined, now), changed.receipt))
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
        Actor::Caller(maker, _) if maker.principal.kind == Kind::Static => {
            return Err(Failure::forbidden(
                "an operator's key from the configuration has no user that could own keys; use `keyward key create`",
            ));
        }
        Actor::Caller(maker, _) => {
            if new.owner.is_some() {
                return Err(Failure::invalid("\"owner\" is for operators; a key made here is its maker's"));
            }
            service.store.user(&maker.principal.id).await?.ok_or_else(|| Failure::forbidden("your user is gone"))?
        }
    };
    if owner.is_paused() {
        return Err(Failure::forbidden(format!("user {:?} or its account is disabled", owner.username)));
    }
    Ok(owner)
}

/// The account named, else the owner's.
async fn account_of_new_key(
    service: &Service,
    actor: Actor<'_>,
    new: &NewKey,
    owner: &Owner,
) -> Result<Option<OwningAccount>, Failure> {
    match (&new.account, actor) {
        (None, _) => Ok(owner.account.clone()),
        (Some(_), Actor::Caller(..)) => {
            Err(Failure::invalid("\"account\" is for operators; a key made here is its maker's account's"))
        }
        (Some(which), Actor::Operator) => {
            let account = accounts::find(service, which).await?;
            if account.disabled_at.is_some() {
                return Err(Failure::forbidden(format!("account {:?} is disabled", account.name)));
            }
            Ok(Some(OwningAccount { id: account.id, disabled_at: None, allowed_ips: account.allowed_ips }))
        }
    }
}

/// A test key makes test keys.
fn mode_of_new_key(actor: Actor<'_>, new: &NewKey) -> Result<Mode, Failure> {
    let Some(text) = new.mode.as_deref() else {
        return Ok(match actor {
            Actor::Operator => Mode::Live,
            Actor::Caller(maker, _) => maker.principal.mode,
        });
    };
    Mode::parse(text).ok_or_else(|| Failure::invalid(format!("mode {text:?} is neither \"live\" nor \"test\"")))
}

/// Without addresses of its own a key has its maker's.
fn addresses_of_new_key(actor: Actor<'_>, new: &NewKey) -> Result<Vec<IpNet>, Failure> {
    let own = fields::networks(new.allowed_ips.as_deref().unwrap_or_default())?;
    Ok(match actor {
        Actor::Caller(maker, _) if own.is_empty() => maker.addresses.allow.clone(),
        _ => own,
    })
}

/// Without an end of its own a key ends with its maker. A token ends within minutes because it is renewed, not because its
/// user or its key ends.
fn end_of_new_key(actor: Actor<'_>, new: &NewKey, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
    match (new.expires_at.as_deref(), actor) {
        (Some(text), _) => fields::expiry(text, now).map(Some),
        (None, Actor::Caller(maker, _)) => Ok(maker.source_ends_at),
        (None, Actor::Operator) => Ok(None),
    }
}

/// The scopes that a new key gets: never more than its owner has, and never more than its maker has.
fn scopes_of_new_key(
    rules: &Rules,
    actor: Actor<'_>,
    new: &NewKey,
    owner: &Owner,
) -> Result<Option<ScopeSet>, Failure> {
    let owner_scopes = rules.scopes_of_roles(owner.roles.iter().map(AsRef::as_ref));
    let Some(texts) = &new.scopes else {
        return Ok(match actor {
            Actor::Operator => None,
            Actor::Caller(maker, _) => scopes_by_silence(rules, &maker.principal.grants, &owner_scopes),
        });
    };
    let scopes = fields::scopes(texts)?;
    let beyond: Vec<&str> = scopes.beyond(&owner_scopes).map(|scope| scope.as_str()).collect();
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

/// A key that names no scopes has its owner's, today's and later ones; only a maker that may do everything passes that on.
/// Any other passes on what of it it has itself.
fn scopes_by_silence(rules: &Rules, maker: &Grants, owner_scopes: &ScopeSet) -> Option<ScopeSet> {
    let silent = Grants::of_key(None, rules.default_scopes.as_ref(), owner_scopes);
    let has_all = maker.scopes().iter().any(|scope| scope.as_str() == "*");
    if has_all && maker.exceeded_by(&silent).next().is_none() {
        return None;
    }
    let both = silent.scopes().intersection(maker.scopes());
    Some(match silent {
        Grants::Named(_) => both,
        Grants::Inherited(_) => both.inheritable(),
    })
}

/// Whatever a caller makes, renews or wakes is not more than the caller itself: in scopes, addresses, life and mode.
fn may_bring_to_life(service: &Service, actor: Actor<'_>, made: &Joined) -> Result<(), Failure> {
    let Actor::Caller(maker, _) = actor else { return Ok(()) };
    let entry = made.resolve(&service.configuration().rules);
    let beyond: Vec<&str> =
        maker.principal.grants.exceeded_by(&entry.principal.grants).map(|scope| scope.as_str()).collect();
    if !beyond.is_empty() {
        let message = format!("you do not have {} yourself, so you cannot give it", beyond.join(", "));
        return Err(Failure::forbidden(message));
    }
    if !maker.addresses.hold(&entry.addresses) {
        return Err(Failure::forbidden("your own key may not be used from everywhere that this one could be"));
    }
    if maker.source_ends_at.is_some_and(|end| entry.ends_at.is_none_or(|other| other > end)) {
        return Err(Failure::forbidden("your own key ends before this one would"));
    }
    if maker.principal.mode == Mode::Test && entry.principal.mode == Mode::Live {
        return Err(Failure::forbidden("your own key is a test key, so you cannot make or renew a live one"));
    }
    Ok(())
}

/// The texts of a new key, shown once.
struct Secrets {
    key: ApiKeySecret,
    secret: Option<ApiKeySecret>,
    /// What is kept of the key's text.
    shown: Box<str>,
}

impl Secrets {
    fn make(service: &Service, mode: Mode, pair: bool) -> Self {
        let configuration = service.configuration();
        let prefix = configuration.prefixes.of(mode);
        let key = new_secret(service, prefix);
        let shown = shown_prefix(prefix, &key);
        let secret = pair.then(|| new_secret(service, configuration.pair_prefixes.of(mode)));
        Self { key, secret, shown }
    }

    fn key_digest(&self) -> ApiKeyDigest {
        ApiKeyDigest::of(self.key.expose().as_bytes())
    }

    fn secret_digest(&self) -> Option<ApiKeyDigest> {
        self.secret.as_ref().map(|secret| ApiKeyDigest::of(secret.expose().as_bytes()))
    }

    fn with(&self, joined: &Joined, now: Timestamp) -> CreatedKey {
        CreatedKey::of((&self.key, self.secret.as_ref()), joined, now)
    }
}

fn new_secret(service: &Service, prefix: &str) -> ApiKeySecret {
    let mut random = [0_u8; 24];
    service.random.fill(&mut random);
    ApiKeySecret::assemble(prefix, &random, &service.tag_key)
}
