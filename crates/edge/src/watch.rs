//! Time limits without timers: each core counts coarse ticks, each connection notes the tick of its last progress, and
//! one sweep per tick finds those that are late. A request sets, moves and cancels no timer.

use std::cell::{Cell, OnceCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::config::{Limits, Timeouts};

/// How long a closed connection goes on reading, so that its client hears the answer (see `stream`).
const LINGER: Duration = Duration::from_secs(2);

/// How often a running exchange is judged again though nothing new was heard: credentials expire, and memory may have lost
/// its proof.
const JUDGED_EVERY: Duration = Duration::from_secs(1);

/// The coarse time of one core, in milliseconds.
#[derive(Clone, Default)]
pub(crate) struct Ticks(Rc<Cell<u64>>);

impl Ticks {
    pub(crate) fn now(&self) -> u64 {
        self.0.get()
    }

    pub(crate) fn set(&self, now: u64) {
        self.0.set(now);
    }

    /// Goes on by what passed, and by two ticks at most: time that a stalled core did not use counts against nobody, or whoever
    /// had no chance to go on meanwhile would be late, or cut before it is told.
    pub(crate) fn pass(&self, passed: u64, tick: Duration) {
        self.set(self.now() + passed.min(2 * millis(tick)));
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// How many milliseconds each phase may last without progress.
pub(crate) struct Spans {
    head: u64,
    idle: u64,
    tunnel: u64,
    own: u64,
    linger: u64,
    judge: u64,
}

impl Spans {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            head: millis(limits.header_timeout),
            idle: millis(limits.idle_timeout),
            tunnel: millis(limits.tunnel_timeout),
            own: millis(limits.own_timeout),
            linger: millis(LINGER),
            judge: millis(JUDGED_EVERY),
        }
    }

    /// How long a tick is: a limit is kept to within an eighth of the shortest one, at most one second.
    pub(crate) fn tick(&self, paces: impl Iterator<Item = Pace>) -> Duration {
        let paces = paces.flat_map(|pace| [Some(pace.read), pace.total]).flatten();
        let shortest = paces.chain([self.head, self.idle, self.tunnel, self.own]).min().unwrap_or(self.linger);
        Duration::from_millis((shortest / 16).clamp(5, 500))
    }
}

/// How many milliseconds an exchange may last: without progress, and in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    read: u64,
    total: Option<u64>,
}

impl Pace {
    pub(crate) fn new(timeouts: &Timeouts) -> Self {
        Self { read: millis(timeouts.read), total: timeouts.total.map(millis) }
    }
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing came yet.
    Fresh,
    /// A head is on its way. Progress does not count: a slow head is an attack.
    Head,
    /// Between two requests.
    Idle,
    /// From a request's head to the end of its answer.
    Busy,
    /// It became another protocol, and both sides may be silent for long.
    Tunnel,
    /// Streams of HTTP/2 run on it, each with a watch of its own.
    Carrying,
    /// Between two streams: it is told before it is cut, to say so to its client.
    Quiet,
    /// Closed for writing; the rest of a body that nobody wants is read and dropped. Or a tunnel of which one side has ended.
    Lingering,
}

/// What the sweep says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    InTime,
    /// The exchange must end now; its client can still be told.
    Late,
    /// The connection must be closed as it is.
    Cut,
}

/// How far the body of the running request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uploaded {
    /// To its end, or there is none.
    Whole,
    /// Not to its end.
    Partly,
    /// Not to its end, and the client is waited for.
    Awaited,
    /// Over its limit.
    Outgrown,
    /// It broke off, or its framing is wrong.
    Broken,
}

/// One connection as the sweep sees it, and what the parts of its running request tell each other.
pub(crate) struct Watch {
    ticks: Ticks,
    phase: Cell<Phase>,
    since: Cell<u64>,
    began: Cell<u64>,
    judged: Cell<u64>,
    due: Cell<bool>,
    /// That of what is waited for; none where that is Keyward itself.
    pace: Cell<Option<Pace>>,
    verdict: Cell<Verdict>,
    upload: Cell<Uploaded>,
    waker: OnceCell<Waker>,
}

/// An exchange took too long.
pub(crate) struct Late;

impl Watch {
    pub(crate) fn new(ticks: &Ticks) -> Self {
        let now = ticks.now();
        Self {
            ticks: ticks.clone(),
            phase: Cell::new(Phase::Fresh),
            since: Cell::new(now),
            began: Cell::new(now),
            judged: Cell::new(now),
            due: Cell::new(false),
            pace: Cell::new(None),
            verdict: Cell::new(Verdict::InTime),
            upload: Cell::new(Uploaded::Whole),
            waker: OnceCell::new(),
        }
    }

    /// Learns how to wake the connection's task, at its first poll; a task has one waker for life.
    pub(crate) fn enroll(&self, waker: &Waker) {
        self.waker.get_or_init(|| waker.clone());
    }

