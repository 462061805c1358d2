//! How other issuers are followed: how often they are asked, whatever strangers show, and what counts while they are out of reach.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test, whose time stands still")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyward_core::decision::Fault;
use keyward_core::time::{Monotonic, Now, Timestamp};
use keyward_engine::issuers::{
    Document, Documents, Followed, IssuerKeys, MISSED_EVERY, REFRESHED_EVERY, STALE, Wanted, follow,
};
use keyward_engine::node::{Mailbox, Node, Note, Shared};
use keyward_engine::ports::{Clock, FeedHead};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

const IDP: &str = "https://idp.example";
const METADATA: &str = "https://idp.example/.well-known/openid-configuration";
const KEYS: &str = "https://keys.example/jwks";

struct Paused(Instant);

impl Clock for Paused {
    fn now(&self) -> Now {
        let nanos = u64::try_from(self.0.elapsed().as_nanos()).unwrap();
        Now { wall: Timestamp::from_millis(0), monotonic: Monotonic::from_nanos(nanos + 1) }
    }
}

/// What can be had from others, and what was asked for.
#[derive(Default)]
struct Site {
    documents: Mutex<HashMap<String, String>>,
    asked: Mutex<Vec<String>>,
}

impl Documents for Site {
    fn get<'a>(&'a self, url: &'a str) -> Document<'a> {
        self.asked.lock().unwrap().push(url.to_owned());
        let got = self.documents.lock().unwrap().get(url).map(|text| text.clone().into_bytes());
        Box::pin(async move {
            sleep(Duration::from_millis(50)).await;
            got
        })
    }
}

impl Site {
    fn has(&self, url: &str, text: &str) {
        self.documents.lock().unwrap().insert(url.to_owned(), text.to_owned());
    }

    fn has_keys(&self, kids: &[&str]) {
        // RFC 8037 §A.2.
        let key = |kid: &&str| json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        self.has(KEYS, &json!({"keys": kids.iter().map(key).collect::<Vec<_>>()}).to_string());
    }

    fn is_gone(&self) {
        self.documents.lock().unwrap().clear();
    }

    fn asked(&self, url: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == url).count()
    }
}

struct World {
    site: Arc<Site>,
    shared: Arc<Shared>,
    mailbox: Mailbox,
    wanted: watch::Sender<Vec<Wanted>>,
    keys: IssuerKeys,
}

impl World {
    fn new(jwks_url: Option<&str>) -> Self {
        let (node, mut mailboxes) = Node::new(FeedHead { epoch: 1, position: 1 }, 1);
        let (shared, node) = (node.shared(), Arc::new(node));
        let site = Arc::<Site>::default();
        let (wanted, heard) = watch::channel(vec![Wanted { name: IDP.into(), jwks_url: jwks_url.map(Into::into) }]);
        let clock = Arc::new(Paused(Instant::now()));
        let asks = shared.issuers().open();
        let documents = Arc::clone(&site);
        tokio::spawn(follow((node, clock), documents, heard, asks, Arc::<Followed>::default()));
        Self { site, shared, mailbox: mailboxes.remove(0), wanted, keys: IssuerKeys::default() }
    }

    /// What a core that reads its mailbox has.
    fn has(&mut self, kid: &str) -> bool {
        for note in self.mailbox.try_iter() {
            if let Note::IssuerKeys(keys) = note {
                self.keys = IssuerKeys::clone(&keys);
            }
        }
        self.keys.has(IDP, kid)
    }

    async fn ask(&self, kid: &str) -> Result<(), Fault> {
        self.shared.issuers().ask(IDP, kid).await
    }
}

#[tokio::test(start_paused = true)]
async fn strangers_decide_nothing_of_how_often_an_issuer_is_asked() {
    let mut world = World::new(Some(KEYS));
    world.site.has_keys(&["one"]);
    assert_eq!(world.ask("one").await, Ok(()));
    assert!(world.has("one"));
    for round in 1..=6 {
        for number in 0..500 {
            assert_eq!(world.ask(&format!("made up {round} {number}")).await, Ok(()));
        }
        assert!(world.site.asked(KEYS) <= round + 1, "{} fetches in round {round}", world.site.asked(KEYS));
        sleep(MISSED_EVERY).await;
    }
    // A key that is new is there at the next question that may lead to a fetch.
    world.site.has_keys(&["two"]);
    sleep(MISSED_EVERY).await;
    assert_eq!(world.ask("two").await, Ok(()));
    assert!(world.has("two") && !world.has("one"), "a key that is gone counts no more");
}

#[tokio::test(start_paused = true)]
async fn many_questions_at_once_are_one_fetch() {
    let world = World::new(Some(KEYS));
    world.site.has_keys(&["one"]);
    let asks = (0..200).map(|_| world.ask("one"));
    for answer in futures_util::future::join_all(asks).await {
        assert_eq!(answer, Ok(()));
    }
    assert_eq!(world.site.asked(KEYS), 1);
}

#[tokio::test(start_paused = true)]
async fn old_keys_count_for_a_while_and_then_nothing_can_be_found_out() {
    let mut world = World::new(Some(KEYS));
    world.site.has_keys(&["one"]);
    assert_eq!(world.ask("one").await, Ok(()));
    world.site.is_gone();
    sleep(REFRESHED_EVERY + Duration::from_secs(60)).await;
    assert!(world.has("one"));
    // Whether there is another key by now only the issuer knows.
    assert_eq!(world.ask("two").await, Err(Fault::Issuer));
    assert_eq!(world.ask("one").await, Ok(()));
    sleep(STALE).await;
    assert!(!world.has("one"));
    assert_eq!(world.ask("one").await, Err(Fault::Issuer));
    world.site.has_keys(&["one"]);
    sleep(MISSED_EVERY + Duration::from_secs(2)).await;
    assert!(world.has("one"), "it is there again without being asked for");
}

#[tokio::test(start_paused = true)]
async fn keys_are_refreshed_without_being_asked_for() {
    let mut world = World::new(Some(KEYS));
    world.site.has_keys(&["one"]);
    assert_eq!(world.ask("one").await, Ok(()));
    world.site.has_keys(&["two"]);
    sleep(REFRESHED_EVERY + Duration::from_secs(2)).await;
    assert!(world.has("two") && !world.has("one"));
    world.wanted.send_replace(Vec::new());
    sleep(Duration::from_secs(1)).await;
    assert!(!world.has("two"), "an issuer that is wanted no more has no keys");
}

#[tokio::test(start_paused = true)]
async fn metadata_speaks_for_its_issuer_alone() {
    for (said, jwks_uri, passes) in [
        (IDP, KEYS, true),
        ("https://other.example", KEYS, false),
        ("https://idp.example/", KEYS, false),
        (IDP, "http://keys.example/jwks", false),
        (IDP, "http://127.0.0.1:80/jwks", false),
        (IDP, "file:///jwks", false),
    ] {
        let mut world = World::new(None);
        world.site.has(METADATA, &json!({"issuer": said, "jwks_uri": jwks_uri}).to_string());
        world.site.has_keys(&["one"]);
        assert_eq!(world.ask("one").await.is_ok(), passes, "{said} {jwks_uri}");
        assert_eq!(world.has("one"), passes, "{said} {jwks_uri}");
        let asked = world.site.asked.lock().unwrap().clone();
        assert!(asked.iter().all(|url| [METADATA, KEYS].contains(&url.as_str())), "{asked:?}");
    }
}
