//! Floods of strangers at the endpoints that ask for no credential: who is right goes on, memory and the audit log stay small,
//! and every attempt is in a sum.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use keyward_testkit::client::{Answer, exchange_from};
use keyward_testkit::people::Tokens;
use keyward_testkit::world::{World, until};
use serde_json::Value;

/// What floods meet where nobody has to wait for what was wrong before.
const UNTHROTTLED: &str = "security: {throttle: {enabled: false}}\n";

fn serving() -> Arc<World> {
    Arc::new(serving_with(UNTHROTTLED))
}

fn serving_with(config: &str) -> World {
    World::new(env!("CARGO_BIN_EXE_keyward")).config(config).serve(&[])
}

fn post(world: &World, from: u8, path: &str, body: &str) -> Option<Answer> {
    let address = world.server().data;
    let head = format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n");
    let request = format!("{head}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    exchange_from(IpAddr::from([127, 0, 0, from]), address, request.as_bytes())
}

fn login(world: &World, from: u8, password: &str) -> Option<Answer> {
    post(world, from, "/_keyward/login", &format!("{{\"username\":\"ada\",\"password\":\"{password}\"}}"))
}

/// Wrong passwords from many addresses at once, until it is ended.
struct Flood {
    going: Arc<AtomicBool>,
    /// How many were hashed, found wrong, and answered.
    hashed: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
    clients: Vec<JoinHandle<()>>,
}

impl Flood {
    /// Of which the queue is full.
    fn begin(world: &Arc<World>, addresses: std::ops::Range<u8>, each: usize) -> Self {
        let flood = Self::start(world, addresses, each);
        until("a full queue", || (flood.hashed() > 20 && flood.refused() > 20).then_some(()));
        flood
    }

    fn start(world: &Arc<World>, addresses: std::ops::Range<u8>, each: usize) -> Self {
        let (going, hashed, refused) = (Arc::new(AtomicBool::new(true)), Arc::default(), Arc::default());
        let mut flood = Self { going, hashed, refused, clients: Vec::new() };
        for from in addresses.flat_map(|from| std::iter::repeat_n(from, each)) {
            let (world, going) = (Arc::clone(world), Arc::clone(&flood.going));
            let (hashed, refused) = (Arc::clone(&flood.hashed), Arc::clone(&flood.refused));
            flood.clients.push(std::thread::spawn(move || {
                while going.load(Ordering::SeqCst) {
                    let answer = login(&world, from, "wrong password").unwrap();
                    assert!([401, 429, 503].contains(&answer.status), "{}", answer.text());
                    assert_eq!(answer.header("retry-after").is_some(), answer.status != 401);
                    let count = if answer.status == 401 { &hashed } else { &refused };
                    count.fetch_add(1, Ordering::SeqCst);
                    if answer.status != 401 {
                        // The threads that hash step back behind everybody; a loop of refusals would starve them.
                        std::thread::park_timeout(Duration::from_millis(20));
                    }
                }
            }));
        }
        flood
    }

    fn hashed(&self) -> u64 {
        self.hashed.load(Ordering::SeqCst)
    }

    fn refused(&self) -> u64 {
        self.refused.load(Ordering::SeqCst)
    }

    /// How many of the flood are served until a call has its answer.
    fn waited<T>(&self, call: impl FnOnce() -> T) -> (u64, T) {
        let before = self.hashed();
        let answer = call();
        (self.hashed() - before, answer)
    }

    /// Ends it: how many attempts it made.
    fn end(mut self) -> u64 {
        self.going.store(false, Ordering::SeqCst);
        self.clients.drain(..).for_each(|client| client.join().unwrap());
        self.hashed() + self.refused()
    }
}

#[test]
fn a_flood_of_wrong_passwords_holds_up_nobody_who_is_right() {
    const ADDRESSES: u64 = 12;
    let world = serving();
    let password = world.person("ada", &["--roles", "admin,self"]);
    let tokens = world.login("ada", &password);
    let key = world.key("k", &["--scopes", "*,self:*"]);
    let flood = Flood::begin(&world, 2..14, 10);
    let mut best = u64::MAX;
    for round in 0..5 {
        let victim = world.key_json(&format!("victim {round}"), &[]);
        let revoke = format!("/_keyward/api-keys/{}", victim["id"].as_str().unwrap());
        let calls: [(&str, &dyn Fn() -> u16, u16); 7] = [
            ("health", &|| world.send("GET", "/_keyward/health", &[], "").status, 200),
            ("ready", &|| world.send("GET", "/_keyward/ready", &[], "").status, 200),
            ("me", &|| world.get("/_keyward/me", &key).status, 200),
            ("keys", &|| world.get("/_keyward/api-keys", &key).status, 200),
            ("revoke", &|| world.call("DELETE", &revoke, &key, "").status, 204),
            ("a token", &|| world.token_status(&tokens.access), 200),
            ("a key", &|| world.get("/x", &key).status, 200),
        ];
        for (what, call, status) in calls {
            let (waited, answer) = flood.waited(call);
            assert_eq!(answer, status, "{what}");
            // Far fewer than wait: behind the queue it would be all 64 of them.
            assert!(waited <= 48, "{waited} passwords were checked before {what} had its answer");
        }
        // Its turn comes once every other address had one, not once the queue is empty. What is checked until this thread
        // notices is counted, too, so that a busy machine adds to some rounds; the order is seen in the best.
        let (waited, answer) = flood.waited(|| login(&world, 100, &password).unwrap());
        assert_eq!(answer.status, 200, "{}", answer.text());
        best = best.min(waited);
    }
    assert!(best <= 2 * ADDRESSES, "{best} passwords were checked before the right one");
    flood.end();
    Tokens::of(&until("a place for the right password", || {
        let answer = world.try_login("ada", &password);
        (answer.status == 200).then_some(answer)
    }));
}

#[test]
fn a_flood_costs_two_blocks_of_memory_and_no_more() {
    let world = serving();
    let password = world.person("ada", &["--roles", "admin,self"]);
    // Both threads have made their block.
    let first: Vec<_> = (0..8)
        .map(|_| {
            let (world, password) = (Arc::clone(&world), password.clone());
            std::thread::spawn(move || login(&world, 1, &password).unwrap().status)
        })
        .collect();
    first.into_iter().for_each(|login| assert_eq!(login.join().unwrap(), 200));
    let before = peak_memory(world.server().id()).unwrap();
    let flood = Flood::begin(&world, 2..14, 10);
    until("many passwords that were hashed", || (flood.hashed() >= 80).then_some(()));
    let attempts = flood.end();
    // Bodies that are too long for a name and a password are not taken in.
    for _ in 0..50 {
        let long = format!("{{\"username\":\"ada\",\"password\":\"{}\"}}", "x".repeat(60_000));
        assert_eq!(post(&world, 20, "/_keyward/login", &long).unwrap().status, 413);
    }
    let after = peak_memory(world.server().id()).unwrap();
    assert!(before < 90 * 1024, "{before} kB at the beginning");
    assert!(after < before + 24 * 1024, "{before} kB before, {after} kB at most");
    // Whoever was turned away is in a sum, too.
    let mut world = Arc::into_inner(world).unwrap();
    world.stop();
    assert_eq!(sum(&failed(&world), "session.sign_in_failed"), attempts);
}

/// What the audit log tells of failed attempts.
/// How the system treats each thread that checks passwords: its policy and how nice it is (proc(5), fields 41 and 19).
fn manners(process: u32) -> Vec<(String, String)> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let manners = tasks.filter_map(|task| {
        let stat = std::fs::read_to_string(task.ok()?.path().join("stat")).ok()?;
        let fields: Vec<&str> = stat.split_once(" (passwords) ")?.1.split_whitespace().collect();
        Some(((*fields.get(38)?).to_owned(), (*fields.get(16)?).to_owned()))
    });
    manners.collect()
}

