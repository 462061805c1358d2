//! How credentials of people are guarded: what one configuration says of it.

use crate::api_key::Rejection;
use crate::basic::BasicRules;
use crate::decision::Reason;
use crate::plane::Plane;
use crate::session::SessionRules;
use crate::throttle::ThrottleRules;
use crate::time::Timestamp;

/// How credentials of people are guarded.
#[derive(Clone, Debug, Default)]
pub struct Guarding {
    /// Basic, where it is on.
    pub basic: Option<BasicRules>,
    /// How long sessions by cookie count, and by which cookie.
    pub sessions: SessionRules,
    /// The same of operators in the console.
    pub console: SessionRules,
    /// When wrong credentials are too many; `None`: never.
    pub throttle: Option<ThrottleRules>,
    /// Who is told what became of a credential.
    pub disclose: Disclose,
    /// Until when another verifier is asked about keys that nobody knows; `None`: none is.
    pub adopting_until: Option<Timestamp>,
}

impl Guarding {
    /// What is said of sessions by cookie on a plane.
    pub fn sessions_of(&self, plane: Plane) -> &SessionRules {
        match plane {
            Plane::Data => &self.sessions,
            Plane::Control => &self.console,
        }
    }

    /// Whether another verifier is asked at a time.
    pub fn is_adopting(&self, now: Timestamp) -> bool {
        self.adopting_until.is_some_and(|end| now < end)
    }
}

/// Who is told that a credential is expired, revoked or disabled, rather than not valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Disclose {
    /// Whoever presents its right secret.
    #[default]
    Possessor,
    /// Nobody: it looks like one that was never made.
    Nobody,
}

impl Disclose {
    /// A reason as whoever asked is told of it; the record has the true one.
    pub fn told(self, reason: Reason) -> Reason {
        match (self, reason) {
            (Self::Nobody, Reason::Rejected(_)) => Reason::Rejected(Rejection::Unknown),
            (_, reason) => reason,
        }
    }
}
