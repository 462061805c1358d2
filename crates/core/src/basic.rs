//! Basic (RFC 7617): a username and a password in one field, how they are read, and by which digest memory knows them.
//!
//! A password may be weak, so what is remembered of it is keyed with a secret of the running process: whoever reads memory
//! of a stopped one, or any file, has nothing to guess against.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::api_key::{CredentialEntry, Owner, OwningAccount};
use crate::digest::{ApiKeyDigest, MacKey};
use crate::plan::Planned;
use crate::principal::{Grants, Kind, Mode, Principal};
use crate::scheme::Presented;
use crate::scope::{Scope, ScopeSet};
use crate::time::Timestamp;

/// The longest username that is looked at, in bytes.
const USERNAME_BYTES: usize = 256;
/// The longest password, in bytes. Longer ones are not hashed: that would be work that a stranger orders.
pub const PASSWORD_BYTES: usize = 1024;
/// Room for both and the colon, with what the decoder wants to spare.
const ROOM: usize = USERNAME_BYTES + 1 + PASSWORD_BYTES + 8;

/// How long a username and a password that were found to be right are remembered before they are checked again.
pub const REMEMBERED: Duration = Duration::from_secs(15 * 60);

/// What a configuration says of Basic.
#[derive(Clone, Debug)]
pub struct BasicRules {
    secret: MacKey,
    only: Option<Only>,
}

/// The one username and password of a configuration.
#[derive(Clone, Debug)]
struct Only {
    digest: ApiKeyDigest,
    entry: CredentialEntry,
}

impl BasicRules {
    /// For Keyward's users. `secret` is made anew by every process.
    pub fn of_users(secret: MacKey) -> Self {
        Self { secret, only: None }
    }

    /// For one username and password, which are not kept. Its principal is the username, of which there is no record: it may
    /// do whatever is not Keyward's own.
    pub fn of_one(secret: MacKey, username: &str, password: &str) -> Self {
        let digest = digest(&secret, username, password);
        let mut entry = CredentialEntry::configured(Kind::Basic, username, ScopeSet::default());
        entry.principal.grants = Grants::Inherited(Scope::parse("*").into_iter().collect());
        Self { secret, only: Some(Only { digest, entry }) }
    }

    /// The one username of a configuration on this plan.
    #[must_use]
    pub fn on_plan(mut self, plan: Planned) -> Self {
        if let Some(only) = &mut self.only {
            only.entry.counted.plan = plan;
        }
        self
    }

    /// What memory knows a presented pair by. Each part is preceded by its length: `a` and `bc` are not `ab` and `c`. `None`:
    /// no pair, or one that is too long to be anybody's. Allocates nothing.
    pub fn digest(&self, presented: Presented<'_>) -> Option<ApiKeyDigest> {
        read(presented.expose(), |username, password| digest(&self.secret, username, password))
    }

    /// Whether the pair of the configuration is the only one that counts.
    pub fn is_of_one(&self) -> bool {
        self.only.is_some()
    }

    /// Whom the pair of the configuration stands for, where this is it. A keyed digest is compared: neither its bytes nor the
    /// time that it takes tell anything about the pair.
    pub fn find(&self, shown: &ApiKeyDigest) -> Option<&CredentialEntry> {
        let only = self.only.as_ref()?;
        crate::digest::same(only.digest.as_bytes(), shown.as_bytes()).then_some(&only.entry)
    }
}

fn digest(secret: &MacKey, username: &str, password: &str) -> ApiKeyDigest {
    ApiKeyDigest::from_bytes(secret.mac(&[b"keyward basic", username.as_bytes(), password.as_bytes()]))
}

/// Reads `base64(username ":" password)` in UTF-8 (RFC 7617 §2 and §2.1) on the stack.
pub(crate) fn read<T>(presented: &[u8], with: impl FnOnce(&str, &str) -> T) -> Option<T> {
    let mut room = Zeroizing::new([0_u8; ROOM]);
    let length = STANDARD.decode_slice(presented, room.as_mut_slice()).ok()?;
    let text = std::str::from_utf8(room.get(..length)?).ok()?;
    // "a user-id containing a colon character is invalid": the first one ends it.
    let (username, password) = text.split_once(':')?;
    let fits = username.len() <= USERNAME_BYTES && password.len() <= PASSWORD_BYTES;
    // "The user-id and password MUST NOT contain any control characters."
    (fits && !text.chars().any(char::is_control)).then(|| with(username, password))
}

/// A username and a password that somebody showed, on their way to where passwords are checked. Two are the same question
/// if the pair and the place they came from are. Zeroed when dropped, never printed.
pub struct Shown {
    username: Box<str>,
    password: Zeroizing<String>,
    digest: ApiKeyDigest,
    client: IpAddr,
}

