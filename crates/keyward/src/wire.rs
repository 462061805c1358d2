//! Puts the parts together: a store, a service on it, and the rules of a configuration.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use keyward_api::audit::Sealer;
use keyward_api::in_force::{Adopting, Configuration, InForce, Prefixes};
use keyward_api::portal::{Logo, Portal, PortalEndpoints};
use keyward_api::pulse::Pulse;
use keyward_api::service::{Service, ensure_account, first_user, first_user_event};
use keyward_api::sessions::tokens::Issuing;
use keyward_api::sign_in::attempts::Attempts;
use keyward_api::sign_in::passwords::PasswordPool;
use keyward_api::sign_in::tickets::Tickets;
use keyward_api::signing_keys::opener::Opener;
use keyward_api::signing_keys::sealing::MasterKey;
use keyward_config::{HostSeen, Prefix, Settings, UpstreamUrl, settings};
use keyward_core::digest::MacKey;
use keyward_core::principal::Mode;
use keyward_core::time::Timestamp;
use keyward_edge::{Address, Check, EdgeConfig, Limits, Setup, Setups, Timeouts, Trust, Upstream, Vouch};
use keyward_engine::decisions::Decisions;
use keyward_engine::ledger::Recording;
use keyward_engine::limits::Cells;
use keyward_engine::pending::Pending;
use keyward_engine::ports::{Clock, Identity, NewUser, Random, Records as _, Store, Use};
use keyward_engine::refresher::Refresher;
use keyward_engine::signing::turnover::Turnover;
use keyward_engine::throttle::Throttle;
use keyward_engine::upstreams::Balance;
use keyward_http::edits::{HeaderEdits, UpstreamHost};
use keyward_http::identity::IdentityHeaders;
use keyward_http::own::OwnSender;
use keyward_store::{SqliteDecisions, SqliteStore};
use secrecy::ExposeSecret as _;
use thread_priority::ThreadPriority;
use thread_priority::unix::{
    NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};
use tokio::sync::mpsc;

use crate::data_dir::DataDir;
use crate::exit::{Failed, Result};
use crate::first_start;
use crate::planes::Ground;
use crate::settings::Loaded;
use crate::system::{SystemClock, SystemRandom};
use crate::{audit_files, master_key, witness};

/// Opens the store of a data directory, made where it is missing, with its first user. Says whether it was made.
///
/// # Errors
/// The store cannot be opened or written.
pub async fn create_store(settings: &Settings, data_dir: &DataDir) -> Result<(Arc<dyn Store>, bool)> {
    let now = SystemClock::new().now().wall;
    let store = SqliteStore::create_or_open(data_dir.path(), &SystemRandom, now).await.map_err(refused)?;
    witness::confront(data_dir.path(), &store).await.map_err(refused)?;
    let account = match &settings.accounts.default {
        Some(name) => Some(ensure_account(&store, name, &SystemRandom, now).await.map_err(refused)?),
        None => None,
    };
    let first = NewUser { account, ..first_user(&SystemRandom, now) };
    store.ensure_user(&first, &first_user_event(&first)).await.map_err(refused)?;
    let is_new = store.is_new();
    Ok((Arc::new(store), is_new))
}

/// A service for one command, without a server.
///
/// # Errors
/// The store cannot be opened.
pub async fn service_alone(loaded: &Loaded, data_dir: &DataDir) -> Result<Service> {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(data_dir.path()).await.map_err(refused)?);
    witness::confront(data_dir.path(), &*store).await.map_err(refused)?;
    let identity = store.identity().await.map_err(refused)?;
    // What cannot be read is not there; no other command fails for it.
    let decisions = SqliteDecisions::find_in(data_dir.path()).await.ok().flatten();
    let decisions = decisions.map(|decisions| Arc::new(decisions) as Arc<dyn Decisions>);
    let clock = Arc::new(SystemClock::new());
    let configuration = configuration(loaded, 0, clock.now().wall);
    // Only an explanation of a token with a symmetric signature needs it; whatever is wrong with it is for `serve` to say.
    let master = master_key::existing(data_dir.path()).ok().flatten();
    let opener = opener(loaded.settings(), master, &identity);
    // Without a server nothing is pending.
    let pending = Arc::default();
    let ground = Ground { store, identity, clock, opener };
    let (ground, throttle) = (&ground, Arc::default());
    service(data_dir, Opened { ground, configuration, refresher: None, limits: None, decisions, pending, throttle })
        .await
}

