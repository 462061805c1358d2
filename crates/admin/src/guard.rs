//! The thread that judges calls of operators: one more core of the node, with its own worker and its own ledger.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method};
use keyward_core::decision::{Decision, Fault};
use keyward_core::machine::{Permit, RequestFacts};
use keyward_core::path::{PathFault, Target};
use keyward_core::plane::Plane;
use keyward_engine::ledger::{Ledger, Recording};
use keyward_engine::mark::Verdict;
use keyward_engine::noting::{Desk, Noting};
use keyward_engine::ports::Use;
use keyward_engine::worker::{Snapshot, Worker};
use keyward_http::answer;
use keyward_http::own::{Ids, Refusal};
use keyward_http::problem::Answer;
use keyward_http::spoken::spoken;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{interval, timeout};

/// Calls that may wait for the thread.
const WAITING: usize = 256;
/// How long the store may take to say whose a credential is.
const DECIDED_WITHIN: Duration = Duration::from_secs(5);
/// How often decisions are handed over, and uses of keys reported.
const FLUSH_EVERY: Duration = Duration::from_millis(250);
/// How long the last decisions may wait for a place.
const LAST_DECISIONS: Duration = Duration::from_secs(2);

/// A call to be judged.
pub(crate) struct Ask {
    pub(crate) client: IpAddr,
    pub(crate) method: Method,
    /// Path and query as they came.
    pub(crate) target: Box<str>,
    pub(crate) headers: HeaderMap,
}

impl Ask {
    fn facts<'a>(&'a self, target: &'a Result<Target<'a>, PathFault>) -> RequestFacts<'a> {
        RequestFacts {
            plane: Plane::Control,
            client: self.client,
            method: &self.method,
            target,
            headers: (&self.headers).into(),
        }
    }
}

/// A call that may pass.
pub(crate) struct Passed {
    pub(crate) permit: Permit,
    pub(crate) ids: Ids,
    pub(crate) at: keyward_core::time::Now,
    closing: oneshot::Sender<Closing>,
}

/// What became of it.
enum Closing {
    Answered(u16),
    Refused(Refusal, u16),
}

impl Passed {
    /// It was answered.
    pub(crate) fn answered(self, status: u16) {
        // A thread that is gone records nothing any more.
        let _ = self.closing.send(Closing::Answered(status));
    }

    /// The operation says no.
    pub(crate) fn refused(self, refusal: Refusal, status: u16) {
        let _ = self.closing.send(Closing::Refused(refusal, status));
    }
}

/// What the thread is asked.
enum Asked {
    /// Whether a call may pass.
    Judge(Arc<Ask>, oneshot::Sender<Result<Passed, Box<Answer>>>),
    /// Whether one that was let pass, and still runs, would pass now.
    Again(Arc<Ask>, oneshot::Sender<bool>),
}

/// Where calls are judged.
#[derive(Clone)]
pub struct Gate(mpsc::Sender<Asked>);

impl Gate {
    /// Whether a call may pass; else its answer. `None`: the server ends.
    pub(crate) async fn ask(&self, ask: Arc<Ask>) -> Option<Result<Passed, Box<Answer>>> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Asked::Judge(ask, reply)).await.ok()?;
        answer.await.ok()
    }

    /// Whether what runs for long would still pass. What cannot be found out passes nobody.
    pub(crate) async fn ask_again(&self, ask: Arc<Ask>) -> bool {
        let (reply, answer) = oneshot::channel();
        self.0.send(Asked::Again(ask, reply)).await.is_ok() && answer.await.unwrap_or(false)
    }
}

/// What the thread is made from.
pub struct GuardParts {
    /// Its worker, of the control plane.
    pub worker: Worker,
    /// What becomes of its decisions.
    pub recording: Recording,
    /// Where uses of keys are reported.
    pub uses: mpsc::Sender<Vec<Use>>,
}

/// The running thread.
pub struct Guard {
    ended: oneshot::Receiver<()>,
    stop: oneshot::Sender<()>,
}

impl Guard {
    /// Starts it.
    ///
    /// # Errors
    /// What the system refuses: a thread, or what a runtime needs.
    pub fn start(parts: GuardParts) -> std::io::Result<(Gate, Self)> {
        let (sender, asked) = mpsc::channel(WAITING);
        let (ending, ended) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        std::thread::Builder::new().name("keyward-guard".to_owned()).spawn(move || {
            LocalSet::new().block_on(&runtime, run(parts, asked, stopped));
            drop(ending);
        })?;
        Ok((Gate(sender), Self { ended, stop }))
    }

