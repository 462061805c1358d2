//! `keyward serve`: takes the ports and the data directory, starts both planes, says when they are ready, and runs
//! until it is told to stop.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use keyward_api::admin::{admin_routes, socket_routes};
use keyward_api::service::Service;
use keyward_api::tokens;
use keyward_core::rules::Rules;
use keyward_edge::Bound;
use keyward_engine::fetcher::{self, Questions};
use keyward_engine::node::Node;
use keyward_engine::ports::{Clock, Identity, Lookup, Store, Use};
use keyward_engine::record::{self, Journal};
use keyward_engine::refresher::Refresher;
use keyward_engine::signing::VerifyingKeys;
use keyward_engine::worker::{Parts, Worker};
use keyward_http::own;
use tokio::sync::{mpsc, oneshot};

use crate::banner::{self, Facts};
use crate::cli::{Cli, Log, Serve};
use crate::data_dir::{DataDir, Held, Holder, PATIENCE, RETRY};
use crate::exit::{Failed, Result};
use crate::settings::Loaded;
use crate::system::SystemClock;
use crate::{backup, descriptors, first_start, log, master_key, others, socket, terminal, wire, witness};

/// The number and name of the only node of a SQLite store.
const NODE: (u16, &str) = (1, "node-1");
/// Keys that one core remembers, in each of two generations.
const KEYS_REMEMBERED: usize = 100_000;
/// Batches of uses that may wait to be written.
const BATCHES_OF_USES: usize = 64;
/// Records that may wait for the log.
const RECORDS_WAITING: usize = 8192;
/// How long whoever reads the log has to take its last lines.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// A port that is taken, a data directory that cannot be used, mistakes in the configuration.
pub fn run(cli: &Cli, flags: &Serve) -> Result<()> {
    let loaded = Loaded::for_serve(cli, flags)?;
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let most = descriptors::raise();
    // Ports first: when one is taken, nothing was made or changed.
    let settings = loaded.settings();
    let data = bind(SocketAddr::new(settings.server.host, settings.server.port), cores, "--host and --port")?;
    let admin = bind_admin(&loaded)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("control")
        .enable_all()
        .build()
        .map_err(|error| Failed::Refused(format!("cannot start: {error}")))?;
    runtime.block_on(async {
        let data_dir = hold(&loaded).await?;
        if let Some(warning) = others::readers(data_dir.path()) {
            terminal::warn_line(&warning);
        }
        let seats = descriptors::seats(settings.server.limits.connections, most, cores);
        serve(&loaded, flags, seats, Doors { data, admin }, data_dir).await
    })
}

fn bind(address: SocketAddr, cores: NonZeroUsize, flags: &str) -> Result<Bound> {
    Bound::bind(address, cores).map_err(|error| Failed::Refused(format!("{error}; {flags} name another")))
}

fn bind_admin(loaded: &Loaded) -> Result<std::net::TcpListener> {
    let admin = &loaded.settings().admin;
    let address = SocketAddr::new(admin.host, admin.port);
    let bound = bind(address, NonZeroUsize::MIN, "--admin-host and --admin-port")?;
    bound.into_listener().ok_or_else(|| Failed::Refused(format!("cannot listen on {address}")))
}

/// Holds the data directory. A command that holds it is soon done and is waited for; a server is not.
async fn hold(loaded: &Loaded) -> Result<DataDir> {
    let path = loaded.data_dir();
    let mut waited = Duration::ZERO;
    loop {
        match DataDir::create(path)? {
            Held::Ours(data_dir) => {
                data_dir.announce()?;
                backup::remove_copies(path);
                return Ok(data_dir);
            }
            Held::Other(Holder::Command) if waited < PATIENCE => tokio::time::sleep(RETRY).await,
            Held::Other(holder) => {
                return Err(Failed::Refused(format!(
                    "the data directory {} is held by {holder}; stop it, or name another folder with --data-dir",
                    path.display()
                )));
            }
        }
        waited += RETRY;
    }
}

/// The ports as taken.
struct Doors {
    data: Bound,
    admin: std::net::TcpListener,
}