/// What opens signing keys: the master key, and the secret in the configuration.
pub fn opener(settings: &Settings, master: Option<MasterKey>, identity: &Identity) -> Arc<Opener> {
    let opener = Opener::new(master);
    Arc::new(match &settings.security.jwt.secret {
        Some(secret) => opener.with_secret(secret.expose_secret(), &identity.tag_key),
        None => opener,
    })
}

/// What seals the audit log of a data directory.
///
/// # Errors
/// Its key is gone or cannot be read.
pub async fn sealer(dir: &Path, store: &dyn Store) -> Result<Sealer> {
    let sealed = store.audit_state().await.map_err(refused)?.head.is_some();
    let key = audit_files::key(dir, sealed)?;
    Ok(Sealer::new(key, Box::new(audit_files::HeadFile::new(dir))))
}

/// Threads that check passwords: two let one slow check pass another. Each has one block of 19 MiB, made once, so that they
/// are 38 MiB together, however many sign in.
const PASSWORD_THREADS: usize = 2;

/// Lets whatever serves requests go first.
pub fn step_back() {
    // Where the system does not allow it the thread is as good as any other.
    let _ = rustix::process::nice(10);
}

/// Lets whatever serves requests go before a thread that checks passwords. The first of them has its share, if a small one, so that
/// nobody who signs in waits for ever. The others take only time that nobody else wants: a thread with a share is not interrupted
/// at once when a request comes, and each such thread is felt by those who are known (`docs/performance.md`).
fn stand_aside(place: usize) {
    // For whoever looks at threads.
    let _ = rustix::thread::set_name(c"passwords");
    if place == 0 {
        return step_back();
    }
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
}

/// What a service is made of, opened already.
pub struct Opened<'a> {
    /// Store, clock and keys.
    pub ground: &'a Ground,
    /// The configuration in force.
    pub configuration: Configuration,
    /// The node that serves beside it.
    pub refresher: Option<Arc<Refresher>>,
    /// What callers used of their limits, where a node counts it.
    pub limits: Option<Arc<Cells>>,
    /// What is kept of decisions.
    pub decisions: Option<Arc<dyn Decisions>>,
    /// What it cannot tell of yet.
    pub pending: Arc<Pending>,
    /// Wrong credentials, where a node counts them too.
    pub throttle: Arc<Throttle>,
}

/// A service on an open store.
///
/// # Errors
/// The key of the audit log is gone or cannot be read.
pub async fn service(data_dir: &DataDir, opened: Opened<'_>) -> Result<Service> {
    let Opened { ground, configuration, refresher, limits, decisions, pending, throttle } = opened;
    Ok(Service {
        sealer: sealer(data_dir.path(), &*ground.store).await?,
        store: Arc::clone(&ground.store),
        clock: Arc::clone(&ground.clock),
        random: Arc::new(SystemRandom),
        tag_key: ground.identity.tag_key.clone(),
        in_force: InForce::new(configuration),
        refresher,
        limits,
        decisions,
        pending,
        pulse: Pulse::default(),
        passwords: PasswordPool::start(PASSWORD_THREADS, stand_aside),
        opener: Arc::clone(&ground.opener),
        signing: OnceLock::new(),
        serving: OnceLock::new(),
        throttle,
        portal_files: |path, asked| keyward_console::answer(keyward_console::PORTAL, path, asked),
        tickets: Tickets::default(),
        attempts: Attempts::default(),
        initial_password: Some(first_start::file(data_dir.path())),
    })
}

