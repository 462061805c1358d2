//! Another issuer: a server of metadata and keys on this machine, that counts what it is asked and can be out of reach.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::certificates::Issued;
use crate::upstream::secured;

/// A running issuer.
pub struct Issuer {
    url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Whole answers by path.
    answers: HashMap<String, String>,
    asked: Vec<String>,
    is_down: bool,
}

impl Issuer {
    /// One without keys.
    pub fn start() -> Self {
        Self::serve("http", answer)
    }

    /// The same over TLS, under a certificate that may be any.
    pub fn over_tls(issued: &Issued) -> Self {
        let config = Arc::new(secured(issued));
        Self::serve("https", move |stream, state| {
            let session = rustls::ServerConnection::new(Arc::clone(&config)).expect("a session");
            answer(rustls::StreamOwned::new(session, stream), state);
        })
    }

    fn serve(scheme: &str, each: impl Fn(TcpStream, &Mutex<State>) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("{scheme}://{}", listener.local_addr().expect("an address"));
        let state = Arc::<Mutex<State>>::default();
        let kept = Arc::clone(&state);
        std::thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(|stream| each(stream, &kept)));
        let issuer = Self { url, state };
        let metadata = serde_json::json!({"issuer": issuer.url, "jwks_uri": format!("{}/keys", issuer.url)});
        issuer.answers("/.well-known/openid-configuration", "200 OK", &metadata.to_string());
        issuer.has_keys(&[]);
        issuer
    }

    /// Its name, which is also its address.
    pub fn name(&self) -> &str {
        &self.url
    }

    /// Answers a path with a body from now on.
    pub fn answers(&self, path: &str, status: &str, body: &str) {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        self.state().answers.insert(path.to_owned(), answer);
    }

    /// Has these keys from now on.
    pub fn has_keys(&self, keys: &[serde_json::Value]) {
        self.answers("/keys", "200 OK", &serde_json::json!({ "keys": keys }).to_string());
    }

    /// Is out of reach from now on, or is there again.
    pub fn is_down(&self, is_down: bool) {
        self.state().is_down = is_down;
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.state().asked.iter().filter(|asked| *asked == path).count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers one request of a connection; nothing of one whose head never came.
fn answer(mut stream: impl Read + Write, state: &Mutex<State>) {
    let (mut head, mut buffer) = (Vec::new(), [0; 4096]);
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => head.extend_from_slice(&buffer[..count]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    state.asked.push(path.clone());
    if !state.is_down {
        let missing = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned();
        let answer = state.answers.get(&path).unwrap_or(&missing).clone();
        drop(state);
        let _ = stream.write_all(answer.as_bytes());
        let _ = stream.flush();
    }
}
