//! A worker that knows one key, before a store that must not be asked again.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::panic, reason = "shared by tests and the benchmark")]

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{HeaderMap, Method};
use keyward_core::api_key::{ApiKeyRecord, Owner};
use keyward_core::digest::{ApiKeyDigest, MacKey};
use keyward_core::key_format::ApiKeySecret;
use keyward_core::limit::{Limit, LimitId, Per};
use keyward_core::machine::RequestFacts;
use keyward_core::path::Target;
use keyward_core::principal::Mode;
use keyward_core::route::{Access, Destination, Methods, Pattern, Route, RouteId, Routes, ScopeRules, Several};
use keyward_core::rules::{Rules, StaticKeys};
use keyward_core::scheme::{Carrier, CredentialKind, Scheme, SchemeId};
use keyward_core::scope::ScopeSet;
use keyward_core::time::{Monotonic, Now, Timestamp};
use keyward_engine::fetcher;
use keyward_engine::node::Node;
use keyward_engine::ports::{Answer, Changes, Clock, FeedHead, Found, FoundSessions, Joined, Lookup};
use keyward_engine::signing::SigningKeyRecord;
use keyward_engine::worker::{Parts, Worker};

/// A warm worker and the key it knows.
pub struct Warm {
    /// The worker.
    pub worker: Worker,
    /// The key's text.
    pub secret: String,
    /// Kept, so that the mailbox stays open.
    node: Node,
}

const HEAD: FeedHead = FeedHead { epoch: 1, position: 1 };

struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> Now {
        Now { wall: Timestamp::from_millis(1_700_000_000_000), monotonic: Monotonic::from_nanos(5_000_000_000) }
    }
}

/// Answers once, then panics.
struct OnceOnly {
    joined: Joined,
    asked: AtomicBool,
}

impl Lookup for OnceOnly {
    fn find<'a>(&'a self, _: &'a [ApiKeyDigest]) -> Answer<'a, Found> {
        assert!(!self.asked.swap(true, Ordering::SeqCst), "a hit asked the store");
        Box::pin(async move { Ok(Found { head: HEAD, keys: vec![Some(self.joined.clone())] }) })
    }

    fn find_sessions<'a>(&'a self, ids: &'a [Box<str>]) -> Answer<'a, FoundSessions> {
        Box::pin(async { Ok(FoundSessions { head: HEAD, sessions: vec![None; ids.len()] }) })
    }

    fn signing_keys(&self) -> Answer<'_, Vec<SigningKeyRecord>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn changes(&self, _: FeedHead) -> Answer<'_, Changes> {
        panic!("a hit asked the feed")
    }
}

/// Makes a worker and lets it learn one key.
pub fn warm() -> Warm {
    warm_by(rules())
}

/// As [`warm`], where each request is charged to a rate and to a quota of the key.
pub fn warm_and_limited() -> Warm {
    let most = NonZeroU32::MAX;
    let limit = |name, burst| Limit::new(name, Per::Key, most, Duration::from_secs(60), burst);
    let plain = rules();
    let route = plain.routes.get(RouteId(0)).unwrap();
    let route = Route { limits: vec![LimitId(0), LimitId(1)], ..route.clone() };
    let limits = vec![limit("rate", Some(most)), limit("quota", None)];
    warm_by(Rules { routes: Routes::new(Vec::new(), vec![route]), limits, ..plain })
}

fn warm_by(rules: Rules) -> Warm {
    let tag_key = MacKey::from_bytes([9; 32]);
    let secret = ApiKeySecret::assemble("kw_live_", &[5; 24], &tag_key).expose().to_owned();
    let (node, mut mailboxes) = Node::new(HEAD, 1);
    let (asker, questions) = fetcher::channel();
    node.apply(Monotonic::from_nanos(5_000_000_000), Changes { head: HEAD, changes: Vec::new(), lost: false }, None);
    let worker = Worker::new(Parts {
        node: 1,
        core: 0,
        rules: Arc::new(rules),
        version: 1,
        tag_key,
        signing_keys: Arc::default(),
        clock: Arc::new(StandingClock),
        shared: node.shared(),
        mailbox: mailboxes.remove(0),
        asker,
        limiter: keyward_engine::limits::Limiter::default(),
        head: HEAD,
        capacity: 1000,
        tally: Default::default(),
    });
    let store = Arc::new(OnceOnly { joined: record(&secret), asked: AtomicBool::new(false) });
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", secret.parse().unwrap());
        let target = Target::parse("/");
        let facts = RequestFacts {
            client: "192.0.2.1".parse().unwrap(),
            method: &Method::GET,
            target: &target,
            headers: (&headers).into(),
        };
        let snapshot = worker.snapshot();
        tokio::select! {
            decision = worker.decide(&snapshot, facts) => { decision.unwrap(); }
            () = fetcher::run(store, Arc::new(StandingClock), questions) => {}
        }
    });
    Warm { worker, secret, node }
}

/// A key of `admin` with every attribute that a hit looks at.
pub fn record(secret: &str) -> Joined {
    let owner: Box<str> = "user_1".into();
    Joined {
        key: ApiKeyRecord {
            id: "key_1".into(),
            owner: owner.clone(),
            account: None,
            name: "key".into(),
            prefix: "kw_live_".into(),
            digest: ApiKeyDigest::of(secret.as_bytes()),
            mode: Mode::Live,
            scopes: Some(ScopeSet::parse(["orders:read"]).unwrap()),
            allowed_ips: vec!["192.0.2.0/24".parse().unwrap()],
            external_id: None,
            created_at: Timestamp::from_millis(0),
            expires_at: Some(Timestamp::from_millis(i64::MAX)),
            last_used_at: None,
            disabled_at: None,
            revoked_at: None,
            revoked_reason: None,
            replaces: None,
            overlap_ends_at: None,
            line: None,
        },
        account: None,
        owner: Owner {
            id: owner,
            username: "admin".into(),
            roles: vec!["admin".into()],
            disabled_at: None,
            account: None,
        },
    }
}

/// One route that asks for a key.
pub fn rules() -> Rules {
    let route = Route {
        name: "all".into(),
        pattern: Pattern::parse("/**").unwrap(),
        methods: Methods::default(),
        access: Access::Credential { schemes: vec![SchemeId(0), SchemeId(1)], several: Several::Refuse },
        scopes: ScopeRules { by_method: vec![(Method::GET, ScopeSet::default())], otherwise: ScopeSet::default() },
        addresses: keyward_core::address::AddressRules::default(),
        limits: Vec::new(),
        cost: NonZeroU32::MIN,
        destination: Destination::Upstream(0),
        strip_prefix: None,
        keep_credential: false,
        allowed_oddities: keyward_core::path::Oddities::default(),
    };
    let scheme = |name: &str, carrier| Scheme { name: name.into(), carrier, kind: CredentialKind::ApiKey };
    Rules {
        routes: Routes::new(Vec::new(), vec![route]),
        schemes: vec![
            scheme("key_header", Carrier::Header("x-api-key".parse().unwrap())),
            scheme("key_auth", Carrier::Authorization("ApiKey".into())),
        ],
        addresses: keyward_core::address::AddressRules::default(),
        roles: BTreeMap::from([("admin".into(), ScopeSet::parse(["*"]).unwrap())]),
        default_scopes: None,
        static_keys: StaticKeys::new(MacKey::from_bytes([0; 32]), []),
        limits: Vec::new(),
        limit_fields: keyward_core::limit::LimitFields::default(),
        tokens: keyward_core::token::TokenRules {
            issuer: "keyward".into(),
            audience: "keyward".into(),
            typ: "at+jwt".into(),
        },
    }
}
