//! The new process: it asks the running server for its sockets, agrees once it knows that it can start, and waits for the data
//! directory.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use bytes::Bytes;
use http::header::{CONNECTION, HOST, UPGRADE};
use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;

use super::word::{Word, hear, say};
use super::{AT_HAND, ENDING, PATH, PROTOCOL};
use crate::exit::{Failed, Result};
use crate::{backend, others, socket};

/// What a running server offers.
pub struct Offered {
    stream: UnixStream,
    /// Sockets of the data port.
    pub data: Vec<OwnedFd>,
    /// The socket of the admin port.
    pub admin: Option<OwnedFd>,
    /// The socket of commands.
    pub control: Option<OwnedFd>,
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
    let mut offered = Offered { stream, data: Vec::new(), admin: None, control: None };
    loop {
        match hear(&offered.stream)? {
            (Word::Data, Some(socket)) => offered.data.push(socket),
            (Word::Admin, Some(socket)) => offered.admin = Some(socket),
            (Word::Control, Some(socket)) => offered.control = Some(socket),
            (Word::All, None) => return Ok(offered),
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

impl Offered {
    /// Has the server end, and waits for its data directory. `None`: it ended without giving it, as when it was killed; then the
    /// directory is free, or soon is.
    ///
    /// # Errors
    /// It could not be told.
    pub fn agree(self, stays: bool) -> Result<Option<File>> {
        let word = if stays { Word::Agreed } else { Word::Moved };
        say(&self.stream, word, None).map_err(|error| broke_off(&error))?;
        self.stream.set_read_timeout(Some(ENDING)).map_err(|error| broke_off(&error))?;
        match hear(&self.stream) {
            Ok((Word::Lock, Some(lock))) => Ok(Some(lock.into())),
            _ => Ok(None),
        }
    }
}
