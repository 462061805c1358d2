//! `keyward serve`: takes the ports and the data directory, starts both planes, says when they are ready, and runs
//! until it is told to stop.

use std::fs::File;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use keyward_admin::{Guard, GuardParts};
use keyward_api::metrics::{CertificateReads, Metrics, Sources};
use keyward_api::service::Service;
use keyward_api::sessions::tokens;
use keyward_config::Settings;
use keyward_core::algorithm::Algorithm;
use keyward_edge::{EdgeConfig, Place, Setups};
use keyward_engine::ports::{Clock, Store};
use keyward_engine::record::{self, Journal};
use keyward_http::own;
use tokio::sync::{mpsc, oneshot};

use crate::banner::{self, Facts};
use crate::certificates::Certificates;
use crate::cli::{Cli, Log, Serve};
use crate::data_dir::{DataDir, Held, Holder, PATIENCE, RETRY};
use crate::doors::Doors;
use crate::exit::{Failed, Result};
use crate::handover::{Agreed, Given, Handing, Sockets, Standby, Taken};
use crate::issuers::Issuers;
use crate::planes::{ControlPlane, Ground, Planes};
use crate::ports::Ports;
use crate::reload::{Cause, Reloader};
use crate::settings::Loaded;
use crate::signals::{Heard, Signals};
use crate::system::SystemClock;
use crate::{backup, checking, descriptors, first_start, handover, keeper, log, master_key, others, terminal, wire};

/// Batches of uses that may wait to be written.
const BATCHES_OF_USES: usize = 64;
/// Records that may wait for the log.
const RECORDS_WAITING: usize = 8192;
/// How long what runs in the background has to end before the data directory is given away.
const LAST_TASKS: Duration = Duration::from_secs(2);
/// How long whoever reads the log has to take its last lines.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// A port that is taken, a data directory that cannot be used, mistakes in the configuration.
pub fn run(cli: &Cli, flags: &Serve) -> Result<()> {
    let mut loaded = Loaded::for_serve(cli, flags)?;
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let most = descriptors::raise();
    // Ports first: when one is taken, nothing was made or changed.
    let mut offered = if flags.take_over { handover::ask(loaded.data_dir())? } else { None };
    let sockets = offered.as_mut().map(|offered| std::mem::take(&mut offered.sockets)).unwrap_or_default();
    let mut doors = Doors::open(&loaded, cores, sockets)?;
    let mut runtime = control_runtime()?;
    let taken = match offered {
        Some(offered) => {
            // The last that can be found wrong while the other server still goes on.
            wire::setup(loaded.settings(), 1, None)?;
            offered.agree(doors.stays)?
        }
        None => None,
    };
    let (lock, standby) = taken.map(|Taken { lock, standby }| (lock, standby)).unzip();
    let data_dir = runtime.block_on(hold(&loaded, flags, lock))?;
    if let Some(warning) = others::readers(data_dir.path()) {
        terminal::warn_line(&warning);
    }
    loop {
        let seats = descriptors::seats(loaded.settings().server.limits.connections, most, cores);
        let start = Start { cli, flags, loaded: &loaded, seats, standby: standby.as_ref() };
        let Some(left) = runtime.block_on(serve(start, doors, &data_dir))? else { return Ok(()) };
        // From here on nothing in this process uses the data directory.
        runtime.shutdown_timeout(LAST_TASKS);
        match left.next.give(data_dir.lock()) {
            Given::Serves => return Ok(()),
            Given::Silent => {
                terminal::warn_line("keyward: the process that took over has not said that it serves; this one ends");
                return Ok(());
            }
            Given::Back => terminal::warn_line("keyward: the process that took over is gone; this one goes on"),
        }
        loaded = left.newer.unwrap_or(loaded);
        data_dir.announce()?;
        doors = Doors::open(&loaded, cores, left.sockets)?;
        runtime = control_runtime()?;
    }
}

fn control_runtime() -> Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let built = builder.worker_threads(1).thread_name("control").enable_all().build();
    built.map_err(|error| Failed::Refused(format!("cannot start: {error}")))
}

