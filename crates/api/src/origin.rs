//! Where an operation comes from, for the audit: who asked, by which decision, from which address.

use std::net::IpAddr;

use keyward_core::decision::DecisionId;
use keyward_core::time::Timestamp;
use keyward_engine::audit::{Action, AuditEvent};

use crate::service::Service;

/// Who asks for an operation, from where, and when.
#[derive(Clone, Debug)]
pub struct Origin {
    /// `operator`, `system`, `stranger`, or the id of a user or key.
    pub actor: Box<str>,
    /// The address, when it came through a door.
    pub client: Option<IpAddr>,
    /// The decision that let it in, when it came through a door.
    pub decision: Option<DecisionId>,
    /// When.
    pub at: Timestamp,
}

impl Origin {
    /// Whoever may use the data directory.
    pub fn operator(service: &Service) -> Self {
        Self { actor: "operator".into(), ..Self::system(service) }
    }

    /// Keyward itself.
    pub fn system(service: &Service) -> Self {
        Self { actor: "system".into(), client: None, decision: None, at: service.now().wall }
    }

    /// An event of this origin.
    pub fn event(&self, action: Action, subject: &str) -> AuditEvent {
        AuditEvent {
            at: self.at,
            actor: self.actor.clone(),
            action,
            subject: subject.into(),
            client: self.client,
            decision: self.decision,
            detail: Vec::new(),
        }
    }
}
