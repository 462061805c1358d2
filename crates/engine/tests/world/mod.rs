//! A worker that knows one key or remembers one token, before a store that must not be asked again.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::panic, reason = "shared by tests and the benchmark")]

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use keyward_core::algorithm::Algorithm;
use keyward_core::api_key::{ApiKeyRecord, Owner};
use keyward_core::digest::{ApiKeyDigest, MacKey};
use keyward_core::key_format::ApiKeySecret;
use keyward_core::limit::{Limit, LimitId, Per};
use keyward_core::machine::RequestFacts;
use keyward_core::path::Target;
use keyward_core::plan::{Plan, Plans};
use keyward_core::plane::Plane;
use keyward_core::principal::Mode;
use keyward_core::route::{Access, Destination, Methods, Pattern, Route, RouteId, Routes, ScopeRules, Several};
use keyward_core::rules::{Rules, StaticKeys};
use keyward_core::scheme::{Carrier, CredentialKind, Scheme, SchemeId};
use keyward_core::scope::ScopeSet;
use keyward_core::session::SessionRecord;
use keyward_core::time::{Monotonic, Now, Timestamp};
use keyward_core::token::Claims;
use keyward_engine::fetcher;
use keyward_engine::node::Node;
use keyward_engine::ports::{
    Answer, Changes, Clock, FeedHead, Found, FoundSessions, Joined, JoinedSession, Lookup, Metadata,
};
use keyward_engine::signing::{PublicHalves, SigningKey, SigningKeyRecord, VerifyingSource as _};
use keyward_engine::worker::{Parts, Worker};

/// A warm worker and the credential it knows.
pub struct Warm {
    /// The worker.
    pub worker: Worker,
    /// The credential's text.
    pub secret: String,
    /// The name of the field that carries it, and the value.
    pub field: (HeaderName, HeaderValue),
    /// Kept, so that the mailbox stays open.
    node: Node,
}

const HEAD: FeedHead = FeedHead { epoch: 1, position: 1 };

/// The time at which the clock stands, in seconds.
pub const NOW: i64 = 1_700_000_000;

struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> Now {
        Now { wall: Timestamp::from_millis(NOW * 1000), monotonic: Monotonic::from_nanos(5_000_000_000) }
    }
}

/// Answers once, then panics.
struct OnceOnly {
    joined: Joined,
    session: JoinedSession,
    asked: AtomicBool,
}

impl OnceOnly {
    fn ask(&self) {
        assert!(!self.asked.swap(true, Ordering::SeqCst), "a hit asked the store");
    }
}

impl Lookup for OnceOnly {
    fn find<'a>(&'a self, _: &'a [ApiKeyDigest]) -> Answer<'a, Found> {
        self.ask();
        Box::pin(async move { Ok(Found { head: HEAD, keys: vec![Some(self.joined.clone())] }) })
    }

    fn find_sessions<'a>(&'a self, ids: &'a [Box<str>]) -> Answer<'a, FoundSessions> {
        self.ask();
        Box::pin(async { Ok(FoundSessions { head: HEAD, sessions: vec![Some(self.session.clone()); ids.len()] }) })
    }

