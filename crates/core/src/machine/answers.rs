//! How the machine goes on with what memory, a signing key or the store answers.

use std::sync::Arc;

use super::{Examining, Fetching, Frame, Question, Recalled, Recalling, Resumed, Ruled, Verified, Verifying};
use crate::api_key::{CredentialEntry, Rejection};
use crate::decision::{Decision, Denial};
use crate::digest::{ApiKeyDigest, MacKey};
use crate::foreign::Foreign;
use crate::listener::{Event, Listener};
use crate::scheme::CredentialKind;
use crate::token::{Claims, TokenFault, Unverified};

impl<'a> Recalling<'a> {
    /// Goes on with what memory knows. `tag_key` refuses guesses before the store is asked.
    pub fn resume(self, recalled: Recalled, tag_key: &MacKey, listener: &mut impl Listener) -> Resumed<'a> {
        let kind = self.routed.frame.rules.scheme(self.scheme).map(|scheme| scheme.kind);
        let entry = match recalled {
            // Memory knows credentials by their digest alone: a key that was shown in a key's place before must not pass in a
            // token's, nor a token in a key's.
            Recalled::Known(entry) if kind.is_some_and(|kind| entry.principal.kind.is_carried_by(kind)) => entry,
            Recalled::Unknown => {
                listener.hear(Event::NotKnown);
                return refused(self.routed.reject(self.scheme, Rejection::Unknown, None));
            }
            Recalled::Known(_) | Recalled::Nothing => match kind {
                Some(CredentialKind::Jwt) => return self.read_token(listener),
                // Memory is never asked for these.
                Some(CredentialKind::Webhook) => {
                    return refused(self.routed.reject(self.scheme, Rejection::Unknown, None));
                }
                Some(CredentialKind::ApiKey) | None => match self.static_key(listener) {
                    Some(entry) => entry,
                    None => return self.ask_for_key(tag_key, listener),
                },
            },
        };
        Resumed::Ruled(self.routed.judge(entry, self.scheme, listener))
    }

    fn static_key(&self, listener: &mut impl Listener) -> Option<Arc<CredentialEntry>> {
        let entry = self.routed.frame.rules.static_keys.find(self.presented.expose())?;
        listener.hear(Event::StaticKey(true));
        Some(Arc::clone(entry))
    }

    fn ask_for_key(self, tag_key: &MacKey, listener: &mut impl Listener) -> Resumed<'a> {
        let Self { routed, scheme, presented, digest } = self;
        if crate::key_format::is_genuine(presented.expose(), tag_key) {
            return Resumed::Fetch(Question::ApiKey(digest), Fetching { routed, scheme, digest, claims: None });
        }
        listener.hear(Event::NotGenuine);
        refused(routed.reject(scheme, Rejection::Unknown, None))
    }

    fn read_token(self, listener: &mut impl Listener) -> Resumed<'a> {
        let Self { routed, scheme, presented, digest } = self;
        if let Some(read) = Foreign::read(presented.expose(), &routed.frame.rules.issuers) {
            return Examining::begin(routed, (scheme, digest), read, listener);
        }
        match Unverified::read(presented.expose()) {
            Ok(token) => Resumed::Verify(Box::new(Verifying { routed, scheme, digest, token })),
            Err(fault) => {
                listener.hear(Event::NoToken(fault));
                refused(routed.reject(scheme, Rejection::Unknown, None))
            }
        }
    }
}

impl<'a> Verifying<'a> {
    /// The token whose signature is asked about.
    pub fn token(&self) -> &Unverified<'a> {
        &self.token
    }

    /// Goes on with the word on the signature: right, by a key of this server, or not.
    pub fn resume(self, is_signed: bool, listener: &mut impl Listener) -> Verified<'a> {
        let Self { routed, scheme, digest, token } = self;
        let Frame { rules, now, .. } = routed.frame;
        let claims = match is_signed {
            true => token.verified(&rules.tokens, now.wall),
            false => Err(TokenFault::Signature),
        };
        match claims {
            Err(fault) => {
                listener.hear(Event::NoToken(fault));
                Verified::Decided(Decision::Deny(routed.reject(scheme, Rejection::Unknown, None)))
            }
            Ok(claims) => {
                let question = Question::Session(claims.sid.as_str().into());
                Verified::Fetch(question, Fetching { routed, scheme, digest, claims: Some(Box::new(claims)) })
            }
        }
    }
}

pub(super) fn refused<'a>(denial: Denial) -> Resumed<'a> {
    Resumed::Ruled(Ruled::Decided(Decision::Deny(denial)))
}

impl<'a> Fetching<'a> {
    /// The digest of what was presented: what memory will know the answer by.
    pub fn digest(&self) -> &ApiKeyDigest {
        &self.digest
    }

    /// The verified claims, where a token was presented.
    pub fn claims(&self) -> Option<&Claims> {
        self.claims.as_deref()
    }

    /// Goes on with what the store knows: a credential, or that there is none.
    pub fn resume(self, entry: Option<Arc<CredentialEntry>>, listener: &mut impl Listener) -> Ruled<'a> {
        match entry {
            Some(entry) => self.routed.judge(entry, self.scheme, listener),
            None => {
                listener.hear(Event::NotKnown);
                Ruled::Decided(Decision::Deny(self.routed.reject(self.scheme, Rejection::Unknown, None)))
            }
        }
    }
}
