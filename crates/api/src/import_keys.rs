//! Keys of other programs, from files in their forms: looked at first, taken only when that is asked for.

mod rows;

use keyward_core::api_key::{ApiKeyRecord, Owner};
use keyward_core::digest::ApiKeyDigest;
use keyward_core::principal::Mode;
use keyward_core::scope::ScopeSet;
use keyward_engine::audit::Action;
use keyward_engine::people::PasswordHash;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::import::{Entry, Report};
use crate::imported::{self, MOST_SLOW};
use crate::origin::Origin;
use crate::passwords::Password;
use crate::service::{ADMIN, Service};
use crate::{accounts, fields, foreign, users};

use rows::Row;
pub use rows::{Form, Kind};

/// The shortest key that is taken as it is: a digest without a secret of ours is kept of it.
const SHORTEST: usize = 20;

/// What is to be taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeysToImport {
    /// The file. It holds keys or hashes, so it is handled as a secret.
    pub text: Password,
    /// Where in it what stands.
    pub form: Form,
    /// The user that owns them; absent = the one that an entry names, else `admin`.
    pub owner: Option<String>,
    /// The account that they belong to; absent = their owner's.
    pub account: Option<String>,
    /// Their scopes; absent = their owner's.
    pub scopes: Option<Vec<String>>,
    /// Of a file of variables: those that hold keys.
    pub variables: Vec<String>,
    /// Take them; without it nothing is changed.
    pub apply: bool,
}

/// What is known of a key.
enum Known {
    Digest(ApiKeyDigest),
    Slow(PasswordHash),
}

/// Takes keys, or says what taking them would come to.
///
/// # Errors
/// A file that cannot be read, or a user, account or scopes that are not there. What is wrong with one entry is in the report.
pub async fn keys(service: &Service, import: &KeysToImport, origin: &Origin) -> Result<Report, Failure> {
    let scopes = import.scopes.as_deref().map(fields::scopes).transpose()?;
    let account = match &import.account {
        Some(which) => Some(accounts::find(service, which).await?.id),
        None => None,
    };
    let owner = match &import.owner {
        Some(who) => Some(users::find(service, who).await?.owner),
        None => None,
    };
    let mut slow: Vec<PasswordHash> =
        service.store.imported_keys().await?.into_iter().filter_map(|key| key.hash).collect();
    let (mut entries, mut seen) = (Vec::new(), Vec::new());
    for (index, row) in rows::read(&import.form, import.text.expose(), &import.variables)?.into_iter().enumerate() {
        let name = row.name.clone().unwrap_or_else(|| format!("imported-{}", index + 1));
        let outcome = match entry(service, &row, owner.as_ref()).await? {
            Ok((known, owner)) => {
                let draft = Draft { name: &name, owner: &owner, account: account.as_deref(), scopes: scopes.as_ref() };
                take(service, draft, known, (&mut slow, &mut seen, import.apply), origin).await?
            }
            Err(why) => Err(why),
        };
        entries.push(Entry {
            line: row.line,
            name: Some(name),
            taken: outcome.is_ok(),
            why: outcome.unwrap_or_else(|why| why),
        });
    }
    if import.apply {
        imported::load(service).await?;
    }
    Ok(Report { applied: import.apply, entries })
}

/// What an entry says, or why it cannot be taken.
async fn entry(service: &Service, row: &Row, all: Option<&Owner>) -> Result<Result<(Known, Owner), String>, Failure> {
    let known = match (&row.key, row.hash.as_deref()) {
        (Some(key), _) if key.expose().len() < SHORTEST => {
            return Ok(Err(format!(
                "the key has fewer than {SHORTEST} characters; put it under security.api_keys.static"
            )));
        }
        (Some(key), _) => Known::Digest(ApiKeyDigest::of(key.expose().as_bytes())),
        (None, Some(hash)) => match hash_of(hash) {
            Ok(known) => known,
            Err(why) => return Ok(Err(why.to_owned())),
        },
        (None, None) => return Ok(Err("the entry has neither a key nor a hash".to_owned())),
    };
    let owner = match (all, &row.owner) {
        (Some(owner), _) => owner.clone(),
        (None, Some(who)) => match users::find(service, who).await {
            Ok(user) => user.owner,
            Err(_) => return Ok(Err("there is no user as the entry names it; --owner names one for all".to_owned())),
        },
        (None, None) => match service.store.user_by_name(ADMIN).await? {
            Some(owner) => owner,
            None => return Ok(Err("there is no user admin; --owner names another".to_owned())),
        },
    };
    Ok(Ok((known, owner)))
}