    fn find_cookies<'a>(&'a self, digests: &'a [ApiKeyDigest]) -> Answer<'a, FoundSessions> {
        Box::pin(async { Ok(FoundSessions { head: HEAD, sessions: vec![None; digests.len()] }) })
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
    warm_by(rules(), &[], key())
}

/// As [`warm`], with a token of a session instead of a key.
pub fn warm_with_token() -> Warm {
    let key = signing_key();
    let token = token(&key);
    let value = format!("Bearer {token}").parse().unwrap();
    warm_by(bearer_rules(), &[public(&key)], (token, (http::header::AUTHORIZATION, value)))
}

/// As [`warm`], where each request is charged to a rate and to a quota of the key, and to the plan of its user.
pub fn warm_and_limited() -> Warm {
    let most = NonZeroU32::MAX;
    let limit = |name, burst| Limit::new(name, Per::Key, most, Duration::from_secs(60), burst);
    let plain = rules();
    let route = plain.routes.get(RouteId(0)).unwrap();
    let route = Route { limits: vec![LimitId(0), LimitId(1)], ..route.clone() };
    let of_plan = Limit::of_plan("free.1m", most, Duration::from_secs(60), None);
    let limits = vec![limit("rate", Some(most)), limit("quota", None), of_plan];
    let plans = Plans::new(vec![Plan { name: "free".into(), limits: vec![LimitId(2)] }], Some("free"));
    warm_by(Rules { routes: Routes::new(Vec::new(), vec![route]), limits, plans, ..plain }, &[], key())
}

/// As [`warm`], by other rules.
pub fn warm_with(rules: Rules) -> Warm {
    warm_by(rules, &[], key())
}

/// What a key's tag is made by.
fn tag_key() -> MacKey {
    MacKey::from_bytes([9; 32])
}

/// A key's text, and the field that carries it.
fn key() -> (String, (HeaderName, HeaderValue)) {
    let secret = ApiKeySecret::assemble("kw_live_", &[5; 24], &tag_key()).expose().to_owned();
    let value = secret.parse().unwrap();
    (secret, (HeaderName::from_static("x-api-key"), value))
}

fn warm_by(rules: Rules, signing_keys: &[SigningKeyRecord], credential: (String, (HeaderName, HeaderValue))) -> Warm {
    let (secret, field) = credential;
    let (node, mut mailboxes) = Node::new(HEAD, 1);
    let (asker, questions) = fetcher::channel();
    node.apply(Monotonic::from_nanos(5_000_000_000), Changes { head: HEAD, changes: Vec::new(), lost: false }, None);
    let worker = Worker::new(Parts {
        node: 1,
        core: 0,
        rules: Arc::new(rules),
        version: 1,
        tag_key: tag_key(),
        signing_keys: Arc::new(PublicHalves.verifying(signing_keys)),
        clock: Arc::new(StandingClock),
        shared: node.shared(),
        mailbox: mailboxes.remove(0),
        asker,
        limiter: keyward_engine::limits::Limiter::default(),
        throttle: Arc::default(),
        head: HEAD,
        capacity: 1000,
        tally: Default::default(),
    });
    let store = Arc::new(OnceOnly { joined: record(&secret), session: session(), asked: AtomicBool::new(false) });
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
        let headers = HeaderMap::from_iter([field.clone()]);
        let target = Target::parse("/");
        let facts = RequestFacts {
            plane: Plane::Data,
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
    Warm { worker, secret, field, node }
}

/// Whom tokens are of.
pub fn session() -> JoinedSession {
    let user = record("kw_live_x").owner;
    let session = SessionRecord {
        id: "ses_1".into(),
        user: user.id.clone(),
        created_at: Timestamp::from_millis(0),
        ended_at: None,
        ended_reason: None,
        client: None,
        seen_at: None,
        plane: Plane::Data,
        portal: false,
        client_address: None,
    };
    JoinedSession { session, user, client: None }
}

/// What tokens are signed with.
pub fn signing_key() -> SigningKey {
    SigningKey::read("sig_1", Algorithm::EdDsa, &[7; 32]).unwrap()
}

/// A signing key as the store keeps it, without its secret half.
pub fn public(key: &SigningKey) -> SigningKeyRecord {
    SigningKeyRecord {
        id: key.id().into(),
        algorithm: key.algorithm(),
        public: key.public(),
        sealed: Box::default(),
        created_at: Timestamp::from_millis(0),
        active_at: Timestamp::from_millis(0),
        retired_at: None,
    }
}

/// A token of [`session`].
pub fn token(key: &SigningKey) -> String {
    let text = |text: &str| text.to_owned();
    let claims = Claims {
        iss: text("keyward"),
        aud: text("keyward"),
        sub: text("user_1"),
        sid: text("ses_1"),
        jti: text("tok_1"),
        scope: text("*"),
        exp: NOW + 900,
        iat: NOW,
        nbf: NOW,
    };
    key.sign("at+jwt", &claims).unwrap()
}

/// As [`rules`], where the route asks for a token.
pub fn bearer_rules() -> Rules {
    let mut rules = rules();
    let scheme = rules.schemes.first_mut().unwrap();
    (scheme.carrier, scheme.kind) = (Carrier::Authorization("Bearer".into()), CredentialKind::Jwt);
    rules
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
            secret: None,
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
        budget: None,
        metadata: Metadata::new(),
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
        plans: Plans::default(),
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
