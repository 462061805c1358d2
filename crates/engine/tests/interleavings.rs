//! What may come between two steps of one request: a proof of freshness, a change, another configuration. One order each,
//! by hand, for the simulation meets them by chance only.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, Method};
use keyward_core::decision::{Decision, Reason};
use keyward_core::digest::MacKey;
use keyward_core::key_format::ApiKeySecret;
use keyward_core::machine::RequestFacts;
use keyward_core::path::Target;
use keyward_core::plane::Plane;
use keyward_core::rules::Rules;
use keyward_core::scope::ScopeSet;
use keyward_core::time::{Monotonic, Now, Timestamp};
use keyward_engine::fetcher::{self, Fill};
use keyward_engine::node::Node;
use keyward_engine::ports::{Change, Changes, Clock, FeedHead, Held, Joined};
use keyward_engine::worker::{Answered, Begun, Ending, Parts, Snapshot, Worker};

const SECOND: u64 = 1_000_000_000;

/// A clock that stands until it is moved.
#[derive(Default)]
struct Hand(AtomicU64);

impl Clock for Hand {
    fn now(&self) -> Now {
        let nanos = self.0.load(Ordering::SeqCst);
        Now { wall: Timestamp::from_millis(1_700_000_000_000), monotonic: Monotonic::from_nanos(nanos) }
    }
}

/// One core before a store that these tests answer for.
struct Core {
    worker: Worker,
    node: Node,
    clock: Arc<Hand>,
    secret: String,
    joined: Joined,
}

impl Core {
    /// It is fresh and knows one key.
    fn warm() -> Self {
        let tag_key = MacKey::from_bytes([9; 32]);
        let secret = ApiKeySecret::assemble("kw_live_", &[5; 24], &tag_key).expose().to_owned();
        let clock = Arc::new(Hand::default());
        let (node, mut mailboxes) = Node::new(head(1), 1);
        let (asker, _) = fetcher::channel();
        let worker = Worker::new(Parts {
            node: 1,
            core: 0,
            rules: Arc::new(world::rules()),
            version: 1,
            tag_key,
            signing_keys: Arc::default(),
            clock: clock.clone(),
            shared: node.shared(),
            mailbox: mailboxes.remove(0),
            asker,
            limiter: keyward_engine::limits::Limiter::default(),
            throttle: Arc::default(),
            head: head(1),
            capacity: 100,
            tally: Default::default(),
        });
        let joined = world::record(&secret);
        let core = Self { worker, node, clock, secret, joined };
        core.pass_time(5 * SECOND);
        core.prove(1, Vec::new());
        assert!(core.fetched(&core.worker.snapshot(), 1).is_ok());
        assert!(core.known(&core.worker.snapshot()).unwrap().is_ok(), "the key is known");
        core
    }

    fn pass_time(&self, nanos: u64) {
        self.clock.0.fetch_add(nanos, Ordering::SeqCst);
    }

    /// The feed was read now, up to a position.
    fn prove(&self, position: u64, changes: Vec<Change>) {
        self.node.apply(self.clock.now().monotonic, Changes { head: head(position), changes, lost: false }, None);
    }

    fn begin<'a>(&self, snapshot: &'a Snapshot, headers: &'a HeaderMap, target: &'a TargetOf) -> Begun<'a> {
        let client = "192.0.2.1".parse().unwrap();
        self.worker.begin(
            snapshot,
            RequestFacts { plane: Plane::Data, client, method: &Method::GET, target, headers: headers.into() },
            &mut (),
        )
    }

    /// What memory alone says: why not, where it refuses; `None` where the store must be asked.
    fn known(&self, snapshot: &Snapshot) -> Option<Result<(), Reason>> {
        match self.begin(snapshot, &self.headers(), &Target::parse("/")) {
            Begun::Decided(decision) => Some(verdict(decision)),
            Begun::Ask(..) | Begun::Reserve(_) | Begun::Body(_) | Begun::Keys(_) => None,
        }
    }

    /// The store is asked, whatever memory says, and answers as of a position.
    fn fetched(&self, snapshot: &Snapshot, position: u64) -> Result<(), Reason> {
        let (headers, target) = (self.headers(), Target::parse("/"));
        let Begun::Ask(_, fetching) = self.begin(snapshot, &headers, &target) else { panic!("the store is not asked") };
        let held = Some(Held::ApiKey(Box::new(self.joined.clone())));
        let fill = Fill::of(head(position), held);
        match self.worker.answer(snapshot, fetching, &fill, &mut ()) {
            Answered::Decided(decision) => verdict(decision),
            Answered::AskAgain(_) | Answered::Reserve(_) => panic!("the answer is too old"),
        }
    }

    /// What becomes of a request that runs already, where the store is gone.
    fn again(&self) -> Result<(), Ending> {
        let (headers, target) = (self.headers(), Target::parse("/"));
        let client = "192.0.2.1".parse().unwrap();
        let facts = RequestFacts {
            plane: Plane::Data,
            client,
            method: &Method::GET,
            target: &target,
            headers: (&headers).into(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.worker.judge_again(facts))
    }

    fn headers(&self) -> HeaderMap {
        HeaderMap::from_iter([("x-api-key".parse().unwrap(), self.secret.parse().unwrap())])
    }
}

type TargetOf = Result<Target<'static>, keyward_core::path::PathFault>;

