//! Why an operation did not do what it was asked, in words for whoever asked.

use keyward_engine::change::Refusal;
use keyward_engine::ports::StoreError;
use serde::{Deserialize, Serialize};

/// What kind of failure it is; commands and endpoints translate it to an exit code or a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// The request itself is wrong.
    Invalid,
    /// There is no such thing, or it is somebody else's.
    NotFound,
    /// The body is not in a form that is read here.
    Media,
    /// The caller may not do this.
    Forbidden,
    /// The state of the thing does not allow it.
    Conflict,
    /// It is not in the version that the request was meant for.
    Moved,
    /// The request must say for which version it is meant.
    Unconditional,
    /// The same request was meant to be another one before.
    Reused,
    /// A name, password or token that is wrong.
    Unauthorized,
    /// A code of a second factor that is missing or wrong.
    SecondFactor,
    /// A key or secret of a client that is wrong.
    WrongClient,
    /// Too much is asked at once from one address, or was wrong; after so many seconds it is looked at again.
    Throttled(u64),
    /// Too much was wrong for one user, some of it from this address; likewise.
    SubjectThrottled(u64),
    /// The store cannot do it now.
    Unavailable,
}

/// A failed operation. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind.
    pub kind: Kind,
    /// What, where, and what to do.
    pub message: String,
}

impl Failure {
    /// A mistake in the request.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self { kind: Kind::Invalid, message: message.into() }
    }

    /// Something the caller may not do.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self { kind: Kind::Forbidden, message: message.into() }
    }

    /// Somebody else changed it since it was read.
    pub fn moved() -> Self {
        let message = "it was changed since you read it; read it again and decide anew, nothing was changed now";
        Self { kind: Kind::Moved, message: message.to_owned() }
    }

    /// No such key. The same words for an unknown key and for somebody else's. What is not spelt like an id may be a
    /// key itself, given in place of its id, and is not repeated.
    pub fn no_such_key(id: &str) -> Self {
        let message = if is_id(id) {
            format!("there is no key {id:?}")
        } else {
            "there is no such key; a key is named by its id, such as key_4f…".to_owned()
        };
        Self { kind: Kind::NotFound, message }
    }
}

/// Whether a text is spelt like the id of a key: `key_` and at most 22 letters and digits.
fn is_id(text: &str) -> bool {
    let rest = text.strip_prefix("key_");
    rest.is_some_and(|rest| rest.len() <= 22 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self { kind: Kind::Conflict, message: refusal.to_string() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { kind: Kind::Unavailable, message: format!("nothing was changed: {error}") }
    }
}
