//! A client that speaks HTTP/2: its connection, and each of its streams as a connection of HTTP/1.1 in memory.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::server::{Builder, Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::{Method, Request, Response};
use keyward_http::h1::Framing;
use keyward_http::h1::request::RequestFault;
use keyward_http::h1::response::Response as Answer;
use keyward_http::h2 as translate;
use tokio::task::JoinSet;

use super::body::{Broken, NotReceived, Source, receive, send};
use super::carrier::Carrier;
use super::pipe::{Pipe, pair};
use crate::buffer::Buffer;
use crate::client::Client;
use crate::config::Limits;
use crate::io::Io;
use crate::server;

/// How many streams a client may have open at once.
const STREAMS: u32 = 128;
/// How many bytes a stream may send ahead of what was taken from it.
const STREAM_WINDOW: u32 = 64 * 1024;
/// How many all streams of a connection may together.
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// How many bytes of answers wait in one stream for a client that takes none.
const WAITING: usize = 64 * 1024;
/// How many streams may be reset before they were looked at (CVE-2023-44487), or for mistakes of the client (CVE-2025-8671),
/// until the connection is ended.
const RESETS: usize = 20;
const MISTAKES: usize = 128;

/// Serves a connection that begins with the preface of HTTP/2, of which these bytes were read already.
pub(crate) async fn serve(client: &Client, io: Io, before: Buffer) {
    let carrier = Carrier { io, before };
    // Until its preface is whole, the limit on a head's time holds.
    let Ok(mut connection) = builder(&client.core.limits).handshake::<_, Bytes>(carrier).await else { return };
    // Dropped with the connection: no stream outlives it.
    let mut streams = JoinSet::new();
    let mut is_told = false;
    poll_fn(|cx| {
        while matches!(streams.poll_join_next(cx), Poll::Ready(Some(_))) {}
        client.watch.carry(!streams.is_empty());
        if !is_told && client.core.is_stopping() {
            connection.graceful_shutdown();
            is_told = true;
        }
        if client.watch.is_late() {
            connection.abrupt_shutdown(Reason::NO_ERROR);
        }
        poll_streams(cx, client, &mut connection, &mut streams)
    })
    .await;
}

/// Takes streams until the connection ends.
fn poll_streams(
    cx: &mut Context<'_>,
    client: &Client,
    connection: &mut Connection<Carrier, Bytes>,
    streams: &mut JoinSet<()>,
) -> Poll<()> {
    loop {
        match connection.poll_accept(cx) {
            Poll::Ready(Some(Ok((request, respond)))) => {
                streams.spawn_local(stream(client.of_stream(), request, respond));
                client.watch.carry(true);
                // So that its end wakes this task.
                while matches!(streams.poll_join_next(cx), Poll::Ready(Some(_))) {}
            }
            Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
            Poll::Pending => return Poll::Pending,
        }
    }
}

fn builder(limits: &Limits) -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(STREAMS)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .max_send_buffer_size(WAITING)
        .max_pending_accept_reset_streams(RESETS)
        .max_concurrent_reset_streams(RESETS)
        .max_local_error_reset_streams(Some(MISTAKES));
    builder
}

/// Serves one stream: what comes in it goes into a pipe as HTTP/1.1, and what comes out of the pipe is its answer.
async fn stream(client: Client, request: Request<RecvStream>, respond: SendResponse<Bytes>) {
    let (parts, body) = request.into_parts();
    let head = translate::request(&parts, body.is_end_stream());
    let (ours, theirs) = pair();
    let watch = Rc::clone(&client.watch);
    let mut serving = pin!(server::serve_stream(client, theirs, head.as_ref().map(drop).map_err(|fault| *fault)));
    let mut carrying = pin!(carry(ours, (parts.method, head), body, respond));
    let (mut is_served, mut is_carried) = (false, false);
    poll_fn(|cx| {
        if !is_carried {
            match carrying.as_mut().poll(cx) {
                // Whoever is gone is not served on.
                Poll::Ready(Err(Broken)) => return Poll::Ready(()),
                Poll::Ready(Ok(())) => is_carried = true,
                Poll::Pending => {}
            }
        }
        if !is_served && serving.as_mut().poll(cx).is_ready() {
            is_served = true;
            // What is left of the answer has as long as an exchange has without progress: a client that takes nothing holds no stream.
            watch.deliver();
        }
        if is_served && (is_carried || watch.is_late()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Carries a request into a pipe and its answer out of it. An answer may come before the request's end; the rest of the request is
/// given up then (RFC 9113 §8.1: the library says NO_ERROR).
async fn carry(
    Pipe { reader, writer }: Pipe,
    (method, head): (Method, Result<(Vec<u8>, Framing), RequestFault>),
    mut body: RecvStream,
    mut respond: SendResponse<Bytes>,
) -> Result<(), Broken> {
    let mut source = Source::new(reader);
    let upload = async {
        // A head that is none is told to whoever serves the stream; nothing of it goes through the pipe.
        let Ok((head, framing)) = head else { return Ok(()) };
        match writer.write(&head).await {
            Ok(()) => receive(&mut body, &writer, framing).await,
            Err(left) => Err(left.into()),
        }
    };
    let mut upload = pin!(upload);
    let mut answer = pin!(answer(&mut source, &mut respond, &method));
    let mut is_uploaded = false;
    poll_fn(|cx| {
        if !is_uploaded && let Poll::Ready(uploaded) = upload.as_mut().poll(cx) {
            if let Err(NotReceived::Broken) = uploaded {
                return Poll::Ready(Err(Broken));
            }
            is_uploaded = true;
        }
        answer.as_mut().poll(cx)
    })
    .await
}

/// Sends the answer that comes out of a pipe. One that breaks off ends as an error, never as if it were whole.
pub(super) async fn answer(
    source: &mut Source,
    respond: &mut SendResponse<Bytes>,
    method: &Method,
) -> Result<(), Broken> {
    let Ok((response, framing)) = head(source, respond, method).await else {
        respond.send_reset(Reason::INTERNAL_ERROR);
        return Err(Broken);
    };
    let mut stream = respond.send_response(response, framing.is_empty()).map_err(|_| Broken)?;
    if framing.is_empty() {
        return Ok(());
    }
    let sent = match source.begin_body(framing) {
        Ok(()) => send(source, &mut stream).await,
        Err(broken) => Err(broken),
    };
    if sent.is_err() {
        stream.send_reset(Reason::INTERNAL_ERROR);
    }
    sent
}

/// The head of the answer that is not merely informational; those that are go before it.
async fn head(
    source: &mut Source,
    respond: &mut SendResponse<Bytes>,
    method: &Method,
) -> Result<(Response<()>, Framing), Broken> {
    loop {
        poll_fn(|cx| {
            if respond.poll_reset(cx).is_ready() {
                return Poll::Ready(Err(Broken));
            }
            source.poll_head(cx)
        })
        .await?;
        let lines = &source.lines;
        let read = source.reader.look(|bytes| {
            let answer = Answer::read(lines, bytes, method)?;
            Ok::<_, keyward_http::h1::response::Garbage>((translate::answer(&answer)?, answer.framing))
        });
        let (response, framing) = read.map_err(|_| Broken)?;
        source.drop_head();
        if !response.status().is_informational() {
            return Ok((response, framing));
        }
        respond.send_informational(response).map_err(|_| Broken)?;
    }
}
