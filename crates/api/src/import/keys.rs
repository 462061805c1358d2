//! Keys of other programs, from files in their forms: looked at first, taken only when that is asked for.

use std::collections::HashSet;

use keyward_core::digest::ApiKeyDigest;
use keyward_core::imported;
use keyward_core::key_format::is_genuine;
use keyward_engine::audit::Action;
use keyward_engine::ports::{FeedHead, ForeignHash, ImportedKey};
use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::failure::{Failure, Kind};
use crate::import;
use crate::import::files::{Form, Row, Text};
use crate::import::foreign;
use crate::import::hashes::Peppers;
use crate::import::{Entry, Report};
use crate::keys;
use crate::origin::Origin;
use crate::people::users::{self, UserToMake};
use crate::service::Service;
use crate::sign_in::passwords::Password;
use crate::told::said_of;

/// The most keys of which neither the text nor the beginning is known: each of them is tried on whatever has no tag.
pub const MOST_BLIND: usize = 16;
/// The dearest bcrypt hash of such a key: a quarter of a second.
const DEAREST_BLIND: u32 = 12;
/// A key in plain text with fewer characters can be guessed.
const GUESSABLE: usize = 20;
/// How much of a key is shown and kept in plain text.
const SHOWN: usize = 4;

/// What is to be taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyImport {
    /// The file. It holds keys or hashes of them, so it is handled as a secret.
    pub text: Password,
    /// How it is to be read.
    #[serde(flatten)]
    pub form: Form,
    /// The user that owns keys of which the file does not say whose they are, by name; absent = the first administrator.
    pub owner: Option<String>,
    /// Make users that the file names and that are not there; they cannot sign in until they have a password.
    pub make_users: bool,
    /// What was mixed into `hmac-sha256:` hashes.
    pub pepper: Option<Password>,
    /// Take them; without it nothing is changed.
    pub apply: bool,
}

/// What is known so far, so that nothing is taken twice.
struct Taking<'a> {
    service: &'a Service,
    import: &'a KeyImport,
    origin: &'a Origin,
    has_pepper: bool,
    blind: usize,
    seen: HashSet<[u8; 32]>,
    /// The change that the last of them was.
    head: Option<FeedHead>,
}

/// Takes keys, or says what taking them would come to.
///
/// # Errors
/// A file that is not of its form, or a store that fails. What is wrong with one entry is in the report.
pub async fn take(service: &Service, import: &KeyImport, origin: &Origin) -> Result<Report, Failure> {
    let rows = import::files::read(&import.form, import.text.expose())?;
    if let Some(pepper) = import.pepper.as_ref().filter(|_| import.apply) {
        import::hashes::keep_pepper(service, pepper, origin).await?;
    }
    let hashed = service.store.hashed_keys().await?;
    let mut taking = Taking {
        service,
        import,
        origin,
        has_pepper: import.pepper.is_some() || !Peppers::load(service).await?.is_empty(),
        blind: hashed.iter().filter(|key| key.begins.is_empty()).count(),
        seen: HashSet::new(),
        head: None,
    };
    let mut entries = Vec::with_capacity(rows.len());
    for mut row in rows {
        let line = row.line;
        if row.new.name.is_empty() {
            row.new.name = format!("imported {line}");
        }
        let name = Some(row.new.name.clone());
        let outcome = match taking.row(row).await {
            Ok(how) => Ok(how),
            Err(failure) if failure.kind == Kind::Unavailable => return Err(failure),
            Err(failure) => Err(failure.message),
        };
        entries.push(Entry { line, name, taken: outcome.is_ok(), why: outcome.unwrap_or_else(|why| why) });
    }
    if let Some(head) = taking.head {
        // They count when this says so.
        service.receipt(head, service.now()).await;
    }
    Ok(Report { applied: import.apply, entries })
}

