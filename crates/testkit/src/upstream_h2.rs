//! One connection of a recording upstream in HTTP/2 over TLS.

use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{Request, Response};
use rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;

type Kept = Arc<Mutex<Vec<String>>>;

/// Serves it until it ends: each request is kept in the shape of HTTP/1.1 and answered 200 with a short body.
pub(crate) fn serve(stream: TcpStream, config: Arc<ServerConfig>, kept: &Kept) {
    stream.set_nonblocking(true).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::from_std(stream).unwrap();
        let Ok(stream) = TlsAcceptor::from(config).accept(stream).await else { return };
        let Ok(mut connection) = h2::server::handshake(stream).await else { return };
        while let Some(Ok((request, respond))) = connection.accept().await {
            tokio::spawn(answer(request, respond, Arc::clone(kept)));
        }
    });
}

async fn answer(mut request: Request<RecvStream>, mut respond: SendResponse<Bytes>, kept: Kept) -> Option<()> {
    let mut text = format!("{} {} {:?}\r\n", request.method(), request.uri(), request.version());
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes())));
    }
    text.push_str("\r\n");
    let body = request.body_mut();
    while let Some(data) = body.data().await {
        let data = data.ok()?;
        body.flow_control().release_capacity(data.len()).ok()?;
        text.push_str(&String::from_utf8_lossy(&data));
    }
    kept.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    let mut out = respond.send_response(Response::new(()), false).ok()?;
    out.send_data(Bytes::from_static(b"from upstream\n"), true).ok()
}
