//! What a core accepts connections from.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use socket2::Socket;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

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

    /// The last one: those who connected already, asked of the system and not of what the runtime has heard; closed with the
    /// listener, their connections would be reset.
    pub(crate) fn into_waiting(self) -> io::Result<Waiting> {
        match self {
            Self::Tcp(listener) => listener.into_std().map(Waiting::Tcp),
            Self::Unix(listener) => listener.into_std().map(Waiting::Unix),
        }
    }
}

/// A listening socket that is about to be closed.
pub(crate) enum Waiting {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener),
}

impl Waiting {
    /// The next connection, registered with the runtime that this is called in; an error where none waits.
    pub(crate) fn next(&self) -> io::Result<(Io, IpAddr)> {
        match self {
            Self::Tcp(listener) => {
                let (socket, peer) = listener.accept()?;
                socket.set_nonblocking(true)?;
                Ok((Io::Tcp(TcpStream::from_std(socket)?), peer.ip().to_canonical()))
            }
            Self::Unix(listener) => {
                let (socket, _) = listener.accept()?;
                socket.set_nonblocking(true)?;
                Ok((Io::Unix(UnixStream::from_std(socket)?), THIS_MACHINE))
            }
        }
    }
}