fn hash_of(text: &str) -> Result<Known, &'static str> {
    if text.starts_with("$2") || text.starts_with("$argon2") {
        return foreign::take(text).map(Known::Slow);
    }
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    let digest = crate::hex::unhex(hex).map(ApiKeyDigest::from_bytes);
    digest.map(Known::Digest).ok_or("it is no hash of bcrypt, argon2 or SHA-256 (64 hexadecimal digits)")
}

/// A key to be kept.
#[derive(Clone, Copy)]
struct Draft<'a> {
    name: &'a str,
    owner: &'a Owner,
    account: Option<&'a str>,
    scopes: Option<&'a ScopeSet>,
}

async fn take(
    service: &Service,
    draft: Draft<'_>,
    known: Known,
    (slow, seen, apply): (&mut Vec<PasswordHash>, &mut Vec<ApiKeyDigest>, bool),
    origin: &Origin,
) -> Result<Result<String, String>, Failure> {
    let (digest, hash) = match known {
        Known::Digest(digest) => {
            let is_there = service.store.find(&[digest]).await?.keys.into_iter().next().flatten().is_some();
            if is_there || seen.contains(&digest) {
                return Ok(Err("the key is there already".to_owned()));
            }
            seen.push(digest);
            (digest, None)
        }
        Known::Slow(hash) if slow.contains(&hash) => return Ok(Err("the key is there already".to_owned())),
        Known::Slow(_) if slow.len() >= MOST_SLOW => {
            return Ok(Err(format!(
                "at most {MOST_SLOW} keys may be known by a slow hash alone, because each is tried for a key that nobody knows"
            )));
        }
        Known::Slow(hash) => {
            slow.push(hash.clone());
            let mut random = [0; 32];
            service.random.fill(&mut random);
            (ApiKeyDigest::from_bytes(random), Some(hash))
        }
    };
    let how = if hash.is_some() { "by its hash, which gives way to our own at its first use" } else { "as it is" };
    if apply {
        let key = record(service, draft, digest, origin)?;
        let mut event = origin.event(Action::KeyImported, &key.id);
        event.detail.push(("name", key.name.clone()));
        event.detail.push(("owner", key.owner.clone()));
        service.store.insert_imported_key(&key, hash.as_ref(), &event).await?;
    }
    Ok(Ok(how.to_owned()))
}

fn record(service: &Service, draft: Draft<'_>, digest: ApiKeyDigest, origin: &Origin) -> Result<ApiKeyRecord, Failure> {
    let of_owner = draft.owner.account.as_ref().map(|account| &*account.id);
    Ok(ApiKeyRecord {
        id: service.new_id("key"),
        owner: draft.owner.id.clone(),
        account: draft.account.or(of_owner).map(Into::into),
        name: fields::name(draft.name)?,
        // Nothing of a key of others is shown: it may be short, and all of it may be a secret.
        prefix: "imported".into(),
        digest,
        secret: None,
        mode: Mode::Live,
        scopes: draft.scopes.cloned(),
        allowed_ips: Vec::new(),
        external_id: None,
        created_at: origin.at,
        expires_at: None,
        last_used_at: None,
        disabled_at: None,
        revoked_at: None,
        revoked_reason: None,
        replaces: None,
        overlap_ends_at: None,
        line: None,
    })
}
