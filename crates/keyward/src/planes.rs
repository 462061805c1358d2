//! The two planes of a server: the workers of the cores, and what runs on the control runtime.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use keyward_admin::{Configurations, Control, Guard, GuardParts};
use keyward_api::admin::{admin_routes, socket_routes};
use keyward_api::import::provers::KeyProvers;
use keyward_api::in_force::Configuration;
use keyward_api::metrics::{Depth, Metrics};
use keyward_api::nodes::{FileSizes, Serving};
use keyward_api::service::Service;
use keyward_api::sign_in::basic::BasicPasswords;
use keyward_api::signing_keys::opener::Opener;
use keyward_core::plane::Plane;
use keyward_edge::Fetcher;
use keyward_engine::fetcher::{self, Questions};
use keyward_engine::limits::{self, Asks, Cells, Limiter};
use keyward_engine::node::Node;
use keyward_engine::ports::{Clock, Identity, Lookup, Reserves, Store, Use};
use keyward_engine::refresher::Refresher;
use keyward_engine::signing::VerifyingSource as _;
use keyward_engine::tally::{Shown, Tally};
use keyward_engine::throttle::Throttle;
use keyward_engine::worker::{Parts, Worker};
use keyward_http::own;
use tokio::sync::{Semaphore, mpsc};

use crate::data_dir::DataDir;
use crate::exit::{Failed, Result};
use crate::handover::{self, Sockets, Wished};
use crate::ports::Ports;
use crate::{socket, terminal, witness};

/// The number and name of the only node of a SQLite store.
const NODE: (u16, &str) = (1, "node-1");
/// Keys that one core remembers, in each of two generations.
const KEYS_REMEMBERED: usize = 100_000;

/// How often some of the cells of limits are looked through.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// What both planes stand on.
pub struct Ground {
    /// Where records are.
    pub store: Arc<dyn Store>,
    /// What the store keeps once.
    pub identity: Identity,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// What opens the signing keys.
    pub opener: Arc<Opener>,
}

/// What both planes share: a node, its cores' workers, and the tasks that keep them true.
pub struct Planes {
    /// The node.
    pub node: Arc<Node>,
    /// What keeps it true.
    pub refresher: Arc<Refresher>,
    /// One worker for each core.
    pub workers: Vec<Worker>,
    /// The one that judges what operators ask.
    pub guard: Worker,
    /// What they ask the store.
    pub questions: Questions,
    /// What callers used of their limits.
    pub cells: Arc<Cells>,
    /// What is to be written ahead for them.
    pub asks: Asks,
    /// Wrong credentials of all cores and endpoints.
    pub throttle: Arc<Throttle>,
    /// What they count.
    pub tallies: Vec<Shown>,
    /// How many of their questions wait.
    pub questions_waiting: Depth,
}

impl Planes {
    /// A node that stands where its store stands.
    ///
    /// # Errors
    /// The store's.
    pub async fn new(ground: &Ground, first: &Configuration, cores: usize) -> Result<Self> {
        let Ground { store, identity, clock, opener } = ground;
        let signing_keys = Arc::new(opener.verifying(&store.signing_keys().await.map_err(failed)?));
        // One more mailbox than there are cores: operators are judged by a worker of their own.
        let (node, mut mailboxes) = Node::new(identity.head, cores + 1);
        let last = mailboxes.pop().ok_or_else(|| failed("a node without cores"))?;
        node.shared().imported().know(&store.imported_keys().await.map_err(failed)?);
        let node = Arc::new(node);
        let lookup: Arc<dyn Lookup> = Arc::clone(store) as Arc<dyn Lookup>;
        let (asker, questions) = fetcher::channel();
        let (reserver, asks) = limits::channel();
        let cells = Arc::new(Cells::default());
        let limiter = Limiter::new(Arc::clone(&cells), reserver);
        let throttle = Arc::<Throttle>::default();
        let worker = |plane, (core, mailbox)| {
            Worker::of_plane(
                plane,
                Parts {
                    node: NODE.0,
                    core: u8::try_from(core).unwrap_or(u8::MAX),
                    rules: Arc::clone(&first.rules),
                    version: first.version,
                    tag_key: identity.tag_key.clone(),
                    signing_keys: Arc::clone(&signing_keys),
                    clock: Arc::clone(clock),
                    shared: node.shared(),
                    mailbox,
                    asker: asker.clone(),
                    limiter: limiter.clone(),
                    throttle: Arc::clone(&throttle),
                    head: identity.head,
                    capacity: KEYS_REMEMBERED,
                    tally: Tally::default(),
                },
            )
        };
        let workers: Vec<Worker> = mailboxes.into_iter().enumerate().map(|at| worker(Plane::Data, at)).collect();
        let guard = worker(Plane::Control, (cores, last));
        let tallies = workers.iter().chain([&guard]).map(|worker| worker.tally().shown()).collect();
        let questions_waiting = Box::new(asker.depth());
        let source = Arc::<Opener>::clone(opener);
        let refresher =
            Arc::new(Refresher::new(NODE.1, Arc::clone(&node), lookup, Arc::clone(clock), source, signing_keys));
        Ok(Self { node, refresher, workers, guard, questions, tallies, questions_waiting, cells, asks, throttle })
    }
}

