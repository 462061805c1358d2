//! `server`: the data port and what it takes from callers.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use keyward_http::caller::ClientAddress;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::{Files, Size, Written};

/// The data port.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// The address to listen on.
    #[serde(with = "Written::<IpAddr>")]
    pub host: IpAddr,
    /// The port to listen on; 0 lets the system choose.
    pub port: u16,
    /// A socket file to listen on instead of host and port. Its user and group may connect (mode 0660); who does counts as
    /// `127.0.0.1`. Left over from a process that is gone, it is replaced.
    #[serde(with = "Written::<Option<PathBuf>>")]
    pub socket: Option<PathBuf>,
    /// Proxies whose word on who calls is believed: addresses and CIDRs; empty means nobody's.
    #[serde(with = "Written::<Vec<IpNet>>")]
    pub trusted_proxies: Vec<IpNet>,
    /// How they tell: by the header `x-forwarded-for` or `forwarded` (RFC 7239), the other one is never read; or by
    /// `proxy-protocol` (version 1 or 2), with which each of their connections must then begin.
    #[serde(with = "Written::<ClientAddress>")]
    pub client_address: ClientAddress,
    /// TLS on the port.
    pub tls: Tls,
    /// What is taken from callers before they are known.
    pub limits: ServerLimits,
}

/// TLS on the port, versions 1.2 and 1.3.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Whether TLS is spoken; HTTP in the clear still is on the same port, unless `require` says otherwise.
    pub enabled: bool,
    /// The certificate with its chain, as PEM; or a list of such files, of which a client gets the first that is valid for
    /// the name it asks for, else the first of all.
    #[serde(with = "Written::<Option<Files>>")]
    pub cert_file: Option<Files>,
    /// Its private key, as PEM; or a list of as many, in the same order.
    #[serde(with = "Written::<Option<Files>>")]
    pub key_file: Option<Files>,
    /// The roots of clients' certificates, as PEM. With it, a client without a certificate from one of them has no handshake.
    #[serde(with = "Written::<Option<PathBuf>>")]
    pub client_ca_file: Option<PathBuf>,
    /// Whether HTTP in the clear is answered 403 and goes no further.
    pub require: bool,
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