    /// Ends it and waits until its last decisions are handed over.
    pub async fn end(self) {
        let _ = self.stop.send(());
        let _ = self.ended.await;
    }
}

/// What the thread has.
struct Core {
    worker: Worker,
    ledger: Ledger,
}

impl Core {
    fn desk(&self) -> Desk<'_> {
        Desk { worker: &self.worker, ledger: &self.ledger }
    }
}

async fn run(parts: GuardParts, mut asked: mpsc::Receiver<Asked>, mut stop: oneshot::Receiver<()>) {
    let GuardParts { worker, recording, uses } = parts;
    let core = Rc::new(Core { worker, ledger: Ledger::new(recording) });
    let mut tick = interval(FLUSH_EVERY);
    loop {
        tokio::select! {
            Some(asked) = asked.recv() => {
                let core = Rc::clone(&core);
                spawn_local(async move {
                    match asked {
                        Asked::Judge(ask, reply) => attend(&core, &ask, reply).await,
                        Asked::Again(ask, reply) => {
                            let _ = reply.send(judge_again(&core, &ask).await);
                        }
                    }
                });
            }
            _ = tick.tick() => flush(&core, &uses),
            _ = &mut stop => break,
        }
    }
    flush(&core, &uses);
    let _ = timeout(LAST_DECISIONS, core.ledger.finish()).await;
}

fn flush(core: &Core, uses: &mpsc::Sender<Vec<Use>>) {
    core.worker.catch_up();
    core.ledger.flush();
    core.worker.tally().lay_out(0);
    let used = core.worker.take_uses();
    if !used.is_empty() {
        // Full: later uses will be reported.
        let _ = uses.try_send(used);
    }
}

async fn attend(core: &Core, ask: &Ask, reply: oneshot::Sender<Result<Passed, Box<Answer>>>) {
    let snapshot = core.worker.snapshot();
    let path = ask.target.split_once('?').map_or(&*ask.target, |(path, _)| path);
    let mut note = Noting::begin(core.desk(), ask.client, &snapshot, (ask.method.as_str(), path));
    match judge(core, &snapshot, ask, &mut note).await {
        Ok(permit) => {
            let judged = note.permitted(&permit);
            let renamed = note.renaming();
            let ids = Ids::new(judged.id(), move |Refusal { outcome, detail }| renamed(outcome, detail));
            let (closing, closed) = oneshot::channel();
            let _ = reply.send(Ok(Passed { permit, ids, at: judged.now(), closing }));
            match closed.await {
                Ok(Closing::Answered(status)) => note.allowed(status),
                Ok(Closing::Refused(Refusal { outcome, detail }, status)) => {
                    note.retract(outcome, detail);
                    note.close(outcome, Some(detail.into()), status);
                }
                // Dropped on its way: nobody was answered, and the note says so.
                Err(_) => {}
            }
        }
        Err(answer) => {
            let _ = reply.send(Err(answer));
        }
    }
}

/// Judges a call; a refusal is noted and answered.
async fn judge(core: &Core, snapshot: &Snapshot, ask: &Ask, note: &mut Noting<'_>) -> Result<Permit, Box<Answer>> {
    let target = Target::parse(&ask.target);
    let facts = ask.facts(&target);
    let decided = timeout(DECIDED_WITHIN, core.worker.decide(snapshot, facts)).await;
    match decided.unwrap_or(Err(Fault::Timeout)) {
        Ok(Decision::Allow(permit)) => Ok(permit),
        Ok(Decision::Deny(denial)) => {
            let detail = spoken(&denial, snapshot.rules());
            let judged = note.denied(&denial, detail.clone());
            let answer = answer::denied(&denial, judged.rules(), &facts, judged.id());
            note.close(denial.reason.name(), detail, answer.status().as_u16());
            Err(Box::new(answer))
        }
        Err(fault) => {
            let judged = note.judge(Verdict::of("Unavailable", Some(fault.as_str())));
            let answer = answer::faulted(fault, judged.id());
            note.close("Unavailable", Some(fault.as_str().into()), answer.status().as_u16());
            Err(Box::new(answer))
        }
    }
}

/// Judges what runs once more.
async fn judge_again(core: &Core, ask: &Ask) -> bool {
    let target = Target::parse(&ask.target);
    matches!(timeout(DECIDED_WITHIN, core.worker.judge_again(ask.facts(&target))).await, Ok(Ok(())))
}
