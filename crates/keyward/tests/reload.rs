//! Another configuration for a running server: by SIGHUP or by a changed file, as a whole or not at all, told, recorded, and
//! in force for the next request.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use keyward_testkit::client::exchange;
use keyward_testkit::world::{World, until};
use serde_json::Value;

const CLOSED: &str = "routes:\n  - {name: x, path: /x}\nupstream: {headers: {X-Config: closed}}\n";
const OPEN: &str = "routes:\n  - {name: x, path: /x, public: true}\nupstream: {headers: {X-Config: open}}\n";

fn world(yaml: &str) -> World {
    World::new(env!("CARGO_BIN_EXE_keyward")).config(yaml).serve(&[])
}

/// As an editor that replaces the file does.
fn write(world: &World, yaml: &str) {
    let (new, file) = (world.path("keyward.yaml.new"), world.path("keyward.yaml"));
    std::fs::write(&new, yaml).unwrap();
    std::fs::rename(new, file).unwrap();
}

/// Sends SIGHUP and waits until the server says what came of it.
fn hang_up(world: &World, said: &str) {
    let before = world.server().log().matches(said).count();
    let told = Command::new("kill").arg("-HUP").arg(world.server().id().to_string()).status().unwrap();
    assert!(told.success());
    until(said, || (world.server().log().matches(said).count() > before).then_some(()));
}

fn status(world: &World, path: &str) -> u16 {
    world.send("GET", path, &[], "").status
}

fn running(world: &World) -> Value {
    world.json(&["config", "show"])["running"].clone()
}

fn events(world: &World, action: &str) -> Vec<Value> {
    world.json(&["audit", "list", "--action", action])["data"].as_array().unwrap().clone()
}

#[test]
fn a_signal_puts_the_file_in_force_and_says_what_changed() {
    let world = world(CLOSED);
    let first = running(&world);
    assert_eq!((&first["version"], status(&world, "/x")), (&1.into(), 401));
    write(&world, OPEN);
    hang_up(&world, "version 2 is in force, 2 values changed");
    assert_eq!(status(&world, "/x"), 200, "the next request goes by it");
    world.hears("routes[0].public: false -> true (");
    world.hears("upstream.headers.X-Config: another value of \"(secret)\"");
    let log = world.server().log();
    let now = running(&world);
    assert_eq!(now["version"], 2);
    assert_ne!(now["since"], first["since"]);
    assert_eq!(world.json(&["config", "show"])["differs"], serde_json::json!([]));
    let told = events(&world, "config.changed");
    assert_eq!(
        (told.len(), &told[0]["subject"], &told[0]["detail"]["version"]),
        (1, &"configuration".into(), &"2".into())
    );
    assert!(told[0]["detail"]["changes"].as_str().unwrap().contains("routes[0].public"));
    assert!(!told[0].to_string().contains("closed") && !log.contains("closed"), "what is sent upstream is a secret");
    hang_up(&world, "nothing in it changed");
    // A new entry is told by what was written of it, not by its defaults.
    write(&world, &OPEN.replace("upstream", "  - {name: y, path: /y}\nupstream"));
    hang_up(&world, "version 3 is in force, 2 values changed");
    write(&world, OPEN);
    hang_up(&world, "version 4 is in force, 2 values changed");
    world.hears("routes[1].path: gone: \"/y\"");
    write(&world, OPEN);
    assert_eq!(running(&world)["version"], 4);
}

#[test]
fn a_changed_file_is_noticed_without_a_signal() {
    let world = world(CLOSED);
    write(&world, OPEN);
    until("the file to be noticed", || (status(&world, "/x") == 200).then_some(()));
    until("its version", || (running(&world)["version"] == 2).then_some(()));
}

