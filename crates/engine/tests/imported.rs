//! Keys of others on a core: what may be one is asked about, and what cannot be is refused without asking anybody.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod world;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method};
use keyward_core::decision::{Decision, Reason, Throttled, ThrottledBy};
use keyward_core::digest::{ApiKeyDigest, MacKey};
use keyward_core::guarding::Guarding;
use keyward_core::imported::digest;
use keyward_core::machine::{Question, RequestFacts};
use keyward_core::path::Target;
use keyward_core::plane::Plane;
use keyward_core::throttle::ThrottleRules;
use keyward_core::time::{Monotonic, Now, Timestamp};
use keyward_engine::fetcher;
use keyward_engine::limits::Limiter;
use keyward_engine::node::Node;
use keyward_engine::ports::{Change, Changes, Clock, FeedHead};
use keyward_engine::worker::{Begun, Parts, Worker};

const HEAD: FeedHead = FeedHead { epoch: 1, position: 1 };
const CLIENT: &str = "192.0.2.1";

struct Still;

impl Clock for Still {
    fn now(&self) -> Now {
        Now { wall: Timestamp::from_millis(1_700_000_000_000), monotonic: Monotonic::from_nanos(5_000_000_000) }
    }
}

struct Core {
    worker: Worker,
    node: Node,
}

impl Core {
    fn new() -> Self {
        let (node, mut mailboxes) = Node::new(HEAD, 1);
        node.apply(Still.now().monotonic, Changes { head: HEAD, changes: Vec::new(), lost: false }, None);
        let throttle = ThrottleRules { window: Duration::from_secs(60), per_address: 3, per_subject: 3 };
        let mut rules = world::rules();
        rules.guarding = Guarding { throttle: Some(throttle), ..Guarding::default() };
        let worker = Worker::new(Parts {
            node: 1,
            core: 0,
            rules: Arc::new(rules),
            version: 1,
            tag_key: MacKey::from_bytes([9; 32]),
            signing_keys: Arc::default(),
            clock: Arc::new(Still),
            shared: node.shared(),
            mailbox: mailboxes.remove(0),
            asker: fetcher::channel().0,
            limiter: Limiter::default(),
            throttle: Arc::default(),
            head: HEAD,
            capacity: 1000,
            tally: Default::default(),
        });
        Self { worker, node }
    }

    /// The feed tells of a key of others.
    fn hears(&self, position: u64, key: Option<ApiKeyDigest>) {
        let changes = vec![Change::ImportedKey(position, key)];
        let head = FeedHead { position, ..HEAD };
        self.node.apply(Still.now().monotonic, Changes { head, changes, lost: false }, None);
    }

    /// What is asked about a key, or what it is refused for.
    fn begins(&self, key: &str) -> Result<Question, Reason> {
        let (target, mut headers) = (Target::parse("/"), HeaderMap::new());
        headers.insert("x-api-key", key.parse().unwrap());
        let client: IpAddr = CLIENT.parse().unwrap();
        let facts = RequestFacts {
            plane: Plane::Data,
            client,
            method: &Method::GET,
            target: &target,
            headers: (&headers).into(),
        };
        match self.worker.begin(&self.worker.snapshot(), facts, &mut ()) {
            Begun::Ask(question, fetching) => {
                assert_eq!(*fetching.digest(), by(key), "it would be remembered by another digest");
                Ok(question)
            }
            Begun::Decided(Decision::Deny(denial)) => Err(denial.reason),
            _ => panic!("{key} was let in"),
        }
    }
}

fn by(key: &str) -> ApiKeyDigest {
    digest(&MacKey::from_bytes([9; 32]), key.as_bytes())
}

fn is_guess(begun: &Result<Question, Reason>) -> bool {
    matches!(begun, Err(Reason::Rejected(_)))
}

#[test]
fn guesses_ask_nobody_unless_they_may_be_keys_of_others() {
    let core = Core::new();
    assert!(is_guess(&core.begins("an old key")), "there are none");
    core.hears(2, Some(by("an old key")));
    assert_eq!(core.begins("an old key"), Ok(Question::ApiKey(by("an old key"))));
    assert!(is_guess(&core.begins("a guess")), "the store would be asked about every guess");
    core.hears(3, None);
    assert!(matches!(core.begins("a guess"), Ok(Question::Imported(shown)) if *shown.digest() == by("a guess")));
    assert_eq!(core.begins("an old key"), Ok(Question::ApiKey(by("an old key"))), "it is known which that is");
    let long = "x".repeat(1025);
    assert!(is_guess(&core.begins(&long)), "it is no key of anybody");
}

#[test]
fn whoever_guessed_too_often_waits_before_hashes_are_compared() {
    let core = Core::new();
    (0..3).for_each(|_| assert!(is_guess(&core.begins("a guess"))));
    core.hears(2, None);
    core.hears(3, Some(by("an old key that nobody could ever guess")));
    let held = core.begins("a guess that is long enough to be let past a throttle");
    assert!(matches!(held, Err(Reason::Throttled(Throttled { by: ThrottledBy::Address, .. }))), "{held:?}");
    // Nobody who guesses at the same address keeps out who has a key that is known.
    assert!(core.begins("an old key that nobody could ever guess").is_ok());
}
