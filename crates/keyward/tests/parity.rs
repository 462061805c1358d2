//! The decision table (`tests/tables/decisions.txt`) through the real binary: its own port, its own store, real keys; by HTTP/1.1
//! and by HTTP/2, which are answered alike.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests fail by panicking"
)]

use std::collections::HashMap;

use keyward_testkit::client::Answer;
use keyward_testkit::curl::over_h2;
use keyward_testkit::world::World;

const TABLE: &str = include_str!("../../../tests/tables/decisions.txt");
const WORLD: &str = include_str!("../../../tests/tables/world.yaml");

fn make_key(world: &World, line: &str) -> (String, String) {
    let mut words = line.split_whitespace();
    let name = words.next().unwrap().to_owned();
    let attributes: HashMap<&str, &str> = words.map(|word| word.split_once('=').unwrap()).collect();
    let mut flags = Vec::new();
    for (attribute, flag) in [("scopes", "--scopes"), ("ip", "--ip")] {
        if let Some(value) = attributes.get(attribute) {
            flags.extend([flag, *value]);
        }
    }
    let key = world.key_json(&name, &flags);
    let id = key["id"].as_str().unwrap();
    match attributes.get("state") {
        None => {}
        Some(&"disabled") => drop(world.ok(&["key", "disable", id])),
        Some(&"revoked") => drop(world.ok(&["key", "revoke", id])),
        Some(&"replaced") => drop(world.ok(&["key", "rotate", id, "--overlap", "0"])),
        Some(other) => panic!("no such state: {other}"),
    }
    (name, key["key"].as_str().unwrap().to_owned())
}

fn outcome(answer: &Answer, log: Option<&serde_json::Value>) -> String {
    let route = log.and_then(|line| line["route"].as_str());
    if answer.status == 200 {
        return format!("200 {}", route.unwrap_or("?"));
    }
    let status = answer.status.to_string();
    let reason = log.and_then(|line| line["outcome"].as_str());
    let challenge = answer.header("www-authenticate");
    let error = challenge.and_then(|text| text.split("error=\"").nth(1)).and_then(|rest| rest.split('"').next());
    [Some(status.as_str()), reason, route, error].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The line that the log holds for a decision. Lines come by way of a queue: their end is awaited.
fn log_line(world: &World, seen: &mut usize) -> serde_json::Value {
    loop {
        let log = world.server().log();
        let lines: Vec<&str> = log.lines().filter(|line| line.starts_with('{')).collect();
        if let Some(line) = lines.get(*seen) {
            *seen += 1;
            return serde_json::from_str(line).unwrap();
        }
        std::thread::yield_now();
    }
}

#[test]
fn decision_table_through_the_binary() {
    decision_table(|world, method, target, headers| Some(world.send(method, target, headers, "")));
}

#[test]
fn decision_table_over_http_2() {
    decision_table(|world, method, target, headers| over_h2(world.server().data, method, target, headers));
}

fn decision_table(send: impl Fn(&World, &str, &str, &[&str]) -> Option<Answer>) {
    let world = World::new(env!("CARGO_BIN_EXE_keyward")).config(WORLD).serve(&["--log", "json"]);
    let keys: HashMap<String, String> =
        TABLE.lines().filter_map(|line| line.strip_prefix("key ")).map(|line| make_key(&world, line)).collect();
    let fill_in =
        |text: &str| keys.iter().fold(text.to_owned(), |text, (name, key)| text.replace(&format!("{{{name}}}"), key));
    let mut seen = 0;
    let mut wrong = Vec::new();
    let mut tried = 0;
    for row in TABLE.lines().filter(|line| line.contains(" | ") && !line.starts_with('#')) {
        let [request, from, headers, expected] = row.split(" | ").map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("four columns: {row}")
        };
        // This door is reached over loopback only.
        if from != "127.0.0.1" {
            continue;
        }
        let (method, target) = request.split_once(' ').unwrap();
        let headers = fill_in(headers);
        let headers: Vec<&str> = headers.split("; ").filter(|header| *header != "-").collect();
        tried += 1;
        let Some(answer) = send(&world, method, &fill_in(target), &headers) else {
            // The library resets what it does not read; nothing is decided then.
            if !expected.starts_with("400") {
                wrong.push(format!("{row}\n   got no answer"));
            }
            continue;
        };
        let bare = answer.status == 400 && answer.header("keyward-decision").is_none();
        let line = (!bare).then(|| log_line(&world, &mut seen));
        let got = outcome(&answer, line.as_ref());
        if got != expected && !(bare && expected.starts_with("400")) {
            wrong.push(format!("{row}\n   got {got}"));
        }
        if answer.status >= 400 && !bare {
            let problem = answer.header("content-type");
            assert!(method == "HEAD" || problem == Some("application/problem+json"), "{row}: {problem:?}");
        }
    }
    assert!(tried > 80, "{tried} rows were tried");
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}
