//! A whole edge in one line: real sockets, rules with one route of each kind, and a store in memory.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod client;
pub mod frames;
pub mod h2;
pub mod judge;
pub mod recorder;
mod signed;
pub mod store;
pub mod tls;
pub mod upstream;
mod waiting;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use keyward_core::address::AddressRules;
use keyward_core::digest::MacKey;
use keyward_core::path::Oddities;
use keyward_core::route::{Access, Destination, Endpoint, Methods, Pattern, Route, Routes, ScopeRules, Several};
use keyward_core::rules::{Rules, StaticKey, StaticKeys};
use keyward_core::scheme::{Carrier, CredentialKind, Scheme, SchemeId};
use keyward_core::scope::ScopeSet;
use keyward_core::time::{Monotonic, Now, Timestamp};
use keyward_edge::{Address, Bound, Caps, Edge, EdgeConfig, Limits, Setups, Timeouts};
use keyward_engine::fetcher;
use keyward_engine::ledger::Recording;
use keyward_engine::node::Node;
use keyward_engine::ports::{Change, Changes, Clock, FeedHead, Joined, Use};
use keyward_engine::record::{Journal, Records, journal};
use keyward_engine::upstreams;
use keyward_engine::worker::{Parts, Worker};
use keyward_http::caller::TrustedProxies;
use keyward_http::edits::{HeaderEdits, UpstreamHost};
use keyward_http::identity::IdentityHeaders;
use keyward_http::own::{self, OwnReceiver, OwnReply};
use tokio::sync::mpsc;

use client::Connection;
use store::FakeStore;
use upstream::Upstream;
#[allow(unused_imports, reason = "each test file uses a part of it")]
pub use waiting::{becomes, pause};

pub const HEAD: FeedHead = FeedHead { epoch: 1, position: 1 };
/// An operator's key: known without a store.
pub const STATIC_KEY: &str = "operators-own-key-of-32-characters";

pub fn tag_key() -> MacKey {
    MacKey::from_bytes([7; 32])
}

/// A clock that stands still, so that memory stays fresh.
struct Standing;

impl Clock for Standing {
    fn now(&self) -> Now {
        Now { wall: Timestamp::from_millis(1_700_000_000_000), monotonic: Monotonic::from_nanos(1_000) }
    }
}

pub struct Setup {
    pub limits: Limits,
    pub timeouts: Timeouts,
    /// The addresses of the default upstream.
    pub upstreams: Vec<Address>,
    /// Further ones, whose own header is their name.
    pub further: Vec<(&'static str, Address)>,
    pub caps: Caps,
    pub change: fn(&mut keyward_edge::Upstream),
    pub cores: usize,
    pub own: Option<OwnReceiver>,
    pub records: bool,
    /// Every other path leads to the first upstream, for anybody.
    pub open: bool,
    /// What is done while the port is there and nobody accepts.
    pub before: Box<dyn FnOnce(SocketAddr)>,
}

pub struct World {
    pub address: SocketAddr,
    pub setups: Arc<Setups>,
    pub store: Arc<FakeStore>,
    pub uses: mpsc::Receiver<Vec<Use>>,
    pub records: Option<Records>,
    node: Node,
    rules: Arc<Rules>,
    edge: Option<Edge>,
}

impl Setup {
    pub fn demo() -> Self {
        Self {
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            upstreams: Vec::new(),
            further: Vec::new(),
            caps: Caps::default(),
            change: |_| {},
            cores: 1,
            own: None,
            records: false,
            open: false,
            before: Box::new(|_| {}),
        }
    }

    pub fn before(upstream: &Upstream) -> Self {
        let origin = origin(&upstream.address.to_string());
        Self { upstreams: vec![origin], ..Self::demo() }
    }

    /// Before an upstream that speaks HTTP/2.
    pub fn before_h2(upstream: &h2::Upstream) -> Self {
        Self { upstreams: vec![Address::H2c(upstream.address.to_string().parse().unwrap())], ..Self::demo() }
    }

    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    pub fn read_timeout(mut self, read: Duration) -> Self {
        self.timeouts.read = read;
        self
    }

