//! Answers misses on the control runtime: one question of a kind at a time, many per read, each within [`FILL`]. Passwords are
//! checked elsewhere, in their own time.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use keyward_core::decision::{Fault, Throttled};
use keyward_core::digest::ApiKeyDigest;
use keyward_core::machine::Question;
use tokio::sync::{mpsc, oneshot};

use crate::node::FILL;
use crate::ports::{Checked, Clock, FeedHead, Held, Lookup, Passwords, Provers, StoreError};

/// How many questions may wait before further ones are answered [`Fault::Busy`].
pub const WAITING: usize = 4096;
/// How many digests one read asks for.
const BATCH: usize = 32;
/// How many reads run at once.
const READS: usize = 4;

/// What the store said to one question, as of a place in the feed.
#[derive(Clone, Debug)]
pub struct Fill {
    /// The feed's head in the read transaction of the answer.
    pub head: FeedHead,
    /// The key with its owner, the session with its user, or the user, if there is one.
    pub held: Option<Held>,
    /// What was decided without the store, and holds whatever changes there.
    pub refused: Option<Refused>,
}

/// What is refused without the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The password is wrong, or there is no such user.
    Wrong,
    /// Nobody looked.
    Throttled(Throttled),
}

impl Fill {
    /// What a store holds, or that it holds nothing.
    pub fn of(head: FeedHead, held: Option<Held>) -> Self {
        Self { head, held, refused: None }
    }

    fn refused(why: Refused) -> Self {
        Self { head: FeedHead { epoch: 0, position: 0 }, held: None, refused: Some(why) }
    }
}

type Reply = Result<Arc<Fill>, Fault>;

/// One question of a core.
struct Asked {
    question: Question,
    reply: oneshot::Sender<Reply>,
}

/// Where cores ask.
#[derive(Clone)]
pub struct Asker(mpsc::Sender<Asked>);

/// Where the fetcher hears.
pub struct Questions {
    asked: mpsc::Receiver<Asked>,
    passwords: Option<Arc<dyn Passwords>>,
    provers: Option<Arc<dyn Provers>>,
}

impl Questions {
    /// With what checks passwords. Without it, questions about them are not answered.
    #[must_use]
    pub fn with_passwords(mut self, passwords: Arc<dyn Passwords>) -> Self {
        self.passwords = Some(passwords);
        self
    }

    /// With what compares keys with hashes of others. Without it, questions about them are not answered.
    #[must_use]
    pub fn with_provers(mut self, provers: Arc<dyn Provers>) -> Self {
        self.provers = Some(provers);
        self
    }
}

/// A bounded channel of questions.
pub fn channel() -> (Asker, Questions) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Asker(sender), Questions { asked: receiver, passwords: None, provers: None })
}

impl Asker {
    /// How many questions wait, asked by somebody who keeps the channel from nothing.
    pub fn depth(&self) -> impl Fn() -> usize + Send + Sync + 'static {
        let queue = self.0.downgrade();
        move || queue.upgrade().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }

    /// Asks the store.
    ///
    /// # Errors
    /// [`Fault::Busy`] when too many questions wait, [`Fault::Stopping`] when nobody answers any more, otherwise what
    /// the store failed with.
    pub async fn ask(&self, question: Question) -> Reply {
        let (reply, answer) = oneshot::channel();
        self.0.try_send(Asked { question, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Fault::Busy,
            mpsc::error::TrySendError::Closed(_) => Fault::Stopping,
        })?;
        answer.await.unwrap_or(Err(Fault::Stopping))
    }
}

/// Questions of one kind, and one answer for each.
type Read = (Vec<Question>, Result<(FeedHead, Vec<Option<Held>>), Fault>);
type Waiting = HashMap<Question, Vec<oneshot::Sender<Reply>>>;

/// What the next read of each kind asks for.
#[derive(Default)]
struct Next {
    keys: Vec<ApiKeyDigest>,
    sessions: Vec<Box<str>>,
    cookies: Vec<ApiKeyDigest>,
    checks: Vec<Question>,
}

/// Answers questions until every [`Asker`] is gone. A question goes on when its asker has hung up, so that the next
/// one finds memory filled.
pub async fn run(store: Arc<dyn Lookup>, clock: Arc<dyn Clock>, questions: Questions) {
    let Questions { asked: mut questions, passwords, provers } = questions;
    let mut waiting = Waiting::new();
    let mut next = Next::default();
    let mut reads = FuturesUnordered::new();
    // As many as are let wait for their turn at passwords; others are turned away there at once.
    let mut checks = FuturesUnordered::new();
    let mut open = true;
    while open || !reads.is_empty() || !checks.is_empty() {
        tokio::select! {
            biased;
            asked = questions.recv(), if open && next.has_room() => match asked {
                Some(asked) => {
                    enlist(asked, &mut waiting, &mut next);
                    while next.has_room() {
                        let Ok(asked) = questions.try_recv() else { break };
                        enlist(asked, &mut waiting, &mut next);
                    }
                }
                None => open = false,
            },
            Some((asked, found)) = reads.next(), if !reads.is_empty() => settle(asked, &found, &mut waiting),
            Some((question, reply)) = checks.next(), if !checks.is_empty() => tell(&question, &reply, &mut waiting),
        }
        checks.extend(next.checks.drain(..).map(|question| check(passwords.clone(), provers.clone(), question)));
        while reads.len() < READS
            && let Some(batch) = next.take()
        {
            reads.push(read(Arc::clone(&store), Arc::clone(&clock), batch));
        }
    }
}

