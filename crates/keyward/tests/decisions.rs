//! Decisions in an operator's words: each is kept, alone or counted, its id leads to it, and nothing about the file of
//! decisions stops a server.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use keyward_testkit::client::exchange;
use keyward_testkit::decided::{decisions, sum, usage};
use keyward_testkit::world::{World, text, until};
use serde_json::Value;

fn world() -> World {
    World::new(env!("CARGO_BIN_EXE_keyward"))
}

#[test]
fn each_decision_is_kept_and_its_id_explains_it() {
    let world = world().serve(&[]);
    let made = world.key_json("first", &["--scopes", "orders:read"]);
    let (key, id) = (text(&made, "key"), text(&made, "id"));
    let allowed = world.get("/orders?secret=1", &key).json();
    let refused = world.send("GET", "/orders", &[], "");
    let wrong = world.get("/_keyward/api-keys", &key);
    assert_eq!((refused.status, wrong.status), (401, 403));

    let explain = |id: &str| world.json(&["explain", id]);
    let told =
        explain(allowed["identity"]["decision"].as_str().or(allowed["headers"]["keyward-decision"].as_str()).unwrap());
    assert_eq!(
        (&told["found"][0]["outcome"], &told["found"][0]["credential"]),
        (&"allowed".into(), &id.clone().into())
    );
    assert_eq!(told["found"][0]["path"], "/orders", "without the query");
    assert!(told["text"][0].as_str().unwrap().contains("answered 200"), "{told}");
    let told = explain(&text(&refused.json(), "decision"));
    assert_eq!((&told["found"][0]["outcome"], told["advice"].is_string()), (&"NoCredential".into(), true));
    let said = world.ok(&["explain", &text(&wrong.json(), "decision")]);
    assert!(said.contains("403 Forbidden (scope)") && said.contains("what to do:"), "{said}");

    let of_key = decisions(&world, &["--credential", &id]);
    assert_eq!(of_key.iter().map(|one| one["outcome"].as_str().unwrap()).collect::<Vec<_>>(), ["Forbidden", "allowed"]);
    assert_eq!(decisions(&world, &["--outcome", "NoCredential", "--from", "127.0.0.1", "--since", "1h"]).len(), 1);
    assert_eq!(decisions(&world, &["--until", "1h"]).len(), 0);
    assert!(world.ok(&["decisions", "list"]).contains("GET /orders"));
}

#[test]
fn an_id_that_leads_nowhere_says_why() {
    let world = world().serve(&[]);
    world.send("GET", "/", &[], "");
    for (id, why) in [
        ("GET", "26 characters"),
        ("00040g0000000000000000000u", "26 characters"),
        ("00040g00000000000000000007", "the oldest one is of"),
        ("7zzzzzzzzzzzzzzzzzzzzzzzzz", "in the future"),
    ] {
        until("the first decision", || (!decisions(&world, &[]).is_empty()).then_some(()));
        let said = world.refused(&["explain", id]);
        assert!(said.contains(why), "{id}: {said}");
    }
    let both = world.run(&["explain", "00040g00000000000000000007", "--path", "/"]);
    assert_eq!(both.status.code(), Some(2), "an id and a request");
}

/// An API that answers when it is told to: the decision of each request that came, with where to answer it.
struct Slow {
    url: String,
    came: Receiver<(String, TcpStream)>,
}

impl Slow {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, came) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                let decision = lines
                    .take_while(|line| !line.is_empty())
                    .filter_map(|line| line.to_lowercase().strip_prefix("keyward-decision: ").map(str::to_owned))
                    .last();
                // Probes send nothing.
                if let Some(decision) = decision {
                    let _ = sender.send((decision, stream));
                }
            }
        });
        Self { url, came }
    }

    fn next(&self) -> (String, TcpStream) {
        self.came.recv_timeout(Duration::from_secs(20)).unwrap()
    }
}

