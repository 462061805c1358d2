//! `security.sessions`: how long sessions by cookie count.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::Written;

/// Sessions by cookie.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// How long one may go unused; exact to a minute.
    #[serde(with = "Written::<Duration>")]
    pub idle: Duration,
    /// How long one counts at most, however much it is used.
    #[serde(with = "Written::<Duration>")]
    pub absolute: Duration,
}
