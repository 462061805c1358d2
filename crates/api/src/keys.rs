//! Operations on API keys: who may make which key, and what a change answers.

pub(crate) mod listing;
pub mod metadata;
pub(crate) mod new_key;
pub mod overlaps;
pub mod setting;

use keyward_core::api_key::ApiKeyRecord;
use keyward_core::digest::ApiKeyDigest;
use keyward_core::key_format::ApiKeySecret;
use keyward_core::limit::window_word;
use keyward_core::principal::Mode;
use keyward_core::time::Timestamp;
use keyward_engine::audit::Action;
use keyward_engine::change::KeyChange;
use keyward_engine::ports::{Joined, Outcome};
use keyward_engine::version::Expected;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::budgets;
use crate::failure::Failure;
use crate::fields;
pub use crate::keys::listing::{KeyQuestion, list};
use crate::keys::new_key::{
    account_of_new_key, addresses_of_new_key, budget_of_new_key, end_of_new_key, may_bring_to_life, mode_of_new_key,
    owner_of_new_key, scopes_of_new_key,
};
use crate::keys::overlaps::Ending;
use crate::service::Service;
use crate::told::{said_of, said_of_change};
use crate::view::{CreatedKey, KeyView, ReceiptView, shown_prefix};

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
    /// What it and its successors may use together: `1000`, or `1000/30d` in each 30 days. Only operators may give one.
    #[serde(default)]
    pub budget: Option<String>,
    /// Whether a secret belongs to it: such a pair is shown for tokens, and the key alone opens nothing.
    #[serde(default)]
    pub pair: Option<bool>,
    /// What is kept beside it. Only operators may give it.
    #[serde(default)]
    pub metadata: Option<metadata::Written>,
}

/// A changed key and how far the change has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangedKey {
    /// The key as it is now.
    #[serde(flatten)]
    pub view: KeyView,
    /// Which nodes know.
    pub receipt: ReceiptView,
}

/// Makes a key. Its text is in the answer and nowhere else.
///
/// # Errors
/// What is wrong with the request, or what the actor may not give.
pub async fn create(service: &Service, actor: Actor<'_>, new: &NewKey) -> Result<CreatedKey, Failure> {
    let now = service.now().wall;
    let made = Secrets::make(service, mode_of_new_key(actor, new)?, new.pair == Some(true));
    let mut joined = draft(service, actor, new, (service.new_id("key"), &made.shown, made.key_digest())).await?;
    joined.key.secret = made.secret_digest();
    let budget = joined.budget;
    let event = actor.event(now, Action::KeyCreated, &joined.key.id, said_of(&joined.key, &joined.metadata));
    service.store.insert_api_key_with(&joined.key, &joined.metadata, &event).await?;
    if joined.budget.is_some() {
        // Until then nobody holds the key: its text is in the answer alone.
        change(service, actor, &joined.key.id, &KeyChange::Budget(budget)).await?;
    }
    let mut created = made.with(&joined, actor, now);
    if let Some(budget) = &mut created.view.budget {
        budget.remaining = Some(budget.granted);
    }
    Ok(created)
}

