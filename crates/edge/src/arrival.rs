//! What comes before HTTP on a connection: what a trusted proxy says of it, and a TLS handshake.

use std::future::{Future, poll_fn};
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::task::{Poll, ready};

use keyward_engine::tally::HandshakeFault;
use keyward_http::proxy_protocol::{self, HeaderFault, Named, Step};
use rustls::{AlertDescription, Error};
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsStream};

use crate::io::Io;
use crate::per_core::Core;
use crate::tls::{Protocol, TlsDoor};

/// What a TLS record that begins a handshake begins with (RFC 8446 §5.1). No method of HTTP does.
const HANDSHAKE: u8 = 0x16;

/// How a client's bytes come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carried {
    /// In the clear.
    Clear,
    /// In the clear where that is refused.
    ClearRefused,
    /// Over TLS.
    Tls,
}

impl Carried {
    /// The scheme of URIs that are asked for like this.
    pub(crate) const fn scheme(self) -> &'static str {
        match self {
            Self::Clear | Self::ClearRefused => "http",
            Self::Tls => "https",
        }
    }
}

/// A connection on which HTTP comes next.
pub(crate) struct Arrived {
    pub(crate) io: Io,
    /// Who connected, to us or to the proxy that told.
    pub(crate) peer: IpAddr,
    pub(crate) carried: Carried,
    /// What was agreed on.
    pub(crate) protocol: Protocol,
    /// The core came to close meanwhile. What has begun comes to its end: one request is on its way.
    pub(crate) late: bool,
}

/// Goes through what comes before HTTP; `None`: nothing more is to be done for this connection. Where nothing comes before it,
/// as on most, this costs nothing.
pub(crate) async fn arrive(core: &Core, io: Io, peer: IpAddr) -> Option<Arrived> {
    let told = core.is_told_of(peer);
    if !told && core.tls.is_none() {
        return Some(Arrived { io, peer, carried: Carried::Clear, protocol: Protocol::Http1, late: false });
    }
    // Boxed: what a handshake needs would make every connection's task larger.
    let arrived = Box::pin(prelude(core, io, peer, told)).await?;
    Some(Arrived { late: core.is_closing(), ..arrived })
}

async fn prelude(core: &Core, mut io: Io, mut peer: IpAddr, told: bool) -> Option<Arrived> {
    if told {
        match header(core, &mut io).await? {
            Ok(Named::Caller(caller)) => peer = caller,
            Ok(Named::Proxy) => {}
            Err(HeaderFault) => {
                core.worker.tally().unannounced();
                return None;
            }
        }
    }
    match (&core.tls, io) {
        (Some(door), Io::Tcp(socket)) => secure(core, door, socket, peer).await,
        (_, io) => Some(Arrived { io, peer, carried: Carried::Clear, protocol: Protocol::Http1, late: false }),
    }
}

/// What the proxy says, read without a byte too many. The end of the connection is no header. `None`: the core closes, and nothing
/// has come.
async fn header(core: &Core, io: &mut Io) -> Option<Result<Named, HeaderFault>> {
    let mut bytes = Vec::new();
    loop {
        let more = match proxy_protocol::read(&bytes) {
            Ok(Step::Needs(more)) => more,
            Ok(Step::Is(named)) => return Some(Ok(named)),
            Err(fault) => return Some(Err(fault)),
        };
        let end = bytes.len();
        bytes.resize(end + more, 0);
        let space = bytes.get_mut(end..).unwrap_or_default();
        let coming = poll_fn(|cx| io.poll_read(cx, space));
        let came = if end == 0 { before_stop(core, coming).await? } else { coming.await };
        match came {
            Ok(count) if count > 0 => bytes.truncate(end + count),
            _ => return Some(Err(HeaderFault)),
        }
    }
}

/// Tells TLS from HTTP by the first byte, which stays where it is, and shakes hands.
async fn secure(core: &Core, door: &TlsDoor, socket: TcpStream, peer: IpAddr) -> Option<Arrived> {
    if before_stop(core, first(&socket)).await?? != HANDSHAKE {
        let carried = if door.require { Carried::ClearRefused } else { Carried::Clear };
        return Some(Arrived { io: Io::Tcp(socket), peer, carried, protocol: Protocol::Http1, late: false });
    }
    let mut begun = Begun { core, fault: Some(HandshakeFault::Late) };
    // Begun, it goes on: its client is not idle.
    let shaken = TlsAcceptor::from(door.config()).accept(socket).await;
    begun.fault = shaken.as_ref().err().map(fault);
    let stream = shaken.ok()?;
    let protocol = Protocol::agreed(stream.get_ref().1.alpn_protocol());
    let io = Io::Tls(Box::new(TlsStream::Server(stream)));
    Some(Arrived { io, peer, carried: Carried::Tls, protocol, late: false })
}

/// The first byte, left in the socket; `None` at the end.
async fn first(socket: &TcpStream) -> Option<u8> {
    let mut byte = [0];
    poll_fn(|cx| {
        let peeked = ready!(socket.poll_peek(cx, &mut ReadBuf::new(&mut byte)));
        Poll::Ready(peeked)
    })
    .await
    .ok()
    .filter(|count| *count > 0)
    .map(|_| byte[0])
}

/// A handshake under way. Dropped by the watch, it counts as late.
struct Begun<'a> {
    core: &'a Core,
    fault: Option<HandshakeFault>,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if let Some(fault) = self.fault {
            self.core.worker.tally().handshake_failed(fault);
        }
    }
}

/// The kind of a failure. Whatever the client sent stays out of it.
fn fault(error: &io::Error) -> HandshakeFault {
    match error.get_ref().and_then(|error| error.downcast_ref::<Error>()) {
        Some(Error::NoCertificatesPresented | Error::InvalidCertificate(_)) => HandshakeFault::ClientCertificate,
        Some(Error::AlertReceived(AlertDescription::CloseNotify)) | None => HandshakeFault::Ended,
        Some(Error::AlertReceived(_)) => HandshakeFault::Alert,
        Some(_) => HandshakeFault::Protocol,
    }
}

/// Waits for a client's first bytes unless the core closes meanwhile.
async fn before_stop<F: Future>(core: &Core, part: F) -> Option<F::Output> {
    let mut part = pin!(part);
    poll_fn(|cx| match part.as_mut().poll(cx) {
        Poll::Pending if core.is_closing() => Poll::Ready(None),
        polled => polled.map(Some),
    })
    .await
}