/// What one read asks for.
enum Batch {
    Keys(Vec<ApiKeyDigest>),
    Sessions(Vec<Box<str>>),
    Cookies(Vec<ApiKeyDigest>),
}

impl Next {
    fn has_room(&self) -> bool {
        self.keys.len() < BATCH && self.sessions.len() < BATCH && self.cookies.len() < BATCH
    }

    fn take(&mut self) -> Option<Batch> {
        if !self.keys.is_empty() {
            return Some(Batch::Keys(std::mem::take(&mut self.keys)));
        }
        if !self.cookies.is_empty() {
            return Some(Batch::Cookies(std::mem::take(&mut self.cookies)));
        }
        let sessions = std::mem::take(&mut self.sessions);
        (!sessions.is_empty()).then_some(Batch::Sessions(sessions))
    }
}

/// Joins a question to the same one that is under way, or puts it on the next read.
fn enlist(asked: Asked, waiting: &mut Waiting, next: &mut Next) {
    let question = asked.question.clone();
    let askers = waiting.entry(asked.question).or_default();
    if askers.is_empty() {
        match question {
            Question::ApiKey(digest) => next.keys.push(digest),
            Question::Session(id) => next.sessions.push(id),
            Question::Cookie(digest) => next.cookies.push(digest),
            slow @ (Question::Basic(_) | Question::Imported(_)) => next.checks.push(slow),
        }
    }
    askers.push(asked.reply);
}

/// A read that took longer than [`FILL`] is abandoned, also when its answer lay ready while this task stood still.
async fn read(store: Arc<dyn Lookup>, clock: Arc<dyn Clock>, batch: Batch) -> Read {
    let begun = clock.now().monotonic;
    let found = match tokio::time::timeout(FILL, find(&*store, &batch)).await {
        Ok(Ok(found)) if clock.now().monotonic.since(begun) <= FILL => Ok(found),
        Ok(Err(error)) => Err(Fault::from(&error)),
        Ok(Ok(_)) | Err(_) => Err(Fault::Timeout),
    };
    let asked = match batch {
        Batch::Keys(digests) => digests.into_iter().map(Question::ApiKey).collect(),
        Batch::Sessions(ids) => ids.into_iter().map(Question::Session).collect(),
        Batch::Cookies(digests) => digests.into_iter().map(Question::Cookie).collect(),
    };
    (asked, found)
}

async fn find(store: &dyn Lookup, batch: &Batch) -> Result<(FeedHead, Vec<Option<Held>>), StoreError> {
    Ok(match batch {
        Batch::Keys(digests) => {
            let found = store.find(digests).await?;
            let held = |joined: Option<_>| joined.map(|joined| Held::ApiKey(Box::new(joined)));
            (found.head, found.keys.into_iter().map(held).collect())
        }
        Batch::Sessions(ids) => {
            let found = store.find_sessions(ids).await?;
            let held = |joined: Option<_>| joined.map(|joined| Held::Session(Box::new(joined)));
            (found.head, found.sessions.into_iter().map(held).collect())
        }
        Batch::Cookies(digests) => {
            let found = store.find_cookies(digests).await?;
            let held = |joined: Option<_>| joined.map(|joined| Held::Cookie(Box::new(joined)));
            (found.head, found.sessions.into_iter().map(held).collect())
        }
    })
}

fn settle(asked: Vec<Question>, found: &Result<(FeedHead, Vec<Option<Held>>), Fault>, waiting: &mut Waiting) {
    for (index, question) in asked.into_iter().enumerate() {
        let reply = match found {
            Ok((head, answers)) => match answers.get(index) {
                Some(held) => Ok(Arc::new(Fill::of(*head, held.clone()))),
                None => Err(Fault::Store),
            },
            Err(fault) => Err(*fault),
        };
        tell(&question, &reply, waiting);
    }
}

fn tell(question: &Question, reply: &Reply, waiting: &mut Waiting) {
    for asker in waiting.remove(question).unwrap_or_default() {
        // A caller that hung up is no reason to stop.
        let _ = asker.send(reply.clone());
    }
}

async fn check(
    passwords: Option<Arc<dyn Passwords>>,
    provers: Option<Arc<dyn Provers>>,
    question: Question,
) -> (Question, Reply) {
    let checked = match (&question, passwords, provers) {
        (Question::Basic(shown), Some(passwords), _) => passwords.check(Arc::clone(shown)).await,
        (Question::Imported(shown), _, Some(provers)) => provers.prove(Arc::clone(shown)).await,
        _ => Err(Fault::Stopping),
    };
    let fill = checked.map(|checked| match checked {
        Checked::Right(head, held) => Fill::of(head, Some(held)),
        Checked::Wrong => Fill::refused(Refused::Wrong),
        Checked::Throttled(why) => Fill::refused(Refused::Throttled(why)),
    });
    (question, fill.map(Arc::new))
}
