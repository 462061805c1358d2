//! Whether a request that was let pass would still pass, asked while it runs: a stream, a tunnel, a long transfer.

use keyward_core::api_key::Rejection;
use keyward_core::decision::{Decision, Fault, Reason};
use keyward_core::machine::{Fetching, Question, RequestFacts, Ruled, Step, decide};

use super::{ATTEMPTS, Found, Snapshot, Worker};

/// Why a running exchange may not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its credential was revoked, or its session is over.
    Revoked,
    /// Its credential, the user or an account above it is paused.
    Disabled,
    /// Its credential's time is up.
    Expired,
    /// Its credential is known no more, or the key that signed it is gone.
    Unknown,
    /// Its credential may not do this any more, or not from there.
    Forbidden,
    /// The configuration has no such route any more, or reads the request in another way.
    Unrouted,
    /// It could not be found out. As for a new request, what cannot be proven passes nobody.
    Unproven,
}

impl Ending {
    /// Each of them.
    pub const ALL: [Self; 7] =
        [Self::Revoked, Self::Disabled, Self::Expired, Self::Unknown, Self::Forbidden, Self::Unrouted, Self::Unproven];

    /// The word for records and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
            Self::Forbidden => "forbidden",
            Self::Unrouted => "unrouted",
            Self::Unproven => "unproven",
        }
    }
}

impl From<Reason> for Ending {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Rejected(Rejection::Revoked) => Self::Revoked,
            Reason::Rejected(Rejection::Disabled) => Self::Disabled,
            Reason::Rejected(Rejection::Expired) => Self::Expired,
            Reason::Rejected(Rejection::Unknown | Rejection::Repeated) => Self::Unknown,
            Reason::Forbidden(_) => Self::Forbidden,
            Reason::NoRoute
            | Reason::WrongMethod
            | Reason::Path(_)
            | Reason::NoCredential
            | Reason::Malformed(..)
            | Reason::Ambiguous(..)
            | Reason::Limited(_) => Self::Unrouted,
            // Nobody looked.
            Reason::Throttled(_) => Self::Unproven,
        }
    }
}

impl From<Fault> for Ending {
    fn from(_: Fault) -> Self {
        Self::Unproven
    }
}

impl Worker {
    /// How much this core has heard so far: whatever was let pass before it grew is to be judged again.
    pub fn learned(&self) -> u64 {
        self.catch_up();
        self.learned.get()
    }

    /// Whether memory is proven fresh enough to answer now.
    pub fn is_fresh(&self) -> bool {
        self.shared.is_fresh(self.clock.now().monotonic)
    }

    /// Judges a running request again as if it came now: by the rules, the time and the credentials of this moment. It is
    /// charged to no limit, and no new permit comes of it.
    ///
    /// # Errors
    /// Why it may not go on.
    pub async fn judge_again(&self, facts: RequestFacts<'_>) -> Result<(), Ending> {
        let snapshot = self.snapshot();
        let ruled = match decide(snapshot.rules(), facts, snapshot.now(), &mut ()) {
            Step::Ruled(ruled) => ruled,
            Step::Recall(digest, recalling) => match self.look_up(&snapshot, &digest, recalling, &mut ()) {
                Found::Here(ruled, _) => ruled,
                Found::InStore(question, fetching) => self.ask_again(&snapshot, &question, fetching).await?,
                Found::AtIssuer(examining) => self.examine_later(&snapshot, *examining, &mut ()).await?,
            },
            // Whoever runs is no stranger.
            Step::Shown(awaiting) => awaiting.answer(None, &mut ()),
            // Its signature was right when it began, and a body comes once.
            Step::Body(awaiting) => return awaiting.still(&mut ()).map_err(|denial| denial.reason.into()),
        };
        match ruled {
            Ruled::Decided(Decision::Deny(denial)) => Err(denial.reason.into()),
            // What was charged when it began is not charged for lasting.
            Ruled::Decided(Decision::Allow(_)) | Ruled::Spend(_) => Ok(()),
        }
    }

    async fn ask_again<'a>(
        &self,
        snapshot: &'a Snapshot,
        question: &Question,
        mut fetching: Fetching<'a>,
    ) -> Result<Ruled<'a>, Fault> {
        for _ in 0..ATTEMPTS {
            let fill = self.asker.ask(question.clone()).await?;
            match self.take_in(snapshot, fetching, &fill, &mut ()) {
                Ok(ruled) => return Ok(ruled),
                Err(again) => fetching = *again,
            }
        }
        Err(Fault::Busy)
    }
}