async fn serve(loaded: &Loaded, flags: &Serve, seats: usize, doors: Doors, data_dir: DataDir) -> Result<()> {
    let Doors { data, admin } = doors;
    let settings = loaded.settings();
    let mut signals = Signals::listen()?;
    let (store, is_new) = wire::create_store(&data_dir).await?;
    let identity = store.identity().await.map_err(failed)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let rules = Arc::new(wire::rules(settings));
    let signing_keys = Arc::new(VerifyingKeys::of(&store.signing_keys().await.map_err(failed)?));
    let planes = Planes::new(&store, &identity, signing_keys, &clock, &rules, data.cores());
    let refresher = Some(Arc::clone(&planes.refresher));
    let (its_clock, its_rules) = (Arc::clone(&clock), Arc::clone(&rules));
    let service =
        wire::service(settings, &data_dir, Arc::clone(&store), &identity, its_clock, its_rules, refresher).await?;
    let service = Arc::new(service);
    // What the last process could not seal, and the first user. It may also wait: the sealer tries again.
    let _ = service.sealer.seal(&*store).await;
    let form = log_form(flags);
    let (journal, writer) = start_log(form);
    let (own_sender, own_receiver) = own::channel();
    let (uses, uses_received) = mpsc::channel(BATCHES_OF_USES);
    let addresses = (data.local_addr(), admin.local_addr().map_err(failed)?);

    let control = ControlPlane { admin, data_dir: &data_dir, service: &service, store: &store };
    control.start(planes.questions, &planes.refresher, own_receiver, uses_received)?;
    if !planes.refresher.refresh().await {
        return Err(Failed::Refused("the store does not answer".to_owned()));
    }
    let config = wire::edge(settings, seats, own_sender, journal, uses)?;
    prepare_tokens(&service, &data_dir).await?;
    let first_password = first_start::ensure(&service, data_dir.path(), terminal::is_terminal()).await?;
    let edge = data.start(config, planes.workers).map_err(failed)?;

    let facts = Facts {
        settings,
        routes: &rules.routes,
        data: addresses.0,
        admin: addresses.1,
        is_new,
        first_password: first_password.as_ref(),
    };
    greet(&banner::text(&facts).await, form);

    signals.wait().await;
    if flags.verbose {
        terminal::warn_line("keyward: stopping; requests under way are finished first");
    }
    edge.stop(settings.server.limits.drain).await;
    if let Some(written) = writer {
        // The edge is gone and with it every journal, so that the writer ends once it has written all. Where nobody
        // takes our lines any more, the process ends without it.
        let _ = tokio::time::timeout(LAST_LINES, written).await;
    }
    // What cannot be sealed now is sealed at the next start.
    let _ = service.sealer.seal(&*store).await;
    store.close().await.map_err(failed)?;
    drop(data_dir);
    Ok(())
}

/// Shows the banner where it breaks no program's reading.
fn greet(banner: &str, form: Log) {
    match form {
        Log::Json => terminal::warn_line(banner),
        Log::Human | Log::Off => terminal::line(banner),
    }
}

/// Opens the signing keys, or makes the first.
async fn prepare_tokens(service: &Service, data_dir: &DataDir) -> Result<()> {
    let master = master_key::of(data_dir)?;
    let (keyring, lost) = tokens::keyring(service, &master).await.map_err(failed)?;
    if lost {
        terminal::warn_line(
            "keyward: the master key opens none of the store's signing keys; a new one signs from now on. Tokens that the \
             old ones signed go on until they end",
        );
    }
    // Set once, before anybody can ask.
    let _ = service.keyring.set(keyring);
    Ok(())
}

/// What both planes share: a node, its cores' workers, and the tasks that keep them true.
struct Planes {
    refresher: Arc<Refresher>,
    workers: Vec<Worker>,
    questions: Questions,
}

