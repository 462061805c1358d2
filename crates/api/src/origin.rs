//! Where an operation comes from, for the audit: who asked, by which decision, from which address.

use std::net::IpAddr;

use keyward_core::time::Timestamp;
use keyward_engine::audit::{Action, AuditEvent};
use keyward_http::own::{Ids, Refusal};

use crate::service::Service;

/// Who asks for an operation, from where, and when.
#[derive(Clone, Debug)]
pub struct Origin {
    /// `operator`, `system`, `stranger`, or the id of a user or key.
    pub actor: Box<str>,
    /// The address, when it came through a door.
    pub client: Option<IpAddr>,
    /// What the decision is called that let it in, when it came through a door.
    pub ids: Option<Ids>,
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
        Self { actor: "system".into(), client: None, ids: None, at: service.now().wall }
    }

    /// An event of this origin.
    pub fn event(&self, action: Action, subject: &str) -> AuditEvent {
        AuditEvent {
            at: self.at,
            actor: self.actor.clone(),
            action,
            subject: subject.into(),
            client: self.client,
            decision: self.ids.as_ref().map(Ids::permitted),
            detail: Vec::new(),
        }
    }

    /// An event that comes with a refusal by an endpoint: it names the decision as the refusal does.
    pub fn refused_event(&self, refusal: Refusal, action: Action, subject: &str) -> AuditEvent {
        AuditEvent { decision: self.ids.as_ref().map(|ids| ids.refused(refusal)), ..self.event(action, subject) }
    }
}
