//! A username and a password with each request: off until it is asked for, checked once and remembered, and dropped with
//! whatever it rests on.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::sync::{Arc, Barrier};

use keyward_testkit::client::Answer;
use keyward_testkit::people::basic;
use keyward_testkit::world::{World, text, until};
use serde_json::json;

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");
const ON: &str = "security: {basic_auth: {enabled: true}}\n";

fn serving(config: &str) -> World {
    World::new(BINARY).config(config).serve(&[])
}

fn get(world: &World, username: &str, password: &str) -> Answer {
    world.send("GET", "/orders", &[&basic(username, password)], "")
}

fn challenge(answer: &Answer) -> String {
    answer.header("www-authenticate").unwrap_or_default().to_owned()
}

fn detail(answer: &Answer) -> String {
    text(&answer.json(), "detail")
}

#[test]
fn it_is_off_until_it_is_asked_for() {
    let world = serving("{}");
    let password = world.person("ada", &["--roles", "admin"]);
    let answer = get(&world, "ada", &password);
    assert_eq!((answer.status, text(&answer.json(), "reason")), (401, "NoCredential".to_owned()));
    assert!(!challenge(&answer).contains("Basic") && !detail(&answer).contains("Basic"), "{answer:?}");
}

#[test]
fn a_user_passes_with_its_password_and_nobody_learns_more_from_a_wrong_one() {
    let world = serving(ON);
    let password = world.person("Ada", &["--roles", "self,admin"]);
    world.user("nopass", &[]);
    for spelling in ["ada", "ADA"] {
        let answer = get(&world, spelling, &password);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let seen = answer.json();
        assert_eq!((&seen["identity"]["kind"], &seen["identity"]["name"]), (&json!("basic"), &json!("ada")));
        assert!(!seen.to_string().contains("Basic "), "the password went on to the upstream: {seen}");
    }
    let me = world.send("GET", "/_keyward/me", &[&basic("ada", &password)], "").json();
    assert_eq!((&me["name"], &me["kind"], &me["scopes"]), (&json!("ada"), &json!("basic"), &json!(["*", "self:*"])));
    // Without a word on which of the two was wrong, and alike in all that is sent.
    let shape = |answer: &Answer| {
        let mut body = answer.json();
        body["decision"] = json!("");
        let headers = answer.headers.iter().filter(|(name, _)| name != "keyward-decision" && name != "date");
        (answer.status, body, headers.cloned().collect::<Vec<_>>())
    };
    let wrong = get(&world, "ada", "wrong password");
    assert_eq!(wrong.status, 401);
    assert_eq!(detail(&wrong), "The username or password is not valid.");
    assert!(challenge(&wrong).ends_with("Basic realm=\"keyward\", charset=\"UTF-8\""), "{}", challenge(&wrong));
    for (username, password) in [
        ("nobody", "wrong password"),
        ("nobody", &*password),
        ("nopass", ""),
        ("nopass", "x"),
        ("ada", ""),
        ("", &password),
        ("ada", &"x".repeat(1025)),
        ("ada", &"x".repeat(5000)),
        ("ad\u{430}", &password),
    ] {
        assert_eq!(shape(&get(&world, username, password)), shape(&wrong), "{username:?}");
    }
    assert!(challenge(&world.send("GET", "/orders", &[], "")).contains("charset=\"UTF-8\""), "nothing sent");
    let headers = ["Authorization: Basic !!!", "Authorization: Basic YWRh", "Authorization: Basic OjE="];
    for header in headers {
        assert_eq!(world.send("GET", "/orders", &[header], "").status, 401, "{header}");
    }
    let two = world.send("GET", "/orders", &[&basic("ada", &password), &basic("ada", &password)], "");
    assert_eq!(two.status, 400, "{}", two.text());
    let key = format!("X-API-Key: {}", world.key("k", &[]));
    assert_eq!(world.send("GET", "/orders", &[&basic("ada", &password), &key], "").status, 400, "two credentials");
}