    pub(crate) fn wake(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }

    fn enter(&self, phase: Phase) {
        self.phase.set(phase);
        self.since.set(self.ticks.now());
    }

    /// Bytes came from the client.
    pub(crate) fn read(&self) {
        match self.phase.get() {
            Phase::Fresh => self.phase.set(Phase::Head),
            Phase::Idle => self.enter(Phase::Head),
            _ => {}
        }
    }

    /// Bytes went to the client.
    pub(crate) fn wrote(&self) {
        if self.phase.get() != Phase::Head {
            self.since.set(self.ticks.now());
        }
    }

    /// A request's head is there.
    pub(crate) fn begin(&self, has_body: bool) {
        self.enter(Phase::Busy);
        self.began.set(self.since.get());
        self.judged.set(self.since.get());
        self.due.set(false);
        self.pace.set(None);
        self.verdict.set(Verdict::InTime);
        self.upload.set(if has_body { Uploaded::Partly } else { Uploaded::Whole });
    }

    /// The running request goes to an upstream, which may take so long.
    pub(crate) fn keep(&self, pace: Pace) {
        self.pace.set(Some(pace));
    }

    /// The running request waits for Keyward alone again.
    pub(crate) fn keep_own(&self) {
        self.pace.set(None);
    }

    /// The exchange is over but for what is left of its answer, which may take as long as the exchange might.
    pub(crate) fn deliver(&self) {
        let pace = self.pace.get();
        self.begin(false);
        self.pace.set(pace);
    }

    /// A piece of a body came through.
    pub(crate) fn progress(&self) {
        if matches!(self.phase.get(), Phase::Busy | Phase::Tunnel) {
            self.since.set(self.ticks.now());
        }
    }

    /// The exchange became a tunnel.
    pub(crate) fn tunnel(&self) {
        self.enter(Phase::Tunnel);
    }

    /// Whether the running request is to be judged again; told once.
    pub(crate) fn take_due(&self) -> bool {
        let due = self.due.get();
        if due {
            self.due.set(false);
        }
        due
    }

    /// The answer has left.
    pub(crate) fn rest(&self) {
        if self.phase.get() == Phase::Busy {
            self.enter(Phase::Idle);
        }
    }

    /// Whether any stream of HTTP/2 runs on the connection.
    pub(crate) fn carry(&self, any: bool) {
        let phase = if any { Phase::Carrying } else { Phase::Quiet };
        if self.phase.get() != phase {
            self.enter(phase);
            self.verdict.set(Verdict::InTime);
        }
    }

    /// One side has ended: the connection is closed for writing, or a tunnel in one direction.
    pub(crate) fn linger(&self) {
        if self.phase.get() != Phase::Lingering {
            self.enter(Phase::Lingering);
        }
    }

    /// Whether the client may still be sending what nobody will read: a body, or a head that was refused.
    pub(crate) fn has_unread(&self) -> bool {
        self.upload.get() != Uploaded::Whole || self.phase.get() == Phase::Head
    }

    pub(crate) fn set_uploaded(&self, uploaded: Uploaded) {
        self.upload.set(uploaded);
    }

    pub(crate) fn uploaded(&self) -> Uploaded {
        self.upload.get()
    }

    pub(crate) fn is_late(&self) -> bool {
        self.verdict.get() != Verdict::InTime
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.verdict.get() == Verdict::Cut
    }

    /// Runs a part of the exchange unless it is late.
    pub(crate) async fn bounded<F: Future>(&self, part: F) -> Result<F::Output, Late> {
        let mut part = pin!(part);
        poll_fn(|cx| if self.is_late() { Poll::Ready(Err(Late)) } else { part.as_mut().poll(cx).map(Ok) }).await
    }

    /// Asks for the running request to be judged again, if there is one and `news` came or it is time.
    pub(crate) fn recall(&self, spans: &Spans, news: bool) {
        let now = self.ticks.now();
        let is_running = matches!(self.phase.get(), Phase::Busy | Phase::Tunnel | Phase::Lingering);
        if is_running && (news || now.saturating_sub(self.judged.get()) >= spans.judge) {
            self.judged.set(now);
            self.due.set(true);
            self.wake();
        }
    }