#[test]
fn of_two_threads_that_check_passwords_one_has_a_small_share_and_one_what_nobody_wants() {
    // SCHED_OTHER and nice, SCHED_IDLE (sched(7)).
    let expected = [("0", "10"), ("5", "0")].map(|(policy, nice)| (policy.to_owned(), nice.to_owned()));
    let world = serving();
    let aside = || {
        let mut manners = manners(world.server().id());
        manners.sort();
        (manners == expected).then_some(())
    };
    until("threads that step aside", aside);
}

fn failed(world: &World) -> Vec<Value> {
    let listed = world.json(&["audit", "list", "--limit", "1000"])["data"].as_array().unwrap().clone();
    listed.into_iter().filter(|event| event["detail"]["why"].is_string()).collect()
}

/// How many attempts these events tell of.
fn sum(events: &[Value], action: &str) -> u64 {
    let of_action = events.iter().filter(|event| event["action"] == action);
    of_action.map(|event| event["detail"]["count"].as_str().map_or(1, |count| count.parse().unwrap())).sum()
}

/// The most memory that a process ever had, in kB.
fn peak_memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn failed_attempts_fill_no_log_and_every_one_is_in_a_sum() {
    let mut world = serving_with(UNTHROTTLED);
    world.person("ada", &[]);
    let long = "x".repeat(2_000);
    let shared = Arc::new(world);
    let strangers: Vec<_> = (2..60)
        .map(|from| {
            let (world, long) = (Arc::clone(&shared), long.clone());
            std::thread::spawn(move || {
                for _ in 0..20 {
                    assert_eq!(login(&world, from, &long).unwrap().status, 401);
                    let body = "{\"refresh_token\":\"kwr_guessed\"}";
                    assert_eq!(post(&world, from, "/_keyward/refresh", body).unwrap().status, 401);
                }
            })
        })
        .collect();
    strangers.into_iter().for_each(|stranger| stranger.join().unwrap());
    world = Arc::into_inner(shared).unwrap();
    let told = failed(&world);
    assert!(!told.is_empty() && told.len() <= 100, "{} records", told.len());
    world.stop();
    let told = failed(&world);
    assert!(told.len() <= 100, "{} records", told.len());
    for action in ["session.sign_in_failed", "session.refresh_failed"] {
        assert_eq!(sum(&told, action), 58 * 20, "{action}");
    }
    world.ok(&["audit", "verify"]);
}

