//! Ports for tests that need one by its number: nobody else is given it by chance meanwhile.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use socket2::{Domain, Socket, Type};

/// A port of 127.0.0.1 that is free. Systems give out those from 32768 on by themselves; this is a lower one, and another
/// each time.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 20_000).expect("small");
    (0..20_000)
        .map(|_| 12_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed) % 20_000) % 20_000)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}

/// A port that is held and at which nobody listens: connections are refused.
pub struct Silent(Socket);

impl Silent {
    /// One of 127.0.0.1.
    pub fn hold() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a free port");
        Self(socket)
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().ok().and_then(|address| address.as_socket()).expect("an address")
    }

    /// From now on somebody listens.
    pub fn listen(self) -> TcpListener {
        self.0.listen(16).expect("it listens");
        self.0.into()
    }
}
