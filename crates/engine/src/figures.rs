//! Requests by the minute, route and outcome, and how long those took that were let pass: counted on the core beside usage,
//! for charts. There are as few numbers as routes, outcomes and minutes, however many callers there are.

use std::sync::Arc;
use std::time::Duration;

use keyward_core::time::Timestamp;

/// The outcome of a request that was let pass.
const ALLOWED: &str = "allowed";
const MINUTE: i64 = 60_000;
const HOUR: i64 = 3_600_000;
/// How many minutes a core keeps apart while the store takes none; what else comes is counted at the beginning of its hour.
const MOST_MINUTES: usize = 1440;
/// How many spans are told apart within each doubling.
const PARTS: u64 = 8;
/// How many classes of spans there are.
const CLASSES: usize = 224;

/// Spans that are told as one: each doubling of a microsecond has eight of them, so that none is wider than an eighth of where it begins. Below
/// 8 µs each microsecond is its own; the last begins at 16 minutes. The numbers are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(u8);

impl Class {
    /// That of a span.
    pub fn of(span: Duration) -> Self {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let place = match micros.checked_ilog2() {
            Some(doublings @ 3..) => u64::from(doublings - 2) * PARTS + ((micros >> (doublings - 3)) & (PARTS - 1)),
            _ => micros,
        };
        Self(u8::try_from(place).unwrap_or(u8::MAX).min(u8::try_from(CLASSES - 1).unwrap_or(u8::MAX)))
    }

    /// The one of a number.
    pub const fn numbered(number: u8) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Where it begins, in microseconds.
    pub fn begin(self) -> u64 {
        let (doubling, part) = (u64::from(self.0) / PARTS, u64::from(self.0) % PARTS);
        if doubling == 0 { part } else { (PARTS + part) << (doubling - 1) }
    }

    /// Where the next begins, in microseconds.
    pub fn end(self) -> u64 {
        self.begin() + (1 << (u64::from(self.0) / PARTS).saturating_sub(1))
    }
}

/// A part of the spans in classes, in order, as in `0.99` of them: how many microseconds they took at most. It is off by an eighth at most,
/// which is how wide a class is; within one, spans are taken to lie evenly. `None` of none.
#[expect(clippy::cast_precision_loss, reason = "a chart needs no more than 52 bits")]
pub fn quantile(spans: &[(Class, u64)], part: f64) -> Option<f64> {
    let all: u64 = spans.iter().map(|(_, count)| count).sum();
    let wanted = part * all as f64;
    let mut before = 0.0;
    for (class, count) in spans.iter().filter(|(_, count)| *count > 0) {
        let count = *count as f64;
        if before + count >= wanted {
            let within = ((wanted - before) / count).clamp(0.0, 1.0);
            return Some(class.begin() as f64 + within * (class.end() - class.begin()) as f64);
        }
        before += count;
    }
    None
}

/// What one minute saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minute {
    /// Its beginning.
    pub at: Timestamp,
    /// The route, the outcome, and how many.
    pub requests: Vec<(Option<Arc<str>>, &'static str, u64)>,
    /// How many of those that were let pass took how long.
    pub spans: Vec<(Class, u64)>,
}

/// One core's minutes that are not with the store yet. Routes and outcomes are known by a place that its owner gives them.
#[derive(Default)]
pub(crate) struct Figures {
    minutes: Vec<Open>,
    /// Where the minute stands that was counted last: mostly the next is of the same.
    last: usize,
}

struct Open {
    at: i64,
    /// By place.
    requests: Vec<u64>,
    spans: Box<[u64; CLASSES]>,
}

impl Figures {
    /// Counts one.
    pub(crate) fn add(&mut self, at: Timestamp, place: usize, verdict: &str, took: Duration) {
        let Some(minute) = self.minute(at.as_millis()) else { return };
        if minute.requests.len() <= place {
            minute.requests.resize(place + 1, 0);
        }
        if let Some(count) = minute.requests.get_mut(place) {
            *count += 1;
        }
        if verdict == ALLOWED
            && let Some(count) = minute.spans.get_mut(usize::from(Class::of(took).number()))
        {
            *count += 1;
        }
    }

    fn minute(&mut self, millis: i64) -> Option<&mut Open> {
        let mut at = millis - millis.rem_euclid(MINUTE);
        if self.minutes.get(self.last).is_none_or(|minute| minute.at != at) {
            let found = |minutes: &[Open], at| minutes.iter().rposition(|minute| minute.at == at);
            let mut place = found(&self.minutes, at);
            if place.is_none() && self.minutes.len() >= MOST_MINUTES {
                at = millis - millis.rem_euclid(HOUR);
                place = found(&self.minutes, at);
            }
            self.last = place.unwrap_or_else(|| {
                self.minutes.push(Open { at, requests: Vec::new(), spans: Box::new([0; CLASSES]) });
                self.minutes.len() - 1
            });
        }
        self.minutes.get_mut(self.last)
    }

    /// What was counted; `what` tells the route and the outcome of a place.
    pub(crate) fn take<'a>(
        &mut self,
        what: impl Fn(usize) -> Option<(&'a Option<Arc<str>>, &'static str)>,
    ) -> Vec<Minute> {
        self.last = 0;
        let close = |open: Open| {
            let requests = (0..).zip(open.requests).filter(|(_, count)| *count > 0);
            let spans = (0..).zip(*open.spans).filter(|(_, count)| *count > 0);
            Minute {
                at: Timestamp::from_millis(open.at),
                requests: requests
                    .filter_map(|(place, count)| what(place).map(|(route, outcome)| (route.clone(), outcome, count)))
                    .collect(),
                spans: spans.map(|(number, count)| (Class::numbered(number), count)).collect(),
            }
        };
        self.minutes.drain(..).map(close).collect()
    }
}

#[cfg(test)]
#[path = "figures_tests.rs"]
mod tests;
