//! Limits through the real binary: what a caller is told, whom each counts, and what a rotation, a reload, a crash and a
//! locked database do to what was used.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use keyward_testkit::client::Answer;
use keyward_testkit::upstream::Upstream;
use keyward_testkit::world::{World, text, until};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

fn world(yaml: &str) -> World {
    World::new(BINARY).config(yaml).serve(&[])
}

/// A configuration with one limit on every path.
fn with(limit: &str) -> String {
    format!("limits: {{one: {limit}}}\nroutes: [{{name: all, path: /**, limits: [one]}}]\n")
}

/// What is left, by the field `RateLimit`.
fn left(answer: &Answer) -> u32 {
    let field = answer.header("ratelimit").unwrap_or_else(|| panic!("no RateLimit in {answer:?}"));
    field.split(";r=").nth(1).unwrap().split(';').next().unwrap().parse().unwrap()
}

fn number(answer: &Answer, field: &str) -> u64 {
    answer.header(field).unwrap_or_else(|| panic!("no {field} in {answer:?}")).parse().unwrap()
}

fn statuses(world: &World, key: &str, count: usize) -> Vec<u16> {
    (0..count).map(|_| world.get("/x", key).status).collect()
}

/// Another program that holds the lock of writers; it lets go when the value is gone.
struct Lock(Child);

