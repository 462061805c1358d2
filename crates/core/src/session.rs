//! Sessions: what a user who signed in holds, a family of refresh tokens and the access tokens issued along it, or a cookie.

use std::net::IpAddr;
use std::time::Duration;

use crate::address::AddressRules;
use crate::api_key::{CredentialEntry, Owner, OwningAccount};
use crate::page::CsrfToken;
use crate::plan::Counted;
use crate::plane::Plane;
use crate::principal::{Grants, Kind, Mode, Principal};
use crate::scope::ScopeSet;
use crate::time::Timestamp;
use crate::token::Claims;
use crate::written::Written;

/// A session as it is kept. Its id is also that of its family of refresh tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// `ses_…`, random.
    pub id: Box<str>,
    /// The user who signed in.
    pub user: Box<str>,
    /// When.
    pub created_at: Timestamp,
    /// Since when it is over: signed out, a refresh token shown twice, another password, a disabled user.
    pub ended_at: Option<Timestamp>,
    /// Which of these.
    pub ended_reason: Option<Box<str>>,
    /// Of a client that showed a key + secret pair, what it was given; of a user who signed in nothing.
    pub client: Option<ClientGrant>,
    /// A session by cookie: about when it was last used. `None`: one by tokens.
    pub seen_at: Option<Timestamp>,
    /// Where it counts. One by tokens is of the data plane.
    pub plane: Plane,
    /// It came by a link to the customer portal, and may do no more than `self:*`.
    pub portal: bool,
    /// Where its user signed in from, as far as that is known.
    pub client_address: Option<IpAddr>,
}

/// What a client holds that showed a key + secret pair (RFC 6749 §4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientGrant {
    /// The id of the pair's key: the client of RFC 6749, to whom its tokens are bound.
    pub key: Box<str>,
    /// What it asked for, of all that the key may; later tokens of the family are never more.
    pub scopes: ScopeSet,
}

/// What a configuration says of sessions by cookie on one plane.
#[derive(Clone, Debug)]
pub struct SessionRules {
    /// Which plane.
    pub plane: Plane,
    /// How long one may go unused.
    pub idle: Duration,
    /// How long one counts at most.
    pub absolute: Duration,
    /// Whether browsers reach this server over TLS alone: then the cookie is for TLS alone, too.
    pub is_secure: bool,
}

impl Default for SessionRules {
    fn default() -> Self {
        let minutes = |count: u64| Duration::from_secs(count * 60);
        Self { plane: Plane::Data, idle: minutes(30), absolute: minutes(12 * 60), is_secure: true }
    }
}

impl SessionRules {
    /// The name of the cookie.
    pub fn cookie(&self) -> &'static str {
        let [data, control] = crate::cookies::NAMES;
        let [secure, plain] = match self.plane {
            Plane::Data => data,
            Plane::Control => control,
        };
        if self.is_secure { secure } else { plain }
    }
}

impl CredentialEntry {
    /// A token of a client: no more than its pair's key is today, in scopes, addresses and life, however it was made.
    pub fn of_client_token(claims: &Claims, session: &SessionRecord, key: Self) -> Self {
        let (scopes, key) = (claims.scopes(), key.with_secret());
        let grants = match &key.principal.grants {
            Grants::Named(own) => Grants::Named(scopes.intersection(own)),
            // An inherited `*` stops before `self:`, and does so in a token as well.
            Grants::Inherited(own) => Grants::Inherited(scopes.intersection(own)),
        };
        let revoked =
            key.revoked || session.ended_at.is_some() || *claims.sub != *key.principal.id || *claims.sid != *session.id;
        let ends_at = key.ends_at.map_or(claims.ends_at(), |end| end.min(claims.ends_at()));
        let credential = session.id.clone().into();
        Self {
            principal: Principal { kind: Kind::Jwt, credential, grants, ..key.principal },
            ends_at: Some(ends_at),
            begins_at: Some(claims.begins_at()),
            revoked,
            written: Written::default(),
            ..key
        }
    }

    /// A verified token resolved along its lineage: its scopes cut to those of its user's roles today, its session and
    /// its user as they are.
    pub fn of_token(claims: &Claims, session: &SessionRecord, user: &Owner, user_scopes: &ScopeSet) -> Self {
        Self {
            principal: Principal {
                id: user.id.clone(),
                name: user.username.clone(),
                kind: Kind::Jwt,
                account: user.account.as_ref().map(|account| account.id.clone()),
                credential: session.id.clone().into(),
                mode: Mode::Live,
                grants: Grants::Named(claims.scopes().intersection(user_scopes)),
            },
            line: None,
            counted: Counted::default(),
            addresses: AddressRules::default(),
            account_addresses: OwningAccount::lists([user.account.as_ref()]),
            ends_at: Some(claims.ends_at()),
            source_ends_at: None,
            renew_at: None,
            csrf: None,
            plane: None,
            begins_at: Some(claims.begins_at()),
            disabled: user.is_paused(),
            // A token of somebody else's session was never issued; should it be, it opens nothing.
            revoked: session.ended_at.is_some()
                || session.seen_at.is_some()
                || *claims.sub != *user.id
                || *claims.sid != *session.id,
            is_half: false,
            replaced: false,
            written: Written::default(),
        }
    }

    /// A session by cookie resolved along its lineage. One by tokens is none.
    pub fn of_session(
        session: &SessionRecord,
        user: &Owner,
        scopes: ScopeSet,
        rules: &SessionRules,
        csrf: CsrfToken,
    ) -> Option<Self> {
        Some(Self {
            principal: Principal {
                id: user.id.clone(),
                name: user.username.clone(),
                kind: Kind::Session,
                account: user.account.as_ref().map(|account| account.id.clone()),
                credential: session.id.clone().into(),
                mode: Mode::Live,
                grants: Grants::Named(scopes),
            },
            account_addresses: OwningAccount::lists([user.account.as_ref()]),
            ends_at: Some(session.created_at.after(rules.absolute)),
            // Memory does not hear of uses on other cores; the store does.
            renew_at: Some(session.seen_at?.after(rules.idle)),
            csrf: Some(csrf),
            plane: Some(session.plane),
            disabled: user.is_paused(),
            revoked: session.ended_at.is_some() || *session.user != *user.id,
            ..Self::configured(Kind::Session, "", ScopeSet::default())
        })
    }
}