/// A key as it would be made: by an id, what is shown of its text, and its digest.
///
/// # Errors
/// As [`create`].
pub(crate) async fn draft(
    service: &Service,
    actor: Actor<'_>,
    new: &NewKey,
    (id, shown, digest): (Box<str>, &str, ApiKeyDigest),
) -> Result<Joined, Failure> {
    let now = service.now().wall;
    let owner = owner_of_new_key(service, actor, new).await?;
    let account = account_of_new_key(service, actor, new, &owner).await?;
    let configuration = service.configuration();
    let key = ApiKeyRecord {
        id,
        owner: owner.id.clone(),
        account: account.as_ref().map(|account| account.id.clone()),
        name: fields::name(&new.name)?,
        prefix: shown.into(),
        digest,
        secret: None,
        mode: mode_of_new_key(actor, new)?,
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
    let budget = budget_of_new_key(actor, new)?;
    let joined = Joined { key, account, owner, budget, metadata: metadata::of_new_key(actor, new.metadata.as_ref())? };
    may_bring_to_life(service, actor, &joined)?;
    Ok(joined)
}

/// One key.
///
/// # Errors
/// Not found, or somebody else's.
pub async fn show(service: &Service, actor: Actor<'_>, id: &str) -> Result<KeyView, Failure> {
    let joined = find(service, actor, id).await?;
    let overlap = match joined.key.overlap_ends_at {
        Some(_) => Some(service.store.overlap(id).await?.into()),
        None => None,
    };
    Ok(KeyView { overlap, ..view(service, actor, joined).await })
}

/// Renames, disables, enables or revokes a key, or keeps something else beside it, and waits for the receipt.
///
/// # Errors
/// Not found or somebody else's, or a state that does not allow it.
pub async fn change(service: &Service, actor: Actor<'_>, id: &str, change: &KeyChange) -> Result<ChangedKey, Failure> {
    change_if(service, actor, id, (change, &Expected::Any)).await
}

/// As [`change`], if the key is in a version that is expected.
///
/// # Errors
/// As [`change`], and that it is in another.
pub async fn change_if(
    service: &Service,
    actor: Actor<'_>,
    id: &str,
    (change, expected): (&KeyChange, &Expected),
) -> Result<ChangedKey, Failure> {
    if *change == KeyChange::Enable {
        may_bring_to_life(service, actor, &find(service, actor, id).await?)?;
    }
    let (action, detail) = said_of_change(change);
    let event = actor.event(service.now().wall, action, id, detail);
    let changing = service.store.change_api_key_if(id, (actor.owner(), expected), change, &event);
    finish(service, actor, id, changing.await?.ok_or_else(Failure::moved)?).await
}

/// Makes a successor with the same name, scopes, mode, addresses, expiry and metadata; the old key goes on until the overlap ends, or
/// until it was quiet for as long as is asked for.
///
/// # Errors
/// Not found or somebody else's, or a state that does not allow it.
pub async fn rotate(
    service: &Service,
    actor: Actor<'_>,
    id: &str,
    ending: &Ending,
) -> Result<(CreatedKey, ReceiptView), Failure> {
    let (overlap, quiet) = ending.read()?;
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
    let replace = KeyChange::Replace { at: now, overlap_ends_at: now.after(overlap), quiet };
    let mut detail = said_of(&successor, &old.metadata);
    detail.push(("successor", successor.id.clone()));
    detail.push(("overlapEndsAt", fields::rfc3339(now.after(overlap)).into()));
    detail.extend(quiet.map(|quiet| ("untilQuiet", window_word(quiet).into())));
    let event = actor.event(now, Action::KeyRotated, id, detail);
    let outcome = service.store.rotate_api_key(actor.owner(), &replace, &successor, &event).await?;
    let changed = finish(service, actor, id, outcome).await?;
    let joined = Joined { key: successor, ..old };
    Ok((made.with(&joined, actor, now), changed.receipt))
}

/// A key, and what is left of its budget where that can be looked up: a change that was made is told all the same.
async fn view(service: &Service, actor: Actor<'_>, joined: Joined) -> KeyView {
    let mut view = KeyView::of(&joined, actor, service.now().wall);
    let _ = budgets::look_up_keys(service, &[joined], std::slice::from_mut(&mut view)).await;
    view
}

/// A key that the actor may touch.
///
/// # Errors
/// Not found, or somebody else's.
pub async fn find(service: &Service, actor: Actor<'_>, id: &str) -> Result<Joined, Failure> {
    let found = service.store.api_key(id).await?;
    found
        .filter(|joined| actor.owner().is_none_or(|owner| *joined.key.owner == *owner))
        .ok_or_else(|| Failure::no_such_key(id))
}

async fn finish(service: &Service, actor: Actor<'_>, id: &str, outcome: Outcome) -> Result<ChangedKey, Failure> {
    match outcome {
        Outcome::NotFound => Err(Failure::no_such_key(id)),
        Outcome::Refused(refusal) => Err(refusal.into()),
        Outcome::Done(head, joined) => {
            let committed = service.now();
            let receipt = service.receipt(head, committed).await;
            Ok(ChangedKey { view: view(service, actor, *joined).await, receipt })
        }
    }
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

    fn with(&self, joined: &Joined, actor: Actor<'_>, now: Timestamp) -> CreatedKey {
        CreatedKey::of((&self.key, self.secret.as_ref()), joined, actor, now)
    }
}

fn new_secret(service: &Service, prefix: &str) -> ApiKeySecret {
    let mut random = [0_u8; 24];
    service.random.fill(&mut random);
    ApiKeySecret::assemble(prefix, &random, &service.tag_key)
}
