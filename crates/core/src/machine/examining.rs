//! How the machine goes on with a token of another issuer: no store knows whom it speaks for, so that its claims are all there is.

use std::sync::Arc;

use super::answers::refused;
use super::{Resumed, Routed, Ruled};
use crate::api_key::{CredentialEntry, Rejection};
use crate::decision::{Decision, Denial};
use crate::digest::ApiKeyDigest;
use crate::foreign::Foreign;
use crate::listener::{Event, Listener};
use crate::plan::Counted;
use crate::scheme::SchemeId;
use crate::token::TokenFault;

/// A decision that waits for the word on the signature of another issuer.
#[derive(Debug)]
pub struct Examining<'a> {
    routed: Routed<'a>,
    scheme: SchemeId,
    digest: ApiKeyDigest,
    token: Foreign<'a>,
}

/// What a token of another issuer came to.
#[derive(Debug)]
pub struct Examined<'a> {
    /// What memory may know by the token's digest; `None`: nothing.
    pub entry: Option<Arc<CredentialEntry>>,
    /// What was decided.
    pub ruled: Ruled<'a>,
}

impl<'a> Examining<'a> {
    pub(super) fn begin(
        routed: Routed<'a>,
        (scheme, digest): (SchemeId, ApiKeyDigest),
        read: Result<Foreign<'a>, TokenFault>,
        listener: &mut impl Listener,
    ) -> Resumed<'a> {
        match read {
            Ok(token) => Resumed::Examine(Box::new(Self { routed, scheme, digest, token })),
            Err(fault) => {
                listener.hear(Event::NoToken(fault));
                refused(routed.reject(scheme, Rejection::Unknown, None))
            }
        }
    }

    /// The token whose signature is asked about.
    pub fn token(&self) -> &Foreign<'a> {
        &self.token
    }

    /// What memory will know the token by.
    pub fn digest(&self) -> &ApiKeyDigest {
        &self.digest
    }

    /// Goes on with the word on the signature: right, by a key of the issuer that the token claims, or not.
    pub fn resume(self, is_signed: bool, listener: &mut impl Listener) -> Examined<'a> {
        let verified = match is_signed {
            true => self.token.verified(self.routed.frame.now.wall),
            false => Err(TokenFault::Signature),
        };
        match verified {
            Ok(entry) => {
                // Nobody here has an account for whom another issuer speaks.
                let counted = Counted { plan: self.routed.frame.rules.plans.of(None), ..Counted::default() };
                let entry = Arc::new(CredentialEntry { counted, ..entry });
                let ruled = self.routed.judge(Arc::clone(&entry), self.scheme, listener);
                Examined { entry: Some(entry), ruled }
            }
            Err(fault) => {
                listener.hear(Event::NoToken(fault));
                let denial = self.routed.reject(self.scheme, Rejection::Unknown, None);
                Examined { entry: None, ruled: Ruled::Decided(Decision::Deny(denial)) }
            }
        }
    }

    /// What would become of the token if its signature is right, up to its limits. It makes no [`super::Permit`].
    ///
    /// # Errors
    /// The denial that it would meet.
    pub fn assume(self, listener: &mut impl Listener) -> Result<(), Denial> {
        match self.resume(true, listener).ruled {
            Ruled::Decided(Decision::Deny(denial)) => Err(denial),
            Ruled::Decided(Decision::Allow(_)) | Ruled::Spend(_) => Ok(()),
        }
    }
}
