//! How the machine goes on with what memory, a signing key or the store answers.

use std::net::IpAddr;
use std::sync::Arc;

use super::{
    Examining, Fetching, Frame, Question, Recalled, Recalling, Resumed, Ruled, Strangers, Verified, Verifying,
};
use crate::api_key::{CredentialEntry, Rejection};
use crate::basic::Shown;
use crate::decision::{Decision, Denial, Throttled};
use crate::digest::ApiKeyDigest;
use crate::foreign::Foreign;
use crate::imported::{self, Expected, ShownKey};
use crate::listener::{Event, Listener};
use crate::scheme::CredentialKind;
use crate::token::{Claims, TokenFault, Unverified};

/// Operators' keys under so many bytes can be guessed; the configuration warns of them.
const GUESSABLE: usize = 32;

impl<'a> Recalling<'a> {
    /// Goes on with what memory knows. Guesses are refused before the store is asked, and strangers who have to wait before
    /// anything is compared.
    pub fn resume<'k>(
        self,
        recalled: Recalled,
        strangers: impl Into<Strangers<'k>>,
        listener: &mut impl Listener,
    ) -> Resumed<'a> {
        let strangers = strangers.into();
        let kind = self.routed.frame.rules.scheme(self.scheme).map(|scheme| scheme.kind);
        let entry = match recalled {
            // Memory knows credentials by their digest alone: a key that was shown in a key's place before must not pass in a
            // token's, nor a token in a key's.
            Recalled::Known(entry) if kind.is_some_and(|kind| self.vouches_for(&entry, kind)) => entry,
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
                Some(CredentialKind::Basic) => return self.ask_for_user(listener),
                Some(CredentialKind::Session) => return self.ask_for_session(&strangers, listener),
                Some(CredentialKind::ApiKey) | None => {
                    let presented = self.presented.expose();
                    // What this server made is no guess: it is neither held back nor counted.
                    let is_genuine = crate::key_format::is_genuine(presented, strangers.tag_key);
                    let held = if is_genuine { None } else { (strangers.held)() };
                    // Nobody guesses a long one: who has it is let through whatever others did there.
                    if let Some(throttled) = held.filter(|_| presented.len() < GUESSABLE) {
                        return refused(self.routed.throttled(self.scheme, throttled));
                    }
                    match self.static_key(listener) {
                        Some(entry) => entry,
                        None if is_genuine => {
                            let (question, fetching) = self.question();
                            return Resumed::Fetch(question, fetching);
                        }
                        None if imported::may_be(presented) && (strangers.imported)() => {
                            let digest = imported::digest(strangers.tag_key, presented);
                            return Resumed::Import(digest, Importing { recalling: Self { digest, ..self }, held });
                        }
                        None => return refused(self.wrong_key(held, listener)),
                    }
                }
            },
        };
        Resumed::Ruled(self.routed.judge(entry, self.scheme, listener))
    }

    /// Where the credential comes from.
    pub fn client(&self) -> IpAddr {
        self.routed.frame.facts.client
    }

    fn vouches_for(&self, entry: &CredentialEntry, kind: CredentialKind) -> bool {
        entry.principal.kind.is_carried_by(kind) && !entry.must_be_renewed(self.routed.frame.now.wall)
    }

    fn static_key(&self, listener: &mut impl Listener) -> Option<Arc<CredentialEntry>> {
        let entry = self.routed.frame.rules.static_keys.find(self.presented.expose())?;
        listener.hear(Event::StaticKey(true));
        Some(Arc::clone(entry))
    }

    fn wrong_key(self, held: Option<Throttled>, listener: &mut impl Listener) -> Denial {
        if let Some(throttled) = held {
            return self.routed.throttled(self.scheme, throttled);
        }
        listener.hear(Event::NotGenuine);
        self.routed.reject(self.scheme, Rejection::Unknown, None)
    }

    fn ask_for_session(self, strangers: &Strangers<'_>, listener: &mut impl Listener) -> Resumed<'a> {
        if !crate::key_format::is_genuine(self.presented.expose(), strangers.tag_key) {
            let held = (strangers.held)();
            return refused(self.wrong_key(held, listener));
        }
        let Self { routed, scheme, digest, .. } = self;
        Resumed::Fetch(Question::Cookie(digest), Fetching { routed, scheme, digest, claims: None })
    }

    fn question(self) -> (Question, Fetching<'a>) {
        let Self { routed, scheme, digest, .. } = self;
        (Question::ApiKey(digest), Fetching { routed, scheme, digest, claims: None })
    }

    fn ask_for_user(self, listener: &mut impl Listener) -> Resumed<'a> {
        let Self { routed, scheme, presented, digest } = self;
        match Shown::read(presented, digest, routed.frame.facts.client) {
            Some(shown) => {
                let question = Question::Basic(Arc::new(shown));
                Resumed::Fetch(question, Fetching { routed, scheme, digest, claims: None })
            }
            None => {
                listener.hear(Event::NoPair);
                refused(routed.reject(scheme, Rejection::Unknown, None))
            }
        }
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

/// A decision that waits for memory once more: what was shown may be a key of others.
#[derive(Debug)]
pub struct Importing<'a> {
    recalling: Recalling<'a>,
    held: Option<Throttled>,
}

