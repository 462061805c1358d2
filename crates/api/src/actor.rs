//! Who asks for an operation on keys, and what it may see and touch.

use std::net::IpAddr;

use keyward_core::api_key::CredentialEntry;
use keyward_core::decision::DecisionId;
use keyward_core::principal::{Kind, Principal};
use keyward_core::time::Timestamp;
use keyward_engine::audit::{Action, AuditEvent, Detail};

/// Who asks for an operation.
#[derive(Clone, Copy, Debug)]
pub enum Actor<'a> {
    /// Whoever may use the data directory: the command line.
    Operator,
    /// A caller of the endpoints: it sees the keys of its own user, and what it brings to life is never more than itself.
    Caller(&'a CredentialEntry, Door),
    /// A caller of the operators' port that may write keys: it sees everybody's, and what it brings to life is never more than
    /// itself either.
    Administrator(&'a CredentialEntry, Door),
}

/// How a caller came in.
#[derive(Clone, Copy, Debug)]
pub struct Door {
    /// Its address.
    pub client: IpAddr,
    /// The decision that let it in.
    pub decision: DecisionId,
}

impl<'a> Actor<'a> {
    /// An audit event of this actor's doing.
    pub fn event(&self, at: Timestamp, action: Action, subject: &str, detail: Vec<Detail>) -> AuditEvent {
        let (actor, door) = match self {
            Self::Operator => ("operator", None),
            Self::Caller(maker, door) | Self::Administrator(maker, door) => (name(&maker.principal), Some(door)),
        };
        AuditEvent {
            at,
            actor: actor.into(),
            action,
            subject: subject.into(),
            client: door.map(|door| door.client),
            decision: door.map(|door| door.decision),
            detail,
        }
    }

    /// The owner that all it may see and touch belongs to; `None` = everything.
    pub(crate) fn owner(&self) -> Option<&'a str> {
        match self {
            Self::Operator | Self::Administrator(..) => None,
            Self::Caller(maker, _) => Some(&maker.principal.id),
        }
    }

    /// Whoever nothing may exceed that comes of it; `None` = whoever may do everything.
    pub(crate) fn maker(&self) -> Option<&'a CredentialEntry> {
        match self {
            Self::Operator => None,
            Self::Caller(maker, _) | Self::Administrator(maker, _) => Some(maker),
        }
    }

    /// Whether it may speak of what is not its own: owners, accounts, budgets.
    pub(crate) fn is_operator(&self) -> bool {
        self.owner().is_none()
    }
}

/// What the audit log calls a caller: a key by its own id, because its owner may have many; a user who signed in by the
/// user's.
pub fn name(principal: &Principal) -> &str {
    match principal.kind {
        Kind::Jwt | Kind::Foreign | Kind::Basic | Kind::Session => &principal.id,
        Kind::ApiKey | Kind::Static | Kind::Webhook => principal.credential.text(),
    }
}
