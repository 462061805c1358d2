//! Answers misses on the control runtime: one question per digest at a time, many digests per read, each within [`FILL`].

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use keyward_core::decision::Fault;
use keyward_core::digest::ApiKeyDigest;
use tokio::sync::{mpsc, oneshot};

use crate::node::FILL;
use crate::ports::{Clock, FeedHead, Found, Joined, Lookup};

/// How many questions may wait before further ones are answered [`Fault::Busy`].
pub const WAITING: usize = 4096;
/// How many digests one read asks for.
const BATCH: usize = 32;
/// How many reads run at once.
const READS: usize = 4;

/// What the store said of one digest, as of a place in the feed.
#[derive(Clone, Debug)]
pub struct Fill {
    /// The feed's head in the read transaction of the answer.
    pub head: FeedHead,
    /// The key with its owner, if there is one.
    pub joined: Option<Joined>,
}

type Reply = Result<Arc<Fill>, Fault>;

/// One question of a core.
struct Question {
    digest: ApiKeyDigest,
    reply: oneshot::Sender<Reply>,
}

/// Where cores ask.
#[derive(Clone)]
pub struct Asker(mpsc::Sender<Question>);

/// Where the fetcher hears.
pub struct Questions(mpsc::Receiver<Question>);

/// A bounded channel of questions.
pub fn channel() -> (Asker, Questions) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Asker(sender), Questions(receiver))
}

impl Asker {
    /// Asks the store about a digest.
    ///
    /// # Errors
    /// [`Fault::Busy`] when too many questions wait, [`Fault::Stopping`] when nobody answers any more, otherwise what
    /// the store failed with.
    pub async fn ask(&self, digest: ApiKeyDigest) -> Reply {
        let (reply, answer) = oneshot::channel();
        self.0.try_send(Question { digest, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Fault::Busy,
            mpsc::error::TrySendError::Closed(_) => Fault::Stopping,
        })?;
        answer.await.unwrap_or(Err(Fault::Stopping))
    }
}

type Read = (Vec<ApiKeyDigest>, Result<Found, Fault>);
type Waiting = HashMap<ApiKeyDigest, Vec<oneshot::Sender<Reply>>>;

/// Answers questions until every [`Asker`] is gone. A question goes on when its asker has hung up, so that the next
/// one finds memory filled.
pub async fn run(store: Arc<dyn Lookup>, clock: Arc<dyn Clock>, Questions(mut questions): Questions) {
    let mut waiting = Waiting::new();
    let mut next: Vec<ApiKeyDigest> = Vec::with_capacity(BATCH);
    let mut reads = FuturesUnordered::new();
    let mut open = true;
    while open || !reads.is_empty() {
        tokio::select! {
            biased;
            question = questions.recv(), if open && next.len() < BATCH => match question {
                Some(question) => {
                    enlist(question, &mut waiting, &mut next);
                    while next.len() < BATCH {
                        let Ok(question) = questions.try_recv() else { break };
                        enlist(question, &mut waiting, &mut next);
                    }
                }
                None => open = false,
            },
            Some((digests, found)) = reads.next(), if !reads.is_empty() => settle(digests, &found, &mut waiting),
        }
        if !next.is_empty() && reads.len() < READS {
            reads.push(read(Arc::clone(&store), Arc::clone(&clock), std::mem::take(&mut next)));
        }
    }
}

/// Joins a question to one about the same digest that is under way, or puts it on the next read.
fn enlist(question: Question, waiting: &mut Waiting, next: &mut Vec<ApiKeyDigest>) {
    let askers = waiting.entry(question.digest).or_default();
    if askers.is_empty() {
        next.push(question.digest);
    }
    askers.push(question.reply);
}

/// A read that took longer than [`FILL`] is abandoned, also when its answer lay ready while this task stood still.
async fn read(store: Arc<dyn Lookup>, clock: Arc<dyn Clock>, digests: Vec<ApiKeyDigest>) -> Read {
    let begun = clock.now().monotonic;
    let found = match tokio::time::timeout(FILL, store.find(&digests)).await {
        Ok(Ok(found)) if clock.now().monotonic.since(begun) <= FILL => Ok(found),
        Ok(Err(error)) => Err(Fault::from(&error)),
        Ok(Ok(_)) | Err(_) => Err(Fault::Timeout),
    };
    (digests, found)
}

fn settle(digests: Vec<ApiKeyDigest>, found: &Result<Found, Fault>, waiting: &mut Waiting) {
    for (index, digest) in digests.into_iter().enumerate() {
        let reply = match found {
            Ok(found) => match found.keys.get(index) {
                Some(joined) => Ok(Arc::new(Fill { head: found.head, joined: joined.clone() })),
                None => Err(Fault::Store),
            },
            Err(fault) => Err(*fault),
        };
        for asker in waiting.remove(&digest).unwrap_or_default() {
            // A caller that hung up is no reason to stop.
            let _ = asker.send(reply.clone());
        }
    }
}
