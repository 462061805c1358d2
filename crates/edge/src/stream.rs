//! A client's socket, as the codec reads and writes it: it tells the watch of each byte, and closes so that the client
//! can hear the last answer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::watch::Watch;

/// A watched socket.
pub(crate) struct Stream {
    socket: TcpStream,
    watch: Rc<Watch>,
    closed: bool,
}

impl Stream {
    pub(crate) fn new(socket: TcpStream, watch: Rc<Watch>) -> Self {
        Self { socket, watch, closed: false }
    }

    fn socket(self: Pin<&mut Self>) -> Pin<&mut TcpStream> {
        Pin::new(&mut self.get_mut().socket)
    }

    fn written(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(_)) = polled {
            self.watch.wrote();
        }
        polled
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.socket).poll_read(cx, buf);
        if polled.is_ready() {
            this.watch.read();
        }
        polled
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.socket).poll_write(cx, buf);
        this.written(polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.socket).poll_write_vectored(cx, bufs);
        this.written(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket().poll_flush(cx)
    }

    /// Closes our side and then, if the client may still be sending, reads on until it stops or the watch cuts it: a
    /// socket closed with unread bytes resets the connection, and the client may lose the answer (RFC 9112 §9.6).
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.closed {
            ready!(Pin::new(&mut this.socket).poll_shutdown(cx))?;
            this.closed = true;
            if !this.watch.has_unread() {
                return Poll::Ready(Ok(()));
            }
            this.watch.linger();
        }
        let mut scrap = [0; 4096];
        loop {
            let mut buf = ReadBuf::new(&mut scrap);
            ready!(Pin::new(&mut this.socket).poll_read(cx, &mut buf))?;
            if buf.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
