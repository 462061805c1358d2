//! What a new key may be: whose, of which account, and never more than whoever makes it.

use ipnet::IpNet;
use keyward_core::api_key::{CredentialEntry, Owner, OwningAccount};
use keyward_core::limit::{Budget, Per};
use keyward_core::principal::{Grants, Kind, Mode};
use keyward_core::rules::Rules;
use keyward_core::scope::ScopeSet;
use keyward_core::time::Timestamp;
use keyward_engine::ports::Joined;

use crate::actor::Actor;
use crate::budgets;
use crate::failure::Failure;
use crate::fields;
use crate::keys::NewKey;
use crate::people::accounts;
use crate::service::{ADMIN, Service};

pub(crate) async fn owner_of_new_key(service: &Service, actor: Actor<'_>, new: &NewKey) -> Result<Owner, Failure> {
    if new.owner.is_some() && !actor.is_operator() {
        return Err(Failure::invalid("\"owner\" is for operators; a key made here is its maker's"));
    }
    let named = match (&new.owner, actor) {
        (Some(name), _) => Some(name.as_str()),
        (None, Actor::Operator) => Some(ADMIN),
        (None, _) => None,
    };
    let owner = match (named, actor.maker()) {
        (Some(name), _) => service.store.user_by_name(name).await?.ok_or_else(|| Failure {
            kind: crate::failure::Kind::NotFound,
            message: format!("there is no user {name:?}"),
        })?,
        (None, Some(maker)) if maker.principal.kind == Kind::Static => {
            return Err(Failure::forbidden(
                "an operator's key from the configuration has no user that could own keys; use `keyward key create`",
            ));
        }
        (None, Some(maker)) => {
            service.store.user(&maker.principal.id).await?.ok_or_else(|| Failure::forbidden("your user is gone"))?
        }
        (None, None) => return Err(Failure::invalid("say who is to own it")),
    };
    if owner.is_paused() {
        return Err(Failure::forbidden(format!("user {:?} or its account is disabled", owner.username)));
    }
    Ok(owner)
}

/// The account named, else the owner's.
pub(crate) async fn account_of_new_key(
    service: &Service,
    actor: Actor<'_>,
    new: &NewKey,
    owner: &Owner,
) -> Result<Option<OwningAccount>, Failure> {
    match &new.account {
        None => Ok(owner.account.clone()),
        Some(_) if !actor.is_operator() => {
            Err(Failure::invalid("\"account\" is for operators; a key made here is its maker's account's"))
        }
        Some(which) => {
            let account = accounts::find(service, which).await?;
            if account.disabled_at.is_some() {
                return Err(Failure::forbidden(format!("account {:?} is disabled", account.name)));
            }
            Ok(Some(OwningAccount {
                id: account.id,
                disabled_at: None,
                allowed_ips: account.allowed_ips,
                terms: account.terms,
            }))
        }
    }
}

/// A test key makes test keys.
pub(crate) fn mode_of_new_key(actor: Actor<'_>, new: &NewKey) -> Result<Mode, Failure> {
    let Some(text) = new.mode.as_deref() else {
        return Ok(actor.maker().map_or(Mode::Live, |maker| maker.principal.mode));
    };
    Mode::parse(text).ok_or_else(|| Failure::invalid(format!("mode {text:?} is neither \"live\" nor \"test\"")))
}

/// Without addresses of its own a key has its maker's.
pub(crate) fn addresses_of_new_key(actor: Actor<'_>, new: &NewKey) -> Result<Vec<IpNet>, Failure> {
    let own = fields::networks(new.allowed_ips.as_deref().unwrap_or_default())?;
    Ok(match actor.maker() {
        Some(maker) if own.is_empty() => maker.addresses.allow.clone(),
        _ => own,
    })
}

/// Without an end of its own a key ends with its maker. A token ends within minutes because it is renewed, not because its
/// user or its key ends.
pub(crate) fn end_of_new_key(actor: Actor<'_>, new: &NewKey, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
    match new.expires_at.as_deref() {
        Some(text) => fields::expiry(text, now).map(Some),
        None => Ok(actor.maker().and_then(|maker| maker.source_ends_at)),
    }
}

/// What it may use is for operators to say.
pub(crate) fn budget_of_new_key(actor: Actor<'_>, new: &NewKey) -> Result<Option<Budget>, Failure> {
    match &new.budget {
        None => Ok(None),
        Some(_) if !actor.is_operator() => {
            Err(Failure::invalid("\"budget\" is for operators; a key made here is charged to its maker's account"))
        }
        Some(text) => budgets::read(text).map(Some),
    }
}

/// The scopes that a new key gets: never more than its owner has, and never more than its maker has.
pub(crate) fn scopes_of_new_key(
    rules: &Rules,
    actor: Actor<'_>,
    new: &NewKey,
    owner: &Owner,
) -> Result<Option<ScopeSet>, Failure> {
    let owner_scopes = rules.scopes_of_roles(owner.roles.iter().map(AsRef::as_ref));
    let Some(texts) = &new.scopes else {
        let by_silence = |maker: &CredentialEntry| scopes_by_silence(rules, &maker.principal.grants, &owner_scopes);
        return Ok(actor.maker().and_then(by_silence));
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
pub(crate) fn may_bring_to_life(service: &Service, actor: Actor<'_>, made: &Joined) -> Result<(), Failure> {
    let Some(maker) = actor.maker() else { return Ok(()) };
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
    let is_of_its_line = entry.line == maker.line;
    if maker.counted.own.iter().any(|limit| limit.per() == Per::Key) && !is_of_its_line {
        return Err(Failure::forbidden("your own key has a budget, and this one would not be charged to it"));
    }
    if maker.principal.mode == Mode::Test && entry.principal.mode == Mode::Live {
        return Err(Failure::forbidden("your own key is a test key, so you cannot make or renew a live one"));
    }
    Ok(())
}
