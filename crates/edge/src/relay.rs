//! The answer of an upstream on its way back, while the rest of the request may still be on its way there.

use std::future::poll_fn;
use std::task::Poll;

use http::StatusCode;
use keyward_http::h1::Framing;
use keyward_http::h1::response::Response;
use keyward_http::limits::Told;

use crate::client::{Client, Visit, Wire};
use crate::forward::{answer_head, poll_upload};
use crate::guard::Asked;
use crate::pool::Lease;
use crate::pump::Pump;
use crate::tunnel;

/// An answer whose head is known.
pub(crate) struct Answering {
    status: StatusCode,
    up: Pump,
    down: Pump,
    lease: Lease,
    /// Whether the upstream takes another request on its connection.
    is_kept: bool,
    /// Whether the client's connection may go on.
    goes_on: bool,
    /// Whether both connections are another protocol's once the head has left.
    is_tunnel: bool,
}

/// Begins an answer whose head stands at the front of what the upstream sent.
pub(crate) fn begin(visit: Visit<'_>, (up, mut lease): (Pump, Lease), told: Told<'_>) -> Box<Answering> {
    let Visit { client, request, .. } = visit;
    let connection = &mut lease.connection;
    let length = connection.lines.length();
    let goes_on = request.keep_alive && up.is_done() && !client.core.is_stopping();
    let head = connection.input.filled();
    let answer = Response::read(&connection.lines, head, &request.method);
    // It was read a moment ago, or this would not begin.
    let (status, is_kept, from) = answer.as_ref().map_or((StatusCode::BAD_GATEWAY, false, Framing::Empty), |answer| {
        (answer.status, answer.keep_alive, answer.framing)
    });
    let is_tunnel = answer.as_ref().is_ok_and(|answer| answer.upgrade.is_some());
    let (out, to, trailing) = match &answer {
        Ok(answer) => answer_head(visit, answer, told, goes_on),
        Err(_) => (Vec::new(), Framing::Empty, None),
    };
    connection.input.consume(length);
    let down = Pump::new(out, from, to, None).with_trailer(trailing);
    let goes_on = goes_on && to != Framing::UntilClose && !is_tunnel;
    Box::new(Answering { status, up, down, lease, is_kept: is_kept && !is_tunnel, goes_on, is_tunnel })
}

impl Answering {
    /// The status that the upstream answers.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Passes the answer on to its end. Whether the client's connection may go on.
    pub(crate) async fn relay(mut self: Box<Self>, asked: Asked<'_>, wire: &mut Wire) -> bool {
        let client = asked.client;
        let relayed = asked.guarded(self.pump(client, wire)).await;
        if self.is_tunnel {
            // However it ended, nothing of it is worth a longer wait.
            client.watch.linger();
        }
        let is_whole = matches!(relayed, Ok(true));
        let Self { up, down, lease, is_kept, goes_on, .. } = *self;
        let is_sent = up.is_done();
        let buffers = &client.core.buffers;
        if is_whole && is_sent && is_kept {
            lease.pool.give_back(lease.connection, buffers);
        }
        buffers.give_back_head(up.into_head());
        buffers.give_back_head(down.into_head());
        is_whole && is_sent && goes_on
    }

    /// Whether it came to its end.
    async fn pump(&mut self, client: &Client, wire: &mut Wire) -> bool {
        let Self { up, down, lease, is_tunnel, .. } = self;
        let connection = &mut lease.connection;
        let is_whole = poll_fn(|cx| {
            // What TLS holds back must leave while the upstream is waited for. Where it cannot, writing or reading says so.
            let _ = wire.io.poll_settled(cx);
            let both = (&mut connection.io, &mut connection.input);
            match down.poll(cx, both, &mut wire.io, (&client.watch, &client.core.buffers)) {
                Poll::Ready(ended) => return Poll::Ready(ended.is_ok()),
                Poll::Pending => {}
            }
            if poll_upload(cx, client, wire, (up, &mut connection.io)).is_some() {
                // Whoever is gone, or sends what is no body: the answer cannot be told apart from a whole one but by its end.
                return Poll::Ready(false);
            }
            Poll::Pending
        })
        .await;
        if is_whole && *is_tunnel {
            tunnel::run(client, wire, connection).await;
        }
        is_whole
    }
}