impl Shown {
    pub(crate) fn read(presented: Presented<'_>, digest: ApiKeyDigest, client: IpAddr) -> Option<Self> {
        let client = crate::address::canonical(client);
        read(presented.expose(), |username, password| Self {
            username: username.into(),
            password: Zeroizing::new(password.to_owned()),
            digest,
            client,
        })
    }

    /// The username as it was sent.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The password, to be checked.
    pub fn expose_password(&self) -> &str {
        &self.password
    }

    /// What memory knows the pair by.
    pub fn digest(&self) -> &ApiKeyDigest {
        &self.digest
    }

    /// Where it came from.
    pub fn client(&self) -> IpAddr {
        self.client
    }
}

impl PartialEq for Shown {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest && self.client == other.client
    }
}

impl Eq for Shown {}

impl Hash for Shown {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
        self.client.hash(state);
    }
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown(…)")
    }
}

impl CredentialEntry {
    /// A user whose password was found to be right at a time, with the scopes that its roles give now.
    pub fn of_basic(user: &Owner, checked_at: Timestamp, scopes: ScopeSet) -> Self {
        Self {
            principal: Principal {
                id: user.id.clone(),
                name: user.username.clone(),
                kind: Kind::Basic,
                account: user.account.as_ref().map(|account| account.id.clone()),
                credential: user.id.clone().into(),
                mode: Mode::Live,
                grants: Grants::Named(scopes),
            },
            account_addresses: OwningAccount::lists([user.account.as_ref()]),
            renew_at: Some(checked_at.after(REMEMBERED)),
            disabled: user.is_paused(),
            ..Self::configured(Kind::Basic, "", ScopeSet::default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> BasicRules {
        BasicRules::of_users(MacKey::from_bytes([3; 32]))
    }

    fn digest_of(text: &[u8]) -> Option<ApiKeyDigest> {
        let encoded = STANDARD.encode(text);
        rules().digest(Presented::of_test(encoded.as_bytes()))
    }

    #[test]
    fn what_is_a_pair() {
        let long = |count: usize| "x".repeat(count);
        for (text, is_one) in [
            ("ada:secret", true),
            ("ada:", true),
            (":secret", true),
            ("ada:with:colons", true),
            ("ada:schlüssel", true),
            (&format!("{}:{}", long(USERNAME_BYTES), long(PASSWORD_BYTES)), true),
            (&format!("ada:{}", long(PASSWORD_BYTES + 1)), false),
            (&format!("{}:x", long(USERNAME_BYTES + 1)), false),
            ("ada", false),
            ("", false),
            ("ada:a\u{0}b", false),
            ("ada:a\nb", false),
            ("ada:\u{85}", false),
        ] {
            assert_eq!(digest_of(text.as_bytes()).is_some(), is_one, "{text:?}");
        }
        assert!(digest_of(b"ada:\xff").is_none(), "not UTF-8");
        for text in ["YTpi", "YTpi=", "YTpi====", "YTp", "YT pi", "-_-_", "YTpj\n"] {
            let is_one = rules().digest(Presented::of_test(text.as_bytes())).is_some();
            assert_eq!(is_one, text == "YTpi", "{text:?}");
        }
    }

    #[test]
    fn no_two_pairs_look_alike() {
        let texts = ["a:bc", "ab:c", "abc:", ":abc", "a:b:c", "a:b\u{ff1a}c", "A:bc", "a :bc"];
        for (at, one) in texts.iter().enumerate() {
            for other in &texts[..at] {
                assert_ne!(digest_of(one.as_bytes()), digest_of(other.as_bytes()), "{one} and {other}");
            }
        }
        let other = BasicRules::of_users(MacKey::from_bytes([4; 32]));
        let encoded = STANDARD.encode("a:bc");
        let presented = Presented::of_test(encoded.as_bytes());
        assert_ne!(other.digest(presented), rules().digest(presented), "another process knows it by another digest");
        assert_ne!(rules().digest(presented), Some(ApiKeyDigest::of(encoded.as_bytes())), "a plain hash of a password");
    }

    #[test]
    fn one_pair_of_the_configuration() {
        let rules = BasicRules::of_one(MacKey::from_bytes([3; 32]), "ci", "correct horse");
        for (text, is_it) in
            [("ci:correct horse", true), ("ci:wrong", false), ("ad:correct horse", false), ("ci:", false)]
        {
            let encoded = STANDARD.encode(text);
            let shown = rules.digest(Presented::of_test(encoded.as_bytes())).unwrap();
            assert_eq!(rules.find(&shown).is_some(), is_it, "{text}");
        }
    }
}
