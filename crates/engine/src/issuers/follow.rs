//! Follows other issuers on the control plane: their keys are fetched at intervals and for a key that is missing, one fetch
//! of an issuer at a time, and go on to count for a while where it is out of reach.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use keyward_core::decision::Fault;
use keyward_core::foreign::is_fetchable;
use keyward_core::time::Monotonic;
use serde_json::Value;
use tokio::sync::watch;

use super::{Ask, Asks, IssuerKeys, Reply, jwks};
use crate::node::Node;
use crate::ports::Clock;
use crate::signing::VerifyingKey;

/// How old keys become before they are fetched again.
pub const REFRESHED_EVERY: Duration = Duration::from_secs(300);
/// How long after a fetch another one may follow, whoever asks for whatever key.
pub const MISSED_EVERY: Duration = Duration::from_secs(10);
/// How old keys may be at most: beyond that an issuer out of reach has none.
pub const STALE: Duration = Duration::from_secs(3600);
/// How long one fetch may take.
pub const FETCHED_WITHIN: Duration = Duration::from_secs(5);
/// The most bytes of a document.
pub const LARGEST: usize = 256 * 1024;
/// How often is looked for keys that are old.
const TICK: Duration = Duration::from_secs(1);

/// A document some time later; nothing where it could not be had.
pub type Document<'a> = Pin<Box<dyn Future<Output = Option<Vec<u8>>> + Send + 'a>>;

/// Gets documents of others.
pub trait Documents: Send + Sync {
    /// The document at an address for which [`is_fetchable`] holds, of at most [`LARGEST`] bytes: what is answered with 200, with no
    /// redirect followed.
    fn get<'a>(&'a self, url: &'a str) -> Document<'a>;
}

/// An issuer whose keys are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// `iss` of its tokens.
    pub name: Box<str>,
    /// Where its keys are; `None`: where its metadata says (OpenID Connect Discovery 1.0 §4).
    pub jwks_url: Option<Box<str>>,
}

/// What is told of an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// `iss` of its tokens.
    pub name: Box<str>,
    /// How many keys it has.
    pub keys: usize,
    /// When they were fetched.
    pub fetched: Option<Monotonic>,
    /// How many fetches brought keys, and how many did not.
    pub fetches: (u64, u64),
}

/// What is told of all issuers.
#[derive(Debug, Default)]
pub struct Followed(Mutex<Vec<Figures>>);

impl Followed {
    /// Each of them.
    pub fn figures(&self) -> Vec<Figures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One issuer as it is followed.
#[derive(Default)]
struct Issuer {
    jwks_url: Option<Box<str>>,
    keys: Option<Arc<Vec<VerifyingKey>>>,
    /// The text that they were read from: another text is other keys.
    text: Vec<u8>,
    fetched: Option<Monotonic>,
    tried: Option<Monotonic>,
    failing: bool,
    is_fetching: bool,
    waiting: Vec<(Box<str>, Reply)>,
    fetches: (u64, u64),
}

/// Follows the issuers that are wanted until the process ends.
pub async fn follow(
    (node, clock): (Arc<Node>, Arc<dyn Clock>),
    documents: Arc<dyn Documents>,
    mut wanted: watch::Receiver<Vec<Wanted>>,
    Asks(mut asks): Asks,
    followed: Arc<Followed>,
) {
    let mut issuers = BTreeMap::<Box<str>, Issuer>::new();
    let mut fetches = FuturesUnordered::new();
    let mut tick = tokio::time::interval(TICK);
    wanted.mark_changed();
    loop {
        let now = clock.now().monotonic;
        tokio::select! {
            biased;
            changed = wanted.changed() => {
                if changed.is_err() {
                    return;
                }
                let wanted = wanted.borrow_and_update().clone();
                if want(&mut issuers, wanted) {
                    post(&node, &issuers);
                }
            }
            Some(brought) = fetches.next(), if !fetches.is_empty() => {
                let brought: Brought = brought;
                let name = brought.name.clone();
                if settle(&mut issuers, brought) {
                    post(&node, &issuers);
                }
                if let Some(issuer) = issuers.get_mut(&name) {
                    issuer.answer_all();
                }
            }
            ask = asks.recv() => {
                let Some(ask) = ask else { return };
                if let Some(issuer) = issuers.get_mut(&ask.issuer) {
                    issuer.hear(ask, now);
                } else {
                    // It was wanted when the core asked.
                    let _ = ask.reply.send(Ok(()));
                }
            }
            _ = tick.tick() => {
                if expire(&mut issuers, now) {
                    post(&node, &issuers);
                }
            }
        }
        for (name, issuer) in issuers.iter_mut().filter(|(_, issuer)| issuer.is_due(now)) {
            (issuer.is_fetching, issuer.tried) = (true, Some(now));
            fetches.push(fetch(Arc::clone(&documents), name.clone(), issuer.jwks_url.clone(), now));
        }
        tell(&followed, &issuers);
    }
}

impl Issuer {
    fn is_due(&self, now: Monotonic) -> bool {
        let rested = self.tried.is_none_or(|tried| now.since(tried) >= MISSED_EVERY);
        let is_old = self.fetched.is_none_or(|fetched| now.since(fetched) >= REFRESHED_EVERY);
        !self.is_fetching && rested && (is_old || self.failing || !self.waiting.is_empty())
    }

