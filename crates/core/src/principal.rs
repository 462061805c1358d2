//! Who a verified credential speaks for, and what it may do.

use crate::digest::ApiKeyDigest;
use crate::scheme::CredentialKind;
use crate::scope::{Scope, ScopeSet};

/// A credential's id. What is counted by it is asked for with every request, so that a digest of it is made once.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CredentialId {
    digest: [u64; 2],
    text: Box<str>,
}

impl CredentialId {
    /// The id.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A digest of it; two ids share one hardly ever.
    pub fn short(&self) -> u64 {
        let [short, _] = self.digest;
        short
    }

    /// A digest of it, so wide that no two ids ever share one.
    pub fn digest(&self) -> [u64; 2] {
        self.digest
    }

    /// That of an id by itself.
    pub fn digest_of(text: &str) -> [u64; 2] {
        ApiKeyDigest::of(text.as_bytes()).half()
    }
}

impl<T: Into<Box<str>>> From<T> for CredentialId {
    fn from(text: T) -> Self {
        let text = text.into();
        Self { digest: Self::digest_of(&text), text }
    }
}

impl std::fmt::Debug for CredentialId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.text, f)
    }
}

/// What kind of credential a principal showed; told to the upstream as `Keyward-Kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A key made by Keyward.
    ApiKey,
    /// An operator's own key from the configuration.
    Static,
    /// A token of a user who signed in.
    Jwt,
    /// A token of another issuer.
    Foreign,
    /// A delivery that proved its sender.
    Webhook,
    /// A username and a password.
    Basic,
    /// The cookie of a user who signed in.
    Session,
}

impl Kind {
    /// Whether a scheme for that kind of credential carries this one.
    pub const fn is_carried_by(self, scheme: CredentialKind) -> bool {
        matches!(
            (self, scheme),
            (Self::ApiKey | Self::Static, CredentialKind::ApiKey)
                | (Self::Jwt | Self::Foreign, CredentialKind::Jwt)
                | (Self::Webhook, CredentialKind::Webhook)
                | (Self::Basic, CredentialKind::Basic)
                | (Self::Session, CredentialKind::Session)
        )
    }

    /// The word for logs and headers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Static => "static",
            Self::Jwt | Self::Foreign => "jwt",
            Self::Webhook => "webhook",
            Self::Basic => "basic",
            Self::Session => "session",
        }
    }
}

/// Whether a key is meant for real traffic or for trials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Real traffic.
    #[default]
    Live,
    /// Trials.
    Test,
}

impl Mode {
    /// The word for prefixes, logs and headers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "live" => Some(Self::Live),
            "test" => Some(Self::Test),
            _ => None,
        }
    }
}

/// Who calls: the facts that decisions, records and the upstream see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The owner's id; for a static key its name.
    pub id: Box<str>,
    /// The key's name, or the username.
    pub name: Box<str>,
    /// What was shown.
    pub kind: Kind,
    /// The account that owns it, if any.
    pub account: Option<Box<str>>,
    /// The credential's id: that of the key, or of the session that a token belongs to.
    pub credential: CredentialId,
    /// Live or test.
    pub mode: Mode,
    /// What it may do.
    pub grants: Grants,
}

/// The scopes a principal holds, after its whole lineage was intersected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grants {
    /// Named on the credential.
    Named(ScopeSet),
    /// Taken over from the owner: never `self:` or `keyward:`.
    Inherited(ScopeSet),
}

impl Grants {
    /// What a key has: its own scopes cut to its owner's; without own ones the configured default cut likewise, or,
    /// with no default, the owner's less `self:` and `keyward:`.
    pub fn of_key(own: Option<&ScopeSet>, default: Option<&ScopeSet>, owner: &ScopeSet) -> Self {
        match own.or(default) {
            Some(scopes) => Self::Named(scopes.intersection(owner)),
            None => Self::Inherited(owner.inheritable()),
        }
    }

    /// Whether a scope is granted.
    pub fn grant(&self, required: &Scope) -> bool {
        match self {
            Self::Named(scopes) => scopes.grants(required),
            Self::Inherited(scopes) => scopes.grants_inherited(required),
        }
    }

    /// The scopes of `made` that go beyond these: what the holder of these may not bring to life.
    pub fn exceeded_by<'a>(&'a self, made: &'a Self) -> impl Iterator<Item = &'a Scope> {
        // A `*` that was inherited stops before `self:`; one that is named does not.
        let widens = matches!((self, made), (Self::Inherited(_), Self::Named(_)));
        let reaches_self = |scope: &Scope| scope.as_str() == "*";
        made.scopes().iter().filter(move |scope| !self.grant(scope) || (widens && reaches_self(scope)))
    }

    /// The scopes as a set, for lists and headers.
    pub fn scopes(&self) -> &ScopeSet {
        match self {
            Self::Named(scopes) | Self::Inherited(scopes) => scopes,
        }
    }
}
