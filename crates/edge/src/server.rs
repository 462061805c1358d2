//! One client's connection from its first byte to its last: head after head, each with its exchange.

use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use keyward_http::h1::request::RequestFault;

use crate::arrival::{Arrived, arrive};
use crate::buffer::{Buffer, fill};
use crate::client::{Client, NoHead, Wire};
use crate::exchange;
use crate::h2;
use crate::h2::pipe::Pipe;
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
    watched(&watch, attend(core, Rc::clone(&watch), io, peer)).await;
}

/// Serves a stream of HTTP/2 as a connection with one request, whose head waits in the pipe, or was none.
pub(crate) async fn serve_stream(client: Client, pipe: Pipe, head: Result<(), RequestFault>) {
    watched(&client.watch, async {
        let mut wire = Wire::new(Io::Pipe(pipe));
        match head {
            Ok(()) => {
                // A core that stops still takes what has come: the stream was opened before its client was told.
                let buffers = &client.core.buffers;
                if fill(&mut wire.input, &mut wire.io, client.most().bytes, buffers).await.is_ok() {
                    run(&client, wire).await;
                }
            }
            Err(fault) => {
                exchange::refuse_request(&client, &mut wire, fault).await;
                wire.close(&client).await;
            }
        }
    })
    .await;
}

async fn watched(watch: &Watch, serving: impl Future<Output = ()>) {
    let mut serving = pin!(serving);
    poll_fn(|cx| {
        watch.enroll(cx.waker());
        if watch.is_cut() { Poll::Ready(()) } else { serving.as_mut().poll(cx) }
    })
    .await;
}

async fn attend(core: Rc<Core>, watch: Rc<Watch>, io: Io, peer: IpAddr) {
    let Some(Arrived { io, peer, carried, protocol, late }) = arrive(&core, io, peer).await else { return };
    let client = Client { core, watch, peer, carried };
    match protocol {
        Protocol::Http1 => run(&client, Wire { awaited: late, ..Wire::new(io) }).await,
        Protocol::Http2 => Box::pin(h2::front::serve(&client, io, Buffer::default())).await,
    }
}

/// A client that closes its sending side before it is answered counts as gone: its request is given up, at the upstream
/// too. nginx and Envoy do the same; the alternative works on for nobody.
async fn run(client: &Client, mut wire: Wire) {
    let mut is_first = true;
    loop {
        let goes_on = match wire.head(client).await {
            // By prior knowledge (RFC 9113 §3.3), and so at the beginning only.
            Ok(length) if is_first && wire.is_preface(length) => {
                // In a place of its own, so that connections of HTTP/1.1 have no room for it.
                return Box::pin(h2::front::serve(client, wire.io, wire.input)).await;
            }
            Ok(length) => exchange::run(client, &mut wire, length).await,
            Err(NoHead::Fault(fault)) => exchange::refuse_lines(client, &mut wire, fault).await,
            Err(NoHead::End) => false,
        };
        client.watch.rest();
        (is_first, wire.awaited) = (false, false);
        if !goes_on {
            break;
        }
    }
    wire.close(client).await;
}
