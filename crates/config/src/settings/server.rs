//! `server`: the data port and what it takes from callers.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use ipnet::IpNet;
use keyward_http::caller::ClientAddress;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::{Size, Written};

/// The data port.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// The address to listen on.
    #[serde(with = "Written::<IpAddr>")]
    pub host: IpAddr,
    /// The port to listen on; 0 lets the system choose.
    pub port: u16,
    /// Proxies whose word on who calls is believed: addresses and CIDRs; empty means nobody's.
    #[serde(with = "Written::<Vec<IpNet>>")]
    pub trusted_proxies: Vec<IpNet>,
    /// The header by which they tell: `x-forwarded-for`, or `forwarded` (RFC 7239). The other one is never read.
    #[serde(with = "Written::<ClientAddress>")]
    pub client_address: ClientAddress,
    /// What is taken from callers before they are known.
    pub limits: ServerLimits,
}

/// What is taken from callers before they are known.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerLimits {
    /// Connections at once.
    #[serde(with = "Written::<NonZeroU32>")]
    pub connections: NonZeroU32,
    /// Headers of one request.
    #[serde(with = "Written::<NonZeroU32>")]
    pub headers: NonZeroU32,
    /// Bytes of one request's head.
    #[serde(with = "Written::<Size>")]
    pub header_bytes: Size,
    /// Bytes of one request's body; null means any.
    #[serde(with = "Written::<Option<Size>>")]
    pub body_bytes: Option<Size>,
    /// How long a request's head may take.
    #[serde(with = "Written::<Duration>")]
    pub header_timeout: Duration,
    /// How long a connection may stay without a request.
    #[serde(with = "Written::<Duration>")]
    pub idle_timeout: Duration,
    /// How long both sides of a WebSocket may be silent.
    #[serde(with = "Written::<Duration>")]
    pub tunnel_timeout: Duration,
    /// How long running requests have to end when Keyward stops.
    #[serde(with = "Written::<Duration>")]
    pub drain: Duration,
}
