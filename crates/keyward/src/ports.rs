//! What operators reach a running server by, the admin port and the socket of commands: both finish what was asked before they end.

use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use axum::Router;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long what was asked has to be answered at the end.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// The open ports.
pub struct Ports {
    ending: watch::Sender<bool>,
    tasks: [JoinHandle<io::Result<()>>; 2],
}

impl Ports {
    /// Answers on both; with the two sockets once more, for the next process.
    ///
    /// # Errors
    /// The system does not take a socket.
    pub fn open(
        (admin, admin_routes): (TcpListener, Router),
        (control, control_routes): (UnixListener, Router),
    ) -> io::Result<(Self, [OwnedFd; 2])> {
        control.set_nonblocking(true)?;
        let duplicates = [OwnedFd::from(admin.try_clone()?), OwnedFd::from(control.try_clone()?)];
        let admin = tokio::net::TcpListener::from_std(admin)?;
        let control = tokio::net::UnixListener::from_std(control)?;
        let (ending, _) = watch::channel(false);
        let ended = || {
            let mut heard = ending.subscribe();
            async move {
                // A sender that is gone is an end as well.
                let _ = heard.wait_for(|ends| *ends).await;
            }
        };
        let admin = axum::serve(admin, admin_routes).with_graceful_shutdown(ended());
        let control = axum::serve(control, control_routes).with_graceful_shutdown(ended());
        let tasks = [tokio::spawn(async move { admin.await }), tokio::spawn(async move { control.await })];
        Ok((Self { ending, tasks }, duplicates))
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
