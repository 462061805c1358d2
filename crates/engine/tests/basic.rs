//! Usernames and passwords on a core: checked elsewhere and once, remembered for a stated time and no longer than they hold.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod world;

use std::cell::Cell;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method};
use keyward_core::api_key::Rejection;
use keyward_core::basic::{BasicRules, REMEMBERED, Shown};
use keyward_core::decision::{Decision, Reason, Throttled, ThrottledBy};
use keyward_core::digest::{ApiKeyDigest, MacKey};
use keyward_core::guarding::Guarding;
use keyward_core::machine::RequestFacts;
use keyward_core::path::Target;
use keyward_core::plane::Plane;
use keyward_core::rules::Rules;
use keyward_core::scheme::{Carrier, CredentialKind};
use keyward_core::time::{Monotonic, Now, Timestamp};
use keyward_engine::fetcher;
use keyward_engine::limits::Limiter;
use keyward_engine::node::Node;
use keyward_engine::ports::{
    Answer, Change, Changes, Checked, CheckedUser, Checking, Clock, FeedHead, Found, FoundSessions, Held, Lookup,
    Passwords,
};
use keyward_engine::signing::SigningKeyRecord;
use keyward_engine::worker::{Begun, Parts, Worker};

const HEAD: FeedHead = FeedHead { epoch: 1, position: 1 };
const START: i64 = 1_700_000_000_000;

/// The wall clock goes where a test sets it; freshness is not what is looked at here.
#[derive(Default)]
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Now {
        let wall = Timestamp::from_millis(START + self.0.load(Ordering::SeqCst));
        Now { wall, monotonic: Monotonic::from_nanos(5_000_000_000) }
    }
}

struct NoStore;

impl Lookup for NoStore {
    fn find<'a>(&'a self, _: &'a [ApiKeyDigest]) -> Answer<'a, Found> {
        panic!("a password is nothing that the store is asked about")
    }

    fn find_sessions<'a>(&'a self, _: &'a [Box<str>]) -> Answer<'a, FoundSessions> {
        panic!("a password is nothing that the store is asked about")
    }

    fn find_cookies<'a>(&'a self, _: &'a [ApiKeyDigest]) -> Answer<'a, FoundSessions> {
        panic!("a password is nothing that the store is asked about")
    }

    fn signing_keys(&self) -> Answer<'_, Vec<SigningKeyRecord>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn changes(&self, _: FeedHead) -> Answer<'_, Changes> {
        panic!("nobody reads the feed here")
    }
}

/// Says what it is told to, and counts.
#[derive(Default)]
struct Scripted {
    asked: AtomicUsize,
    throttled: Mutex<Option<Throttled>>,
    position: AtomicUsize,
    clock: Arc<Hands>,
}

impl Passwords for Scripted {
    fn check(&self, shown: Arc<Shown>) -> Checking {
        self.asked.fetch_add(1, Ordering::SeqCst);
        assert!(!format!("{shown:?}").contains("horse"), "a password in Debug");
        let throttled = *self.throttled.lock().unwrap();
        let is_right = shown.username() == "admin" && shown.expose_password() == "correct horse";
        let user = world::record("x").owner;
        let at = self.clock.now().wall;
        let head = FeedHead { position: 1 + self.position.load(Ordering::SeqCst) as u64, ..HEAD };
        Box::pin(async move {
            Ok(match throttled {
                Some(why) => Checked::Throttled(why),
                None if is_right => Checked::Right(head, Held::User(Box::new(CheckedUser { user, at }))),
                None => Checked::Wrong,
            })
        })
    }
}

struct Core {
    worker: Worker,
    node: Node,
    clock: Arc<Hands>,
    passwords: Arc<Scripted>,
    questions: Option<fetcher::Questions>,
}

impl Core {
    fn new() -> Self {
        let clock = Arc::<Hands>::default();
        let passwords = Arc::new(Scripted { clock: Arc::clone(&clock), ..Scripted::default() });
        let (node, mut mailboxes) = Node::new(HEAD, 1);
        let (asker, questions) = fetcher::channel();
        node.apply(
            Monotonic::from_nanos(5_000_000_000),
            Changes { head: HEAD, changes: Vec::new(), lost: false },
            None,
        );
        let mut rules: Rules = world::rules();
        rules.guarding =
            Guarding { basic: Some(BasicRules::of_users(MacKey::from_bytes([1; 32]))), ..Guarding::default() };
        let scheme = rules.schemes.get_mut(1).unwrap();
        (scheme.carrier, scheme.kind) = (Carrier::Authorization("Basic".into()), CredentialKind::Basic);
        let worker = Worker::new(Parts {
            node: 1,
            core: 0,
            rules: Arc::new(rules),
            version: 1,
            tag_key: MacKey::from_bytes([9; 32]),
            signing_keys: Arc::default(),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            shared: node.shared(),
            mailbox: mailboxes.remove(0),
            asker,
            limiter: Limiter::default(),
            throttle: Arc::default(),
            head: HEAD,
            capacity: 1000,
            tally: Default::default(),
        });
        let questions = Some(questions.with_passwords(Arc::clone(&passwords) as Arc<dyn Passwords>));
        Self { worker, node, clock, passwords, questions }
    }

