//! The throttle: how many wrong credentials are taken before whoever shows them has to wait.

use std::time::Duration;

/// What a configuration says of wrong credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleRules {
    /// How long one counts.
    pub window: Duration,
    /// How many from one address (an IPv6 one by its /64).
    pub per_address: u32,
    /// How many for one subject, from wherever they come.
    pub per_subject: u32,
}
