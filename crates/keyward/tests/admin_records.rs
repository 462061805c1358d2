//! What happened, what was decided, what runs: as the operators' port tells it.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use keyward_testkit::world::{World, text};
use serde_json::{Value, json};

fn serving(config: &str) -> World {
    World::new(env!("CARGO_BIN_EXE_keyward")).config(config).serve(&[])
}

#[test]
fn the_audit_log_is_read_verified_and_taken_along() {
    let world = serving("{}");
    let operator = world.operator_key();
    // A name that a spreadsheet would take for a formula.
    world.ok(&["key", "create", "=cmd()", "--json"]);
    let of = |path: &str| world.operate("GET", path, &operator, "");
    let made = of("/audit?action=key.created").json();
    assert_eq!(made["data"].as_array().unwrap().len(), 2);
    let one = of("/audit?limit=1").json();
    let next = of(&format!("/audit?limit=1&cursor={}", text(&one, "nextCursor"))).json();
    assert!(one["data"][0]["seq"].as_u64() > next["data"][0]["seq"].as_u64());
    let lines = of("/audit/export?format=ndjson");
    assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
    let all: Vec<Value> = lines.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(all.len(), of("/audit").json()["data"].as_array().unwrap().len());
    let csv = of("/audit/export?format=csv&action=key.created");
    assert!(csv.header("content-disposition").unwrap().starts_with("attachment"), "it is never a page");
    assert_eq!(csv.text().lines().count(), 3, "{}", csv.text());
    for wrong in ["/audit/export", "/audit/export?format=xml", "/audit/export?format=csv&since=never", "/audit?since=x"]
    {
        assert_eq!(of(wrong).status, 400, "{wrong}");
    }
    let sealed = of("/audit/export?format=sealed").text();
    assert_eq!(sealed.trim(), world.ok(&["audit", "export"]), "as the machine itself prints it");
    assert_eq!(of("/audit/export?format=sealed&actor=operator").status, 400, "all or nothing");
    let verify = |body: &str| world.operate("POST", "/audit/verify", &operator, body).json();
    assert_eq!(verify("")["ok"], true);
    let head = of("/audit/head").json();
    assert_eq!(verify(&head.to_string())["ok"], true);
    let other = json!({"head": {"seq": head["head"]["seq"], "seal": "00".repeat(32)}});
    assert_eq!(verify(&other.to_string())["ok"], false);
}

#[test]
fn decisions_are_listed_explained_and_told_as_they_come() {
    let world = serving("{}");
    let operator = world.operator_key();
    let refused = text(&world.get("/orders", "kw_live_guess").json(), "decision");
    let explained = world.operate("GET", &format!("/decisions/{refused}"), &operator, "").json();
    assert_eq!(explained["found"][0]["outcome"], "Rejected", "{explained}");
    let listed = world.operate("GET", "/decisions?outcome=Rejected", &operator, "").json();
    assert_eq!(listed["data"][0]["id"], refused.as_str());
    assert_eq!(world.operate("GET", "/decisions/nothing", &operator, "").status, 400);
    let asked = json!({"path": "/orders", "headers": [format!("X-API-Key: {operator}")]}).to_string();
    assert_eq!(world.operate("POST", "/explain", &operator, &asked).json()["allowed"], true);
    let mut stream = TcpStream::connect(world.server().admin).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let head = format!(
        "GET /admin/v1/decisions/tail?outcome=Rejected HTTP/1.1\r\nHost: x\r\nX-API-Key: {operator}\r\nLast-Event-ID: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "HTTP/1.1 200 OK");
    let told = lines.by_ref().find_map(|line| line.strip_prefix("data: ").map(str::to_owned)).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&told).unwrap()["id"], refused.as_str());
    let again = text(&world.get("/orders", "kw_live_guess_again").json(), "decision");
    let told = lines.by_ref().find_map(|line| line.strip_prefix("data: ").map(str::to_owned)).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&told).unwrap()["id"], again.as_str());
    // Whoever may not see more is told no more: the stream ends.
    let id = world.json(&["key", "list"])["data"][0]["id"].as_str().unwrap().to_owned();
    world.ok(&["key", "revoke", &id]);
    let mut beats = 0;
    for line in lines {
        // It is judged again every two seconds; it beats every fifteen.
        beats += usize::from(line.starts_with(':'));
        assert!(beats < 2 && !line.starts_with("data: "), "the stream goes on: {line}");
    }
}

#[test]
fn the_configuration_is_shown_and_another_is_checked_without_reading_files() {
    let world = serving(
        "routes: [{name: orders, path: /orders/**, limits: [few]}, {name: all, path: /**}]\nlimits: {few: {per: key, requests: 5, window: 1h}}\n",
    );
    let operator = world.operator_key();
    let shown = world.operate("GET", "/config", &operator, "").json();
    let path = shown["values"].as_array().unwrap().iter().find(|one| one["name"] == "routes[0].path").unwrap();
    assert_eq!(
        (&path["value"], path["origin"].as_str().unwrap().ends_with("keyward.yaml:1")),
        (&json!("/orders/**"), true)
    );
    assert_eq!(world.operate("GET", "/config/schema", &operator, "").json()["type"], "object");
    let limits = world.operate("GET", "/limits", &operator, "").json();
    assert_eq!(
        limits["data"][0],
        json!({"name": "few", "per": "key", "requests": 5, "windowSeconds": 3600.0, "burst": null, "routes": ["orders"]})
    );
    let check = |text: &str| {
        world
            .operate_by("POST", "/config/check", &[&format!("X-API-Key: {operator}"), "Content-Type: text/yaml"], text)
            .json()
    };
    assert_eq!(check("server: {port: 9}\n")["ok"], true);
    let wrong = check("server: {prot: 9}\nupstream: {host: nowhere}\n");
    assert_eq!((wrong["ok"].clone(), wrong["mistakes"].as_array().unwrap().len()), (json!(false), 2), "{wrong}");
    assert_eq!(wrong["mistakes"][0]["line"], 1);
    // Not even whether a file is there is told.
    let secret = world.data_dir().join("master.key");
    for file in [secret.display().to_string(), "/nowhere/at/all".to_owned()] {
        let told = check(&format!("security: {{jwt: {{algorithm: HS256, secret: '${{file:{file}}}'}}}}\n"));
        assert_eq!(told, json!({"ok": true, "mistakes": [], "warnings": []}), "{file}");
    }
    let json = world.operate("POST", "/config/check", &operator, "{}");
    assert_eq!(json.status, 415);
}

#[test]
fn a_node_says_how_it_is() {
    let world = serving("{}");
    let operator = world.operator_key();
    let nodes = world.operate("GET", "/nodes", &operator, "").json();
    let node = &nodes["data"][0];
    assert_eq!((&node["node"], &node["state"], &node["configuration"]), (&json!("node-1"), &json!("ready"), &json!(1)));
    assert!(node["store"]["bytes"].as_u64().unwrap() > 4096 && node["decisions"]["kept"] == true, "{node}");
}

#[test]
fn a_body_that_does_not_come_is_given_up() {
    let world = serving("{}");
    let operator = world.operator_key();
    let mut stream = TcpStream::connect(world.server().admin).unwrap();
    let head = format!(
        "POST /admin/v1/keys HTTP/1.1\r\nHost: x\r\nX-API-Key: {operator}\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut reader = BufReader::new(stream);
    reader.read_line(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    let _ = reader.read(&mut [0; 1]);
}