#[test]
fn a_bad_file_is_refused_whole_with_every_mistake_and_the_old_one_goes_on() {
    let world = world(CLOSED);
    write(&world, &format!("{OPEN}rotues: []\nserver: {{limits: {{headers: many}}}}\n"));
    hang_up(&world, "refused, version 1 goes on");
    world.hears("unknown name \"rotues\"");
    world.hears("server: {limits: {headers: many}}");
    assert_eq!(status(&world, "/x"), 401, "nothing of it is in force");
    let told = until("the refusal in the audit log", || events(&world_of(&world), "config.refused").pop());
    assert!(told["detail"]["why"].as_str().unwrap().contains("rotues"), "{told}");
    std::fs::remove_file(world.path("keyward.yaml")).unwrap();
    hang_up(&world, "cannot read the configuration");
    write(&world, OPEN);
    hang_up(&world, "version 2 is in force");
    assert_eq!(status(&world, "/x"), 200);
}

#[test]
fn the_words_of_answers_follow_the_file() {
    let worded = |word: &str| {
        let body = format!("{{body: {{error: {word}, id: '${{decision}}'}}}}");
        format!("{CLOSED}responses:\n  NoCredential: {body}\n  login.Rejected: {body}\n")
    };
    let world = world(&worded("first"));
    // A refusal at the door, and one of an endpoint of its own.
    let said = || {
        let refused = world.send("GET", "/x", &[], "").json();
        let wrong = world.try_login("admin", "not the password").json();
        assert_eq!(refused["error"], wrong["error"]);
        refused["error"].clone()
    };
    assert_eq!(said(), "first");
    write(&world, &worded("second"));
    hang_up(&world, "version 2 is in force");
    assert_eq!(said(), "second", "the next answer is by it");
    write(&world, &worded("third").replace("${decision}", "${nothing}"));
    hang_up(&world, "refused, version 2 goes on");
    assert_eq!(said(), "second", "nothing of it is in force");
    write(&world, CLOSED);
    hang_up(&world, "version 3 is in force");
    assert_eq!(said(), Value::Null, "Keyward's own words again");
}