/// What runs on the control runtime.
pub struct ControlPlane<'a> {
    /// The port for operators.
    pub admin: std::net::TcpListener,
    /// The socket for commands, where it was taken over.
    pub control: Option<std::os::unix::net::UnixListener>,
    /// Where the socket for commands is.
    pub data_dir: &'a DataDir,
    /// What operations work with.
    pub service: &'a Arc<Service>,
    /// Where records are.
    pub store: &'a Arc<dyn Store>,
    /// What callers used of their limits.
    pub cells: &'a Arc<Cells>,
    /// What the admin port tells of the server.
    pub metrics: Metrics,
    /// Where callers come, as far as it is a port.
    pub data_url: Option<String>,
    /// What is known of configurations.
    pub configurations: Configurations,
    /// What judges operators, and what becomes of its decisions.
    pub guard: GuardParts,
    /// How long the audit log is kept, if not for ever.
    pub audit_kept: Option<Duration>,
}

impl ControlPlane<'_> {
    /// Starts it all: the open ports, and what the next process needs to take over.
    ///
    /// # Errors
    /// A socket that cannot be listened on.
    pub fn start(
        self,
        (questions, asks): (Questions, Asks),
        refresher: &Arc<Refresher>,
        own: own::OwnReceiver,
        uses: mpsc::Receiver<Vec<Use>>,
    ) -> Result<(Ports, Sockets, Wished, Guard)> {
        let listen = || {
            socket::listen(self.data_dir.path()).map_err(|error| {
                Failed::Refused(format!("cannot listen on the socket in {}: {error}", self.data_dir.path().display()))
            })
        };
        let control = self.control.map_or_else(listen, Ok)?;
        let refresher = Arc::clone(refresher);
        tokio::spawn(witness::watch(Arc::clone(self.store), Arc::clone(&refresher)));
        tokio::spawn(async move { refresher.run().await });
        tokio::spawn(fetcher::run(
            Arc::clone(self.store) as Arc<dyn Lookup>,
            Arc::clone(&self.service.clock),
            questions
                .with_passwords(Arc::new(BasicPasswords::new(Arc::clone(self.service))))
                .with_provers(Arc::new(KeyProvers::new(Arc::clone(self.service), Arc::new(Fetcher)))),
        ));
        tokio::spawn(limits::run(
            Arc::clone(self.store) as Arc<dyn Reserves>,
            Arc::clone(&self.service.clock),
            Arc::clone(self.cells),
            asks,
        ));
        tokio::spawn(sweep(Arc::clone(self.cells), Arc::clone(&self.service.clock)));
        tokio::spawn(keyward_api::own::run(Arc::clone(self.service), own));
        tokio::spawn(keyward_api::audit::run(Arc::clone(self.service)));
        tokio::spawn(keyward_api::sign_in::attempts::run(Arc::clone(self.service)));
        tokio::spawn(keyward_api::signing_keys::run(Arc::clone(self.service)));
        tokio::spawn(keyward_api::keys::overlaps::run(Arc::clone(self.service)));
        tokio::spawn(keyward_api::sessions::past::run(Arc::clone(self.service)));
        if let Some(keep) = self.audit_kept {
            let tell = |message: &str| terminal::warn_line(&format!("keyward: {message}"));
            tokio::spawn(keyward_api::audit::keep(Arc::clone(self.service), keep, tell));
        }
        tokio::spawn(write_uses(Arc::clone(self.store), uses));
        let (handing, wished) = handover::routes();
        let (gate, guard) = Guard::start(self.guard).map_err(failed)?;
        let serving = Serving {
            node: NODE.1,
            version: env!("CARGO_PKG_VERSION"),
            started_at: self.service.now().wall,
            operators_port: format!("http://{}", self.admin.local_addr().map_err(failed)?),
            bytes: file_sizes(self.data_dir.path().to_owned()),
        };
        // Only here, and once.
        let _ = self.service.serving.set(serving);
        let operators = Control {
            service: Arc::clone(self.service),
            gate,
            version: env!("CARGO_PKG_VERSION"),
            node: NODE.1,
            data_url: self.data_url,
            configuration: self.configurations,
            tails: Arc::new(Semaphore::new(keyward_admin::TAILS)),
        };
        let routes = admin_routes(Arc::clone(self.service), self.metrics).merge(keyward_console::routes());
        let admin = (self.admin, routes.merge(keyward_admin::routes(Arc::new(operators))));
        let control = (control, socket_routes(Arc::clone(self.service)).merge(handing));
        let (ports, sockets) = Ports::open(admin, control).map_err(failed)?;
        Ok((ports, sockets, wished, guard))
    }
}

/// What a file of the data directory takes, with what SQLite keeps beside it.
fn file_sizes(folder: PathBuf) -> FileSizes {
    Box::new(move |name| {
        let size = |name: String| std::fs::metadata(folder.join(name)).ok().map(|file| file.len());
        let beside = ["-wal", "-shm"].map(|end| size(format!("{name}{end}")).unwrap_or_default());
        Some(size(name.to_owned())? + beside.iter().sum::<u64>())
    })
}

/// Forgets what says no more than that nothing is used up, a part of it at a time.
async fn sweep(cells: Arc<Cells>, clock: Arc<dyn Clock>) {
    let mut tick = tokio::time::interval(SWEEP_EVERY);
    for turn in 0.. {
        tick.tick().await;
        cells.sweep(turn, clock.now().monotonic);
    }
}

/// Writes when keys were last used. A batch that cannot be written is lost: the next use reports again.
async fn write_uses(store: Arc<dyn Store>, mut uses: mpsc::Receiver<Vec<Use>>) {
    while let Some(batch) = uses.recv().await {
        let _ = store.record_uses(&batch).await;
    }
}

fn failed(error: impl std::fmt::Display) -> Failed {
    Failed::Refused(error.to_string())
}