impl<'a> Importing<'a> {
    /// Goes on with what memory knows of a key of others, and else with whether there may be one.
    pub fn resume(
        self,
        recalled: Recalled,
        expected: impl FnOnce(&ApiKeyDigest) -> Expected,
        listener: &mut impl Listener,
    ) -> Verified<'a> {
        let Self { recalling, held } = self;
        match recalled {
            Recalled::Known(entry) if recalling.vouches_for(&entry, CredentialKind::ApiKey) => {
                return Verified::Ruled(recalling.routed.judge(entry, recalling.scheme, listener));
            }
            Recalled::Known(_) | Recalled::Unknown | Recalled::Nothing => {}
        }
        match expected(&recalling.digest) {
            Expected::Kept => {
                let (question, fetching) = recalling.question();
                Verified::Fetch(question, fetching)
            }
            // Each look at it may be slow: whoever has to wait does so before that.
            Expected::Unproven if held.is_none() => {
                let Recalling { routed, scheme, presented, digest } = recalling;
                let shown = ShownKey::new(presented.expose(), digest, routed.frame.facts.client);
                let fetching = Fetching { routed, scheme, digest, claims: None };
                Verified::Fetch(Question::Imported(Arc::new(shown)), fetching)
            }
            Expected::Unproven | Expected::No => Verified::Ruled(deny(recalling.wrong_key(held, listener))),
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
                Verified::Ruled(deny(routed.reject(scheme, Rejection::Unknown, None)))
            }
            Ok(claims) => {
                let question = Question::Session(claims.sid.as_str().into());
                Verified::Fetch(question, Fetching { routed, scheme, digest, claims: Some(Box::new(claims)) })
            }
        }
    }
}

pub(super) fn refused<'a>(denial: Denial) -> Resumed<'a> {
    Resumed::Ruled(deny(denial))
}

fn deny<'a>(denial: Denial) -> Ruled<'a> {
    Ruled::Decided(Decision::Deny(denial))
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

    fn kind(&self) -> Option<CredentialKind> {
        self.routed.frame.rules.scheme(self.scheme).map(|scheme| scheme.kind)
    }

    /// Whether it may be remembered that there is no such credential. Of a key that comes to be, the feed tells; not so of a
    /// session, nor of a password, which may be another user's tomorrow.
    pub fn may_be_unknown(&self) -> bool {
        self.kind() == Some(CredentialKind::ApiKey)
    }

    /// Goes on where nobody looked, because too much was wrong before.
    pub fn throttled(self, throttled: Throttled) -> Ruled<'a> {
        deny(self.routed.throttled(self.scheme, throttled))
    }

    /// Goes on with what the store knows: a credential, or that there is none.
    pub fn resume(self, entry: Option<Arc<CredentialEntry>>, listener: &mut impl Listener) -> Ruled<'a> {
        match entry {
            Some(entry) => self.routed.judge(entry, self.scheme, listener),
            None => {
                let is_pair = self.kind() == Some(CredentialKind::Basic);
                listener.hear(if is_pair { Event::NotThePair } else { Event::NotKnown });
                deny(self.routed.reject(self.scheme, Rejection::Unknown, None))
            }
        }
    }
}
