//! `security.throttle`: wrong credentials, and who has to wait for them.

use std::num::NonZeroU32;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::Written;

/// Wrong credentials, and who has to wait for them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Throttle {
    /// Whether they are counted.
    pub enabled: bool,
    /// How long one counts.
    #[serde(with = "Written::<Duration>")]
    pub window: Duration,
    /// How many from one address (an IPv6 one by its /64) before it has to wait.
    #[serde(with = "Written::<NonZeroU32>")]
    pub per_address: NonZeroU32,
    /// How many for one user before those addresses have to wait that were wrong for it.
    #[serde(with = "Written::<NonZeroU32>")]
    pub per_subject: NonZeroU32,
}