    pub fn start(self) -> World {
        let store = Arc::new(FakeStore::new());
        let bound = Bound::bind("127.0.0.1:0".parse().unwrap(), NonZeroUsize::new(self.cores).unwrap()).unwrap();
        let rules = Arc::new(rules(self.open));
        let (workers, node) = workers(self.cores, &store, &rules);
        let (own, receiver) = own::channel();
        serve_own(receiver);
        let (uses, used) = mpsc::channel(64);
        let (journal, records) = if self.records { journal(64) } else { (Journal::none(), journal(1).1) };
        let mut default = keyward_edge::Upstream::new("default", self.upstreams, edits("inner"));
        default.timeouts = self.timeouts;
        default.caps = self.caps;
        (self.change)(&mut default);
        let further = self.further.into_iter();
        let further = further.map(|(name, at)| keyward_edge::Upstream::new(name, vec![at], edits(name)));
        let setups = Arc::new(Setups::new(keyward_edge::Setup {
            version: 1,
            upstreams: std::iter::once(default).chain(further).collect(),
            proxies: TrustedProxies::default(),
            cors: None,
            responses: Arc::default(),
            requests: Arc::default(),
        }));
        let config = EdgeConfig {
            limits: self.limits,
            setups: Arc::clone(&setups),
            own,
            recording: Recording::none().logged(journal),
            uses,
            tls: None,
        };
        (self.before)(bound.place().address().unwrap());
        let edge = bound.start(config, workers).unwrap();
        let records = self.records.then_some(records);
        let address = edge.place().address().unwrap();
        World { address, setups, store, uses: used, records, node, rules, edge: Some(edge) }
    }
}

impl World {
    pub fn connect(&self) -> Connection {
        Connection::to(self.address)
    }

    /// `GET` of a path with the key of the store.
    pub fn get(&self, path: &str) -> client::Answer {
        self.connect().ask(&format!("GET {path} HTTP/1.1\r\nHost: api\r\nX-Api-Key: {}\r\n\r\n", self.store.key))
    }

    /// Any request, head as lines.
    pub fn ask(&self, head: &str) -> client::Answer {
        self.connect().ask(&format!("{}\r\n\r\n", head.replace('\n', "\r\n").replace("$KEY", &self.store.key)))
    }

    /// Tells every core of the state that a change left the store's key in.
    pub fn change(&self, position: u64, change: impl FnOnce(&mut Joined)) {
        let mut joined = self.store.only();
        change(&mut joined);
        self.hear(position, vec![Change::ApiKey(position, Box::new(joined))]);
    }

    /// Tells every core that something above the store's key changed.
    pub fn touch(&self, position: u64, id: &str) {
        self.hear(position, vec![Change::Ancestor(position, id.into())]);
    }

    fn hear(&self, position: u64, changes: Vec<Change>) {
        self.store.goes_to(position);
        let head = FeedHead { position, ..HEAD };
        self.node.apply(Standing.now().monotonic, Changes { head, changes, lost: false }, None);
    }

    /// Gives every core other rules.
    pub fn configure(&self, change: impl FnOnce(&mut Rules)) {
        let mut rules = Rules::clone(&self.rules);
        change(&mut rules);
        self.node.configure(2, &Arc::new(rules));
    }

    /// Runs active checks for a while, as the server does: as a task that any thread may take.
    pub fn check(&self) {
        let setups = Arc::clone(&self.setups);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let checks = async { tokio::spawn(keyward_edge::check(setups)).await };
            runtime.block_on(async { tokio::time::timeout(Duration::from_secs(20), checks).await.is_ok() })
        });
    }

    /// Waits until the first address of the first upstream stands like this: whether it ever does.
    pub fn becomes(&self, standing: upstreams::Standing) -> bool {
        becomes(|| self.stands(standing))
    }

    /// Whether it does now.
    pub fn stands(&self, standing: upstreams::Standing) -> bool {
        let shown = &self.setups.shown()[0];
        shown.addresses[0].health.standing(shown.now) == standing
    }

    pub fn stop(&mut self, drain: Duration) {
        if let Some(edge) = self.edge.take() {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(edge.stop(drain));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop(Duration::ZERO);
    }
}

fn workers(cores: usize, store: &Arc<FakeStore>, rules: &Arc<Rules>) -> (Vec<Worker>, Node) {
    let (asker, questions) = fetcher::channel();
    let lookup = Arc::clone(store);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(fetcher::run(lookup, Arc::new(Standing), questions));
    });
    let (node, mailboxes) = Node::new(HEAD, cores);
    node.apply(Standing.now().monotonic, Changes { head: HEAD, changes: Vec::new(), lost: false }, None);
    let parts = |(core, mailbox)| Parts {
        node: 1,
        core: u8::try_from(core).unwrap(),
        rules: Arc::clone(rules),
        version: 1,
        tag_key: tag_key(),
        signing_keys: Arc::default(),
        clock: Arc::new(Standing),
        shared: node.shared(),
        mailbox,
        asker: asker.clone(),
        limiter: keyward_engine::limits::Limiter::default(),
        throttle: Arc::default(),
        head: HEAD,
        capacity: 100,
        tally: Default::default(),
    };
    let workers = mailboxes.into_iter().enumerate().map(parts).map(Worker::new).collect();
    (workers, node)
}

