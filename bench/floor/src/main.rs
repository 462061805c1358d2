//! The floor that `make bench` holds Keyward against: bytes between a client and an upstream, moved by tokio, and nothing else.
//!
//! It is no proxy: it reads no request, keeps no pool (each client has an upstream connection of its own), sets no timeout
//! and checks nothing. What it costs is what the sockets, the kernel and the runtime cost.

#![allow(clippy::print_stderr, reason = "a command for a terminal")]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::{io, thread};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

const USAGE: &str = "usage: keyward-floor LISTEN UPSTREAM THREADS, as 127.0.0.1:8080 127.0.0.1:3000 2";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(Ok(listen)), Some(Ok(upstream)), Some(Ok(threads))) = (
        arguments.next().map(|text| text.parse::<SocketAddr>()),
        arguments.next().map(|text| text.parse::<SocketAddr>()),
        arguments.next().map(|text| text.parse::<usize>()),
    ) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let workers: Vec<_> = (0..threads).map(|_| thread::spawn(move || work(listen, upstream))).collect();
    for worker in workers {
        if let Ok(Err(error)) = worker.join() {
            eprintln!("keyward-floor: {error}");
        }
    }
    ExitCode::FAILURE
}

/// One core: its own runtime and its own listening socket. Ends only with an error.
fn work(listen: SocketAddr, upstream: SocketAddr) -> io::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(async {
        let listener = listener(listen)?;
        let tasks = tokio::task::LocalSet::new();
        tasks
            .run_until(async {
                loop {
                    let (client, _) = listener.accept().await?;
                    // A connection that fails is closed by being dropped; the load generator reports it.
                    tokio::task::spawn_local(forward(client, upstream));
                }
            })
            .await
    })
}

fn listener(listen: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(listen), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&listen.into())?;
    socket.listen(1024)?;
    TcpListener::from_std(socket.into())
}

async fn forward(mut client: TcpStream, upstream: SocketAddr) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut upstream = TcpStream::connect(upstream).await?;
    upstream.set_nodelay(true)?;
    tokio::io::copy_bidirectional(&mut client, &mut upstream).await?;
    Ok(())
}
