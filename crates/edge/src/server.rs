//! One client's connection from its first byte to its last: head after head, each with its exchange.

use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use crate::arrival::{Arrived, arrive};
use crate::client::{Client, NoHead, Wire};
use crate::exchange;
use crate::io::Io;
use crate::per_core::Core;
use crate::tls::Protocol;
use crate::watch::Watch;

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
pub(crate) async fn serve(core: Rc<Core>, io: Io, peer: IpAddr) {
    let watch = core.watch();
    let mut serving = pin!(attend(core, Rc::clone(&watch), io, peer));
    poll_fn(|cx| {
        watch.enroll(cx.waker());
        if watch.is_cut() { Poll::Ready(()) } else { serving.as_mut().poll(cx) }
    })
    .await;
}

async fn attend(core: Rc<Core>, watch: Rc<Watch>, io: Io, peer: IpAddr) {
    let Some(Arrived { io, peer, carried, protocol }) = arrive(&core, io, peer).await else { return };
    let client = Client { core, watch, peer, carried };
    match protocol {
        // HTTP/2 is not offered, so that nobody agrees on it.
        Protocol::Http1 | Protocol::Http2 => run(&client, Wire::new(io)).await,
    }
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
