//! The new process: it asks the running server for its sockets, agrees once it knows that it can start, waits for the data
//! directory, and says when it serves.

use std::fs::File;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;

use bytes::Bytes;
use http::header::{CONNECTION, HOST, UPGRADE};
use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;

use super::word::{Word, hear, say};
use super::{AT_HAND, ENDING, PATH, PROTOCOL, Sockets};
use crate::exit::{Failed, Result};
use crate::{backend, others, socket};

/// What a running server offers.
pub struct Offered {
    stream: UnixStream,
    /// Its sockets.
    pub sockets: Sockets,
}

/// What was taken over, from a process that stands by.
pub struct Taken {
    /// The locked data directory.
    pub lock: File,
    /// How that process hears of this one.
    pub standby: Standby,
}

/// The process that this one took over from. It goes on once the connection ends without a word, so that only the end of this process
/// may end it: whatever uses the data directory is gone by then.
pub struct Standby(&'static UnixStream);

impl Standby {
    /// Lets it end.
    pub fn let_go(&self) {
        // Whoever is gone already needs no word.
        let _ = say(self.0, Word::Serving, None);
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// Asks the server that runs on a data directory for its sockets; `None` where none does.
///
/// # Errors
/// The directory could be another user's, or the server does not hand over.
pub fn ask(data_dir: &Path) -> Result<Option<Offered>> {
    let Ok(directory) = File::open(data_dir) else { return Ok(None) };
    // Before anything that comes from it is believed.
    others::refuse_writers(data_dir, &directory)?;
    let Ok(stream) = socket::connect(data_dir) else { return Ok(None) };
    let asked = async { tokio::time::timeout(AT_HAND, upgrade(stream)).await };
    let stream = backend::runtime()?.block_on(asked).unwrap_or_else(|_| {
        Err(Failed::Refused("the running server does not answer; nothing was changed".to_owned()))
    })?;
    read(stream).map(Some).map_err(|error| broke_off(&error))
}

fn broke_off(error: &dyn std::fmt::Display) -> Failed {
    Failed::Refused(format!("the running server did not hand over ({error}); nothing was changed"))
}

async fn upgrade(stream: UnixStream) -> Result<UnixStream> {
    let stream = tokio::net::UnixStream::from_std(stream).map_err(|error| broke_off(&error))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| broke_off(&error))?;
    tokio::spawn(connection.with_upgrades());
    let request = Request::post(PATH)
        .header(HOST, "keyward")
        .header(CONNECTION, "upgrade")
        .header(UPGRADE, PROTOCOL)
        .body(Empty::<Bytes>::new())
        .map_err(|error| broke_off(&error))?;
    let answer = sender.send_request(request).await.map_err(|error| broke_off(&error))?;
    match answer.status() {
        StatusCode::SWITCHING_PROTOCOLS => {}
        StatusCode::CONFLICT => return Err(broke_off(&"another process is taking over")),
        _ => return Err(broke_off(&"it is of another version; stop it, then start this one")),
    }
    let upgraded = hyper::upgrade::on(answer).await.map_err(|error| broke_off(&error))?;
    let parts = upgraded.downcast::<TokioIo<tokio::net::UnixStream>>().map_err(|_| broke_off(&"no socket"))?;
    parts.io.into_inner().into_std().map_err(|error| broke_off(&error))
}

/// Hears of the sockets. Nothing was read of them before: the server is silent until it is asked to send.
fn read(stream: UnixStream) -> io::Result<Offered> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(AT_HAND))?;
    say(&stream, Word::Send, None)?;
    let mut sockets = Sockets::default();
    loop {
        match hear(&stream)? {
            (Word::Data, Some(socket)) => sockets.data.push(socket),
            (Word::Admin, Some(socket)) => sockets.admin = Some(socket),
            (Word::Control, Some(socket)) => sockets.control = Some(socket),
            (Word::All, None) => return Ok(Offered { stream, sockets }),
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

impl Offered {
    /// Has the server end, and waits for its data directory. `None`: it ended without giving it, as when it was killed; then the
    /// directory is free, or soon is. The connection stays open as long as this process lives.
    ///
    /// # Errors
    /// It could not be told.
    pub fn agree(self, stays: bool) -> Result<Option<Taken>> {
        let word = if stays { Word::Agreed } else { Word::Moved };
        let stream: &'static UnixStream = Box::leak(Box::new(self.stream));
        say(stream, word, None).map_err(|error| broke_off(&error))?;
        stream.set_read_timeout(Some(ENDING)).map_err(|error| broke_off(&error))?;
        match hear(stream) {
            Ok((Word::Lock, Some(lock))) => Ok(Some(Taken { lock: lock.into(), standby: Standby(stream) })),
            _ => Ok(None),
        }
    }
}
