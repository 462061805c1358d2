//! The keeper before a store that fails, on a clock that tests wind on.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use keyward_core::decision::DecisionId;
use keyward_core::time::Now;
use keyward_engine::decisions::{
    DecisionFilter, DecisionPage, FigureFilter, Figures, KeptDecision, Usage, UsageFilter, UsedBy, UsedFilter,
    UsersFilter,
};
use keyward_engine::ledger::Lost;
use keyward_engine::ports::Answer;

use super::*;

/// A store that fails some times, and notes what it takes and when it is pruned.
#[derive(Default)]
struct Moody {
    fails: AtomicUsize,
    tries: AtomicUsize,
    taken: Mutex<Vec<u64>>,
    pruned: AtomicUsize,
}

impl Decisions for Moody {
    fn keep<'a>(&'a self, batches: &'a [Batch]) -> Answer<'a, ()> {
        Box::pin(async move {
            self.tries.fetch_add(1, Ordering::Relaxed);
            if self.fails.load(Ordering::Relaxed) > 0 {
                self.fails.fetch_sub(1, Ordering::Relaxed);
                return Err(StoreError::Full);
            }
            self.taken.lock().unwrap().extend(batches.iter().map(Batch::total));
            Ok(())
        })
    }

    fn list<'a>(&'a self, _: &'a DecisionFilter) -> Answer<'a, DecisionPage> {
        Box::pin(async { Ok(DecisionPage::default()) })
    }

    fn find(&self, _: DecisionId) -> Answer<'_, Vec<KeptDecision>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn oldest(&self) -> Answer<'_, Option<Timestamp>> {
        Box::pin(async { Ok(None) })
    }

    fn usage<'a>(&'a self, _: &'a UsageFilter) -> Answer<'a, Vec<Usage>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn most_used<'a>(&'a self, _: &'a UsersFilter) -> Answer<'a, Vec<UsedBy>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn used<'a>(&'a self, _: &'a UsedFilter) -> Answer<'a, Figures> {
        Box::pin(async { Ok(Figures::default()) })
    }

    fn figures<'a>(&'a self, _: &'a FigureFilter) -> Answer<'a, Figures> {
        Box::pin(async { Ok(Figures::default()) })
    }

    fn prune(&self, _: Retention) -> Answer<'_, bool> {
        Box::pin(async {
            self.pruned.fetch_add(1, Ordering::Relaxed);
            Ok(false)
        })
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// The time of the test's runtime, which is paused and jumps to whatever is waited for.
struct Jumping(tokio::time::Instant);

impl Jumping {
    #[expect(clippy::disallowed_methods, reason = "this is the clock of these tests")]
    fn start() -> Arc<dyn Clock> {
        Arc::new(Self(tokio::time::Instant::now()))
    }
}

impl Clock for Jumping {
    fn now(&self) -> Now {
        let nanos = u64::try_from(self.0.elapsed().as_nanos()).unwrap();
        Now { wall: Timestamp::from_millis(0), monotonic: Monotonic::from_nanos(nanos) }
    }
}

/// A batch of so many decisions.
fn batch(count: u64) -> Batch {
    Batch { lost: Some(Lost { count, at: Timestamp::from_millis(0) }), ..Batch::default() }
}

fn keeper(store: &Arc<Moody>) -> Keeper {
    let keeping = Keeping { keep: Duration::from_secs(3600), max_bytes: 1 << 20 };
    let decisions: Arc<dyn Decisions> = Arc::<Moody>::clone(store);
    Keeper { decisions, clock: Jumping::start(), keeping, pending: Arc::default() }
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_written_is_written_later_and_once() {
    for fails in [0, 1, 7] {
        let store = Arc::new(Moody::default());
        store.fails.store(fails, Ordering::Relaxed);
        let (sender, receiver) = mpsc::channel(8);
        let pending;
        let told = Arc::new(Mutex::new(Vec::new()));
        let running = {
            let keeper = keeper(&store);
            pending = Arc::clone(&keeper.pending);
            let told = Arc::clone(&told);
            tokio::spawn(keeper.run(receiver, move |what| told.lock().unwrap().push(format!("{what:?}"))))
        };
        for count in 1..=5 {
            sender.send(batch(count)).await.unwrap();
            sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(pending.is_stuck(), fails > 0);
        sleep(Duration::from_secs(10)).await;
        assert!(!pending.is_stuck());
        assert_eq!(*store.taken.lock().unwrap(), [1, 2, 3, 4, 5], "after {fails} failures");
        drop(sender);
        running.await.unwrap();
        let told = told.lock().unwrap();
        assert_eq!(told.len(), if fails == 0 { 0 } else { 2 }, "said once, and once that it is over: {told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_store_fails_no_more_is_taken_than_is_held() {
    let store = Arc::new(Moody::default());
    store.fails.store(usize::MAX, Ordering::Relaxed);
    let (sender, receiver) = mpsc::channel(64);
    let running = tokio::spawn(keeper(&store).run(receiver, |_: Told<'_>| {}));
    let mut taken = 0;
    for _ in 0..1000 {
        taken += usize::from(sender.try_send(batch(1)).is_ok());
        sleep(Duration::from_millis(10)).await;
    }
    assert!(taken <= 2 * BATCHES, "{taken} batches were taken");
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn what_waits_at_the_end_is_written_or_its_number_is_told() {
    for (fails, lost) in [(0, None), (2, None), (usize::MAX, Some(6))] {
        let store = Arc::new(Moody::default());
        store.fails.store(fails, Ordering::Relaxed);
        let (sender, receiver) = mpsc::channel(8);
        for count in 1..=3 {
            sender.send(batch(count)).await.unwrap();
        }
        drop(sender);
        let told = Mutex::new(None);
        let tell = |what: Told<'_>| {
            if let Told::Lost(count) = what {
                *told.lock().unwrap() = Some(count);
            }
        };
        keeper(&store).run(receiver, tell).await;
        assert_eq!(*told.lock().unwrap(), lost);
        assert_eq!(store.taken.lock().unwrap().iter().sum::<u64>(), if lost.is_some() { 0 } else { 6 });
    }
}

#[tokio::test(start_paused = true)]
async fn old_ones_go_by_time_though_nothing_comes() {
    let store = Arc::new(Moody::default());
    let (sender, receiver) = mpsc::channel(8);
    let running = tokio::spawn(keeper(&store).run(receiver, |_: Told<'_>| {}));
    sleep(PRUNE_EVERY * 5 + Duration::from_secs(1)).await;
    assert_eq!(store.pruned.load(Ordering::Relaxed), 6, "at the start, and once a minute");
    store.fails.store(usize::MAX, Ordering::Relaxed);
    sender.send(batch(1)).await.unwrap();
    sleep(PRUNE_EVERY * 2).await;
    assert!(
        store.pruned.load(Ordering::Relaxed) >= 7,
        "and while the store takes nothing, which may be for want of room"
    );
    running.abort();
}
