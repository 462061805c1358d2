//! How a connection to an upstream is made.

use std::io;
use std::sync::Arc;

use http::uri::Authority;
use keyward_http::answer::UpstreamFault;
use rustls::pki_types::ServerName;
use socket2::SockRef;
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::{TlsConnector, TlsStream};

use crate::io::Io;
use crate::origin::Address;
use crate::tls::Protocol;
use crate::trust::{Offer, Trust};

/// A connection that was just made. A core makes an [`Io`] of it; this one is bound to none.
pub(crate) enum Dialled {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl From<Dialled> for Io {
    fn from(dialled: Dialled) -> Self {
        match dialled {
            Dialled::Tcp(socket) => Self::Tcp(socket),
            Dialled::Unix(socket) => Self::Unix(socket),
            Dialled::Tls(stream) => Self::Tls(stream),
        }
    }
}

/// Connects, and shakes hands where it is TLS: the connection, and what is spoken over it. Takes as long as it takes.
pub(crate) async fn dial(address: &Address, offer: Offer) -> Result<(Dialled, Protocol), UpstreamFault> {
    match address {
        Address::Http(authority) => Ok((Dialled::Tcp(tcp(authority, 80).await?), Protocol::Http1)),
        Address::H2c(authority) => Ok((Dialled::Tcp(tcp(authority, 80).await?), Protocol::Http2)),
        Address::Unix(path) => match UnixStream::connect(path).await {
            Ok(socket) => Ok((Dialled::Unix(socket), Protocol::Http1)),
            Err(_) => Err(UpstreamFault::Unreachable),
        },
        // Boxed: what a handshake needs would make every connection's task larger.
        Address::Https(authority, trust) => Box::pin(secured(authority, trust, offer)).await,
    }
}

async fn secured(authority: &Authority, trust: &Trust, offer: Offer) -> Result<(Dialled, Protocol), UpstreamFault> {
    let name = ServerName::try_from(bare(authority).to_owned()).map_err(|_| UpstreamFault::Unreachable)?;
    let socket = tcp(authority, 443).await?;
    let connector = TlsConnector::from(Arc::clone(trust.config(offer)));
    let stream = connector.connect(name, socket).await.map_err(|error| fault(&error, offer))?;
    let agreed = Protocol::agreed(stream.get_ref().1.alpn_protocol());
    Ok((Dialled::Tls(Box::new(TlsStream::Client(stream))), agreed))
}

async fn tcp(authority: &Authority, port: u16) -> Result<TcpStream, UpstreamFault> {
    let port = authority.port_u16().unwrap_or(port);
    let socket = TcpStream::connect((bare(authority), port)).await.map_err(|_| UpstreamFault::Unreachable)?;
    // Both are wishes: a connection works without.
    let _ = socket.set_nodelay(true);
    let _ = SockRef::from(&socket).set_keepalive(true);
    Ok(socket)
}

/// The host without the brackets of an IPv6 address.
fn bare(authority: &Authority) -> &str {
    authority.host().trim_start_matches('[').trim_end_matches(']')
}

/// Why there was no handshake: the other side is not believed, or it speaks nothing that was offered.
fn fault(error: &io::Error, offer: Offer) -> UpstreamFault {
    match error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(_)) => UpstreamFault::Untrusted,
        Some(_) => UpstreamFault::Garbage,
        // Some that find nothing to speak hang up, and do not say why.
        None if offer == Offer::Http1 => UpstreamFault::Garbage,
        None => UpstreamFault::Unreachable,
    }
}
