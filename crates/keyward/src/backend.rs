//! Where a command is carried out: by a server elsewhere, by the running server through its socket, else on the store itself.

use std::path::Path;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HOST};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use keyward_api::command::{Command, Reply};

use crate::cli::Cli;
use crate::data_dir::{DataDir, Held, Holder, PATIENCE, RETRY};
use crate::exit::{Failed, Result};
use crate::remote::Server;
use crate::settings::Loaded;
use crate::{socket, wire};

/// How long the server may take: a change says where it is felt after about four seconds at most.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long it may take to copy the store, which grows with it.
const COPYING: Duration = Duration::from_secs(3600);

/// Where a command is carried out.
pub enum Reach {
    /// On this machine, in the data directory that the configuration names.
    Here(Box<Loaded>),
    /// By a server elsewhere.
    There(Server),
}

impl Reach {
    /// What the flags and the environment say.
    ///
    /// # Errors
    /// A configuration with mistakes; a server without a key, or that no key may be sent to.
    pub fn of(cli: &Cli) -> Result<Self> {
        match Server::named(cli)? {
            Some(server) => Ok(Self::There(server)),
            None => Ok(Self::Here(Box::new(Loaded::for_command(cli)?))),
        }
    }

    /// Carries out a command, wherever the truth is.
    ///
    /// # Errors
    /// As [`run`]; a server elsewhere that refuses, or does not answer.
    pub fn run(&self, command: Command) -> Result<Reply> {
        match self {
            Self::Here(loaded) => run(loaded, command),
            Self::There(server) => runtime()?.block_on(server.run(command)),
        }
    }

    /// Where the operators' port is, as a URL, by the configuration that this command reads.
    pub fn operators_port(&self) -> String {
        match self {
            Self::Here(loaded) => {
                let admin = &loaded.settings().admin;
                format!("http://{}", std::net::SocketAddr::new(admin.host, admin.port))
            }
            Self::There(server) => server.url().to_owned(),
        }
    }

    /// Asks a server that runs; `None` where none does.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub fn ask_running(&self, command: &Command) -> Result<Option<Reply>> {
        match self {
            Self::Here(loaded) => ask_running(loaded, command),
            Self::There(_) => self.run(command.clone()).map(Some),
        }
    }
}

/// Carries out a command in a data directory, wherever the truth is.
///
/// # Errors
/// There is no data, it is held by a process that does not answer, or the command itself was refused.
pub fn run(loaded: &Loaded, command: Command) -> Result<Reply> {
    let reply = runtime()?.block_on(reach(loaded, command))?;
    match reply {
        Reply::Failed { failure } => Err(failure.into()),
        other => Ok(other),
    }
}

/// Asks the server that runs on the data directory; `None` where none does.
///
/// # Errors
/// It does not answer, or refuses.
pub fn ask_running(loaded: &Loaded, command: &Command) -> Result<Option<Reply>> {
    let Ok(stream) = socket::connect(loaded.data_dir()) else { return Ok(None) };
    let reply = runtime()?.block_on(ask_within(DEADLINE, stream, command))?;
    match reply {
        Reply::Failed { failure } => Err(failure.into()),
        other => Ok(Some(other)),
    }
}

/// What carries out a command.
///
/// # Errors
/// The system has no more room for it.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().map_err(|error| Failed::Refused(format!("cannot start: {error}")))
}

async fn reach(loaded: &Loaded, command: Command) -> Result<Reply> {
    let path = loaded.data_dir();
    let mut waited = Duration::ZERO;
    loop {
        match DataDir::open(path)? {
            Held::Ours(data_dir) => return alone(loaded, &data_dir, command).await,
            Held::Other(holder) => {
                if let Ok(stream) = socket::connect(path) {
                    let deadline = if matches!(command, Command::CopyStore { .. }) { COPYING } else { DEADLINE };
                    return ask_within(deadline, stream, &command).await;
                }
                if waited >= PATIENCE {
                    return Err(held(path, &holder));
                }
            }
        }
        tokio::time::sleep(RETRY).await;
        waited += RETRY;
    }
}

/// A server of another version, perhaps.
pub fn unexpected() -> Failed {
    Failed::Refused("the server answered something else than it was asked".to_owned())
}

fn held(path: &Path, holder: &Holder) -> Failed {
    Failed::Refused(format!(
        "the data directory {} is held by {holder}, which does not answer; nothing was changed. If its keyward.sock \
         was deleted, start the server again",
        path.display()
    ))
}

/// No server runs: the store is opened here, under the lock, for this one command.
async fn alone(loaded: &Loaded, data_dir: &DataDir, command: Command) -> Result<Reply> {
    let service = wire::service_alone(loaded, data_dir).await?;
    let reply = keyward_api::command::run(&service, command).await;
    // What cannot be sealed now is sealed by whoever comes next.
    let _ = service.sealer.seal(&*service.store).await;
    if let Some(decisions) = &service.decisions {
        // Nothing was written.
        let _ = decisions.close().await;
    }
    service.store.close().await.map_err(|error| Failed::Refused(format!("closing the store failed: {error}")))?;
    Ok(reply)
}

/// The server's answer, if it comes in time. What was begun is not taken back when nobody waits for it any more.
async fn ask_within(deadline: Duration, stream: std::os::unix::net::UnixStream, command: &Command) -> Result<Reply> {
    tokio::time::timeout(deadline, ask(stream, command)).await.unwrap_or_else(|_| {
        Err(Failed::Refused(format!(
            "the running server did not answer within {} s; the change may have been made: look at the state before you \
             repeat this",
            deadline.as_secs()
        )))
    })
}

async fn ask(stream: std::os::unix::net::UnixStream, command: &Command) -> Result<Reply> {
    let lost = |error: &dyn std::fmt::Display| {
        Failed::Refused(format!("the running server broke off ({error}); look at the state before you repeat this"))
    };
    let stream = tokio::net::UnixStream::from_std(stream).map_err(|error| lost(&error))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| lost(&error))?;
    tokio::spawn(connection);
    let body = serde_json::to_vec(command).map_err(|error| lost(&error))?;
    let request = http::Request::post("/command")
        .header(HOST, "keyward")
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(bytes::Bytes::from(body)))
        .map_err(|error| lost(&error))?;
    let answer = sender.send_request(request).await.map_err(|error| lost(&error))?;
    let status = answer.status();
    let body = answer.into_body().collect().await.map_err(|error| lost(&error))?.to_bytes();
    if !status.is_success() {
        return Err(Failed::Refused(format!(
            "the running server does not know this command ({status}); it may be of another version than this `keyward`"
        )));
    }
    serde_json::from_slice(&body).map_err(|error| lost(&error))
}

#[cfg(test)]
mod tests {
    use keyward_api::keys::KeyQuestion;

    use super::*;

    #[test]
    fn a_server_that_says_nothing_is_given_up_and_nothing_is_promised() {
        let (ours, _theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let command = Command::ListKeys { question: KeyQuestion::default(), limit: 0, cursor: None };
        let answer = runtime.block_on(ask_within(Duration::from_millis(20), ours, &command));
        let said = answer.err().unwrap().to_string();
        assert!(said.contains("may have been made") && said.contains("look at the state"), "{said}");
    }
}
