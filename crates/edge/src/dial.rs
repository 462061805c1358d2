//! How a connection to an upstream is made.

use http::uri::Authority;
use keyward_http::answer::UpstreamFault;
use socket2::SockRef;
use tokio::net::TcpStream;

use crate::io::Io;
use crate::origin::Address;

/// Connects. Takes as long as it takes.
pub(crate) async fn dial(address: &Address) -> Result<Io, UpstreamFault> {
    match address {
        Address::Http(authority) => Ok(Io::Tcp(tcp(authority, 80).await?)),
    }
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