    /// Answers a question, or lets it wait for the fetch that it leads to. Too soon after the last one there is none: what is
    /// known then is what there is.
    fn hear(&mut self, ask: Ask, now: Monotonic) {
        let is_soon = self.tried.is_some_and(|tried| now.since(tried) < MISSED_EVERY);
        if !self.has(&ask.kid) && (self.is_fetching || !is_soon) {
            self.waiting.push((ask.kid, ask.reply));
        } else {
            let _ = ask.reply.send(self.word(&ask.kid));
        }
    }

    fn answer_all(&mut self) {
        for (kid, reply) in std::mem::take(&mut self.waiting) {
            // A caller that hung up is no reason to stop.
            let _ = reply.send(self.word(&kid));
        }
    }

    /// Whether a core has what there is. What the issuer would say now, while it is out of reach, nobody knows.
    fn word(&self, kid: &str) -> Result<(), Fault> {
        if self.has(kid) || (self.keys.is_some() && !self.failing) { Ok(()) } else { Err(Fault::Issuer) }
    }

    fn has(&self, kid: &str) -> bool {
        self.keys.as_ref().is_some_and(|keys| keys.iter().any(|key| key.id() == kid))
    }
}

/// What one fetch brought.
struct Brought {
    name: Box<str>,
    /// Where it was looked for.
    jwks_url: Option<Box<str>>,
    begun: Monotonic,
    /// The set as it came, and as it was read.
    got: Option<(Vec<u8>, Vec<VerifyingKey>)>,
}

async fn fetch(documents: Arc<dyn Documents>, name: Box<str>, jwks_url: Option<Box<str>>, begun: Monotonic) -> Brought {
    let got = tokio::time::timeout(FETCHED_WITHIN, keys(&*documents, &name, jwks_url.as_deref())).await;
    Brought { name, jwks_url, begun, got: got.ok().flatten() }
}

async fn keys(documents: &dyn Documents, name: &str, url: Option<&str>) -> Option<(Vec<u8>, Vec<VerifyingKey>)> {
    let url = match url {
        Some(url) => url.to_owned(),
        None => discover(documents, name).await?,
    };
    let text = documents.get(&url).await?;
    let keys = jwks::read(&text)?;
    Some((text, keys))
}

/// Where an issuer says that its keys are. Metadata that names another issuer is somebody else's (OpenID Connect Discovery 1.0 §4.3).
async fn discover(documents: &dyn Documents, name: &str) -> Option<String> {
    let url = format!("{}/.well-known/openid-configuration", name.trim_end_matches('/'));
    let metadata: Value = serde_json::from_slice(&documents.get(&url).await?).ok()?;
    let said = metadata.get("issuer")?.as_str()?;
    let url = metadata.get("jwks_uri")?.as_str()?;
    // One that is asked over TLS must not send us to a server of this machine.
    let is_as_safe = url.starts_with("https:") || name.starts_with("http:");
    (said == name && is_fetchable(url) && is_as_safe).then(|| url.to_owned())
}

/// Takes another list of issuers. Whether there are fewer keys now.
fn want(issuers: &mut BTreeMap<Box<str>, Issuer>, wanted: Vec<Wanted>) -> bool {
    let stays =
        |name: &str, issuer: &Issuer| wanted.iter().any(|one| *one.name == *name && one.jwks_url == issuer.jwks_url);
    let before = issuers.len();
    issuers.retain(|name, issuer| stays(name, issuer));
    let are_fewer = issuers.len() < before;
    for Wanted { name, jwks_url } in wanted {
        issuers.entry(name).or_insert_with(|| Issuer { jwks_url, ..Issuer::default() });
    }
    are_fewer
}

/// Takes what a fetch brought. Whether there are other keys now.
fn settle(issuers: &mut BTreeMap<Box<str>, Issuer>, Brought { name, jwks_url, begun, got }: Brought) -> bool {
    // Another configuration may ask another place by now.
    let Some(issuer) = issuers.get_mut(&name).filter(|issuer| issuer.jwks_url == jwks_url) else { return false };
    issuer.is_fetching = false;
    issuer.failing = got.is_none();
    let Some((text, keys)) = got else {
        issuer.fetches.1 += 1;
        return false;
    };
    issuer.fetches.0 += 1;
    issuer.fetched = Some(begun);
    let is_other = issuer.keys.is_none() || issuer.text != text;
    if is_other {
        (issuer.keys, issuer.text) = (Some(Arc::new(keys)), text);
    }
    is_other
}

/// Lets go of keys that are too old to go on with. Whether there are fewer now.
fn expire(issuers: &mut BTreeMap<Box<str>, Issuer>, now: Monotonic) -> bool {
    let is_over = |issuer: &Issuer| issuer.fetched.is_some_and(|fetched| now.since(fetched) >= STALE);
    let mut are_fewer = false;
    for issuer in issuers.values_mut().filter(|issuer| issuer.keys.is_some() && is_over(issuer)) {
        issuer.keys = None;
        are_fewer = true;
    }
    are_fewer
}

fn post(node: &Node, issuers: &BTreeMap<Box<str>, Issuer>) {
    let keys = issuers.iter().filter_map(|(name, issuer)| Some((name.clone(), Arc::clone(issuer.keys.as_ref()?))));
    node.know_issuers(Arc::new(IssuerKeys(keys.collect())));
}

fn tell(followed: &Followed, issuers: &BTreeMap<Box<str>, Issuer>) {
    let figures = issuers.iter().map(|(name, issuer)| Figures {
        name: name.clone(),
        keys: issuer.keys.as_ref().map_or(0, |keys| keys.len()),
        fetched: issuer.fetched,
        fetches: issuer.fetches,
    });
    *followed.0.lock().unwrap_or_else(PoisonError::into_inner) = figures.collect();
}
