//! What the control plane tells Prometheus: the cores' numbers added up, the queues, and how fresh memory is.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use keyward_core::time::Monotonic;
use keyward_engine::issuers::{Figures, Followed};
use keyward_engine::node::Shared;
use keyward_engine::tally::{ANSWERED_WITHIN, DECIDED_WITHIN, HandshakeFault, Limited, Shown, Spans, Totals};
use keyward_engine::upstreams;
use keyward_engine::worker::Ending;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::service::Service;

/// What a scrape's answer is (Prometheus' text format).
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How many wait in a queue now.
pub type Depth = Box<dyn Fn() -> usize + Send + Sync>;

/// The upstreams as they are now.
pub type Upstreams = Box<dyn Fn() -> Vec<upstreams::Shown> + Send + Sync>;

/// What is told, and where it is asked.
pub struct Sources {
    /// The numbers of each core.
    pub cores: Vec<Shown>,
    /// Queues by name.
    pub queues: Vec<(&'static str, Depth)>,
    /// The upstreams of the configuration in force.
    pub upstreams: Upstreams,
    /// What the cores share: how fresh their memory is.
    pub node: Arc<Shared>,
    /// The other issuers whose tokens count.
    pub issuers: Arc<Followed>,
    /// How often certificates were read again.
    pub certificates: Arc<CertificateReads>,
    /// Of this program.
    pub version: &'static str,
}

/// How often the files of `server.tls` became other ones, and what came of it.
#[derive(Debug, Default)]
pub struct CertificateReads {
    taken: AtomicU64,
    refused: AtomicU64,
}

impl CertificateReads {
    /// They are in force.
    pub fn taken(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// They cannot be used, and the old ones go on.
    pub fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}

/// All metrics, ready to be written.
pub struct Metrics(Registry);

impl Metrics {
    /// Of a running server.
    pub fn new(sources: Sources, service: Arc<Service>) -> Self {
        let mut registry = Registry::with_prefix("keyward");
        registry.register_collector(Box::new(All { sources, service }));
        Self(registry)
    }

    /// All of them as text; `None` where they cannot be written, which takes memory that is not there.
    pub fn text(&self) -> Option<String> {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.0).ok()?;
        Some(text)
    }
}

struct All {
    sources: Sources,
    service: Arc<Service>,
}

impl fmt::Debug for All {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("All(…)")
    }
}

impl Collector for All {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let mut totals = Totals::default();
        self.sources.cores.iter().for_each(|core| totals.add(&core.totals()));
        let mut page = Page(encoder);
        page.requests(&totals)?;
        page.spans(
            "decision_duration_seconds",
            "From a request's head to its decision",
            &DECIDED_WITHIN,
            &totals.decided,
        )?;
        page.spans(
            "request_duration_seconds",
            "From a request's head to its answer's head",
            &ANSWERED_WITHIN,
            &totals.answered,
        )?;
        page.limits(&totals.limits)?;
        let lookups = [("memory", totals.in_memory), ("store", totals.in_store), ("nowhere", totals.nowhere)];
        let wrong = self.service.throttle.counted();
        let wrong = [("counted", wrong.wrong), ("forgotten", wrong.forgotten)];
        page.counters("wrong_credentials", "Wrong credentials that the throttle knows of", "what", &wrong)?;
        page.counters("lookups", "Credentials looked up, by where", "where", &lookups)?;
        page.gauge("connections", "Open connections of clients", totals.connections as f64)?;
        let refused = [("limit", totals.turned_away), ("proxy_protocol", totals.unannounced)];
        page.counters("connections_refused", "Connections closed at once", "why", &refused)?;
        let handshakes = HandshakeFault::ALL.map(HandshakeFault::as_str).into_iter().zip(totals.handshakes_failed);
        let handshakes: Vec<_> = handshakes.collect();
        page.counters("tls_handshakes_failed", "TLS handshakes that came to nothing", "kind", &handshakes)?;
        let reads = &self.sources.certificates;
        let reads = [("taken", &reads.taken), ("refused", &reads.refused)];
        let reads = reads.map(|(result, count)| (result, count.load(Ordering::Relaxed)));
        page.counters("tls_certificate_reloads", "Files of TLS that became other ones", "result", &reads)?;
        let ended: Vec<_> = Ending::ALL.iter().map(|why| why.as_str()).zip(totals.ended).collect();
        page.counters("streams_ended", "Exchanges ended while they ran, by why", "reason", &ended)?;
        let queues = self.sources.queues.iter().map(|(name, depth)| (*name, depth()));
        let queues: Vec<_> = queues.chain([("passwords", self.service.passwords.waiting())]).collect();
        page.queues(&queues)?;
        page.upstreams(&(self.sources.upstreams)())?;
        if let Some(age) = self.sources.node.age(self.service.now().monotonic) {
            page.gauge("feed_age_seconds", "Since memory was proven to hold every change", age.as_secs_f64())?;
        }
        let remembered = u64::try_from(self.sources.node.deliveries().count()).unwrap_or(u64::MAX);
        page.gauge("deliveries_remembered", "Deliveries of webhooks that count once", remembered as f64)?;
        page.issuers(&self.sources.issuers.figures(), self.service.now().monotonic)?;
        page.build(self.sources.version)
    }
}