#[test]
fn what_was_right_is_remembered_and_dropped_with_whatever_it_rests_on() {
    let world = serving(ON);
    let password = world.person("ada", &["--roles", "admin"]);
    let other = world.person("eve", &["--roles", "admin"]);
    assert_eq!(get(&world, "ada", &password).status, 200);
    // Each core checks once; from then on nothing is asked.
    let asked = |world: &World| {
        let page = metrics(world);
        let line = page.lines().find(|line| line.starts_with("keyward_lookups_total") && line.contains("store"));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).unwrap()
    };
    until("every core to know it", || {
        let before = asked(&world);
        (0..20).for_each(|_| assert_eq!(get(&world, "ada", &password).status, 200));
        (asked(&world) - before < 0.5).then_some(())
    });
    world.ok(&["user", "roles", "ada", "self"]);
    let seen = get(&world, "ada", &password).json();
    assert_eq!(seen["identity"]["scopes"], json!(["self:*"]), "roles of a moment ago: {seen}");
    let next = world.ok(&["user", "passwd", "ada"]);
    assert_eq!(get(&world, "ada", &password).status, 401, "the old password");
    assert_eq!(get(&world, "ada", &next).status, 200);
    world.ok(&["user", "disable", "ada"]);
    let disabled = get(&world, "ada", &next);
    assert_eq!((disabled.status, detail(&disabled)), (401, "The user is disabled.".to_owned()));
    assert_eq!(detail(&get(&world, "ada", &password)), "The username or password is not valid.");
    world.ok(&["user", "enable", "ada"]);
    assert_eq!(get(&world, "ada", &next).status, 200);
    assert_eq!(get(&world, "eve", &other).status, 200, "nobody else was concerned");
}

fn metrics(world: &World) -> String {
    let address = world.server().admin;
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    keyward_testkit::client::exchange(address, request.as_bytes()).unwrap().text()
}

#[test]
fn one_username_of_the_configuration_stands_for_nobody_else() {
    let config = "security: {basic_auth: {enabled: true, username: ops, password: \"${env:OPS}\"}}\n";
    let world = World::new(BINARY).env("OPS", "schlüssel-und-schloss").config(config).serve(&[]);
    let password = world.person("ada", &["--roles", "admin"]);
    let seen = get(&world, "ops", "schlüssel-und-schloss");
    assert_eq!(seen.status, 200, "{}", seen.text());
    assert_eq!(
        (&seen.json()["identity"]["principal"], &seen.json()["identity"]["kind"]),
        (&json!("ops"), &json!("basic"))
    );
    for (username, password) in
        [("ops", "schlussel-und-schloss"), ("ada", &*password), ("ops", ""), ("", "schlüssel-und-schloss")]
    {
        assert_eq!(get(&world, username, password).status, 401, "{username}");
    }
    // It has no record that could own keys.
    let header = basic("ops", "schlüssel-und-schloss");
    let made =
        world.send("POST", "/_keyward/api-keys", &["Content-Type: application/json", &header], "{\"name\":\"mine\"}");
    assert_eq!(made.status, 403, "{}", made.text());
}

/// `a` and `bc` are not `ab` and `c`, nor are they answered by one check when they come at once.
#[test]
fn pairs_that_read_alike_are_not_taken_for_each_other() {
    let world = serving(ON);
    for (username, password) in [("abcdef", "ghijklmnop"), ("abcdefgh", "ijklmnopq")] {
        let made =
            world.run_with_stdin(&["user", "add", username, "--roles", "admin", "--password-file", "-"], password);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    let world = Arc::new(world);
    let pairs = [
        ("abcdef", "ghijklmnop", 200),
        ("abcdefgh", "ijklmnop", 401),
        ("abcd", "efghijklmnop", 401),
        ("abcdefgh", "ijklmnopq", 200),
        ("abcdef", "ghijklmnopq", 401),
    ];
    for _ in 0..2 {
        let gate = Arc::new(Barrier::new(pairs.len()));
        let asked: Vec<_> = pairs
            .into_iter()
            .map(|(username, password, status)| {
                let (world, gate) = (Arc::clone(&world), Arc::clone(&gate));
                std::thread::spawn(move || {
                    gate.wait();
                    (get(&world, username, password).status, status, username)
                })
            })
            .collect();
        for one in asked {
            let (got, status, username) = one.join().unwrap();
            assert_eq!(got, status, "{username}");
        }
    }
}

#[test]
fn an_explanation_says_which_it_is_and_a_failed_attempt_is_in_the_audit_log() {
    let world = serving(ON);
    let password = world.person("ada", &["--roles", "admin"]);
    assert_eq!(get(&world, "ada", "wrong password").status, 401);
    let told = until("the attempt in the audit log", || {
        let events = world.json(&["audit", "list", "--action", "session.sign_in_failed"]);
        events["data"].as_array().unwrap().first().cloned()
    });
    assert_eq!(told["detail"]["why"], "wrong name or password, sent with a request (Basic)");
    assert_eq!(told["client"], "127.0.0.1");
    let explain = |password: &str| {
        let arguments = ["explain", "--path", "/orders", "--header", "@-", "--json"];
        let output = world.run_with_stdin(&arguments, &basic("ada", password));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    assert_eq!(explain(&password)["allowed"], true);
    let wrong = explain("wrong password");
    assert_eq!((&wrong["allowed"], &wrong["status"]), (&json!(false), &json!(401)), "{wrong}");
    assert!(wrong.to_string().contains("the username or the password is wrong"), "{wrong}");
}
