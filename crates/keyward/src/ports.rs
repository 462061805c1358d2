//! What operators reach a running server by, the admin port and the socket of commands: both finish what was asked before they end,
//! and whoever has just connected may still ask.

use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};

use keyward_admin::Peer;

use crate::handover::Sockets;

/// How long what was asked has to be answered at the end, and whoever has just connected to ask.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Connections at once on each.
const CONNECTIONS: usize = 512;
/// How long the next head on a connection may take to come.
const HEAD_WITHIN: Duration = Duration::from_secs(60);

/// The open ports.
pub struct Ports {
    ending: watch::Sender<bool>,
    tasks: [JoinHandle<()>; 2],
}

impl Ports {
    /// Answers on both; with the two sockets once more, for the next process.
    ///
    /// # Errors
    /// The system does not take a socket.
    pub fn open(
        (admin, admin_routes): (TcpListener, Router),
        (control, control_routes): (UnixListener, Router),
    ) -> io::Result<(Self, Sockets)> {
        control.set_nonblocking(true)?;
        let again = Sockets {
            data: Vec::new(),
            admin: Some(OwnedFd::from(admin.try_clone()?)),
            control: Some(OwnedFd::from(control.try_clone()?)),
        };
        let admin = tokio::net::TcpListener::from_std(admin)?;
        let control = tokio::net::UnixListener::from_std(control)?;
        let (ending, ended) = watch::channel(false);
        let tasks = [
            tokio::spawn(accept(admin, admin_routes, ended.clone(), |peer| Some(Peer(peer.ip())))),
            tokio::spawn(accept(control, control_routes, ended, |_| None)),
        ];
        Ok((Self { ending, tasks }, again))
    }

    /// Takes no more and finishes what was asked, for a while.
    pub async fn close(self) {
        self.ending.send_replace(true);
        for mut task in self.tasks {
            if tokio::time::timeout(LAST_ANSWERS, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

/// Accepts until the end, and waits for the connections that there are.
async fn accept<L: Listener>(
    mut listener: L,
    routes: Router,
    ended: watch::Receiver<bool>,
    peer: fn(&L::Addr) -> Option<Peer>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // As many as may be are there: others wait in the system's queue.
            (io, address) = listener.accept(), if connections.len() < CONNECTIONS => {
                connections.spawn(serve((TokioIo::new(io), peer(&address)), routes.clone(), ended.clone()));
            }
            Some(_) = connections.join_next() => {}
            () = end(ended.clone()) => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn end(mut ended: watch::Receiver<bool>) {
    // A sender that is gone is an end as well.
    let _ = ended.wait_for(|ends| *ends).await;
}

/// Serves a connection until it ends, or until the end has come and nothing runs on it.
async fn serve<I>((io, peer): (TokioIo<I>, Option<Peer>), routes: Router, ended: watch::Receiver<bool>)
where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let asked = Arc::new(Notify::new());
    let asking = Arc::clone(&asked);
    let routes = TowerToHyperService::new(routes);
    let answer = service_fn(move |mut request: Request<Incoming>| {
        asking.notify_one();
        peer.map(|peer| request.extensions_mut().insert(peer));
        routes.call(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    let connection = http.serve_connection(io, answer).with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = end(ended) => {}
    }
    // Told to end before it was asked anything, it would hang up on whoever is just about to ask.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = tokio::time::timeout(LAST_ANSWERS, asked.notified()) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;
    use std::os::unix::net::UnixStream;

    use axum::routing::get;

    use super::*;

    const ASK: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

    #[tokio::test]
    async fn whoever_has_just_connected_is_answered_and_whoever_is_idle_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let admin = TcpListener::bind("127.0.0.1:0").unwrap();
        admin.set_nonblocking(true).unwrap();
        let (address, path) = (admin.local_addr().unwrap(), folder.path().join("s"));
        let routes = Router::new().route("/", get(|| async { "answer" }));
        let control = UnixListener::bind(&path).unwrap();
        let (ports, again) = Ports::open((admin, routes.clone()), (control, routes)).unwrap();
        drop(again);
        let clients = tokio::task::spawn_blocking(move || {
            let mut idle = TcpStream::connect(address).unwrap();
            idle.write_all(ASK).unwrap();
            let mut head = [0; 12];
            idle.read_exact(&mut head).unwrap();
            assert_eq!(&head, b"HTTP/1.1 200");
            (idle, TcpStream::connect(address).unwrap(), UnixStream::connect(path).unwrap())
        });
        let (mut idle, mut one, mut other) = clients.await.unwrap();
        let closing = tokio::spawn(ports.close());
        let answered = tokio::task::spawn_blocking(move || {
            // Closed with the listeners, so that the end has come to all.
            let _ = idle.read_to_end(&mut Vec::new());
            let mut answers = [String::new(), String::new()];
            one.write_all(ASK).unwrap();
            one.read_to_string(&mut answers[0]).unwrap();
            other.write_all(ASK).unwrap();
            other.read_to_string(&mut answers[1]).unwrap();
            answers
        });
        for answer in answered.await.unwrap() {
            assert!(answer.ends_with("\r\n\r\nanswer"), "{answer:?}");
        }
        closing.await.unwrap();
    }
}