impl Taking<'_> {
    /// One key: how it is taken, or why not.
    async fn row(&mut self, row: Row) -> Result<String, Failure> {
        let Row { mut new, text, begins, .. } = row;
        let known = self.known(text.map_err(Failure::invalid)?, begins).await?;
        new.owner = new.owner.or_else(|| self.import.owner.clone());
        let made = self.owner(new.owner.as_deref()).await?;
        let how =
            format!("{}{}", known.how, made.as_ref().map(|name| format!("; with a user {name:?}")).unwrap_or_default());
        if made.is_some() && !self.import.apply {
            // Its user will be there then.
            new.owner = None;
        }
        let id = self.service.new_id("key");
        let digest = known.digest.unwrap_or_else(|| imported::placeholder(&self.service.tag_key, &id));
        let joined = keys::draft(self.service, Actor::Operator, &new, (id, &known.shown, digest)).await?;
        if self.import.apply {
            let mut detail = said_of(&joined.key, &joined.metadata);
            detail.push(("imported", known.kind.into()));
            let event = Actor::Operator.event(self.origin.at, Action::KeyImported, &joined.key.id, detail);
            let key = ImportedKey { key: joined.key, mark: known.mark, begins: known.begins, hash: known.hash };
            self.head = Some(self.service.store.import_api_key(&key, &event).await?);
        }
        self.seen.insert(known.mark);
        self.blind += usize::from(known.is_blind);
        Ok(how)
    }

    /// What is known of a key, where it is one that can be taken.
    async fn known(&self, text: Text, begins: Option<String>) -> Result<Known, Failure> {
        let known = match text {
            Text::Plain(key) => self.plain(key.expose())?,
            Text::Hash(hash) => self.hashed(&hash, begins)?,
        };
        if self.seen.contains(&known.mark) || self.service.store.is_imported(&known.mark).await? {
            return Err(Failure::invalid("it is here already, or stands in the file twice"));
        }
        if known.is_blind && self.blind >= MOST_BLIND {
            return Err(Failure::invalid(format!(
                "nothing says which keys its hash is of, and {MOST_BLIND} such are here already: say how the key begins \
                 (\"begins\"), or make a new one"
            )));
        }
        Ok(known)
    }

    fn plain(&self, key: &str) -> Result<Known, Failure> {
        if !imported::may_be(key.as_bytes()) || key.chars().any(|one| one.is_control() || one.is_whitespace()) {
            return Err(Failure::invalid("it is longer than 1024 bytes, or has blanks or control characters"));
        }
        if is_genuine(key.as_bytes(), &self.service.tag_key) {
            return Err(Failure::invalid("it is a key that this server made"));
        }
        let digest = imported::digest(&self.service.tag_key, key.as_bytes());
        let is_short = key.chars().count() < GUESSABLE;
        let how = if is_short { "as it is; it is short enough to be guessed: rotate it soon" } else { "as it is" };
        Ok(Known {
            kind: "plain",
            how: how.to_owned(),
            // Of a short one nothing is shown.
            shown: if is_short { String::new() } else { key.chars().take(SHOWN).collect() },
            begins: "".into(),
            digest: Some(digest),
            hash: None,
            mark: *digest.as_bytes(),
            is_blind: false,
        })
    }

    fn hashed(&self, text: &str, begins: Option<String>) -> Result<Known, Failure> {
        let (kind, hash) = import::hashes::read(text).map_err(Failure::invalid)?;
        if kind == import::hashes::HMAC && !self.has_pepper {
            return Err(Failure::invalid("it was mixed with a pepper: --pepper-file FILE"));
        }
        let begins = begins.unwrap_or_default();
        let is_slow = matches!(hash, ForeignHash::Slow(_));
        if begins.is_empty() && foreign::bcrypt_cost(text).is_some_and(|cost| cost > DEAREST_BLIND) {
            return Err(Failure::invalid(format!(
                "the cost of its bcrypt hash is over {DEAREST_BLIND}, too dear to be tried on everything: say how the key begins"
            )));
        }
        let bytes = match &hash {
            ForeignHash::Slow(hash) => hash.0.as_bytes(),
            ForeignHash::Lookup(lookup) => lookup.as_slice(),
        };
        let mark = self.service.tag_key.mac(&[b"keyward imported hash", kind.as_bytes(), bytes]);
        Ok(Known {
            kind,
            how: format!("by its hash ({kind}), until it is shown for the first time"),
            shown: begins.chars().take(SHOWN).collect(),
            is_blind: is_slow && begins.is_empty(),
            begins: begins.into(),
            digest: None,
            hash: Some(hash),
            mark,
        })
    }

    async fn is_missing(&self, owner: Option<&str>) -> Result<bool, Failure> {
        match owner {
            Some(name) => Ok(self.service.store.user_by_name(name).await?.is_none()),
            None => Ok(false),
        }
    }

    /// Makes the owner where it is not there and that is wanted; which.
    async fn owner(&self, owner: Option<&str>) -> Result<Option<String>, Failure> {
        let Some(name) = owner.filter(|_| self.import.make_users) else { return Ok(None) };
        if !self.is_missing(owner).await? {
            return Ok(None);
        }
        let user = UserToMake { username: name.to_owned(), roles: None, account: None, external_id: None };
        if self.import.apply {
            users::keep(self.service, &user, None, self.origin).await?;
        } else {
            users::draft(self.service, &user, None, self.origin).await?;
        }
        Ok(Some(name.to_owned()))
    }
}

/// What is known of a key that can be taken.
struct Known {
    kind: &'static str,
    how: String,
    /// What is shown of it.
    shown: String,
    /// What it begins with, as far as that is known and needed.
    begins: Box<str>,
    /// What it is kept by; `None`: that is not known before it is shown.
    digest: Option<ApiKeyDigest>,
    hash: Option<ForeignHash>,
    /// What tells it from others.
    mark: [u8; 32],
    /// Whether it has to be tried on everything.
    is_blind: bool,
}
