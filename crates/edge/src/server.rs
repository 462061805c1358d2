//! One client's connection, spoken by hyper.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::client::Client;
use crate::config::Limits;
use crate::exchange;
use crate::per_core::Core;
use crate::stream::Stream;

/// How many header fields hyper reads without being told; being told costs it an allocation for each request.
const HYPERS_HEADERS: usize = 100;
/// The smallest buffer that hyper takes.
const HYPERS_BUFFER: usize = 8192;

/// The codec's settings, ready for each connection.
pub(crate) type Codec = http1::Builder;

/// hyper's settings.
///
/// A client that closes its sending side before it is answered counts as gone: its request is given up, at the
/// upstream too. nginx and Envoy do the same; the alternative works on for nobody.
pub(crate) fn codec(limits: &Limits) -> Codec {
    let mut http = http1::Builder::new();
    // Time limits are the watch's; hyper has one for head and idling together, and sets a timer for each request.
    http.header_read_timeout(None).max_buf_size(limits.header_bytes.max(HYPERS_BUFFER));
    if limits.headers != HYPERS_HEADERS {
        http.max_headers(limits.headers);
    }
    http
}

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
    let watch = core.watch();
    let stream = TokioIo::new(Stream::new(socket, Rc::clone(&watch)));
    let client = Rc::new(Client { core: Rc::clone(&core), watch: Rc::clone(&watch), peer });
    let service = service_fn(move |request| {
        let client = Rc::clone(&client);
        async move { Ok::<_, Infallible>(exchange::answer(&client, request).await) }
    });
    let mut connection = pin!(core.codec.serve_connection(stream, service));
    let mut told = false;
    poll_fn(|cx| {
        watch.enroll(cx.waker());
        if watch.is_cut() {
            return Poll::Ready(());
        }
        if core.is_stopping() && !told {
            told = true;
            connection.as_mut().graceful_shutdown();
        }
        // How it ended is nobody's business any more: whoever could be told has been.
        connection.as_mut().poll(cx).map(drop)
    })
    .await;
}
