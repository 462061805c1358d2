//! Starting one thread per core, and stopping them all.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::thread::JoinHandle;
use std::time::Duration;

use keyward_engine::worker::Worker;
use socket2::Socket;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{oneshot, watch};
use tokio::task::LocalSet;

use crate::bind::Bound;
use crate::config::EdgeConfig;
use crate::held::Bodies;
use crate::listener::Listener;
use crate::per_core::{Core, Ending, Stop, run};
use crate::place::Place;
use crate::socket_file::SocketFile;

/// How long connections on which nothing runs are kept while another process waits for the port: a request that is on its way is
/// still answered, with the word that it was the last one on its connection.
pub const LINGER: Duration = Duration::from_secs(1);

/// A running edge. Dropped without [`Edge::stop`], it stops at once without draining.
#[derive(Debug)]
pub struct Edge {
    place: Place,
    stop: watch::Sender<Option<Ending>>,
    threads: Vec<Thread>,
    /// Removed at the end.
    file: Option<SocketFile>,
}

#[derive(Debug)]
struct Thread {
    handle: JoinHandle<()>,
    /// Closes when the thread has nothing left to do.
    ended: oneshot::Receiver<()>,
}

/// What a thread takes with it.
struct Luggage {
    config: Arc<EdgeConfig>,
    bodies: Arc<Bodies>,
    worker: Worker,
    /// Which of how many cores it is for.
    place: (usize, usize),
    listener: Listener,
    taken: Arc<AtomicUsize>,
    stop: Stop,
}

impl Bound {
    /// Starts one thread per worker; there should be as many as cores were bound for.
    ///
    /// # Errors
    /// What the system refuses: a thread, or what a runtime needs.
    pub fn start(self, config: EdgeConfig, workers: Vec<Worker>) -> io::Result<Edge> {
        let Self { listeners, place, file } = self;
        let config = Arc::new(config);
        let taken = Arc::new(AtomicUsize::new(0));
        let bodies = Arc::new(Bodies::default());
        let (stop, stopped) = watch::channel(None);
        let cores = workers.len();
        let mut threads = Vec::with_capacity(workers.len());
        for (number, (listener, worker)) in listeners.into_iter().zip(workers).enumerate() {
            let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
            let listener = register(&runtime, listener, &place)?;
            let (config, taken, stop) = (Arc::clone(&config), Arc::clone(&taken), stopped.clone());
            let bodies = Arc::clone(&bodies);
            let luggage = Luggage { config, bodies, worker, place: (number, cores), listener, taken, stop };
            threads.push(Thread::spawn(number, runtime, luggage)?);
        }
        Ok(Edge { place, stop, threads, file })
    }
}

fn register(runtime: &Runtime, socket: Socket, place: &Place) -> io::Result<Listener> {
    let _inside = runtime.enter();
    Listener::register(socket, place)
}

impl Thread {
    fn spawn(number: usize, runtime: Runtime, luggage: Luggage) -> io::Result<Self> {
        let (ending, ended) = oneshot::channel();
        let handle = std::thread::Builder::new().name(format!("keyward-edge-{number}")).spawn(move || {
            let tasks = LocalSet::new();
            tasks.block_on(&runtime, async move {
                let core = Rc::new(Core::new(&luggage.config, luggage.bodies, luggage.worker, luggage.place));
                run(core, luggage.listener, luggage.taken, luggage.stop).await;
            });
            drop(tasks);
            // A name look-up that hangs must not hold up the end.
            runtime.shutdown_background();
            drop(ending);
        })?;
        Ok(Self { handle, ended })
    }
}

impl Edge {
    /// Where it listens.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Accepts who waits and nobody after them, lets running requests end for at most `drain`, closes what is left, and joins the
    /// threads.
    pub async fn stop(self, drain: Duration) {
        self.end(Ending { linger: Duration::ZERO, drain, stays: false }).await;
    }

    /// Stops as [`Edge::stop`] does, for another process that goes on at the same place if `stays`: each connection may begin one more
    /// request for as long as [`LINGER`], and who connects meanwhile waits for that process.
    pub async fn hand_over(mut self, drain: Duration, stays: bool) {
        if let Some(file) = self.file.take_if(|_| stays) {
            file.leave();
        }
        self.end(Ending { linger: LINGER, drain, stays }).await;
    }

    async fn end(self, ending: Ending) {
        self.stop.send_replace(Some(ending));
        for thread in self.threads {
            // It closes without a word; a thread that panicked closes it too.
            let _ = thread.ended.await;
            let _ = thread.handle.join();
        }
    }
}
