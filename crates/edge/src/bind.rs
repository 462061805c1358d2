//! Taking the port, before anything else starts: one listening socket per core, all at one address.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;

use socket2::{Domain, Protocol, Socket, Type};

/// How many connections may wait to be accepted, on each core.
const BACKLOG: i32 = 1024;

/// The listening sockets of an edge. Clients that connect before it is started wait.
#[derive(Debug)]
pub struct Bound {
    pub(crate) listeners: Vec<TcpListener>,
    address: SocketAddr,
}

/// The port could not be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {}", plain(.cause))]
pub struct BindError {
    /// Where.
    pub address: SocketAddr,
    /// What the system says.
    #[source]
    pub cause: io::Error,
}

fn plain(cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::AddrInUse => "another program uses this port".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied; ports below 1024 need a privilege".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        _ => cause.to_string(),
    }
}

impl Bound {
    /// Binds one socket per core. Port 0 takes a free port, the same for all.
    ///
    /// Cores share the port by `SO_REUSEPORT`, which would let a second Keyward of the same user share it too, each
    /// getting half of the connections. So the port is first bound without; two that start at the very same moment
    /// can still both pass that test.
    ///
    /// # Errors
    /// [`BindError`], in plain words.
    pub fn bind(address: SocketAddr, cores: NonZeroUsize) -> Result<Self, BindError> {
        Self::try_bind(address, cores.get()).map_err(|cause| BindError { address, cause })
    }

    fn try_bind(address: SocketAddr, cores: usize) -> io::Result<Self> {
        if address.port() != 0 {
            unbound(address)?.bind(&address.into())?;
        }
        let first = listen(address)?;
        let address = first.local_addr()?;
        let mut listeners = vec![first];
        for _ in 1..cores {
            listeners.push(listen(address)?);
        }
        Ok(Self { listeners, address })
    }

    /// How many cores it is for.
    pub fn cores(&self) -> usize {
        self.listeners.len()
    }

    /// The first socket alone, for a server that is not an edge.
    pub fn into_listener(self) -> Option<TcpListener> {
        self.listeners.into_iter().next()
    }

    /// The address, with the port that was found for port 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = unbound(address)?;
    socket.set_reuse_port(true)?;
    // Accepted sockets inherit both (Linux and the BSDs), which saves two system calls for each.
    socket.set_tcp_nodelay(true)?;
    socket.set_keepalive(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn unbound(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of an earlier run in TIME_WAIT are no reason to refuse.
    socket.set_reuse_address(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(address: &str) -> Result<Bound, BindError> {
        Bound::bind(address.parse().unwrap(), NonZeroUsize::new(2).unwrap())
    }

    #[test]
    fn cores_share_a_port_and_nobody_else_does() {
        let bound = bind("127.0.0.1:0").unwrap();
        assert_eq!(bound.listeners.len(), 2);
        let address = bound.local_addr().to_string();
        let error = bind(&address).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot listen on {address}: another program uses this port"));
        drop(bound);
        bind(&address).unwrap();
    }

    #[test]
    fn a_foreign_address_is_named() {
        let error = bind("192.0.2.1:8080").unwrap_err();
        assert_eq!(error.to_string(), "cannot listen on 192.0.2.1:8080: this machine has no such address");
    }
}
