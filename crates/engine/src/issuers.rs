//! Keys of other issuers: what cores check foreign tokens by, and how a core asks for keys that it does not have.

mod follow;
mod jwks;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use keyward_core::decision::Fault;
use keyward_core::foreign::Foreign;
use tokio::sync::{mpsc, oneshot};

use crate::signing::VerifyingKey;
pub use follow::{
    Document, Documents, FETCHED_WITHIN, Figures, Followed, LARGEST, MISSED_EVERY, REFRESHED_EVERY, STALE, Wanted,
    follow,
};
pub use jwks::read as keys_of_set;

/// How many questions may wait before further ones are answered [`Fault::Busy`].
const WAITING: usize = 1024;
/// How long a core waits for keys.
const PATIENCE: Duration = Duration::from_secs(2);

/// The keys of each issuer that has any. An issuer without is one whose keys could not be had.
#[derive(Clone, Debug, Default)]
pub struct IssuerKeys(HashMap<Box<str>, Arc<Vec<VerifyingKey>>>);

/// What keys say of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// A key of the issuer made the signature.
    Signed,
    /// None did, though there is one of the name that the token says.
    NotSigned,
    /// There is no key of that name.
    NoKey,
}

impl IssuerKeys {
    /// Whether a token was signed by the key that it names, of the issuer that it claims, in the way of that key (RFC 8725
    /// §3.1).
    pub fn verify(&self, token: &Foreign<'_>) -> Word {
        let keys = self.0.get(&token.issuer().name);
        let mut named = keys.into_iter().flat_map(|keys| keys.iter()).filter(|key| *key.id() == *token.kid).peekable();
        if named.peek().is_none() {
            return Word::NoKey;
        }
        // Of one name there is one key for each algorithm.
        let key = named.find(|key| key.algorithm() == token.algorithm);
        if key.is_some_and(|key| key.has_signed(token.message, &token.signature)) {
            Word::Signed
        } else {
            Word::NotSigned
        }
    }

    /// Whether an issuer has a key of this name.
    pub fn has(&self, issuer: &str, kid: &str) -> bool {
        self.0.get(issuer).is_some_and(|keys| keys.iter().any(|key| key.id() == kid))
    }
}

/// Told to a core: it has what there is, or why not.
type Reply = oneshot::Sender<Result<(), Fault>>;

/// One question of a core: the key of a name, of an issuer.
pub struct Ask {
    issuer: Box<str>,
    kid: Box<str>,
    reply: Reply,
}

/// Where whoever follows the issuers hears.
pub struct Asks(mpsc::Receiver<Ask>);

/// Where all cores of a node ask; nobody hears before it is opened.
#[derive(Debug, Default)]
pub struct Asker(OnceLock<mpsc::Sender<Ask>>);

impl Asker {
    /// Opens it, once.
    pub fn open(&self) -> Asks {
        let (sender, receiver) = mpsc::channel(WAITING);
        let _ = self.0.set(sender);
        Asks(receiver)
    }

    /// Asks for a key that a core does not have. When this says so, the core has what there is: the note was posted before.
    ///
    /// # Errors
    /// [`Fault::Issuer`] where the issuer is out of reach, [`Fault::Busy`] when too many ask.
    pub async fn ask(&self, issuer: &str, kid: &str) -> Result<(), Fault> {
        let (reply, answer) = oneshot::channel();
        let ask = Ask { issuer: issuer.into(), kid: kid.into(), reply };
        let sender = self.0.get().ok_or(Fault::Issuer)?;
        sender.try_send(ask).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Fault::Busy,
            mpsc::error::TrySendError::Closed(_) => Fault::Stopping,
        })?;
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(answer) => answer.unwrap_or(Err(Fault::Stopping)),
            Err(_) => Err(Fault::Issuer),
        }
    }
}
