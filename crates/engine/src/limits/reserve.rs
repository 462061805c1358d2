//! Quotas that outlive a crash: what they may admit is written ahead, many at a time, before it is admitted.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use keyward_core::decision::Fault;
use keyward_core::limit::Demand;
use keyward_core::time::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::Cells;
use super::entry::Name;
use crate::node::FILL;
use crate::ports::{Clock, Known, Reserve, Reserves};

/// How many asks may wait before further ones are faults.
const WAITING: usize = 4096;
/// How many are answered by one transaction.
const BATCH: usize = 256;
/// What is to be written ahead for one cell.
#[derive(Clone, Debug)]
pub struct Ask {
    pub(super) name: Name,
    pub(super) limit: u64,
    /// As a store keeps it.
    pub(super) subject: Box<str>,
    pub(super) window: Duration,
    cost: u32,
    portion: u32,
    most: u32,
    known: Known,
}

impl Ask {
    pub(super) fn new(demand: &Demand<'_>, name: Name, cost: NonZeroU32, known: Known) -> Self {
        let Demand { limit, subject, .. } = demand;
        Self {
            name,
            limit: limit.identity(),
            subject: subject.to_string().into(),
            window: limit.window(),
            cost: cost.get(),
            portion: limit.portion(),
            most: limit.requests(),
            known,
        }
    }

    fn reserve(&self, now: Timestamp) -> Reserve {
        Reserve {
            limit: self.limit,
            subject: self.subject.clone(),
            more: self.portion.max(self.cost),
            most: self.most,
            window: self.window,
            now,
            known: self.known,
        }
    }
}

type Reply = oneshot::Sender<Result<(), Fault>>;

/// Where cores ask.
#[derive(Clone)]
pub struct Reserver(mpsc::Sender<(Ask, Option<Reply>)>);

/// Where asks are heard.
pub struct Asks(mpsc::Receiver<(Ask, Option<Reply>)>);

/// A bounded channel of asks.
pub fn channel() -> (Reserver, Asks) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Reserver(sender), Asks(receiver))
}

impl Reserver {
    /// Has all of these written ahead.
    ///
    /// # Errors
    /// [`Fault::Limits`] where one could not be, within [`FILL`].
    pub async fn ask(&self, asks: Vec<Ask>) -> Result<(), Fault> {
        let mut answers = Vec::with_capacity(asks.len());
        for ask in asks {
            let (reply, answer) = oneshot::channel();
            self.0.try_send((ask, Some(reply))).map_err(|_| Fault::Limits)?;
            answers.push(answer);
        }
        let all = async {
            for answer in answers {
                answer.await.map_err(|_| Fault::Limits)??;
            }
            Ok(())
        };
        tokio::time::timeout(FILL, all).await.unwrap_or(Err(Fault::Limits))
    }

    /// Has something written ahead that nobody waits for.
    ///
    /// # Errors
    /// The ask, where too many wait already.
    pub fn ask_soon(&self, ask: Ask) -> Result<(), Ask> {
        self.0.try_send((ask, None)).map_err(|refused| refused.into_inner().0)
    }
}

/// Writes ahead until every [`Reserver`] is gone. One transaction for many cells, one portion for many askers of one cell.
pub async fn run(store: Arc<dyn Reserves>, clock: Arc<dyn Clock>, cells: Arc<Cells>, Asks(mut asks): Asks) {
    let mut waiting = Vec::with_capacity(BATCH);
    while asks.recv_many(&mut waiting, BATCH).await > 0 {
        let (batch, replies) = join(waiting.drain(..));
        let now = clock.now().wall;
        let reserves: Vec<Reserve> = batch.iter().map(|ask| ask.reserve(now)).collect();
        let written = tokio::time::timeout(FILL, store.reserve(&reserves)).await;
        let done = match written {
            Ok(Ok(reserved)) if reserved.len() == batch.len() => {
                let now = clock.now();
                batch.iter().zip(reserved).for_each(|(ask, reserved)| cells.apply(ask, reserved, now));
                Ok(())
            }
            _ => {
                batch.iter().for_each(|ask| cells.failed(ask));
                Err(Fault::Limits)
            }
        };
        for reply in replies {
            // An asker that hung up has nothing to do with it any more.
            let _ = reply.send(done);
        }
    }
}

/// One ask for each cell, with what all its askers want and what the last of them knew. Who hung up wants nothing.
fn join(waiting: impl Iterator<Item = (Ask, Option<Reply>)>) -> (Vec<Ask>, Vec<Reply>) {
    let (mut batch, mut replies) = (Vec::<Ask>::new(), Vec::new());
    for (ask, reply) in waiting {
        if reply.as_ref().is_some_and(Reply::is_closed) {
            continue;
        }
        match batch.iter_mut().find(|one| one.name == ask.name) {
            Some(same) => {
                same.cost = same.cost.saturating_add(ask.cost);
                same.known = ask.known;
            }
            None => batch.push(ask),
        }
        replies.extend(reply);
    }
    (batch, replies)
}