fn head(position: u64) -> FeedHead {
    FeedHead { epoch: 1, position }
}

fn verdict(decision: Decision) -> Result<(), Reason> {
    match decision {
        Decision::Allow(_) => Ok(()),
        Decision::Deny(denial) => Err(denial.reason),
    }
}

/// The rules of these tests with other scopes for the role of the key's owner, who therefore has none.
fn stricter() -> Arc<Rules> {
    let mut rules = world::rules();
    rules.roles.insert("admin".into(), ScopeSet::default());
    let mut route = rules.routes.iter().next().unwrap().1.clone();
    route.scopes.by_method = vec![(Method::GET, ScopeSet::parse(["orders:read"]).unwrap())];
    rules.routes = keyward_core::route::Routes::new(Vec::new(), vec![route]);
    Arc::new(rules)
}

#[test]
fn a_proof_that_comes_after_the_snapshot_rests_on_notes_that_are_read_first() {
    let core = Core::warm();
    core.pass_time(10 * SECOND);
    let snapshot = core.worker.snapshot();
    let mut revoked = core.joined.clone();
    revoked.key.revoked_at = Some(Timestamp::from_millis(1));
    core.prove(2, vec![Change::ApiKey(2, Box::new(revoked))]);
    let known = core.known(&snapshot);
    assert!(matches!(known, Some(Err(Reason::Rejected(_)))), "memory spoke before it heard of the change: {known:?}");
}

#[test]
fn memory_is_not_asked_about_a_time_before_its_proof_ran_out() {
    let core = Core::warm();
    core.pass_time(10 * SECOND);
    assert_eq!(core.known(&core.worker.snapshot()), None, "out of date");
}

#[test]
fn another_configuration_counts_from_the_next_request_on_and_voids_what_is_known() {
    let core = Core::warm();
    let before = core.worker.snapshot();
    core.node.configure(2, &stricter());
    assert_eq!(core.node.shared().configured(), 1, "the core has not heard of it");
    let after = core.worker.snapshot();
    assert_eq!((before.version(), after.version()), (1, 2));
    assert_eq!(core.node.shared().configured(), 2);
    assert_eq!(core.known(&after), None, "what was known is void");
    assert!(matches!(core.fetched(&after, 1), Err(Reason::Forbidden(_))), "the role has fewer scopes now");
    assert!(matches!(core.known(&core.worker.snapshot()), Some(Err(Reason::Forbidden(_)))));
}

#[test]
fn a_request_under_way_sees_one_configuration_to_its_end() {
    let core = Core::warm();
    let under_way = core.worker.snapshot();
    core.node.configure(2, &stricter());
    // Another request of the core takes it over and fills memory by it.
    assert!(core.fetched(&core.worker.snapshot(), 1).is_err());
    assert_eq!(core.known(&under_way), None, "memory holds what the other configuration made of the key");
    assert_eq!(core.fetched(&under_way, 1), Ok(()), "by its own configuration it may pass");
    assert!(matches!(core.known(&core.worker.snapshot()), Some(Err(Reason::Forbidden(_)))), "and nobody else by it");
}

#[test]
fn an_answer_that_comes_after_another_configuration_is_not_kept() {
    let core = Core::warm();
    core.pass_time(10 * SECOND);
    core.prove(1, Vec::new());
    core.node.configure(2, &Arc::new(world::rules()));
    let first = core.worker.snapshot();
    core.node.configure(3, &stricter());
    core.worker.catch_up();
    assert_eq!(core.fetched(&first, 1), Ok(()));
    assert_eq!(core.known(&core.worker.snapshot()), None, "an entry of an old configuration counts for the new one");
}

#[test]
fn what_runs_goes_on_as_long_as_memory_is_proven() {
    let core = Core::warm();
    assert_eq!(core.again(), Ok(()));
    core.pass_time(2 * SECOND - 1);
    assert!(core.worker.is_fresh());
    assert_eq!(core.again(), Ok(()), "the proof holds for two seconds");
    core.pass_time(1);
    assert!(!core.worker.is_fresh());
    assert_eq!(core.again(), Err(Ending::Unproven), "a store that is gone proves nothing");
}

#[test]
fn what_runs_feels_each_change_once_it_is_told_of() {
    for (change, expected) in [
        (Change::Ancestor(2, "user_2".into()), Ok(())),
        (Change::Ancestor(2, "user_1".into()), Err(Ending::Unproven)),
        (Change::Unknown(2), Err(Ending::Unproven)),
        (Change::SigningKeys(2), Err(Ending::Unproven)),
    ] {
        let core = Core::warm();
        let heard = core.worker.learned();
        core.prove(1, Vec::new());
        assert_eq!(core.worker.learned(), heard, "a proof alone is no news");
        core.prove(2, vec![change]);
        assert!(core.worker.learned() > heard, "whoever sweeps is told");
        assert_eq!(core.again(), expected);
    }
    let core = Core::warm();
    let mut revoked = core.joined.clone();
    revoked.key.revoked_at = Some(Timestamp::from_millis(1));
    core.prove(2, vec![Change::ApiKey(2, Box::new(revoked))]);
    assert_eq!(core.again(), Err(Ending::Revoked));
    let core = Core::warm();
    core.node.configure(2, &Arc::new(Rules { routes: Default::default(), ..world::rules() }));
    assert_eq!(core.again(), Err(Ending::Unrouted));
}
