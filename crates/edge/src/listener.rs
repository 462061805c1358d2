//! What a core accepts connections from.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use socket2::Socket;
use tokio::net::{TcpListener, UnixListener};

use crate::io::Io;
use crate::place::Place;

/// Who connects by a socket file is on this machine, and counts as its loopback address.
const THIS_MACHINE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// One core's listening socket.
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Registers a socket with the runtime that this is called in.
    pub(crate) fn register(socket: Socket, place: &Place) -> io::Result<Self> {
        match place {
            Place::Tcp(_) => TcpListener::from_std(socket.into()).map(Self::Tcp),
            Place::Unix(_) => UnixListener::from_std(socket.into()).map(Self::Unix),
        }
    }

    /// The next connection, and who connected.
    pub(crate) async fn accept(&self) -> io::Result<(Io, IpAddr)> {
        match self {
            Self::Tcp(listener) => {
                let (socket, peer) = listener.accept().await?;
                Ok((Io::Tcp(socket), peer.ip().to_canonical()))
            }
            Self::Unix(listener) => {
                let (socket, _) = listener.accept().await?;
                Ok((Io::Unix(socket), THIS_MACHINE))
            }
        }
    }
}
