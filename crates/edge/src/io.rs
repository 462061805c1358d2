//! A connection as bytes, whatever carries them.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;

use crate::h2::pipe::Pipe;

/// A connection, to a client or to an upstream.
pub(crate) enum Io {
    /// TCP in the clear.
    Tcp(TcpStream),
    /// A stream of HTTP/2, carried over by whoever holds the other end.
    Pipe(Pipe),
}

impl Io {
    /// Reads into a buffer; 0 is the end.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut into = ReadBuf::new(into);
        let read = match self {
            Self::Tcp(socket) => Pin::new(socket).poll_read(cx, &mut into),
            Self::Pipe(pipe) => return pipe.poll_read(cx, into.initialize_unfilled()).map(Ok),
        };
        read.map_ok(|()| into.filled().len())
    }

    /// Writes the first of two parts, and of the second what fits.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, first: &[u8], second: &[u8]) -> Poll<io::Result<usize>> {
        let written = match (self, first, second) {
            (Self::Tcp(socket), part, []) | (Self::Tcp(socket), [], part) => Pin::new(socket).poll_write(cx, part),
            (Self::Tcp(socket), ..) => {
                Pin::new(socket).poll_write_vectored(cx, &[IoSlice::new(first), IoSlice::new(second)])
            }
            (Self::Pipe(pipe), ..) => pipe.poll_write(cx, first, second),
        };
        match written {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            other => other,
        }
    }

    /// Closes our side.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Pipe(pipe) => {
                pipe.finish();
                Poll::Ready(Ok(()))
            }
        }
    }

    /// Whether something came, or the other side closed, on a connection on which nothing is expected. Costs no system call
    /// as long as nothing did.
    pub(crate) fn has_come(&self, cx: &mut Context<'_>) -> bool {
        let socket = match self {
            Self::Tcp(socket) => socket,
            Self::Pipe(pipe) => return pipe.has_come(),
        };
        match socket.poll_read_ready(cx) {
            Poll::Pending => false,
            Poll::Ready(Err(_)) => true,
            // Readiness may be left over from the last read; the socket itself knows.
            Poll::Ready(Ok(())) => {
                !matches!(socket.try_read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
            }
        }
    }

    /// Whether the other side said that nothing was done of what it was sent, so that it may be sent again.
    pub(crate) fn is_unprocessed(&self) -> bool {
        matches!(self, Self::Pipe(pipe) if pipe.is_unprocessed())
    }
}