/// A version of the configuration as operations see it. Operators' keys are digested with a secret made here.
pub fn configuration(loaded: &Loaded, version: u64, since: Timestamp) -> Configuration {
    let mut secret = [0; 32];
    SystemRandom.fill(&mut secret);
    let settings = loaded.settings();
    let keys = &settings.security.api_keys;
    let mut rules = keyward_config::rules(settings, MacKey::from_bytes(secret));
    rules.control = Some(Arc::new(keyward_admin::control(&rules, keys.enabled)));
    let prefixes = |prefix: &Prefix| Prefixes { live: prefix.of(Mode::Live), test: prefix.of(Mode::Test) };
    Configuration {
        version,
        since,
        file: loaded.file.as_ref().map(|file| file.display().to_string()),
        // A list of plain values always has a form as JSON.
        values: serde_json::to_value(loaded.config.show()).unwrap_or_default(),
        rules: Arc::new(rules),
        responses: Arc::new(keyward_config::responses(settings)),
        default_account: settings.accounts.default.as_deref().map(Into::into),
        prefixes: prefixes(&keys.prefix),
        pair_prefixes: prefixes(&keys.pair_prefix),
        adopting: keys.adopt.as_ref().map(|adopt| Adopting {
            url: adopt.url.as_str().into(),
            header: adopt.header().into(),
            owner: adopt.owner.clone(),
            scopes: adopt.scopes.clone(),
        }),
        portal: portal_of(settings),
        issuing: Issuing {
            expiration: settings.security.jwt.expiration,
            refresh_expiration: settings.security.jwt.refresh_expiration,
            refresh_prefix: keys.refresh_prefix.clone(),
            turnover: Turnover {
                algorithm: settings.security.jwt.algorithm,
                every: settings.security.jwt.rotate_every,
                lifetime: settings.security.jwt.expiration,
            },
            refresh_without_secret: keys.refresh_without_secret,
        },
    }
}

/// The largest logo.
const LOGO_BYTES: u64 = 256 * 1024;

/// The customer portal. A logo that cannot be read, or is too large, is left out.
fn portal_of(settings: &Settings) -> Option<Portal> {
    let (configured, endpoints) = (&settings.portal, &settings.endpoints);
    let path = |path: &Option<keyward_config::EndpointPath>| path.as_ref().map(|path| path.as_str().to_owned());
    Some(Portal {
        path: configured.path.as_ref()?.as_str().into(),
        name: configured.name.as_deref().map(|name| name.trim().into()),
        color: configured.color.as_ref().map(|color| color.as_str().into()),
        logo: logo(configured),
        endpoints: PortalEndpoints {
            login: path(&endpoints.login),
            logout: path(&endpoints.logout),
            me: path(&endpoints.me),
            api_keys: path(&endpoints.api_keys).filter(|_| settings.security.api_keys.enabled),
            usage: path(&endpoints.usage),
        },
    })
}

fn logo(configured: &settings::Portal) -> Option<Logo> {
    let (file, media) = (configured.logo_file.as_ref()?, configured.media()?);
    let size = std::fs::metadata(file).ok()?.len();
    let bytes = std::fs::read(file).ok().filter(|_| size <= LOGO_BYTES)?;
    Some(Logo { media, bytes: bytes.into() })
}

/// A version of the configuration as doors see it; `signer` signs what upstreams are told.
///
/// # Errors
/// An upstream that cannot be spoken to.
pub fn setup(settings: &Settings, version: u64, signer: Option<&Arc<Service>>) -> Result<Setup> {
    let trust = trust(settings)?;
    let vouch = |name: &str| {
        let token = &settings.identity.token;
        let signer = Arc::<Service>::clone(signer.filter(|_| token.enabled)?);
        let issuer = settings.security.jwt.issuer.as_str().into();
        Some(Vouch { signer, issuer, audience: name.into(), expiration: token.expiration })
    };
    let upstream = |(name, one)| {
        let mut upstream = upstream(settings, (name, one), trust.as_ref());
        upstream.vouch = vouch(name);
        upstream
    };
    Ok(Setup {
        version,
        upstreams: settings.upstreams().map(upstream).collect(),
        proxies: keyward_config::trusted_proxies(settings),
        cors: keyward_config::cors(settings),
        responses: Arc::new(keyward_config::responses(settings)),
        requests: Arc::new(keyward_config::requests(settings)),
    })
}

