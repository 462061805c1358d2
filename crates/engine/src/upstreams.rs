//! What the cores share of upstreams: how many connections are open, which addresses are well, and what came of requests.
//! Written when a connection is opened or closed, and four times a second; never for a single request.

mod choice;
mod health;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

pub use choice::{Balance, MOST, Tried, View, choose};
pub use health::{Health, Standing};

/// The words for what came instead of an answer, in the order of their counts.
pub const FAILURES: [&str; 6] = ["unreachable", "not trusted", "answered garbage", "timed out", "busy", "out"];

/// What came of the requests to one upstream: answers by the hundreds of their status, and failures by their words.
#[derive(Debug, Default)]
pub struct Figures {
    answers: [AtomicU64; 5],
    failures: [AtomicU64; FAILURES.len()],
}

impl Figures {
    /// Adds what one core counted since the last time.
    pub fn add(&self, answers: [u64; 5], failures: [u64; FAILURES.len()]) {
        let add = |(sum, more): (&AtomicU64, u64)| {
            if more > 0 {
                sum.fetch_add(more, Ordering::Relaxed);
            }
        };
        self.answers.iter().zip(answers).for_each(add);
        self.failures.iter().zip(failures).for_each(add);
    }

    /// Answers by class of status, from 1xx.
    pub fn answers(&self) -> [u64; 5] {
        self.answers.each_ref().map(|count| count.load(Ordering::Relaxed))
    }

    /// Failures in the order of [`FAILURES`].
    pub fn failures(&self) -> [u64; FAILURES.len()] {
        self.failures.each_ref().map(|count| count.load(Ordering::Relaxed))
    }
}

/// One address of an upstream, as all cores see it.
#[derive(Debug)]
pub struct Address {
    /// Its URL as configured; it holds no user and no query.
    pub label: Box<str>,
    /// Connections to it, idle ones too.
    pub open: Arc<AtomicUsize>,
    /// Connections to it that nobody uses.
    pub idle: AtomicI64,
    /// Connections that were not made: refused and the like.
    pub refused: AtomicU64,
    /// Connections that were not made in time.
    pub late: AtomicU64,
    /// Whether it is well.
    pub health: Health,
}

impl Address {
    /// An address that nothing is known of; `seed` spreads when it is tried again.
    pub fn new(label: &str, seed: u64) -> Self {
        Self {
            label: label.into(),
            open: Arc::default(),
            idle: AtomicI64::new(0),
            refused: AtomicU64::new(0),
            late: AtomicU64::new(0),
            health: Health::new(seed),
        }
    }
}

/// One upstream for whoever looks at all of them.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its name.
    pub name: Box<str>,
    /// What came of its requests.
    pub figures: Arc<Figures>,
    /// The time by which its addresses are in or out.
    pub now: u64,
    /// Its addresses; none where the built-in demo answers.
    pub addresses: Vec<Arc<Address>>,
}