fn ask_apart(world: &World, key: &str) -> std::thread::JoinHandle<Option<u16>> {
    let (address, key) = (world.server().data, key.to_owned());
    let request = format!("GET /slow HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nConnection: close\r\n\r\n");
    std::thread::spawn(move || exchange(address, request.as_bytes()).map(|answer| answer.status))
}

#[test]
fn a_request_that_is_not_answered_yet_is_explained_as_running() {
    let slow = Slow::start();
    let mut world = world().config("server: {limits: {drain: 100ms}}").serve(&["--upstream", &slow.url]);
    let key = world.key("first", &[]);
    let asking = ask_apart(&world, &key);
    let (id, mut stream) = slow.next();
    let told = world.json(&["explain", &id]);
    assert_eq!((&told["running"], &told["found"]), (&true.into(), &serde_json::json!([])), "{told}");
    assert!(world.ok(&["explain", &id]).contains("is still running"));
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    assert_eq!(asking.join().unwrap(), Some(200));
    let told = world.json(&["explain", &id]);
    assert_eq!((&told["running"], &told["found"][0]["outcome"]), (&false.into(), &"allowed".into()), "{told}");
    // Cut off by the end of the server: it is kept all the same.
    let asking = ask_apart(&world, &key);
    let (id, _stream) = slow.next();
    world.stop();
    assert_eq!(asking.join().unwrap(), None);
    let told = world.json(&["explain", &id]);
    assert_eq!(told["found"][0]["outcome"], "ClientGone", "{told}");
}

