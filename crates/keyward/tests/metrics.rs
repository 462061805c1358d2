//! What the admin port tells Prometheus: each metric is documented, counts what it says, and names nobody.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpStream;

use keyward_testkit::client::exchange;
use keyward_testkit::ports::Silent;
use keyward_testkit::world::{World, until};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");
const PAGE: &str = include_str!("../../../docs/reference/metrics.md");

fn text(world: &World) -> String {
    let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = exchange(world.server().admin, request).unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    answer.text()
}

/// Each series with its value.
fn series(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no value: {line}"));
            (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("no number: {line}")))
        })
        .collect()
}

/// Waits until a series has a value.
fn reaches(world: &World, name: &str, value: f64) {
    until(&format!("{name} {value}"), || (series(&text(world)).get(name) == Some(&value)).then_some(()));
}

#[test]
fn the_page_names_each_metric_and_no_other() {
    let world = World::new(BINARY).serve(&[]);
    let page = |line: &str| {
        let mut cells = line.strip_prefix("| `keyward_")?.split('|').map(str::trim);
        Some((format!("keyward_{}", cells.next()?.trim_end_matches('`')), cells.next()?.to_owned()))
    };
    let documented: BTreeMap<String, String> = PAGE.lines().filter_map(page).collect();
    let told: BTreeMap<String, String> = text(&world)
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
        .collect();
    assert_eq!(documented, told);
    // Each word of a label that comes with the first scrape stands there, too.
    for name in series(&text(&world)).keys().filter(|name| !name.contains("_bucket{") && !name.contains("version=")) {
        for word in name.split('"').skip(1).step_by(2) {
            assert!(PAGE.contains(&format!("`{word}`")), "{word} of {name}");
        }
    }
}

#[test]
fn what_limits_do_is_counted_by_their_names() {
    let limits =
        "limits: {three: {per: address, requests: 3, window: 1h}, many: {per: route, requests: 99, window: 1m}}";
    let world =
        World::new(BINARY).config(&format!("{limits}\nroutes: [{{path: /**, public: true, limits: [many, three]}}]\n"));
    let world = world.serve(&[]);
    for status in [200, 200, 200, 429, 429] {
        assert_eq!(world.send("GET", "/x", &[], "").status, status);
    }
    for (limit, did, count) in [("three", "charged", 3.0), ("three", "exceeded", 2.0), ("many", "charged", 3.0)] {
        reaches(&world, &format!("keyward_limited_total{{limit=\"{limit}\",result=\"{did}\"}}"), count);
    }
    assert_eq!(series(&text(&world))["keyward_limited_total{limit=\"many\",result=\"exceeded\"}"], 0.0);
}

#[test]
fn what_happens_is_counted() {
    let world = World::new(BINARY).serve(&["--public", "/open"]);
    let key = world.key("k", &[]);
    for _ in 0..3 {
        assert_eq!(world.get("/orders", &key).status, 200);
    }
    assert_eq!(world.get("/orders", "kw_live_wrong").status, 401);
    assert_eq!(world.send("GET", "/orders", &[], "").status, 401);
    assert_eq!(world.send("GET", "/open", &[], "").status, 200);
    assert_eq!(world.send("GET", "/_keyward/nothing", &[], "").status, 404);
    reaches(&world, "keyward_requests_total{outcome=\"allowed\",status=\"2xx\"}", 4.0);
    reaches(&world, "keyward_requests_total{outcome=\"NoRoute\",status=\"4xx\"}", 1.0);
    reaches(&world, "keyward_requests_total{outcome=\"Rejected\",status=\"4xx\"}", 1.0);
    reaches(&world, "keyward_requests_total{outcome=\"NoCredential\",status=\"4xx\"}", 1.0);
    let now = until("all to be laid out", || {
        let now = series(&text(&world));
        (now["keyward_request_duration_seconds_count"] == 7.0).then_some(now)
    });
    assert_eq!(now["keyward_decision_duration_seconds_count"], 7.0);
    assert_eq!(now["keyward_request_duration_seconds_bucket{le=\"+Inf\"}"], 7.0);
    assert!(now["keyward_request_duration_seconds_sum"] >= now["keyward_decision_duration_seconds_sum"]);
    // Each core asks the store once.
    let (memory, store) =
        (now["keyward_lookups_total{where=\"memory\"}"], now["keyward_lookups_total{where=\"store\"}"]);
    assert!(store >= 1.0 && memory + store == 3.0, "{memory} and {store}");
    assert_eq!(now["keyward_lookups_total{where=\"nowhere\"}"], 1.0);
    assert!(now["keyward_feed_age_seconds"] < 2.0);
    assert_eq!(now["keyward_build_info{version=\"0.1.0\"}"], 1.0);
    // It is for operators alone.
    assert_eq!(world.send("GET", "/metrics", &[], "").status, 401);
}

#[test]
fn connections_and_failures_of_the_upstream_are_counted() {
    let silent = Silent::hold();
    let yaml = format!("upstream: {{url: 'http://{}'}}\nserver: {{limits: {{connections: 2}}}}\n", silent.address());
    let world = World::new(BINARY).config(&yaml).serve(&["--public", "/**"]);
    assert_eq!(world.send("GET", "/x", &[], "").status, 502);
    reaches(&world, "keyward_upstream_failures_total{kind=\"unreachable\"}", 1.0);
    reaches(&world, "keyward_requests_total{outcome=\"upstream unreachable\",status=\"5xx\"}", 1.0);
    reaches(&world, "keyward_connections", 0.0);
    let connect = || TcpStream::connect(world.server().data).unwrap();
    let open = [connect(), connect()];
    reaches(&world, "keyward_connections", 2.0);
    let more = connect();
    reaches(&world, "keyward_connections_refused_total{why=\"limit\"}", 1.0);
    drop((open, more));
    reaches(&world, "keyward_connections", 0.0);
}

#[test]
fn nobody_is_named_and_traffic_adds_no_series() {
    let world = World::new(BINARY).serve(&[]);
    let password = world.person("ada", &["--roles", "admin"]);
    let tokens = world.login("ada", &password);
    let key = world.key_json("the-name-of-a-key", &["--owner", "ada"]);
    let call = |number: usize| {
        world.get(&format!("/path-{number}"), key["key"].as_str().unwrap());
        world.get(&format!("/path-{number}"), &format!("kw_live_wrong{number}"));
        world.with_token("GET", &format!("/path-{number}"), &tokens.access);
    };
    let names = |text: &str| series(text).into_keys().collect::<BTreeSet<_>>();
    call(0);
    // The sign-in, too.
    reaches(&world, "keyward_requests_total{outcome=\"allowed\",status=\"2xx\"}", 3.0);
    reaches(&world, "keyward_requests_total{outcome=\"Rejected\",status=\"4xx\"}", 1.0);
    let before = text(&world);
    (1..20).for_each(call);
    reaches(&world, "keyward_requests_total{outcome=\"Rejected\",status=\"4xx\"}", 20.0);
    let after = text(&world);
    assert_eq!(names(&before), names(&after));
    world.issued.absent_from("the metrics", after.as_bytes());
    for word in ["ada", "path-", "127.0.0.1", "the-name-of-a-key", "key_", "user_", "kw_live"] {
        assert!(!after.contains(word), "{word} in the metrics");
    }
}