    /// Judges the connection. An exchange that is late is told so first and cut if that leads to nothing within a tick.
    pub(crate) fn sweep(&self, spans: &Spans, tick: Duration) {
        // What happened since the last tick bears its time: nothing is late before its span has passed for certain.
        let now = self.ticks.now().saturating_sub(millis(tick));
        let silent = now.saturating_sub(self.since.get());
        let span = match self.phase.get() {
            Phase::Fresh | Phase::Head => spans.head,
            Phase::Idle | Phase::Quiet => spans.idle,
            Phase::Carrying => return,
            Phase::Busy => self.pace.get().map_or(spans.own, |pace| pace.read),
            Phase::Tunnel => spans.tunnel,
            Phase::Lingering => spans.linger,
        };
        let busy = self.phase.get() == Phase::Busy;
        let first_told = busy || self.phase.get() == Phase::Quiet;
        let told = self.verdict.get() == Verdict::Late;
        let overdue = busy
            && self
                .pace
                .get()
                .and_then(|pace| pace.total)
                .is_some_and(|total| now.saturating_sub(self.began.get()) > total);
        let verdict = match (silent > span, first_told) {
            (true, true) if told => Verdict::Cut,
            (true, true) => Verdict::Late,
            (true, false) => Verdict::Cut,
            (false, _) if overdue && !told => Verdict::Late,
            (false, _) => return,
        };
        self.verdict.set(verdict);
        self.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(read: u64, total: Option<u64>) -> (Ticks, Watch, Spans, Pace) {
        let ticks = Ticks::default();
        let watch = Watch::new(&ticks);
        (ticks, watch, Spans { head: 2, idle: 4, linger: 1, tunnel: 6, own: 9, judge: 2 }, Pace { read, total })
    }

    fn pass(ticks: &Ticks, watch: &Watch, spans: &Spans, count: u64) {
        for _ in 0..count {
            ticks.set(ticks.now() + 1);
            watch.sweep(spans, Duration::ZERO);
        }
    }

    #[test]
    fn a_trickling_head_is_cut() {
        let (ticks, watch, spans, _) = watch(9, None);
        for _ in 0..2 {
            pass(&ticks, &watch, &spans, 1);
            watch.read();
        }
        assert!(!watch.is_cut());
        pass(&ticks, &watch, &spans, 1);
        assert!(watch.is_cut());
    }

    #[test]
    fn an_idle_connection_has_its_own_limit_and_a_new_head_its_own() {
        let (ticks, watch, spans, pace) = watch(9, None);
        watch.begin(false);
        watch.keep(pace);
        watch.rest();
        pass(&ticks, &watch, &spans, 4);
        assert!(!watch.is_cut());
        watch.read();
        pass(&ticks, &watch, &spans, 2);
        assert!(!watch.is_cut());
        pass(&ticks, &watch, &spans, 1);
        assert!(watch.is_cut());
    }

    #[test]
    fn a_silent_exchange_is_told_first_and_then_cut() {
        let (ticks, watch, spans, pace) = watch(3, None);
        watch.begin(false);
        watch.keep(pace);
        pass(&ticks, &watch, &spans, 3);
        watch.progress();
        pass(&ticks, &watch, &spans, 3);
        assert!(!watch.is_late());
        pass(&ticks, &watch, &spans, 1);
        assert!(watch.is_late() && !watch.is_cut());
        pass(&ticks, &watch, &spans, 1);
        assert!(watch.is_cut());
    }

    #[test]
    fn progress_does_not_outlast_the_total() {
        let (ticks, watch, spans, pace) = watch(3, Some(5));
        watch.begin(false);
        watch.keep(pace);
        for _ in 0..6 {
            watch.progress();
            pass(&ticks, &watch, &spans, 1);
        }
        assert!(watch.is_late() && !watch.is_cut());
    }

    #[test]
    fn time_that_a_stalled_core_did_not_use_counts_against_nobody() {
        let (ticks, tick) = (Ticks::default(), Duration::from_millis(500));
        for (passed, now) in [(500, 500), (520, 1020), (60_000, 2020), (0, 2020)] {
            ticks.pass(passed, tick);
            assert_eq!(ticks.now(), now, "{passed}");
        }
    }

    #[test]
    fn ticks_follow_the_shortest_limit() {
        let spans = Spans::new(&Limits::default());
        let short = Pace::new(&Timeouts { read: Duration::from_millis(320), ..Timeouts::default() });
        let usual = Pace::new(&Timeouts::default());
        assert_eq!(spans.tick([usual, short].into_iter()), Duration::from_millis(20));
        assert_eq!(spans.tick([usual].into_iter()), Duration::from_millis(500));
    }

    #[test]
    fn a_connection_of_streams_is_judged_between_them_only() {
        let (ticks, watch, spans, _) = watch(3, Some(5));
        watch.carry(true);
        pass(&ticks, &watch, &spans, 20);
        assert!(!watch.is_late());
        watch.carry(false);
        for _ in 0..4 {
            pass(&ticks, &watch, &spans, 1);
            // What is no stream changes nothing.
            watch.carry(false);
            watch.read();
        }
        assert!(!watch.is_late());
        pass(&ticks, &watch, &spans, 1);
        assert!(watch.is_late() && !watch.is_cut());
        pass(&ticks, &watch, &spans, 1);
        assert!(watch.is_cut());
    }
}