impl Planes {
    fn new(
        store: &Arc<dyn Store>,
        identity: &Identity,
        signing_keys: Arc<VerifyingKeys>,
        clock: &Arc<dyn Clock>,
        rules: &Arc<Rules>,
        cores: usize,
    ) -> Self {
        let (node, mailboxes) = Node::new(identity.head, cores);
        let node = Arc::new(node);
        let lookup: Arc<dyn Lookup> = Arc::clone(store) as Arc<dyn Lookup>;
        let (asker, questions) = fetcher::channel();
        let worker = |(core, mailbox)| {
            Worker::new(Parts {
                node: NODE.0,
                core: u8::try_from(core).unwrap_or(u8::MAX),
                rules: Arc::clone(rules),
                tag_key: identity.tag_key.clone(),
                signing_keys: Arc::clone(&signing_keys),
                clock: Arc::clone(clock),
                shared: node.shared(),
                mailbox,
                asker: asker.clone(),
                head: identity.head,
                capacity: KEYS_REMEMBERED,
            })
        };
        let workers = mailboxes.into_iter().enumerate().map(worker).collect();
        let refresher = Arc::new(Refresher::new(NODE.1, node, lookup, Arc::clone(clock)));
        Self { refresher, workers, questions }
    }
}

/// What runs on the control runtime.
struct ControlPlane<'a> {
    admin: std::net::TcpListener,
    data_dir: &'a DataDir,
    service: &'a Arc<Service>,
    store: &'a Arc<dyn Store>,
}

impl ControlPlane<'_> {
    fn start(
        self,
        questions: Questions,
        refresher: &Arc<Refresher>,
        own: own::OwnReceiver,
        uses: mpsc::Receiver<Vec<Use>>,
    ) -> Result<()> {
        let socket = socket::listen(self.data_dir.path()).map_err(|error| {
            Failed::Refused(format!("cannot listen on the socket in {}: {error}", self.data_dir.path().display()))
        })?;
        let socket = tokio::net::UnixListener::from_std(socket).map_err(failed)?;
        let admin = tokio::net::TcpListener::from_std(self.admin).map_err(failed)?;
        let refresher = Arc::clone(refresher);
        tokio::spawn(witness::watch(Arc::clone(self.store), Arc::clone(&refresher)));
        tokio::spawn(async move { refresher.run().await });
        tokio::spawn(fetcher::run(
            Arc::clone(self.store) as Arc<dyn Lookup>,
            Arc::clone(&self.service.clock),
            questions,
        ));
        tokio::spawn(keyward_api::own::run(Arc::clone(self.service), own));
        tokio::spawn(keyward_api::audit::run(Arc::clone(self.service)));
        tokio::spawn(write_uses(Arc::clone(self.store), uses));
        let (admin_routes, socket_routes) =
            (admin_routes(Arc::clone(self.service)), socket_routes(Arc::clone(self.service)));
        tokio::spawn(async move { axum::serve(admin, admin_routes).await });
        tokio::spawn(async move { axum::serve(socket, socket_routes).await });
        Ok(())
    }
}

/// Writes when keys were last used. A batch that cannot be written is lost: the next use reports again.
async fn write_uses(store: Arc<dyn Store>, mut uses: mpsc::Receiver<Vec<Use>>) {
    while let Some(batch) = uses.recv().await {
        let _ = store.record_uses(&batch).await;
    }
}

fn log_form(flags: &Serve) -> Log {
    flags.log.unwrap_or(if terminal::is_terminal() { Log::Human } else { Log::Off })
}

/// Starts the log's thread. What comes with the journal closes when all is written.
fn start_log(form: Log) -> (Journal, Option<oneshot::Receiver<()>>) {
    if form == Log::Off {
        return (Journal::none(), None);
    }
    let (journal, records) = record::journal(RECORDS_WAITING);
    let (writing, written) = oneshot::channel();
    std::thread::spawn(move || {
        log::write(records, form);
        drop(writing);
    });
    (journal, Some(written))
}

/// The signals that end the process. Heard from the start on, so that one that comes early is not lost.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    /// Heard so that it ends nobody: a limit on the size of files fails the write, as a full disk does.
    _file_size: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let file_size = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
        Ok(Self { terminate, interrupt, _file_size: signal(file_size).map_err(failed)? })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn failed(error: impl std::fmt::Display) -> Failed {
    Failed::Refused(error.to_string())
}