/// As it is without a word in the configuration: ten wrong passwords for a user are looked at, and one of each further address.
#[test]
fn by_default_a_flood_of_wrong_passwords_is_hardly_looked_at() {
    const ADDRESSES: u64 = 12;
    let mut world = serving_with("{}");
    let password = world.person("ada", &["--roles", "admin,self"]);
    let key = world.key("k", &[]);
    let shared = Arc::new(world);
    let flood = Flood::start(&shared, 2..14, 10);
    until("a flood that is turned away", || (flood.refused() > 400).then_some(()));
    for round in 0..5 {
        let answer = login(&shared, 100 + round, &password).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(shared.get("/x", &key).status, 200);
    }
    until("many more that are turned away", || (flood.refused() > 2_000).then_some(()));
    // What was being hashed when the tenth was found wrong is looked at, too.
    assert!(flood.hashed() <= 10 + ADDRESSES + 4, "{} passwords were hashed", flood.hashed());
    let refused = login(&shared, 5, &password).unwrap();
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!(refused.status == 429 && (1..=60).contains(&wait), "{}", refused.text());
    let attempts = flood.end() + 1;
    world = Arc::into_inner(shared).unwrap();
    world.stop();
    let told = failed(&world);
    assert!(told.len() <= 100, "{} records", told.len());
    assert_eq!(sum(&told, "session.sign_in_failed"), attempts);
}

/// Many names from one address, and keys: a hundred of all together, and every one that has what was made here goes on.
#[test]
fn by_default_an_address_has_a_hundred_guesses_a_minute() {
    let world = serving_with("{}");
    let password = world.person("ada", &["--roles", "admin"]);
    let key = world.key("k", &[]);
    let get = |from: u8, key: &str| {
        let address = world.server().data;
        let head = format!("GET /x HTTP/1.1\r\nHost: {address}\r\nX-API-Key: {key}\r\nConnection: close\r\n\r\n");
        exchange_from(IpAddr::from([127, 0, 0, from]), address, head.as_bytes()).unwrap().status
    };
    // No password is that long, so that nothing is hashed.
    let long = "x".repeat(2_000);
    for number in 0..50 {
        let body = format!("{{\"username\":\"user {number}\",\"password\":\"{long}\"}}");
        assert_eq!(post(&world, 7, "/_keyward/login", &body).unwrap().status, 401, "{number}");
        assert_eq!(get(7, &format!("kw_live_guess{number}")), 401, "{number}");
    }
    for number in 0..50 {
        assert_eq!(get(7, &format!("kw_live_another{number}")), 429, "{number}");
        assert_eq!(get(7, &key), 200, "a neighbour");
    }
    assert_eq!(login(&world, 7, &password).unwrap().status, 429);
    assert_eq!(login(&world, 8, &password).unwrap().status, 200);
    assert_eq!(get(8, "kw_live_guess"), 401);
}