#[test]
fn decisions_that_cannot_be_written_wait_and_lose_neither_id_nor_caller() {
    let world = world().serve(&[]);
    let made = world.key_json("first", &["--scopes", "*,self:*"]);
    let key = text(&made, "key");
    assert_eq!(world.get("/orders", &key).status, 200);
    until("the first decision", || (usage(&world, &key, "all") == 1).then_some(()));
    let lock = "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1],timeout=60)\nc.execute('BEGIN EXCLUSIVE')\n\
                print(flush=True)\nsys.stdin.read()";
    let mut other = Command::new("python3")
        .args(["-c", lock])
        .arg(world.data_dir().join("decisions.db"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    BufReader::new(other.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
    let ask = || {
        assert_eq!(world.get("/orders", &key).status, 200);
        text(&world.send("GET", "/orders", &[], "").json(), "decision")
    };
    let mut ids: Vec<String> = (0..11).map(|_| ask()).collect();
    // It waits five seconds for the lock before it says so.
    world.hears("decisions could not be written");
    ids.extend((0..11).map(|_| ask()));
    let said = world.refused(&["explain", &ids[0]]);
    assert!(said.contains("it may wait in memory"), "{said}");
    drop(other.stdin.take());
    assert!(other.wait().unwrap().success());
    world.hears("decisions are written again");
    for id in &ids {
        assert_eq!(world.json(&["explain", id])["found"][0]["outcome"], "NoCredential", "{id}");
    }
    until("all usage", || (usage(&world, &key, "all") >= 23).then_some(()));
    assert_eq!(usage(&world, &key, "all"), 23);
    assert_eq!(decisions(&world, &["--outcome", "lost"]).len(), 0);
}

#[test]
fn old_decisions_go_from_a_server_that_nobody_calls() {
    let world = world().config("decisions: {keep: 4s}").serve(&[]);
    world.send("GET", "/", &[], "");
    until("the decision", || (!decisions(&world, &[]).is_empty()).then_some(()));
    until("its end", || decisions(&world, &[]).is_empty().then_some(()));
}

#[test]
fn above_the_rate_they_are_counted_exactly_and_each_id_still_explains() {
    let world = world().config("decisions: {fold_above_per_second: 2}").serve(&[]);
    let made = world.key_json("first", &["--scopes", "*,self:*"]);
    let (key, id) = (text(&made, "key"), text(&made, "id"));
    let ids: Vec<String> = (0..60).map(|_| text(&world.send("GET", "/orders", &[], "").json(), "decision")).collect();
    for _ in 0..40 {
        assert_eq!(world.get("/orders", &key).status, 200);
    }
    let kept = until("every decision", || {
        let kept = decisions(&world, &["--route", "all"]);
        (sum(&kept) >= 100).then_some(kept)
    });
    assert_eq!(sum(&kept), 100);
    assert!(kept.len() < 60, "{} rows for 100 decisions: nothing was folded", kept.len());
    for id in &ids {
        let told = world.json(&["explain", id]);
        assert_eq!(told["found"][0]["outcome"], "NoCredential", "{told}");
    }
    let folded = kept.iter().find(|one| one["foldedBy"].is_array()).unwrap();
    assert!(world.ok(&["explain", &text(folded, "id")]).contains("this is one of"));
    assert_eq!(usage(&world, &key, "all"), 40);
    assert_eq!(sum(&decisions(&world, &["--credential", &id, "--route", "all"])), 40);
}

#[test]
fn an_overview_tells_what_the_last_hour_saw() {
    let world = world().config("decisions: {fold_above_per_second: 2}").serve(&[]);
    let made = world.key_json("first", &["--scopes", "orders:read"]);
    let (key, id) = (text(&made, "key"), text(&made, "id"));
    (0..30).for_each(|_| assert_eq!(world.get("/orders", &key).status, 200));
    (0..12).for_each(|_| assert_eq!(world.send("GET", "/orders", &[], "").status, 401));
    assert_eq!(world.get("/_keyward/api-keys", &key).status, 403);
    let told = until("every figure", || {
        let told = world.json(&["overview", "--span", "1h"]);
        let counted: u64 = told["outcomes"].as_array()?.iter().filter_map(|one| one["count"].as_u64()).sum();
        (counted == 43 && told["topKeys"][0]["count"] == 31).then_some(told)
    });
    let points = told["points"].as_array().unwrap();
    let sum = |word: &str| points.iter().map(|point| point[word].as_u64().unwrap()).sum::<u64>();
    assert_eq!((points.len(), sum("allowed"), sum("refused"), sum("failed")), (60, 30, 13, 0), "{told}");
    assert_eq!(told["step"], 60);
    let busy = points.iter().find(|point| point["allowed"] != 0).unwrap();
    let (half, most) = (busy["p50"].as_f64().unwrap(), busy["p99"].as_f64().unwrap());
    assert!(0.0 < half && half <= most && most < 60_000.0, "{busy}");
    assert!(points[0]["p50"].is_null(), "nothing came an hour ago");
    assert_eq!(told["outcomes"][0], serde_json::json!({"outcome": "allowed", "count": 30}));
    let top = &told["topKeys"][0];
    assert_eq!((&top["credential"], &top["name"]), (&id.into(), &"first".into()));
    assert_eq!(told["routes"][0], serde_json::json!({"route": "all", "count": 42, "refused": 12}));
    for span in ["24h", "7d", "30d"] {
        let told = world.json(&["overview", "--span", span]);
        assert_eq!(told["outcomes"][0]["count"], 30, "{span}: {told}");
    }
    assert!(world.refused(&["overview", "--span", "2h"]).contains("1h, 24h, 7d"));
    assert!(world.ok(&["overview"]).contains("first"));
}

#[test]
fn usage_is_a_callers_own_and_wants_its_scope() {
    let mut world = world().serve(&[]);
    world.person("ada", &["--roles", "admin,self"]);
    world.person("eve", &["--roles", "admin,self"]);
    let key = |owner, scopes| world.key(owner, &["--owner", owner, "--scopes", scopes]);
    let (ada, second, eve) = (key("ada", "*"), key("ada", "orders:read"), key("eve", "*"));
    for (key, times) in [(&ada, 3), (&second, 2), (&eve, 1)] {
        (0..times).for_each(|_| assert_eq!(world.get("/orders", key).status, 200));
    }
    until("all usage", || (usage(&world, &ada, "all") == 5).then_some(()));
    // Another core may hand over later.
    until("eve's", || (usage(&world, &eve, "all") > 0).then_some(()));
    assert_eq!(usage(&world, &eve, "all"), 1, "nobody else's");
    assert_eq!(world.get("/_keyward/usage", &second).status, 403);
    assert_eq!(world.send("GET", "/_keyward/usage", &[], "").status, 401);
    for (query, status) in [
        ("since=2h&limit=1", 200),
        ("since=2020-01-01T00%3A00%3A00Z&until=1h", 200),
        ("since=yesterday", 400),
        ("limit=0", 400),
        ("cursor=x", 400),
    ] {
        assert_eq!(world.get(&format!("/_keyward/usage?{query}"), &ada).status, status, "{query}");
    }
    let page = world.get("/_keyward/usage?limit=1", &ada).json();
    let next = page["nextCursor"].as_str().unwrap().to_owned();
    let rest = world.get(&format!("/_keyward/usage?cursor={next}"), &ada).json();
    assert_ne!(page["data"][0], rest["data"][0]);
    // They are there after the end, and without a server.
    world.stop();
    assert_eq!(sum(&decisions(&world, &["--route", "all"])), 6);
}

#[test]
fn tail_shows_the_last_and_each_that_comes() {
    let mut world = world().serve(&[]);
    world.send("GET", "/before", &[], "");
    until("the first decision", || (!decisions(&world, &[]).is_empty()).then_some(()));
    let mut tail = world.command(&["decisions", "tail", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap()["path"].clone();
    assert_eq!(next(), "/before");
    for path in ["/one", "/two"] {
        world.send("GET", path, &[], "");
        assert_eq!(next(), path);
    }
    drop(world.take_server());
    assert!(tail.wait().unwrap().success(), "it ends with the server");
}

#[test]
fn a_damaged_or_missing_file_stops_nobody() {
    let mut world = world().serve(&[]);
    let key = world.key("first", &[]);
    world.stop();
    let file = world.data_dir().join("decisions.db");
    std::fs::write(&file, b"not a database at all, and long enough to be one".repeat(200)).unwrap();
    assert!(world.ok(&["key", "list"]).contains("first"), "no other command fails for it");
    world.start(&[]);
    world.hears("decisions.db.damaged-");
    assert_eq!(world.get("/", &key).status, 200);
    until("a decision in the new file", || (!decisions(&world, &[]).is_empty()).then_some(()));
    world.stop();

    std::fs::remove_file(&file).unwrap();
    world.start(&[]);
    assert_eq!(world.get("/", &key).status, 200);
    // Taken away from under a running server: requests go on, and it says so once.
    std::fs::remove_file(&file).unwrap();
    assert_eq!(world.get("/", &key).status, 200);
    until("the complaint", || world.server().log().contains("decisions could not be written").then_some(()));
    assert_eq!(world.get("/", &key).status, 200);
    assert_eq!(world.get("/_keyward/ready", &key).status, 200);
    world.stop();

    // What cannot be a file at all.
    let _ = std::fs::remove_file(&file);
    std::fs::create_dir(&file).unwrap();
    world.start(&[]);
    world.hears("decisions are not recorded");
    assert_eq!(world.get("/", &key).status, 200);
}

#[test]
fn nothing_is_kept_where_the_configuration_says_so() {
    let world = world().config("decisions: {keep: null}").serve(&[]);
    let key = world.key("first", &["--scopes", "*,self:*"]);
    assert_eq!(world.get("/", &key).status, 200);
    assert!(world.refused(&["decisions", "list"]).contains("no decisions are kept"));
    assert_eq!(world.get("/_keyward/usage", &key).status, 404);
    assert!(!world.data_dir().join("decisions.db").exists());
}
