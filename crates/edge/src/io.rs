//! A connection as bytes, whatever carries them.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsStream;

use crate::h2::pipe::Pipe;

/// A connection, to a client or to an upstream.
pub(crate) enum Io {
    /// TCP in the clear.
    Tcp(TcpStream),
    /// A socket of this machine.
    Unix(UnixStream),
    /// TLS over TCP. Boxed: it is some kilobytes.
    Tls(Box<TlsStream<TcpStream>>),
    /// A stream of HTTP/2, carried over by whoever holds the other end.
    Pipe(Pipe),
}

impl Io {
    /// Reads into a buffer; 0 is the end.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Pipe(pipe) => pipe.poll_read(cx, into).map(Ok),
            Self::Tcp(socket) => read(socket, cx, into),
            Self::Unix(socket) => read(socket, cx, into),
            Self::Tls(stream) => {
                // What was taken and did not leave yet goes on its way meanwhile. If it cannot, reading says so, too.
                let _ = settle(stream, cx);
                read(&mut **stream, cx, into)
            }
        }
    }

    /// Writes the first of two parts, and of the second what fits.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, first: &[u8], second: &[u8]) -> Poll<io::Result<usize>> {
        let written = match self {
            Self::Tcp(socket) => write(socket, cx, first, second),
            Self::Unix(socket) => write(socket, cx, first, second),
            Self::Tls(stream) => {
                // TLS takes bytes before the socket does. No more of them while earlier ones wait, so that it never holds much.
                ready!(settle(stream, cx))?;
                write(&mut **stream, cx, first, second)
            }
            Self::Pipe(pipe) => pipe.poll_write(cx, first, second),
        };
        match written {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            other => other,
        }
    }

    /// Whether all that was written has been handed to the system. Only TLS ever holds any of it back; whoever waits for
    /// something else meanwhile has to ask, or the rest stays where it is.
    pub(crate) fn poll_settled(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(_) | Self::Unix(_) | Self::Pipe(_) => Poll::Ready(Ok(())),
            Self::Tls(stream) => settle(stream, cx),
        }
    }

    /// Closes our side.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Unix(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_shutdown(cx),
            Self::Pipe(pipe) => {
                pipe.finish();
                Poll::Ready(Ok(()))
            }
        }
    }

    /// Whether something came, or the other side closed, on a connection on which nothing is expected: what came is lost, so
    /// that it cannot be used any more. Costs no system call as long as nothing did.
    pub(crate) fn has_come(&mut self, cx: &mut Context<'_>) -> bool {
        let looked = |readiness: Poll<io::Result<()>>, read: &dyn Fn() -> io::Result<usize>| match readiness {
            Poll::Pending => false,
            Poll::Ready(Err(_)) => true,
            // Readiness may be left over from the last read; the socket itself knows.
            Poll::Ready(Ok(())) => !matches!(read(), Err(error) if error.kind() == io::ErrorKind::WouldBlock),
        };
        match self {
            Self::Tcp(socket) => looked(socket.poll_read_ready(cx), &|| socket.try_read(&mut [0])),
            Self::Unix(socket) => looked(socket.poll_read_ready(cx), &|| socket.try_read(&mut [0])),
            // TLS has words of its own, such as tickets for a later handshake: they are read over, and are nothing that came.
            Self::Tls(stream) => read(&mut **stream, cx, &mut [0]).is_ready(),
            Self::Pipe(pipe) => pipe.has_come(),
        }
    }

    /// Whether it is a stream of HTTP/2, which carries one exchange.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(self, Self::Pipe(_))
    }

    /// Whether the other side said that nothing was done of what it was sent, so that it may be sent again.
    pub(crate) fn is_unprocessed(&self) -> bool {
        matches!(self, Self::Pipe(pipe) if pipe.is_unprocessed())
    }
}

fn read(socket: &mut (impl AsyncRead + Unpin), cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
    let mut into = ReadBuf::new(into);
    Pin::new(socket).poll_read(cx, &mut into).map_ok(|()| into.filled().len())
}

fn write(
    socket: &mut (impl AsyncWrite + Unpin),
    cx: &mut Context<'_>,
    first: &[u8],
    second: &[u8],
) -> Poll<io::Result<usize>> {
    match (first, second) {
        (part, []) | ([], part) => Pin::new(socket).poll_write(cx, part),
        _ => Pin::new(socket).poll_write_vectored(cx, &[IoSlice::new(first), IoSlice::new(second)]),
    }
}

/// Hands what TLS holds back to the system.
fn settle(stream: &mut TlsStream<TcpStream>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    if stream.get_ref().1.wants_write() { Pin::new(stream).poll_flush(cx) } else { Poll::Ready(Ok(())) }
}