/// Holds the data directory, by the lock that another server handed over if there is one. A command that holds it is soon done and
/// is waited for; a server is not, unless it was told to end.
async fn hold(loaded: &Loaded, flags: &Serve, mut lock: Option<File>) -> Result<DataDir> {
    let path = loaded.data_dir();
    let mut waited = Duration::ZERO;
    loop {
        let held = match lock.take() {
            Some(lock) => DataDir::taken(path, lock)?,
            None => DataDir::create(path)?,
        };
        match held {
            Held::Ours(data_dir) => {
                data_dir.announce()?;
                backup::remove_copies(path);
                return Ok(data_dir);
            }
            Held::Other(holder) if waited < PATIENCE && (flags.take_over || matches!(holder, Holder::Command)) => {
                tokio::time::sleep(RETRY).await;
            }
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

/// How a server was started.
struct Start<'a> {
    cli: &'a Cli,
    flags: &'a Serve,
    loaded: &'a Loaded,
    /// Connections at once.
    seats: usize,
    /// The process before this one.
    standby: Option<&'a Standby>,
}

/// What a server that ended for another process goes on with, should it have to.
struct Left {
    next: Agreed,
    sockets: Sockets,
    newer: Option<Loaded>,
}

/// What is to be ended when the server stops.
struct Running {
    edge: keyward_edge::Edge,
    ports: Ports,
    guard: Guard,
    handing: Handing,
    writer: Option<oneshot::Receiver<()>>,
    keeper: Option<keeper::Keeper>,
    service: Arc<Service>,
    store: Arc<dyn Store>,
}

/// Serves until it is told to stop, or until another process takes over.
async fn serve(start: Start<'_>, doors: Doors, data_dir: &DataDir) -> Result<Option<Left>> {
    let mut signals = Signals::listen()?;
    let (mut running, mut reloader) = get_ready(&start, doors, data_dir).await?;
    if let Some(standby) = start.standby {
        standby.let_go();
    }
    let next = loop {
        let cause = tokio::select! {
            heard = signals.next() => match heard {
                Heard::Stop => break None,
                Heard::Reload => Cause::Signal,
            },
            () = reloader.file_changed() => Cause::File,
            agreed = running.handing.agreed() => break Some(agreed),
        };
        reloader.reload(cause).await;
    };
    let drain = start.loaded.settings().server.limits.drain;
    let Some(next) = next else {
        if start.flags.verbose {
            terminal::warn_line("keyward: stopping; requests under way are finished first");
        }
        return running.stop(drain, None).await.map(|_| None);
    };
    terminal::warn_line("keyward: another process takes over; requests under way are finished first");
    let sockets = running.stop(drain.min(handover::DRAIN), Some(&next)).await?;
    Ok(Some(Left { next, sockets, newer: reloader.newer() }))
}

/// Starts both planes and says so.
async fn get_ready<'a>(start: &Start<'a>, doors: Doors, data_dir: &DataDir) -> Result<(Running, Reloader<'a>)> {
    let Doors { data, admin, control, certificates, .. } = doors;
    let (loaded, settings) = (start.loaded, start.loaded.settings());
    let (store, is_new) = wire::create_store(settings, data_dir).await?;
    let identity = store.identity().await.map_err(failed)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let configuration = wire::configuration(loaded, 1, clock.now().wall);
    let rules = Arc::clone(&configuration.rules);
    let opener = wire::opener(settings, Some(master_key::of(data_dir)?), &identity);
    let ground = Ground { store: Arc::clone(&store), identity, clock, opener };
    let planes = Planes::new(&ground, &configuration, data.cores()).await?;
    let (decisions, recording, keeper) = keeper::start(settings, data_dir.path(), &ground.clock, data.cores()).await;
    let refresher = Some(Arc::clone(&planes.refresher));
    let pending = recording.pending();
    let limits = Some(Arc::clone(&planes.cells));
    let throttle = Arc::clone(&planes.throttle);
    let opened = wire::Opened { ground: &ground, configuration, refresher, limits, decisions, pending, throttle };
    let service = Arc::new(wire::service(data_dir, opened).await?);
    // What the last process could not seal, and the first user. It may also wait: the sealer tries again.
    let _ = service.sealer.seal(&*store).await;
    let form = log_form(start.flags, settings);
    let (journal, writer) = start_log(form);
    let (own_sender, own_receiver) = own::channel();
    let (uses, uses_received) = mpsc::channel(BATCHES_OF_USES);
    let places = (data.place().clone(), admin.local_addr().map_err(failed)?);
    let certificate_reads = Arc::<CertificateReads>::default();
    let setups = Arc::new(Setups::new(wire::setup(settings, 1, Some(&service))?));
    let issuers = Issuers::start(settings, &planes.node, &ground.clock);
    let counted = Arc::clone(&setups);
    let metrics = Metrics::new(
        Sources {
            cores: planes.tallies,
            queues: vec![
                ("own_endpoints", Box::new(own_sender.depth())),
                ("store", planes.questions_waiting),
                ("decisions", Box::new(recording.depth())),
            ],
            upstreams: Box::new(move || counted.shown()),
            node: planes.node.shared(),
            issuers: Arc::clone(&issuers.followed),
            certificates: Arc::clone(&certificate_reads),
            version: env!("CARGO_PKG_VERSION"),
        },
        Arc::clone(&service),
    );
    let audit_kept = settings.audit.keep;
    let cells = &planes.cells;
    // Logged as the cores' are.
    let recording = recording.logged(journal);
    let guard = GuardParts { worker: planes.guard, recording: recording.clone(), uses: uses.clone() };
    let configurations = checking::configurations(start.cli.preset.clone());
    let data_url = match &places.0 {
        Place::Tcp(address) => Some(format!("http{}://{address}", if settings.server.tls.enabled { "s" } else { "" })),
        Place::Unix(_) => None,
    };
    let control = ControlPlane {
        data_url,
        configurations,
        admin,
        control,
        data_dir,
        service: &service,
        store: &store,
        cells,
        metrics,
        guard,
        audit_kept,
    };
    let (ports, sockets, wished, guard) =
        control.start((planes.questions, planes.asks), &planes.refresher, own_receiver, uses_received)?;
    let offer = Sockets { data: data.duplicates().map_err(failed)?, ..sockets };
    if !planes.refresher.refresh().await {
        return Err(Failed::Refused("the store does not answer".to_owned()));
    }
    prepare_tokens(&service, settings.security.jwt.algorithm).await?;
    // Shown only where the banner goes to the terminal itself: stderr may be a file.
    let shown = terminal::is_terminal() && form != Log::Json;
    let first_password = first_start::ensure(&service, data_dir.path(), shown).await?;
    let config = EdgeConfig {
        tls: certificates.as_ref().map(Certificates::door),
        ..wire::edge(settings, start.seats, Arc::clone(&setups), own_sender, recording, uses)
    };
    if let Some(certificates) = certificates {
        tokio::spawn(certificates.follow(certificate_reads));
    }
    let edge = data.settled().start(config, planes.workers).map_err(failed)?;
    tokio::spawn(keyward_edge::check(Arc::clone(&setups)));
    let facts = Facts {
        settings,
        rules: &rules,
        data: &places.0,
        admin: places.1,
        is_new,
        first_password: first_password.as_ref(),
    };
    greet(&banner::text(&facts).await, form);
    let reloader = Reloader::new((start.cli, start.flags, loaded), &service, &planes.node, &setups, issuers);
    let handing = Handing::start(offer, wished);
    Ok((Running { edge, ports, guard, handing, writer, keeper, service, store }, reloader))
}

impl Running {
    /// Ends all but the hold on the data directory, for the process that goes on if there is one. The sockets that both have then.
    async fn stop(self, drain: Duration, next: Option<&Agreed>) -> Result<Sockets> {
        let mut sockets = self.handing.end().await;
        match next {
            Some(next) => {
                if !next.stays {
                    sockets.data.clear();
                }
                self.edge.hand_over(drain, next.stays).await;
            }
            None => {
                sockets = Sockets::default();
                self.edge.stop(drain).await;
            }
        }
        self.ports.close().await;
        self.guard.end().await;
        if let Some(written) = self.writer {
            // The edge is gone and with it every journal, so that the writer ends once it has written all. Where nobody
            // takes our lines any more, the process ends without it.
            let _ = tokio::time::timeout(LAST_LINES, written).await;
        }
        if let Some(keeper) = self.keeper {
            keeper.finish().await;
        }
        self.service.attempts.settle(&self.service, true).await;
        let cells = self.service.limits.as_ref();
        let unused = cells.map(|cells| cells.unused(self.service.now().monotonic)).unwrap_or_default();
        if !unused.is_empty() {
            // Where it fails, what was written ahead counts as used.
            let _ = self.store.give_back(&unused).await;
        }
        // What cannot be sealed now is sealed at the next start.
        let _ = self.service.sealer.seal(&*self.store).await;
        self.store.close().await.map_err(failed)?;
        Ok(sockets)
    }
}

/// Shows the banner where it breaks no program's reading.
fn greet(banner: &str, form: Log) {
    match form {
        Log::Json => terminal::warn_line(banner),
        Log::Human | Log::Off => terminal::line(banner),
    }
}

/// Opens the signing keys, or makes the first of the algorithm.
async fn prepare_tokens(service: &Service, algorithm: Algorithm) -> Result<()> {
    let (signing, lost) = tokens::Signing::open(service, algorithm).await.map_err(failed)?;
    if lost {
        terminal::warn_line(
            "keyward: the master key opens none of the store's signing keys; a new one signs from now on. Tokens that the \
             old ones signed go on until they end, unless they were signed with HS256: those are refused, and a refresh \
             replaces them",
        );
    }
    // Set once, before anybody can ask.
    let _ = service.signing.set(signing);
    Ok(())
}

fn log_form(flags: &Serve, settings: &Settings) -> Log {
    let unasked = if terminal::is_terminal() { Log::Human } else { Log::Off };
    flags.log.unwrap_or(if settings.decisions.log { Log::Json } else { unasked })
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

fn failed(error: impl std::fmt::Display) -> Failed {
    Failed::Refused(error.to_string())
}
