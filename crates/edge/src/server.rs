//! One client's connection from its first byte to its last: head after head, each with its exchange.

use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use tokio::net::TcpStream;

use crate::client::{Client, NoHead, Wire};
use crate::exchange;
use crate::io::Io;
use crate::per_core::Core;

/// One of the connections that all cores together may have.
pub(crate) struct Seat(Arc<AtomicUsize>);

impl Seat {
    /// Takes a seat if one of `most` is free.
    pub(crate) fn take(taken: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let seat = Self(Arc::clone(taken));
        (taken.fetch_add(1, Ordering::Relaxed) < most).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves a connection until it ends, is cut by the watch, or has finished its last request while the core stops.
pub(crate) async fn serve(core: Rc<Core>, socket: TcpStream, peer: IpAddr) {
    let client = Client { watch: core.watch(), core, peer };
    let mut serving = pin!(run(&client, Wire::new(Io::Tcp(socket))));
    poll_fn(|cx| {
        client.watch.enroll(cx.waker());
        if client.watch.is_cut() { Poll::Ready(()) } else { serving.as_mut().poll(cx) }
    })
    .await;
}

/// A client that closes its sending side before it is answered counts as gone: its request is given up, at the upstream
/// too. nginx and Envoy do the same; the alternative works on for nobody.
async fn run(client: &Client, mut wire: Wire) {
    loop {
        let goes_on = match wire.head(client).await {
            Ok(length) => exchange::run(client, &mut wire, length).await,
            Err(NoHead::Fault(fault)) => exchange::refuse_lines(client, &mut wire, fault).await,
            Err(NoHead::End) => false,
        };
        client.watch.rest();
        if !goes_on {
            break;
        }
    }
    wire.close(client).await;
}