/// Own endpoints that answer what they were asked.
fn serve_own(mut receiver: OwnReceiver) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            while let Some((request, reply)) = receiver.next().await {
                let text = format!("{:?} {} json={} ", request.endpoint, request.target, request.json);
                let body = [text.as_bytes(), &request.body].concat();
                let answer = http::Response::new(body.into());
                let _ = reply.send(OwnReply { answer, refusal: None });
            }
        });
    });
}

fn edits(own: &'static str) -> HeaderEdits {
    let name = HeaderName::from_static;
    let identity = IdentityHeaders {
        principal: name("keyward-principal"),
        name: name("keyward-name"),
        kind: name("keyward-kind"),
        account: name("keyward-account"),
        scopes: name("keyward-scopes"),
        decision: name("keyward-decision"),
        credential: name("keyward-credential"),
        mode: name("keyward-mode"),
        token: name("keyward-identity"),
    };
    let inner = (name("x-inner-key"), HeaderValue::from_static(own));
    HeaderEdits::new(identity, vec![inner], UpstreamHost::Received)
}

fn route(path: &str, methods: &[Method], access: Access, destination: Destination) -> Route {
    Route {
        name: path.into(),
        pattern: Pattern::parse(path).unwrap(),
        methods: Methods::new(methods.to_vec()),
        access,
        scopes: ScopeRules::default(),
        addresses: AddressRules::default(),
        limits: Vec::new(),
        cost: std::num::NonZeroU32::MIN,
        destination,
        strip_prefix: None,
        keep_credential: false,
        allowed_oddities: Oddities::default(),
    }
}

fn rules(open: bool) -> Rules {
    let key = || Access::Credential { schemes: vec![SchemeId(0), SchemeId(1)], several: Several::Refuse };
    let signed = Access::Credential { schemes: vec![SchemeId(2)], several: Several::Refuse };
    let there = Destination::Upstream(0);
    let health = Destination::Own(Endpoint::Health);
    let keys = Destination::Own(Endpoint::ApiKeys);
    let own = vec![
        route("/_keyward/health", &[Method::GET], Access::Public, health),
        route("/_keyward/api-keys", &[Method::GET, Method::POST], key(), keys),
    ];
    let needs_admin = ScopeRules { otherwise: ScopeSet::parse(["admin"]).unwrap(), ..ScopeRules::default() };
    let needs_reading = ScopeRules { otherwise: ScopeSet::parse(["orders:read"]).unwrap(), ..ScopeRules::default() };
    let odd = Oddities { semicolon: true, encoded_slash: true, empty_segment: true };
    let mut configured = vec![
        route("/public/**", &[], Access::Public, there),
        Route { keep_credential: true, ..route("/keep/**", &[], key(), there) },
        Route { scopes: needs_reading, ..route("/orders/**", &[], key(), there) },
        Route { scopes: needs_admin, ..route("/admin/**", &[], key(), there) },
        Route { allowed_oddities: odd, ..route("/odd/**", &[], Access::Public, there) },
        Route { strip_prefix: Some("/strip/me".into()), ..route("/strip/me/**", &[], Access::Public, there) },
        Route { strip_prefix: Some("/only".into()), ..route("/only", &[], Access::Public, there) },
        route("/second/**", &[], Access::Public, Destination::Upstream(1)),
        route("/nowhere/**", &[], Access::Public, Destination::Upstream(99)),
        route("/api/**", &[], key(), there),
        route("/signed/**", &[], signed, there),
    ];
    if open {
        configured = vec![route("/**", &[], Access::Public, there)];
    }
    let scheme = |name: &str, carrier| Scheme { name: name.into(), carrier, kind: CredentialKind::ApiKey };
    let operator = StaticKey {
        name: "operator",
        display: "operator",
        secret: STATIC_KEY.as_bytes(),
        scopes: ScopeSet::parse(["*"]).unwrap(),
    };
    Rules {
        routes: Routes::new(own, configured),
        schemes: vec![
            scheme("key_header", Carrier::Header(HeaderName::from_static("x-api-key"))),
            scheme("key_auth", Carrier::Authorization("ApiKey".into())),
            signed::scheme(),
        ],
        addresses: AddressRules::default(),
        roles: [("user".into(), ScopeSet::parse(["orders:read", "orders:write"]).unwrap())].into(),
        default_scopes: None,
        static_keys: StaticKeys::new(MacKey::from_bytes([9; 32]), [operator]),
        limits: Vec::new(),
        plans: keyward_core::plan::Plans::default(),
        limit_fields: keyward_core::limit::LimitFields::default(),
        guarding: Default::default(),
        control: None,
        tokens: keyward_core::token::TokenRules {
            issuer: "keyward".into(),
            audience: "keyward".into(),
            typ: "at+jwt".into(),
        },
        issuers: Vec::new(),
    }
}

/// An upstream at a host and port.
pub fn origin(authority: &str) -> Address {
    Address::Http(authority.parse().unwrap())
}
