//! The old process: it offers its sockets to whoever asks through `keyward.sock`, goes on until one agrees, gives the data
//! directory last, and stands by until the other one serves.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
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
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::word::{Word, hear, say};
use super::{AT_HAND, ENDING, PATH, PROTOCOL, Sockets};
use crate::terminal;

/// A process that has the sockets and waits for the data directory.
pub struct Agreed {
    stream: UnixStream,
    /// It listens at the same place.
    pub stays: bool,
}

/// Processes that wish to take over.
pub type Wished = mpsc::Receiver<OnUpgrade>;

/// What became of the data directory.
#[derive(Debug, PartialEq, Eq)]
pub enum Given {
    /// The other process has it, and answers.
    Serves,
    /// The other process has it, and has not said that it answers.
    Silent,
    /// The other process is gone, so that it is ours again.
    Back,
}

/// Waits for a process that takes over. Once dropped, nothing more is handed over.
pub struct Handing {
    task: JoinHandle<()>,
    offer: Arc<Sockets>,
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
    pub fn start(offer: Sockets, mut wished: Wished) -> Self {
        let (agreeing, agreed) = oneshot::channel();
        let offer = Arc::new(offer);
        let offered = Arc::clone(&offer);
        let task = tokio::spawn(async move {
            while let Some(wish) = wished.recv().await {
                match negotiate(wish, Arc::clone(&offered)).await {
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
        Self { task, offer, agreed }
    }

    /// Waits until a process agreed. Cancelling it loses nothing.
    pub async fn agreed(&mut self) -> Agreed {
        match (&mut self.agreed).await {
            Ok(agreed) => agreed,
            // Nobody can ask any more.
            Err(_) => std::future::pending().await,
        }
    }

    /// Offers nothing any more. The sockets, unless somebody is just being shown them: dropped, nobody waits any more at a place that
    /// nobody listens at.
    pub async fn end(self) -> Sockets {
        self.task.abort();
        let _ = self.task.await;
        Arc::into_inner(self.offer).unwrap_or_default()
    }
}

async fn negotiate(wish: OnUpgrade, offer: Arc<Sockets>) -> io::Result<Agreed> {
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
    let parts = upgraded.downcast::<TokioIo<tokio::net::UnixStream>>().map_err(|_| io::Error::other("no socket"))?;
    // What was read already came without its descriptors; a process that speaks this protocol waits until it is upgraded.
    if !parts.read_buf.is_empty() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let stream = parts.io.into_inner().into_std()?;
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// Shows the sockets; whether the other process stays at the place of the data port.
fn show(stream: &UnixStream, offer: &Sockets) -> io::Result<bool> {
    let Word::Send = hear(stream)?.0 else { return Err(io::ErrorKind::InvalidData.into()) };
    for socket in &offer.data {
        say(stream, Word::Data, Some(socket.as_fd()))?;
    }
    for (word, socket) in [(Word::Admin, &offer.admin), (Word::Control, &offer.control)] {
        if let Some(socket) = socket {
            say(stream, word, Some(socket.as_fd()))?;
        }
    }
    say(stream, Word::All, None)?;
    match hear(stream)?.0 {
        Word::Agreed => Ok(true),
        Word::Moved => Ok(false),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

impl Agreed {
    /// Gives the locked data directory, which nothing in this process uses any more, and waits until the other process serves or is
    /// gone. This process holds the directory as well for as long.
    pub fn give(self, lock: BorrowedFd<'_>) -> Given {
        let heard = self
            .stream
            .set_read_timeout(Some(ENDING))
            .and_then(|()| say(&self.stream, Word::Lock, Some(lock)))
            .map(|()| hear(&self.stream));
        match heard {
            Ok(Ok((Word::Serving, None))) => Given::Serves,
            // Closed by the system, once nothing of that process runs any more.
            Ok(Err(error)) if is_end(&error) => Given::Back,
            Ok(_) => Given::Silent,
            // It does not have it.
            Err(_) => Given::Back,
        }
    }
}

fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn the_directory_comes_back_only_from_a_process_that_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let lock = File::open(folder.path()).unwrap();
        // what the other one says, whether it hangs up | what became of it
        for (said, hangs_up, given) in [
            (Some(Word::Serving), false, Given::Serves),
            (Some(Word::Serving), true, Given::Serves),
            (Some(Word::Agreed), false, Given::Silent),
            (None, true, Given::Back),
        ] {
            let (stream, theirs) = UnixStream::pair().unwrap();
            if let Some(said) = said {
                say(&theirs, said, None).unwrap();
            }
            let left = (!hangs_up).then(|| theirs.try_clone().unwrap());
            let other = std::thread::spawn(move || {
                assert!(matches!(hear(&theirs), Ok((Word::Lock, Some(_)))));
            });
            assert_eq!(Agreed { stream, stays: true }.give(lock.as_fd()), given, "{said:?}");
            other.join().unwrap();
            drop(left);
        }
        let (stream, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        assert_eq!(Agreed { stream, stays: true }.give(lock.as_fd()), Given::Back);
    }
}
