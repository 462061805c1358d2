//! Taking the port or the socket file, before anything else starts: one listening socket per core, all at one place.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::path::Path;

use socket2::{Domain, Protocol, Socket, Type};

use crate::place::Place;
use crate::socket_file::{self, SocketFile};

/// How many connections may wait to be accepted, on each core.
const BACKLOG: i32 = 1024;

/// The listening sockets of an edge. Clients that connect before it is started wait.
#[derive(Debug)]
pub struct Bound {
    pub(crate) listeners: Vec<Socket>,
    pub(crate) place: Place,
    /// Removed when the edge ends.
    pub(crate) file: Option<SocketFile>,
}

/// The place could not be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {place}: {}", plain(.place, .cause))]
pub struct BindError {
    /// Where.
    pub place: Place,
    /// What the system says.
    #[source]
    pub cause: io::Error,
}

fn plain(place: &Place, cause: &io::Error) -> String {
    match (place, cause.kind()) {
        (Place::Tcp(_), io::ErrorKind::AddrInUse) => "another program uses this port".to_owned(),
        (Place::Unix(_), io::ErrorKind::AddrInUse) => "another program listens there".to_owned(),
        (Place::Tcp(_), io::ErrorKind::PermissionDenied) => {
            "permission denied; ports below 1024 need a privilege".to_owned()
        }
        (_, io::ErrorKind::AddrNotAvailable) => "this machine has no such address".to_owned(),
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
        Self::try_bind(address, cores.get()).map_err(|cause| BindError { place: Place::Tcp(address), cause })
    }

    fn try_bind(address: SocketAddr, cores: usize) -> io::Result<Self> {
        if address.port() != 0 {
            unbound(address)?.bind(&address.into())?;
        }
        let first = listen(address)?;
        let address = first.local_addr()?.as_socket().unwrap_or(address);
        let mut listeners = vec![first];
        for _ in 1..cores {
            listeners.push(listen(address)?);
        }
        Ok(Self { listeners, place: Place::Tcp(address), file: None })
    }

    /// Makes a socket file, which all cores accept from. See [`Place::Unix`] for who may connect.
    ///
    /// # Errors
    /// [`BindError`]: somebody listens there, or there is a file that is no socket.
    pub fn bind_file(path: &Path, cores: NonZeroUsize) -> Result<Self, BindError> {
        let place = Place::Unix(path.to_owned());
        let bound = socket_file::listen(path, BACKLOG).and_then(|(socket, file)| {
            let mut listeners = vec![socket];
            while listeners.len() < cores.get() {
                listeners.extend(listeners.first().map(Socket::try_clone).transpose()?);
            }
            Ok(Self { listeners, place: place.clone(), file: Some(file) })
        });
        bound.map_err(|cause| BindError { place, cause })
    }

    /// How many cores it is for.
    pub fn cores(&self) -> usize {
        self.listeners.len()
    }

    /// The first socket alone, for a server that is not an edge and listens on a port.
    pub fn into_listener(self) -> Option<TcpListener> {
        self.listeners.into_iter().next().map(TcpListener::from)
    }

    /// Where it listens, with the port that was found for port 0.
    pub fn place(&self) -> &Place {
        &self.place
    }
}

pub(crate) fn listen(address: SocketAddr) -> io::Result<Socket> {
    let socket = unbound(address)?;
    socket.set_reuse_port(true)?;
    // Accepted sockets inherit both (Linux and the BSDs), which saves two system calls for each.
    socket.set_tcp_nodelay(true)?;
    socket.set_keepalive(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
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
        let address = bound.place().to_string();
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