impl Lock {
    fn hold(world: &World) -> Self {
        let script = "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1],timeout=60)\nc.execute('BEGIN EXCLUSIVE')\n\
             print(flush=True)\nsys.stdin.read()";
        let mut python = Command::new("python3");
        python.args(["-c", script]).arg(world.data_dir().join("keyward.db"));
        let mut child = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "\n", "the other program has its lock");
        Self(child)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_caller_is_told_where_it_stands_and_how_long_to_wait() {
    let upstream = Upstream::answering("HTTP/1.1 200 OK\r\nRateLimit: \"theirs\";r=9\r\nContent-Length: 0\r\n\r\n");
    let yaml = format!("{}upstream: {{url: \"{}\"}}\n", with("{per: key, requests: 3, window: 1m}"), upstream.url());
    let world = world(&yaml);
    let key = world.key("bot", &[]);
    let first = world.get("/x", &key);
    assert_eq!(first.status, 200);
    assert_eq!(first.header("ratelimit-policy"), Some("\"one\";q=3;w=60"));
    assert_eq!(first.header("ratelimit"), Some("\"one\";r=2;t=60"));
    assert_eq!(first.headers.iter().filter(|(name, _)| name == "ratelimit").count(), 1, "the upstream's is replaced");
    assert_eq!(statuses(&world, &key, 3), [200, 200, 429]);
    let over = world.get("/x", &key);
    let wait = number(&over, "retry-after");
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!((left(&over), over.json()["reason"].as_str()), (0, Some("Limited")));
    assert!(
        over.text().contains("`one`") && over.text().contains(&format!("Try again in {wait} s")),
        "{}",
        over.text()
    );
    assert_eq!(upstream.requests().len(), 3, "what is refused is not forwarded");
    assert_eq!(world.send("GET", "/x", &[], "").status, 401, "whoever shows nothing is not counted, and told no limit");
    assert_eq!(statuses(&world, &world.key("other", &[]), 1), [200], "another key has its own");
    let told = until("the decision", || {
        let listed = world.json(&["decisions", "list", "--outcome", "Limited"]);
        listed["data"].as_array().unwrap().first().cloned()
    });
    assert_eq!((&told["detail"], &told["results"][0]["status"]), (&"one".into(), &429.into()), "{told}");
}

#[test]
fn a_wait_that_was_told_is_true() {
    let world = world(&with("{per: key, requests: 60, window: 1m, burst: 2}"));
    let key = world.key("bot", &[]);
    let over = until("a refusal", || {
        let answer = world.get("/x", &key);
        (answer.status == 429).then_some(answer)
    });
    assert_eq!(number(&over, "retry-after"), 1);
    std::thread::park_timeout(std::time::Duration::from_secs(1));
    assert_eq!(world.get("/x", &key).status, 200);
}

#[test]
fn the_older_fields_and_none() {
    let limit = with("{per: key, requests: 5, window: 1h}");
    for (choice, ietf, older) in [("x-ratelimit", false, true), ("both", true, true), ("none", false, false)] {
        let world = world(&format!("{limit}performance: {{rate_limit_headers: {choice}}}\n"));
        let answer = world.get("/x", &world.key("bot", &[]));
        assert_eq!(
            answer.header("ratelimit").is_some() && answer.header("ratelimit-policy").is_some(),
            ietf,
            "{choice}"
        );
        assert_eq!(answer.header("x-ratelimit-limit").is_some(), older, "{choice}");
        if older {
            assert_eq!((number(&answer, "x-ratelimit-limit"), number(&answer, "x-ratelimit-remaining")), (5, 4));
            let reset = number(&answer, "x-ratelimit-reset");
            let date = Command::new("date").arg("+%s").output().unwrap().stdout;
            let now: u64 = String::from_utf8(date).unwrap().trim().parse().unwrap();
            assert!((3500..=3603).contains(&(reset - now)), "{reset} at {now}");
        }
    }
}

#[test]
fn rotation_resets_nothing() {
    let world = world(&with("{per: key, requests: 4, window: 10m}"));
    let key = world.key_json("bot", &[]);
    assert_eq!(left(&world.get("/x", &text(&key, "key"))), 3);
    let mut id = text(&key, "id");
    for expected in [2, 1, 0] {
        let next = world.json(&["key", "rotate", &id]);
        world.issued.note(&text(&next, "key"));
        id = text(&next, "id");
        assert_eq!(left(&world.get("/x", &text(&next, "key"))), expected);
    }
    assert_eq!(world.get("/x", &text(&key, "key")).status, 429, "the first key, in its overlap, has no more either");
}

#[test]
fn keys_of_one_owner_share_and_so_do_users_of_one_account() {
    let shared = world(&with("{per: principal, requests: 2, window: 10m}"));
    let [one, two, hers] = [("one", "admin"), ("two", "admin"), ("hers", "ada")].map(|(name, owner)| {
        if owner == "ada" {
            shared.user("ada", &["self"]);
        }
        shared.key(name, &["--owner", owner])
    });
    assert_eq!([&one, &two, &one, &hers].map(|key| shared.get("/x", key).status), [200, 200, 429, 200]);

    let world = world(&with("{per: account, requests: 2, window: 10m}"));
    world.ok(&["account", "add", "acme"]);
    for name in ["ada", "bob"] {
        world.ok(&["user", "add", name, "--no-password", "--account", "acme"]);
    }
    let [hers, his, mine] = ["ada", "bob", "admin"].map(|owner| world.key(owner, &["--owner", owner]));
    assert_eq!([&hers, &his, &hers].map(|key| world.get("/x", key).status), [200, 200, 429]);
    assert_eq!(world.get("/x", &mine).status, 200, "whoever has no account counts alone");
}

#[test]
fn whoever_signs_in_again_has_one_counter() {
    let world = world(&with("{per: key, requests: 2, window: 10m}"));
    let password = world.person("ada", &[]);
    let status = |token: &str| world.send("GET", "/x", &[&format!("Authorization: Bearer {token}")], "").status;
    let [first, second] = [(); 2].map(|()| world.login("ada", &password).access);
    assert_eq!([&first, &second, &first, &second].map(|token| status(token)), [200, 200, 429, 429]);
}

#[test]
fn a_crash_refills_no_quota_of_an_hour_and_an_orderly_end_loses_nothing() {
    let mut world = world(&with("{per: key, requests: 40, window: 1h}"));
    let key = world.key("bot", &[]);
    assert_eq!(statuses(&world, &key, 5), [200; 5]);
    let mut admitted = 5;
    for _ in 0..3 {
        world.take_server().kill();
        world.start(&[]);
        let answer = world.get("/x", &key);
        admitted += 1;
        let left = left(&answer);
        assert!(left <= 40 - admitted && left + 6 * 4 >= 40 - admitted, "{left} left after {admitted}");
    }
    let before = left(&world.get("/x", &key));
    admitted += 1;
    world.stop();
    world.start(&[]);
    assert_eq!(left(&world.get("/x", &key)), before - 1, "an orderly end gives back what was not used");
    admitted += 1 + u32::try_from(statuses(&world, &key, 60).iter().filter(|status| **status == 200).count()).unwrap();
    assert!(admitted <= 40, "{admitted} of 40");
    assert_eq!(world.get("/x", &key).status, 429);
}

#[test]
fn a_reload_keeps_what_was_used() {
    let world = world(&with("{per: key, requests: 10, window: 10m}"));
    let key = world.key("bot", &[]);
    assert_eq!(statuses(&world, &key, 4), [200; 4]);
    let (new, file) = (world.path("keyward.yaml.new"), world.path("keyward.yaml"));
    std::fs::write(&new, with("{per: key, requests: 6, window: 10m}")).unwrap();
    std::fs::rename(new, file).unwrap();
    world.hears("version 2 is in force");
    assert_eq!(left(&world.get("/x", &key)), 1);
    assert_eq!(statuses(&world, &key, 2), [200, 429]);
}

#[test]
fn a_locked_database_denies_or_allows_as_the_limit_says() {
    for (rule, expected) in [("deny", 503), ("allow", 200)] {
        let world = world(&with(&format!("{{per: key, requests: 100, window: 1h, on_fault: {rule}}}")));
        let [known, fresh] = ["known", "fresh"].map(|name| world.key(name, &[]));
        assert_eq!(statuses(&world, &known, 1), [200]);
        let lock = Lock::hold(&world);
        assert_eq!(world.get("/x", &known).status, 200, "what was written ahead goes on");
        let answer = world.get("/x", &fresh);
        assert_eq!(answer.status, expected, "{rule}");
        if rule == "deny" {
            assert!(answer.text().contains("Unavailable") && answer.header("retry-after") == Some("1"), "{answer:?}");
        }
        drop(lock);
        until("an answer that is counted", || {
            let answer = world.get("/x", &fresh);
            (answer.status == 200 && answer.header("ratelimit").is_some()).then_some(())
        });
    }
}

#[test]
fn explaining_charges_nothing_and_tells_what_is_left() {
    let world = world(&with("{per: key, requests: 2, window: 10m}"));
    let key = world.key_json("bot", &[]);
    let (id, key) = (text(&key, "id"), text(&key, "key"));
    let explain = || world.run(&["explain", "--key-id", &id, "--path", "/x", "--json"]);
    let explained = || serde_json::from_slice::<serde_json::Value>(&explain().stdout).unwrap();
    for _ in 0..3 {
        assert!(explained().to_string().contains("the limit `one` has 2 left"), "{}", explained());
    }
    assert_eq!(statuses(&world, &key, 2), [200, 200]);
    let over = explained();
    assert_eq!((&over["allowed"], &over["status"], &over["reason"]), (&false.into(), &429.into(), &"Limited".into()));
    assert!(over["advice"].as_str().unwrap().starts_with("wait "), "{over}");
}

#[test]
fn a_caller_reads_what_is_left_also_of_what_only_the_store_knows() {
    let mut world = world(&with("{per: key, requests: 40, window: 1h}"));
    let key = world.key("bot", &["--scopes", "self:*"]);
    assert_eq!(statuses(&world, &key, 3), [200; 3]);
    let usage = |world: &World| world.get("/_keyward/usage", &key).json()["limits"].clone();
    let told = usage(&world);
    let one = &told[0];
    assert_eq!((&one["limit"], &one["per"], &one["remaining"]), (&"one".into(), &"key".into(), &37.into()), "{told}");
    assert!(one["resetsAt"].is_string() && one["windowSeconds"] == 3600.0, "{told}");
    world.stop();
    world.start(&[]);
    assert_eq!(usage(&world)[0]["remaining"], 37, "before anything was charged again");
    let id = world.json(&["key", "list"])["data"][0]["id"].as_str().unwrap().to_owned();
    let explained = world.ok(&["explain", "--key-id", &id, "--path", "/x"]);
    assert!(explained.contains("has 37 left"), "{explained}");
}

#[test]
fn a_limit_in_short_counts_addresses_on_every_route_and_no_own_endpoint() {
    let yaml = "performance: {rate_limit: {enabled: true, requests_per_minute: 1, burst: 3}}\n\
         routes: [{name: open, path: /open, public: true}, {name: all, path: /**}]\n";
    let world = world(yaml);
    let key = world.key("bot", &["--scopes", "self:*,*"]);
    for _ in 0..10 {
        assert_eq!(world.send("GET", "/_keyward/health", &[], "").status, 200);
        let own = world.get("/_keyward/me", &key);
        assert_eq!((own.status, own.header("ratelimit")), (200, None));
    }
    assert_eq!(world.send("GET", "/x", &[], "").status, 401, "refused before it comes to limits: not counted");
    let answer = world.send("GET", "/open", &[], "");
    assert_eq!(answer.header("ratelimit-policy"), Some("\"performance.rate_limit\";q=1;w=60"));
    assert_eq!([world.get("/x", &key).status, world.send("GET", "/open", &[], "").status], [200, 200]);
    assert_eq!([world.get("/x", &key).status, world.send("GET", "/open", &[], "").status], [429, 429]);
}