    /// The feed tells of a change of the only user.
    fn changed(&self, position: u64) {
        let changes = vec![Change::Ancestor(position, "user_1".into())];
        let head = FeedHead { position, ..HEAD };
        self.node.apply(Monotonic::from_nanos(5_000_000_000), Changes { head, changes, lost: false }, None);
        self.passwords.position.store(usize::try_from(position).unwrap(), Ordering::SeqCst);
    }

    fn asked(&self) -> usize {
        self.passwords.asked.load(Ordering::SeqCst)
    }
}

fn headers(pair: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Basic {}", STANDARD.encode(pair)).parse().unwrap());
    headers
}

fn facts<'a>(
    target: &'a Result<Target<'a>, keyward_core::path::PathFault>,
    headers: &'a HeaderMap,
) -> RequestFacts<'a> {
    RequestFacts {
        plane: Plane::Data,
        client: "192.0.2.1".parse().unwrap(),
        method: &Method::GET,
        target,
        headers: headers.into(),
    }
}

/// What becomes of a request, and how often passwords were asked about by then.
async fn ask(core: &Core, pair: &str) -> (Result<(), Reason>, usize) {
    let (target, headers) = (Target::parse("/"), headers(pair));
    let decision = core.worker.decide(&core.worker.snapshot(), facts(&target, &headers)).await.unwrap();
    let outcome = match decision {
        Decision::Allow(_) => Ok(()),
        Decision::Deny(denial) => Err(denial.reason),
    };
    (outcome, core.asked())
}

async fn with(core: &mut Core, test: impl AsyncFn(&Core)) {
    let questions = core.questions.take().unwrap();
    let core = &*core;
    tokio::select! {
        () = test(core) => {}
        () = fetcher::run(Arc::new(NoStore), Arc::clone(&core.clock) as Arc<dyn Clock>, questions) => {}
    }
}

const UNKNOWN: Reason = Reason::Rejected(Rejection::Unknown);

#[tokio::test]
async fn it_is_asked_once_and_again_once_that_was_long_ago_or_its_user_changed() {
    with(&mut Core::new(), async |core| {
        assert_eq!(ask(core, "admin:correct horse").await, (Ok(()), 1));
        assert_eq!(ask(core, "admin:correct horse").await, (Ok(()), 1));
        let remembered = i64::try_from(REMEMBERED.as_millis()).unwrap();
        core.clock.0.store(remembered - 1, Ordering::SeqCst);
        assert_eq!(ask(core, "admin:correct horse").await, (Ok(()), 1));
        core.clock.0.store(remembered, Ordering::SeqCst);
        assert_eq!(ask(core, "admin:correct horse").await, (Ok(()), 2));
        assert_eq!(ask(core, "admin:correct horse").await, (Ok(()), 2));
        core.changed(7);
        assert_eq!(ask(core, "admin:correct horse").await, (Ok(()), 3));
    })
    .await;
}

#[tokio::test]
async fn what_was_wrong_or_not_looked_at_is_not_remembered() {
    with(&mut Core::new(), async |core| {
        assert_eq!(ask(core, "admin:wrong").await, (Err(UNKNOWN), 1));
        assert_eq!(ask(core, "admin:wrong").await, (Err(UNKNOWN), 2));
        let throttled = Throttled { by: ThrottledBy::Subject, retry_after: Duration::from_secs(7) };
        *core.passwords.throttled.lock().unwrap() = Some(throttled);
        assert_eq!(ask(core, "admin:correct horse").await, (Err(Reason::Throttled(throttled)), 3));
        *core.passwords.throttled.lock().unwrap() = None;
        assert_eq!(ask(core, "admin:correct horse").await, (Ok(()), 4));
        *core.passwords.throttled.lock().unwrap() = Some(throttled);
        assert_eq!(ask(core, "admin:correct horse").await, (Ok(()), 4), "who is known is not asked about");
        // No pair, or one that is too long: nobody is asked.
        for none in ["admin", &format!("admin:{}", "x".repeat(2000)), "admin:a\u{0}"] {
            assert_eq!(ask(core, none).await, (Err(UNKNOWN), 4));
        }
    })
    .await;
}

#[tokio::test]
async fn a_pair_that_is_known_asks_nobody_and_allocates_nothing() {
    with(&mut Core::new(), async |core| {
        assert_eq!(ask(core, "admin:correct horse").await, (Ok(()), 1));
        let (target, headers) = (Target::parse("/"), headers("admin:correct horse"));
        let passed = Cell::new(0);
        let measured = allocation_counter::measure(|| {
            for _ in 0..100 {
                let snapshot = core.worker.snapshot();
                let begun = core.worker.begin(&snapshot, facts(&target, &headers), &mut ());
                passed.set(passed.get() + i32::from(matches!(begun, Begun::Decided(Decision::Allow(_)))));
            }
        });
        assert_eq!((passed.get(), measured.count_total), (100, 0));
    })
    .await;
}

#[tokio::test]
async fn many_that_come_at_once_are_one_question() {
    with(&mut Core::new(), async |core| {
        let all = (0..20).map(|_| ask(core, "admin:correct horse"));
        for (outcome, _) in futures_util::future::join_all(all).await {
            assert_eq!(outcome, Ok(()));
        }
        assert_eq!(core.asked(), 1);
    })
    .await;
}