/// The page as it is written. Labels have few values: words of this program, and names of the configuration.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn requests(&mut self, totals: &Totals) -> fmt::Result {
        let help = "Requests that came to their end, by outcome and class of status";
        let mut metric = self.0.encode_descriptor("requests", help, None, MetricType::Counter)?;
        for one in &totals.requests {
            let class = format!("{}xx", one.class);
            let labels = [("outcome", one.outcome), ("status", class.as_str())];
            ConstCounter::new(one.count).encode(metric.encode_family(&labels)?)?;
        }
        let kinds = upstreams::FAILURES.map(|kind| {
            let of_kind = totals.requests.iter().filter(|one| one.outcome.strip_prefix("upstream ") == Some(kind));
            (kind, of_kind.map(|one| one.count).sum())
        });
        self.counters("upstream_failures", "Permitted requests that the upstream did not answer", "kind", &kinds)
    }

    fn limits(&mut self, limits: &[Limited]) -> fmt::Result {
        let help = "Requests that came to a limit, by what it did";
        let mut metric = self.0.encode_descriptor("limited", help, None, MetricType::Counter)?;
        for limit in limits {
            for (did, count) in [("charged", limit.charged), ("exceeded", limit.exceeded)] {
                let labels = [("limit", &*limit.name), ("result", did)];
                ConstCounter::new(count).encode(metric.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    fn counters(&mut self, name: &str, help: &str, label: &str, values: &[(&str, u64)]) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (value, count) in values {
            ConstCounter::new(*count).encode(metric.encode_family(&[(label, *value)])?)?;
        }
        Ok(())
    }

    fn queues(&mut self, queues: &[(&'static str, usize)]) -> fmt::Result {
        let help = "What waits in bounded queues";
        let mut metric = self.0.encode_descriptor("queue_waiting", help, None, MetricType::Gauge)?;
        for (name, depth) in queues {
            let depth = u64::try_from(*depth).unwrap_or(u64::MAX);
            ConstGauge::new(depth).encode(metric.encode_family(&[("queue", *name)])?)?;
        }
        Ok(())
    }

    fn upstreams(&mut self, all: &[upstreams::Shown]) -> fmt::Result {
        let help = "Requests that upstreams answered, by class of status";
        let mut metric = self.0.encode_descriptor("upstream_answers", help, None, MetricType::Counter)?;
        for one in all {
            for (class, count) in (1..).zip(one.figures.answers()) {
                let labels = [("upstream", &*one.name), ("status", &*format!("{class}xx"))];
                ConstCounter::new(count).encode(metric.encode_family(&labels)?)?;
            }
        }
        let help = "Permitted requests that an upstream did not answer";
        let mut metric = self.0.encode_descriptor("upstream_unanswered", help, None, MetricType::Counter)?;
        for one in all {
            for (kind, count) in upstreams::FAILURES.into_iter().zip(one.figures.failures()) {
                let labels = [("upstream", &*one.name), ("kind", kind)];
                ConstCounter::new(count).encode(metric.encode_family(&labels)?)?;
            }
        }
        self.addresses(all)
    }

    fn addresses(&mut self, all: &[upstreams::Shown]) -> fmt::Result {
        let each = || all.iter().flat_map(|one| one.addresses.iter().map(move |address| (one, address)));
        let help = "Connections to an address of an upstream that were not made";
        let mut metric = self.0.encode_descriptor("upstream_connect_failures", help, None, MetricType::Counter)?;
        for (one, address) in each() {
            for (kind, count) in [("refused", &address.refused), ("timed out", &address.late)] {
                let labels = [("upstream", &*one.name), ("address", &*address.label), ("kind", kind)];
                ConstCounter::new(count.load(Ordering::Relaxed)).encode(metric.encode_family(&labels)?)?;
            }
        }
        let help = "Open connections to an address of an upstream, and those of them that nobody uses";
        let mut metric = self.0.encode_descriptor("upstream_connections", help, None, MetricType::Gauge)?;
        for (one, address) in each() {
            let open = i64::try_from(address.open.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
            for (state, count) in [("open", open), ("idle", address.idle.load(Ordering::Relaxed))] {
                let labels = [("upstream", &*one.name), ("address", &*address.label), ("state", state)];
                ConstGauge::new(count).encode(metric.encode_family(&labels)?)?;
            }
        }
        let help = "1 where an address of an upstream takes requests, 0 where it is left out for a while";
        let mut metric = self.0.encode_descriptor("upstream_up", help, None, MetricType::Gauge)?;
        for (one, address) in each() {
            let is_up = address.health.standing(one.now) == upstreams::Standing::In;
            let labels = [("upstream", &*one.name), ("address", &*address.label)];
            ConstGauge::new(i64::from(is_up)).encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn issuers(&mut self, all: &[Figures], now: Monotonic) -> fmt::Result {
        let help = "Fetches of the keys of another issuer, by what came of them";
        let mut metric = self.0.encode_descriptor("issuer_fetches", help, None, MetricType::Counter)?;
        for one in all {
            for (result, count) in [("keys", one.fetches.0), ("nothing", one.fetches.1)] {
                let labels = [("issuer", &*one.name), ("result", result)];
                ConstCounter::new(count).encode(metric.encode_family(&labels)?)?;
            }
        }
        let help = "Keys of another issuer that count";
        let mut metric = self.0.encode_descriptor("issuer_keys", help, None, MetricType::Gauge)?;
        for one in all {
            let keys = u64::try_from(one.keys).unwrap_or(u64::MAX);
            ConstGauge::new(keys).encode(metric.encode_family(&[("issuer", &*one.name)])?)?;
        }
        let help = "Since the keys of another issuer were fetched";
        let mut metric = self.0.encode_descriptor("issuer_age_seconds", help, None, MetricType::Gauge)?;
        for (name, fetched) in all.iter().filter_map(|one| Some((&one.name, one.fetched?))) {
            let age = now.since(fetched).as_secs_f64();
            ConstGauge::new(age).encode(metric.encode_family(&[("issuer", &**name)])?)?;
        }
        Ok(())
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        ConstGauge::new(value).encode(metric)
    }

    fn build(&mut self, version: &str) -> fmt::Result {
        let mut metric = self.0.encode_descriptor("build_info", "Which Keyward this is", None, MetricType::Gauge)?;
        ConstGauge::new(1_u64).encode(metric.encode_family(&[("version", version)])?)
    }

    fn spans(&mut self, name: &str, help: &str, ends: &[u64; 12], spans: &Spans) -> fmt::Result {
        let seconds = |nanos: &u64| Duration::from_nanos(*nanos).as_secs_f64();
        let ends = ends.iter().map(seconds).chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = ends.zip(spans.counts).collect();
        let count = spans.counts.iter().sum();
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        metric.encode_histogram::<NoLabelSet>(spans.sum.as_secs_f64(), count, &buckets, None)
    }
}
