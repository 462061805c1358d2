//! Bodies and trailers between a pipe and a stream of the library, both ways.

use std::future::{Future, poll_fn};

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use keyward_http::h1::Framing;

use super::body::{Source, receive, send};
use super::front::answer;
use super::pipe::{Pipe, pair};
use crate::io::Io;

/// One stream, from both sides.
struct Both {
    request: SendStream<Bytes>,
    answer: ResponseFuture,
    body: RecvStream,
    respond: SendResponse<Bytes>,
}

/// Runs a test over one stream, whose frames go through memory.
fn over_a_stream<F: Future<Output = ()>>(test: impl FnOnce(Both) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let (client, server) = tokio::join!(h2::client::handshake(near), h2::server::handshake(far));
        let ((client, connection), mut server) = (client.unwrap(), server.unwrap());
        tokio::spawn(async move { drop(connection.await) });
        let mut client = client.ready().await.unwrap();
        let (answer, request) = client.send_request(Request::new(()), false).unwrap();
        let (taken, respond) = server.accept().await.unwrap().unwrap();
        tokio::spawn(async move { while server.accept().await.is_some() {} });
        test(Both { request, answer, body: taken.into_body(), respond }).await;
    });
}

async fn all(io: &mut Pipe) -> String {
    let mut text = Vec::new();
    let mut buffer = [0; 16];
    loop {
        match poll_fn(|cx| io.poll_read(cx, &mut buffer)).await {
            0 => return String::from_utf8(text).unwrap(),
            count => text.extend_from_slice(&buffer[..count]),
        }
    }
}

fn trailers() -> HeaderMap {
    let field = |(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value));
    [("grpc-status", "0"), ("grpc-message", "fine")].map(field).into_iter().collect()
}

#[test]
fn trailers_of_a_stream_are_the_trailer_section() {
    over_a_stream(async |Both { mut request, mut body, .. }| {
        let (Pipe { writer, reader: _reader }, mut theirs) = pair();
        request.send_data(Bytes::from_static(b"abc"), false).unwrap();
        request.send_trailers(trailers()).unwrap();
        receive(&mut body, &writer, Framing::Chunked).await.unwrap();
        drop(writer);
        let text = all(&mut theirs).await;
        assert_eq!(text, "3\r\nabc\r\n0\r\ngrpc-status: 0\r\ngrpc-message: fine\r\n\r\n");
    });
}

#[test]
fn a_trailer_section_is_the_trailers_of_a_stream() {
    for (text, expected) in [
        ("3\r\nabc\r\n0\r\ngrpc-status: 0\r\ngrpc-message: fine\r\nContent-Length: 9\r\n\r\n", "abc"),
        ("3;x=y\r\nabc\r\n2\r\nde\r\n000;z\r\nGrpc-Status: 0\r\nGrpc-Message:  fine \r\n\r\n", "abcde"),
        ("0\r\ngrpc-status: 0\r\ngrpc-message: fine\r\n\r\n", ""),
    ] {
        over_a_stream(async |Both { answer: answered, mut respond, request, .. }| {
            let (Pipe { reader, writer: _writer }, theirs) = pair();
            let mut source = Source::new(reader);
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            theirs.writer.write(format!("{head}{text}").as_bytes()).await.unwrap();
            answer(&mut source, &mut respond, &Method::GET).await.unwrap();
            let mut body = answered.await.unwrap().into_body();
            let mut got = Vec::new();
            while let Some(data) = body.data().await {
                got.extend_from_slice(&data.unwrap());
            }
            assert_eq!(got, expected.as_bytes());
            assert_eq!(body.trailers().await.unwrap(), Some(trailers()), "{text}");
            drop(request);
        });
    }
}

#[test]
fn a_body_that_breaks_off_has_no_end() {
    for text in ["", "3", "3\r\nab", "3\r\nabc\r\n", "3\r\nabc\r\n0\r\n", "3\r\nabc\r\n0\r\nx: y\r\n", "x\r\n"] {
        over_a_stream(async |Both { answer: answered, mut respond, request, .. }| {
            let (Pipe { reader, writer: _writer }, theirs) = pair();
            let mut source = Source::new(reader);
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            theirs.writer.write(format!("{head}{text}").as_bytes()).await.unwrap();
            drop(theirs);
            answer(&mut source, &mut respond, &Method::GET).await.unwrap_err();
            let reason = match answered.await {
                Err(error) => error.reason(),
                Ok(answered) => {
                    let mut body = answered.into_body();
                    loop {
                        match body.data().await {
                            Some(Ok(_)) => {}
                            Some(Err(error)) => break error.reason(),
                            None => break None,
                        }
                    }
                }
            };
            assert_eq!(reason, Some(Reason::INTERNAL_ERROR), "{text:?}");
            drop(request);
        });
    }
}

#[test]
fn a_slow_reader_holds_its_writer_up() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (ours, mut theirs) = pair();
        let mut io = Io::Pipe(ours);
        let piece = [b'x'; 10_000];
        let mut written = 0;
        loop {
            let mut is_full = false;
            poll_fn(|cx| {
                match io.poll_write(cx, &piece, &piece) {
                    std::task::Poll::Ready(count) => written += count.unwrap(),
                    std::task::Poll::Pending => is_full = true,
                }
                std::task::Poll::Ready(())
            })
            .await;
            if is_full {
                break;
            }
        }
        assert_eq!(written, 64 * 1024);
        drop(io);
        assert_eq!(all(&mut theirs).await.len(), written);
        assert!(poll_fn(|cx| theirs.poll_write(cx, b"x", b"")).await.is_err(), "nobody is there");
    });
}

#[test]
fn what_a_stream_does_not_take_stays_in_the_pipe() {
    over_a_stream(async |Both { answer: answered, mut respond, request, .. }| {
        let (Pipe { reader, writer: _writer }, theirs) = pair();
        let mut source = Source::new(reader);
        source.begin_body(Framing::Length(1_000_000)).unwrap();
        let mut out = respond.send_response(Response::new(()), false).unwrap();
        let mut body = answered.await.unwrap().into_body();
        let piece = vec![b'x'; 10_000];
        let mut sending = std::pin::pin!(send(&mut source, &mut out));
        let mut written = 0;
        // Until the writer is held up: a window, and a pipe.
        while tokio::time::timeout(std::time::Duration::from_millis(200), async {
            tokio::select! {
                ended = &mut sending => panic!("{ended:?}"),
                wrote = theirs.writer.write(&piece) => wrote.unwrap(),
            }
        })
        .await
        .is_ok()
        {
            written += piece.len();
        }
        assert!((100_000..150_000).contains(&written), "{written} bytes went on");
        drop((body.data().await, request));
    });
}
