//! A signing key that is retired while its tokens are remembered: the next request refuses them, and whoever asks for the
//! keys that count is not told of it any more.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod world;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Method};
use keyward_core::algorithm::Algorithm;
use keyward_core::decision::{Decision, Reason};
use keyward_core::digest::{ApiKeyDigest, MacKey};
use keyward_core::machine::RequestFacts;
use keyward_core::path::Target;
use keyward_core::scheme::{Carrier, CredentialKind};
use keyward_core::session::SessionRecord;
use keyward_core::time::{Monotonic, Now, Timestamp};
use keyward_core::token::Claims;
use keyward_engine::fetcher::{self, Fill};
use keyward_engine::node::Node;
use keyward_engine::ports::{
    Answer, Change, Changes, Clock, FeedHead, Found, FoundSessions, Held, JoinedSession, Lookup,
};
use keyward_engine::refresher::Refresher;
use keyward_engine::signing::{PublicHalves, SigningKey, SigningKeyRecord, VerifyingSource as _};
use keyward_engine::tally::Tally;
use keyward_engine::worker::{Answered, Begun, Parts, Worker};

const NOW: i64 = 1_700_000_000;

struct Standing;

impl Clock for Standing {
    fn now(&self) -> Now {
        Now { wall: Timestamp::from_millis(NOW * 1000), monotonic: Monotonic::from_nanos(5_000_000_000) }
    }
}

const fn head(position: u64) -> FeedHead {
    FeedHead { epoch: 1, position }
}

/// Signing keys, and whether a change of them is in the feed.
struct Keys {
    records: Mutex<Vec<SigningKeyRecord>>,
    changed: AtomicBool,
}

impl Keys {
    fn retire_all(&self) {
        self.records.lock().unwrap().iter_mut().for_each(|key| key.retired_at = Some(Timestamp::from_millis(1)));
        self.changed.store(true, Ordering::SeqCst);
    }
}

impl Lookup for Keys {
    fn find<'a>(&'a self, _: &'a [ApiKeyDigest]) -> Answer<'a, Found> {
        panic!("no key is looked up")
    }

    fn find_sessions<'a>(&'a self, _: &'a [Box<str>]) -> Answer<'a, FoundSessions> {
        panic!("these tests answer themselves")
    }

    fn signing_keys(&self) -> Answer<'_, Vec<SigningKeyRecord>> {
        Box::pin(async { Ok(self.records.lock().unwrap().clone()) })
    }

    fn changes(&self, after: FeedHead) -> Answer<'_, Changes> {
        let changed = self.changed.load(Ordering::SeqCst) && after == head(1);
        let changes = if changed { vec![Change::SigningKeys(2)] } else { Vec::new() };
        let head = if changed { head(2) } else { after };
        Box::pin(async move { Ok(Changes { head, changes, lost: false }) })
    }
}

fn session() -> Held {
    let user = world::record("kw_live_x").owner;
    let session = SessionRecord {
        id: "ses_1".into(),
        user: user.id.clone(),
        created_at: Timestamp::from_millis(0),
        ended_at: None,
        ended_reason: None,
    };
    Held::Session(Box::new(JoinedSession { session, user }))
}

fn token(key: &SigningKey) -> String {
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

/// One request with a token: the verdict, and whether the store was asked.
fn ask(worker: &Worker, token: &str) -> (Result<(), Reason>, bool) {
    let snapshot = worker.snapshot();
    let headers =
        HeaderMap::from_iter([("authorization".parse().unwrap(), format!("Bearer {token}").parse().unwrap())]);
    let target = Target::parse("/");
    let client = "192.0.2.1".parse().unwrap();
    let facts = RequestFacts { client, method: &Method::GET, target: &target, headers: (&headers).into() };
    let (decision, asked) = match worker.begin(&snapshot, facts, &mut ()) {
        Begun::Decided(decision) => (decision, false),
        Begun::Ask(_, fetching) => {
            let fill = Fill { head: head(1), held: Some(session()) };
            match worker.answer(&snapshot, fetching, &fill, &mut ()) {
                Answered::Decided(decision) => (decision, true),
                Answered::AskAgain(_) => panic!("the answer is too old"),
                Answered::Reserve(_) => panic!("there are no limits"),
            }
        }
        Begun::Reserve(_) => panic!("there are no limits"),
    };
    match decision {
        Decision::Allow(_) => (Ok(()), asked),
        Decision::Deny(denial) => (Err(denial.reason), asked),
    }
}

#[tokio::test]
async fn a_remembered_token_ends_with_its_signing_key() {
    let key = SigningKey::read("sig_1", Algorithm::EdDsa, &[7; 32]).unwrap();
    let record = SigningKeyRecord {
        id: "sig_1".into(),
        algorithm: Algorithm::EdDsa,
        public: key.public(),
        sealed: Box::default(),
        created_at: Timestamp::from_millis(0),
        retired_at: None,
    };
    let signing_keys = Arc::new(PublicHalves.verifying(std::slice::from_ref(&record)));
    let store = Arc::new(Keys { records: Mutex::new(vec![record]), changed: AtomicBool::new(false) });
    let clock: Arc<dyn Clock> = Arc::new(Standing);
    let (node, mut mailboxes) = Node::new(head(1), 1);
    let node = Arc::new(node);
    let lookup: Arc<dyn Lookup> = store.clone();
    let refresher =
        Refresher::new("node", node.clone(), lookup, clock.clone(), Arc::new(PublicHalves), signing_keys.clone());
    let mut rules = world::rules();
    let scheme = rules.schemes.first_mut().unwrap();
    (scheme.carrier, scheme.kind) = (Carrier::Authorization("Bearer".into()), CredentialKind::Jwt);
    let worker = Worker::new(Parts {
        node: 1,
        core: 0,
        rules: Arc::new(rules),
        version: 1,
        tag_key: MacKey::from_bytes([9; 32]),
        signing_keys,
        clock,
        shared: node.shared(),
        mailbox: mailboxes.remove(0),
        asker: fetcher::channel().0,
        limiter: keyward_engine::limits::Limiter::default(),
        head: head(1),
        capacity: 100,
        tally: Tally::default(),
    });
    let token = token(&key);
    assert!(refresher.refresh().await);
    assert_eq!(ask(&worker, &token), (Ok(()), true));
    assert_eq!(ask(&worker, &token), (Ok(()), false), "it is remembered");
    assert!(refresher.signing_keys().has("sig_1"));

    store.retire_all();
    assert!(refresher.refresh().await);
    let (verdict, _) = ask(&worker, &token);
    assert!(matches!(verdict, Err(Reason::Rejected(_))), "it is remembered still: {verdict:?}");
    assert!(!refresher.signing_keys().has("sig_1"), "the set of public keys stands still");
}