/// What all upstreams over TLS are checked by, if there is any.
fn trust(settings: &Settings) -> Result<Option<Trust>> {
    let mut addresses = settings.upstreams().flat_map(|(_, one)| one.addresses());
    let any = addresses.any(|url| matches!(url, UpstreamUrl::Https(_)));
    any.then(Trust::of_system).transpose().map_err(refused)
}

fn address(url: &UpstreamUrl, trust: Option<&Trust>) -> Option<Address> {
    Some(match url {
        UpstreamUrl::Http(authority) => Address::Http(authority.clone()),
        UpstreamUrl::H2c(authority) => Address::H2c(authority.clone()),
        UpstreamUrl::Https(authority) => Address::Https(authority.clone(), trust?.clone()),
        UpstreamUrl::Unix(path) => Address::Unix(path.clone()),
    })
}

fn upstream(settings: &Settings, (name, one): (&str, &settings::Upstream), trust: Option<&Trust>) -> Upstream {
    let addresses = one.addresses().filter_map(|url| address(url, trust)).collect();
    let timeouts = &one.timeouts;
    let mut upstream = Upstream::new(name, addresses, header_edits(settings, one));
    upstream.timeouts = Timeouts { connect: timeouts.connect, read: timeouts.read, total: timeouts.total };
    upstream.balance = match one.balance {
        keyward_config::Balance::RoundRobin => Balance::RoundRobin,
        keyward_config::Balance::LeastBusy => Balance::LeastBusy,
    };
    upstream.check = one.health.as_ref().map(|health| Check { path: health.path.as_str().into(), every: health.every });
    upstream
}

fn refused(error: impl std::fmt::Display) -> Failed {
    Failed::Refused(error.to_string())
}

/// What the data plane is started with, for so many connections.
pub fn edge(
    settings: &Settings,
    connections: usize,
    setups: Arc<Setups>,
    own: OwnSender,
    recording: Recording,
    uses: mpsc::Sender<Vec<Use>>,
) -> EdgeConfig {
    let limits = &settings.server.limits;
    let count = |number: std::num::NonZeroU32| usize::try_from(number.get()).unwrap_or(usize::MAX);
    EdgeConfig {
        limits: Limits {
            connections,
            headers: count(limits.headers),
            header_bytes: usize::try_from(limits.header_bytes.0).unwrap_or(usize::MAX),
            body_bytes: limits.body_bytes.map(|size| size.0),
            header_timeout: limits.header_timeout,
            idle_timeout: limits.idle_timeout,
            tunnel_timeout: limits.tunnel_timeout,
            ..Limits::default()
        },
        setups,
        own,
        recording,
        uses,
        tls: None,
    }
}

fn header_edits(settings: &Settings, upstream: &settings::Upstream) -> HeaderEdits {
    let names = &settings.identity.headers;
    let identity = IdentityHeaders {
        principal: names.principal.clone(),
        name: names.name.clone(),
        kind: names.kind.clone(),
        account: names.account.clone(),
        scopes: names.scopes.clone(),
        decision: names.decision.clone(),
        credential: names.credential.clone(),
        mode: names.mode.clone(),
        token: settings.identity.token.header.clone(),
    };
    let host = match upstream.host {
        HostSeen::Received => UpstreamHost::Received,
        HostSeen::Upstream => UpstreamHost::Upstream,
    };
    let own = upstream.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    HeaderEdits::new(identity, own, host)
}
