//! What an edge is started with: limits, timeouts, upstreams, and the channels to the control side.

use std::sync::Arc;
use std::time::Duration;

use keyward_engine::ledger::Recording;
use keyward_engine::ports::Use;
use keyward_http::own::OwnSender;
use tokio::sync::mpsc;

use crate::setup::Setups;
use crate::tls::TlsDoor;

/// All that an edge needs beside its workers.
pub struct EdgeConfig {
    /// What clients may use up.
    pub limits: Limits,
    /// The upstreams, by version.
    pub setups: Arc<Setups>,
    /// Where requests to own endpoints go.
    pub own: OwnSender,
    /// What is kept of decisions; each core makes a ledger of its own.
    pub recording: Recording,
    /// Where the uses of keys go, about once a second. What does not fit is reported at a later use.
    pub uses: mpsc::Sender<Vec<Use>>,
    /// TLS towards clients, beside HTTP in the clear or instead of it. For places with an address.
    pub tls: Option<Arc<TlsDoor>>,
}

/// What clients may use up.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections on all cores together. One more is accepted and closed at once, so that its client hears at once
    /// instead of waiting in the backlog.
    pub connections: usize,
    /// Header fields of one request; more are answered 431.
    pub headers: usize,
    /// Bytes of one request's head; more are answered 431.
    pub header_bytes: usize,
    /// Bytes of one request's body; more are answered 413.
    pub body_bytes: Option<u64>,
    /// From a request's first byte, or from the connection's start, to the end of its head.
    pub header_timeout: Duration,
    /// How long a connection may rest between two requests.
    pub idle_timeout: Duration,
    /// How long both sides of a tunnel may be silent.
    pub tunnel_timeout: Duration,
    /// How long an exchange may rest that waits for no upstream, but for Keyward itself; then it is answered 503.
    pub own_timeout: Duration,
    /// How long a body may rest that is read before its request is decided on; then it is answered 408.
    pub signed_body_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            headers: 100,
            header_bytes: 64 * 1024,
            body_bytes: None,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            tunnel_timeout: Duration::from_secs(3600),
            own_timeout: Duration::from_secs(60),
            signed_body_timeout: Duration::from_secs(10),
        }
    }
}

/// How long an upstream may take.
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// To a connection, name look-up included.
    pub connect: Duration,
    /// Without any progress: no byte of the request taken, no byte of the answer given.
    pub read: Duration,
    /// For a whole exchange, bodies included.
    pub total: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(2), read: Duration::from_secs(60), total: None }
    }
}