#[test]
fn while_the_file_is_bad_a_running_server_can_still_be_managed() {
    let world = world(CLOSED);
    let key = world.key_json("one", &[]);
    write(&world, "rotues: []\n");
    hang_up(&world, "refused, version 1 goes on");
    let output = world.run(&["key", "revoke", key["id"].as_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("the running server goes on without them"), "{said}");
    assert_eq!(world.get("/x", key["key"].as_str().unwrap()).status, 401);
    assert_eq!(world.json(&["config", "show"])["running"]["version"], 1);
    let doctor: serde_json::Value = serde_json::from_slice(&world.run(&["doctor", "--json"]).stdout).unwrap();
    let codes: Vec<_> = doctor["findings"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
    assert!(codes.contains(&"config-mistake".into()) && codes.contains(&"initial-password".into()), "{codes:?}");
    write(&world, CLOSED);
    world.hears("it is again what version 1 goes by; nothing changed");
}

/// The commands of a world whose configuration file cannot be read go by its data directory alone.
fn world_of(world: &World) -> World {
    World::new(env!("CARGO_BIN_EXE_keyward")).data_in(world.data_dir().to_str().unwrap())
}

#[test]
fn what_takes_a_restart_is_refused_with_the_rest() {
    let world = world(CLOSED);
    for (yaml, name) in [
        ("admin: {host: 127.0.0.2}", "admin.host"),
        ("security: {jwt: {algorithm: ES256}}", "security.jwt.algorithm"),
        ("decisions: {keep: 1d}", "decisions.keep"),
        ("server: {limits: {drain: 1s}}", "server.limits.drain"),
    ] {
        write(&world, &format!("{OPEN}{yaml}\n"));
        hang_up(&world, &format!("{name}: takes a restart"));
        assert_eq!((status(&world, "/x"), &running(&world)["version"]), (401, &1.into()), "{name}");
    }
    let differs = world.json(&["config", "show"])["differs"].to_string();
    assert!(differs.contains("routes[0].public") && differs.contains("server.limits.drain"), "{differs}");
    assert!(world.ok(&["config", "show"]).contains("is NOT what runs"));
}

#[test]
fn fewer_scopes_for_a_role_bite_at_the_next_request_of_a_known_key() {
    let yaml = |scopes: &str| {
        format!("roles: {{worker: [{scopes}]}}\nroutes:\n  - {{name: x, path: /x, scopes: [orders:read]}}\n")
    };
    let world = world(&yaml("orders:read"));
    world.user("ada", &["worker"]);
    let key = world.key("hers", &["--owner", "ada", "--scopes", "orders:read"]);
    for _ in 0..8 {
        assert_eq!(world.get("/x", &key).status, 200);
    }
    write(&world, &yaml("orders:list"));
    hang_up(&world, "version 2 is in force");
    for _ in 0..8 {
        assert_eq!(world.get("/x", &key).status, 403, "on no core may it pass");
    }
}

#[test]
fn a_secret_in_a_file_of_its_own_is_read_again() {
    let secret = |text: &str| text.repeat(8);
    let mut world = World::new(env!("CARGO_BIN_EXE_keyward"))
        .config("security: {api_keys: {static: [{name: ci, key: \"${file:ci.key}\", scopes: [\"*\"]}]}}\n");
    std::fs::write(world.path("ci.key"), secret("old!")).unwrap();
    world.start(&[]);
    assert_eq!(world.get("/", &secret("old!")).status, 200);
    std::fs::write(world.path("ci.key"), secret("new!")).unwrap();
    hang_up(&world, "security.api_keys.static[0].key: another value");
    assert_eq!((world.get("/", &secret("old!")).status, world.get("/", &secret("new!")).status), (401, 200));
    assert!(!world.server().log().contains("old!old!") && !world.server().log().contains("new!new!"));
}

#[test]
fn another_secret_that_signs_tokens_takes_a_restart_and_is_not_told() {
    let secret = |text: &str| text.repeat(8);
    let yaml = "security: {jwt: {algorithm: HS256, secret: \"${file:token-secret}\"}}\n";
    let mut world = World::new(env!("CARGO_BIN_EXE_keyward")).config(yaml);
    [secret("old!"), secret("new!")].iter().for_each(|secret| world.issued.note(secret));
    let write = |world: &World, text: &str| std::fs::write(world.path("token-secret"), secret(text)).unwrap();
    write(&world, "old!");
    world.start(&[]);
    let tokens = world.login("admin", &world.first_password());
    write(&world, "new!");
    hang_up(&world, "security.jwt.secret: takes a restart");
    assert_eq!(world.token_status(&tokens.access), 200);
    world.stop();
    world.start(&[]);
    assert_eq!(world.token_status(&tokens.access), 401, "signed with a secret that is no longer there");
    assert_eq!(world.refresh(&tokens.refresh).status, 200, "the session goes on");
}

/// On the open route no credential is read, so that no identity goes on; on the closed one it does. An answer that mixes
/// the two saw two configurations.
#[test]
fn under_load_no_request_fails_and_none_sees_two_configurations() {
    let world = world(CLOSED);
    let key = world.key("load", &[]);
    let (address, stop) = (world.server().data, Arc::new(AtomicBool::new(false)));
    let seen: Arc<[AtomicUsize; 2]> = Arc::default();
    let loaders: Vec<_> = (0..3)
        .map(|_| {
            let (stop, seen) = (Arc::clone(&stop), Arc::clone(&seen));
            let request = format!("GET /x HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nConnection: close\r\n\r\n");
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let answer = exchange(address, request.as_bytes()).expect("an answer");
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    let text = answer.text().to_ascii_lowercase();
                    let open = text.contains("\"x-config\":\"open\"") || text.contains("\"x-config\": \"open\"");
                    assert_eq!(!open, text.contains("keyward-credential"), "two configurations in one request: {text}");
                    seen[usize::from(open)].fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for round in 0..20 {
        write(&world, if round % 2 == 0 { OPEN } else { CLOSED });
        hang_up(&world, "is in force");
    }
    stop.store(true, Ordering::Relaxed);
    loaders.into_iter().for_each(|loader| loader.join().expect("every answer was as it should be"));
    assert!(
        seen.iter().all(|count| count.load(Ordering::Relaxed) > 0),
        "the load saw one configuration only: {seen:?}"
    );
    world.ok(&["audit", "verify"]);
}
