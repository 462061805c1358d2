//! `admin`: the port for operators.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::Written;

/// The port for operators: console, admin API, metrics.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    /// The address to listen on.
    #[serde(with = "Written::<IpAddr>")]
    pub host: IpAddr,
    /// The port to listen on; 0 lets the system choose.
    pub port: u16,
}
