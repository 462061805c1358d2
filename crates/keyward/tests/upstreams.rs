//! Several APIs behind one Keyward: each request goes where its route says, with the headers of that upstream alone.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use keyward_testkit::world::World;

const CONFIG: &str = "\
upstreams:
  billing: {urls: [\"http://127.0.0.1:1\", \"http://127.0.0.1:2\"], timeouts: {connect: 1s}}
routes:
  - {name: billing, path: /billing/**, public: true, upstream: billing, strip_prefix: /billing}
  - {name: demo, path: /demo/**, public: true, strip_prefix: /demo}
";

#[test]
fn routes_choose_upstreams_and_strip_prefixes() {
    let world = World::new(env!("CARGO_BIN_EXE_keyward")).config(CONFIG).serve(&[]);
    let seen = world.send("GET", "/demo/orders?a=/demo", &[], "");
    assert_eq!((seen.status, seen.text().contains("\"path\": \"/orders\"")), (200, true), "{}", seen.text());
    for _ in 0..8 {
        let refused = world.send("GET", "/billing/x", &[], "");
        assert!(refused.status == 502 || refused.status == 503, "{}", refused.status);
        assert!(!refused.text().contains("127.0.0.1"), "{}", refused.text());
    }
    let last = world.send("POST", "/billing/x", &[], "body");
    assert_eq!(last.status, 503);
    assert!(last.text().contains("UpstreamOut"), "{}", last.text());
}
