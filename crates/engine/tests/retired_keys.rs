//! A signing key that is retired while its tokens are remembered: the next request refuses them, and whoever asks for the
//! keys that count is not told of it any more.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod world;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Method};
use keyward_core::decision::{Decision, Reason};
use keyward_core::digest::{ApiKeyDigest, MacKey};
use keyward_core::machine::RequestFacts;
use keyward_core::path::Target;
use keyward_core::plane::Plane;
use keyward_core::time::{Monotonic, Now, Timestamp};
use keyward_engine::fetcher::{self, Fill};
use keyward_engine::node::Node;
use keyward_engine::ports::{Answer, Change, Changes, Clock, FeedHead, Found, FoundSessions, Held, Lookup};
use keyward_engine::refresher::Refresher;
use keyward_engine::signing::{PublicHalves, SigningKeyRecord, VerifyingSource as _};
use keyward_engine::tally::Tally;
use keyward_engine::worker::{Answered, Begun, Parts, Worker};

struct Standing;

impl Clock for Standing {
    fn now(&self) -> Now {
        Now { wall: Timestamp::from_millis(world::NOW * 1000), monotonic: Monotonic::from_nanos(5_000_000_000) }
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

    fn find_cookies<'a>(&'a self, _: &'a [ApiKeyDigest]) -> Answer<'a, FoundSessions> {
        panic!("no cookie is looked up")
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

/// One request with a token: the verdict, and whether the store was asked.
fn ask(worker: &Worker, token: &str) -> (Result<(), Reason>, bool) {
    let snapshot = worker.snapshot();
    let headers =
        HeaderMap::from_iter([("authorization".parse().unwrap(), format!("Bearer {token}").parse().unwrap())]);
    let target = Target::parse("/");
    let client = "192.0.2.1".parse().unwrap();
    let facts =
        RequestFacts { plane: Plane::Data, client, method: &Method::GET, target: &target, headers: (&headers).into() };
    let (decision, asked) = match worker.begin(&snapshot, facts, &mut ()) {
        Begun::Decided(decision) => (decision, false),
        Begun::Ask(_, fetching) => {
            let fill = Fill::of(head(1), Some(Held::Session(Box::new(world::session()))));
            match worker.answer(&snapshot, fetching, &fill, &mut ()) {
                Answered::Decided(decision) => (decision, true),
                Answered::AskAgain(_) => panic!("the answer is too old"),
                Answered::Reserve(_) => panic!("there are no limits"),
            }
        }
        Begun::Reserve(_) | Begun::Body(_) | Begun::Keys(_) => panic!("there are no limits, webhooks or other issuers"),
    };
    match decision {
        Decision::Allow(_) => (Ok(()), asked),
        Decision::Deny(denial) => (Err(denial.reason), asked),
    }
}

#[tokio::test]
async fn a_remembered_token_ends_with_its_signing_key() {
    let key = world::signing_key();
    let record = world::public(&key);
    let signing_keys = Arc::new(PublicHalves.verifying(std::slice::from_ref(&record)));
    let store = Arc::new(Keys { records: Mutex::new(vec![record]), changed: AtomicBool::new(false) });
    let clock: Arc<dyn Clock> = Arc::new(Standing);
    let (node, mut mailboxes) = Node::new(head(1), 1);
    let node = Arc::new(node);
    let lookup: Arc<dyn Lookup> = store.clone();
    let refresher =
        Refresher::new("node", node.clone(), lookup, clock.clone(), Arc::new(PublicHalves), signing_keys.clone());
    let worker = Worker::new(Parts {
        node: 1,
        core: 0,
        rules: Arc::new(world::bearer_rules()),
        version: 1,
        tag_key: MacKey::from_bytes([9; 32]),
        signing_keys,
        clock,
        shared: node.shared(),
        mailbox: mailboxes.remove(0),
        asker: fetcher::channel().0,
        limiter: keyward_engine::limits::Limiter::default(),
        throttle: Arc::default(),
        head: head(1),
        capacity: 100,
        tally: Tally::default(),
    });
    let token = world::token(&key);
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
