//! The old process: it offers its sockets to whoever asks through `keyward.sock`, goes on until one agrees, and gives the data
//! directory last.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use http::StatusCode;
use http::header::{CONNECTION, UPGRADE};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade::downcast;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::word::{Word, hear, say};
use super::{AT_HAND, PATH, PROTOCOL};
use crate::terminal;

/// The sockets that the next process goes on with.
pub struct Offer {
    /// Of the data port.
    pub data: Vec<OwnedFd>,
    /// Of the admin port.
    pub admin: OwnedFd,
    /// Of commands.
    pub control: OwnedFd,
}

/// A process that has the sockets and waits for the data directory.
pub struct Agreed {
    stream: UnixStream,
    /// It listens at the same place.
    pub stays: bool,
}

/// Processes that wish to take over.
pub type Wished = mpsc::Receiver<OnUpgrade>;

/// Waits for a process that takes over. Once dropped, nothing more is handed over.
pub struct Handing {
    task: JoinHandle<()>,
    agreed: oneshot::Receiver<Agreed>,
}

/// What is asked through the socket, and where such wishes go. One at a time.
pub fn routes() -> (Router, Wished) {
    let (wishes, wished) = mpsc::channel(1);
    (Router::new().route(PATH, post(hand_over)).with_state(wishes), wished)
}

async fn hand_over(State(wishes): State<mpsc::Sender<OnUpgrade>>, mut request: Request) -> Response {
    if request.headers().get(UPGRADE).is_none_or(|asked| asked != PROTOCOL) {
        return (StatusCode::UPGRADE_REQUIRED, [(UPGRADE, PROTOCOL)]).into_response();
    }
    match wishes.try_send(hyper::upgrade::on(&mut request)) {
        Ok(()) => (StatusCode::SWITCHING_PROTOCOLS, [(UPGRADE, PROTOCOL), (CONNECTION, "upgrade")]).into_response(),
        Err(_) => StatusCode::CONFLICT.into_response(),
    }
}

impl Handing {
    /// Offers the sockets to one process after the other until one agrees.
    pub fn start(offer: Offer, mut wished: Wished) -> Self {
        let (agreeing, agreed) = oneshot::channel();
        let task = tokio::spawn(async move {
            let offer = Arc::new(offer);
            while let Some(wish) = wished.recv().await {
                match negotiate(wish, Arc::clone(&offer)).await {
                    Ok(agreed) => {
                        let _ = agreeing.send(agreed);
                        return;
                    }
                    Err(error) => terminal::warn_line(&format!(
                        "keyward: another process asked to take over and broke off ({error}); this one goes on"
                    )),
                }
            }
        });
        Self { task, agreed }
    }

    /// Waits until a process agreed. Cancelling it loses nothing.
    pub async fn agreed(&mut self) -> Agreed {
        match (&mut self.agreed).await {
            Ok(agreed) => agreed,
            // Nobody can ask any more.
            Err(_) => std::future::pending().await,
        }
    }

    /// Offers nothing any more: from now on nobody waits at a place that nobody listens at.
    pub async fn end(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

async fn negotiate(wish: OnUpgrade, offer: Arc<Offer>) -> io::Result<Agreed> {
    let stream = wish.await.map_err(io::Error::other).and_then(plain)?;
    tokio::task::spawn_blocking(move || {
        stream.set_read_timeout(Some(AT_HAND))?;
        stream.set_write_timeout(Some(AT_HAND))?;
        let stays = show(&stream, &offer)?;
        Ok(Agreed { stream, stays })
    })
    .await
    .unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// The socket under an upgraded connection.
fn plain(upgraded: Upgraded) -> io::Result<UnixStream> {
    let parts = downcast::<TokioIo<tokio::net::UnixStream>>(upgraded).map_err(|_| io::Error::other("no socket"))?;
    // What was read already came without its descriptors; a process that speaks this protocol waits until it is upgraded.
    if !parts.read_buf.is_empty() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let stream = parts.io.into_inner().into_std()?;
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// Shows the sockets; whether the other process stays at the place of the data port.
fn show(stream: &UnixStream, offer: &Offer) -> io::Result<bool> {
    let Word::Send = hear(stream)?.0 else { return Err(io::ErrorKind::InvalidData.into()) };
    for socket in &offer.data {
        say(stream, Word::Data, Some(socket.as_fd()))?;
    }
    say(stream, Word::Admin, Some(offer.admin.as_fd()))?;
    say(stream, Word::Control, Some(offer.control.as_fd()))?;
    say(stream, Word::All, None)?;
    match hear(stream)?.0 {
        Word::Agreed => Ok(true),
        Word::Moved => Ok(false),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

impl Agreed {
    /// Gives the locked data directory, which nothing in this process uses any more.
    pub fn give(self, lock: BorrowedFd<'_>) -> io::Result<()> {
        say(&self.stream, Word::Lock, Some(lock))
    }
}
