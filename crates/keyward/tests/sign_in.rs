//! Users who sign in: the first start, tokens, refresh, signing out, and what ends what.

use std::sync::{Arc, Barrier};

use keyward_testkit::people::Tokens;
use keyward_testkit::rounds;
use keyward_testkit::world::{World, is_private, text};
use serde_json::json;

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

fn serving() -> World {
    World::new(BINARY).serve(&[])
}

/// The detail of a refusal.
fn detail(answer: &keyward_testkit::client::Answer) -> String {
    text(&answer.json(), "detail")
}

#[test]
fn the_first_password_is_written_once_and_goes_when_it_changes() {
    let mut world = serving();
    let file = world.data_dir().join("initial-admin-password");
    let password = world.first_password();
    assert!(is_private(&file) && password.len() >= 20);
    world.hears("initial-admin-password");
    assert!(!world.server().log().contains(&password), "the log tells the password");
    world.login("admin", &password);
    world.stop();
    world.start(&[]);
    assert_eq!(world.first_password(), password, "another start makes no other password");
    let other = world.ok(&["user", "passwd", "admin"]);
    assert!(!file.exists(), "a password that opens nothing is no longer written down");
    assert_eq!(world.try_login("admin", &password).status, 401);
    world.login("admin", &other);
}

#[test]
fn the_first_password_can_be_given_and_counts_only_then() {
    let mut world = World::new(BINARY).env("KEYWARD_ADMIN_PASSWORD", "correct horse battery").serve(&[]);
    assert!(!world.data_dir().join("initial-admin-password").exists());
    world.login("admin", "correct horse battery");
    let other = world.ok(&["user", "passwd", "admin"]);
    world.stop();
    world.start(&[]);
    assert_eq!(world.try_login("admin", "correct horse battery").status, 401);
    world.login("admin", &other);
    let weak = World::new(BINARY).env("KEYWARD_ADMIN_PASSWORD", "short");
    assert!(weak.try_start(&[]).err().unwrap().contains("KEYWARD_ADMIN_PASSWORD: a password has at least 8"));
}

#[test]
fn a_token_passes_and_says_who_calls() {
    let world = serving();
    let password = world.person("Ada", &["--roles", "self,admin", "--external-id", "42"]);
    let answer = world.try_login("  ADA ", &password);
    let body = answer.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert_eq!(body["user"]["username"], "ada");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let tokens = Tokens::of(&answer);
    let seen = world.with_token("GET", "/orders", &tokens.access).json();
    assert_eq!((&seen["identity"]["kind"], &seen["identity"]["name"]), (&json!("jwt"), &json!("ada")));
    assert!(!seen.to_string().contains(&tokens.access), "the token went on to the upstream");
    let me = world.with_token("GET", "/_keyward/me", &tokens.access).json();
    assert_eq!((&me["name"], &me["scopes"]), (&json!("ada"), &json!(["*", "self:*"])));
    // Whoever has the public keys can check it.
    let keys = world.send("GET", "/_keyward/jwks.json", &[], "").json();
    let key = &keys["keys"][0];
    assert_eq!((&key["kty"], &key["crv"], &key["alg"]), (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA")));
    assert!(key.get("d").is_none(), "a private half in the set: {keys}");
    // A key made with it outlives it.
    let bearer = format!("Authorization: Bearer {}", tokens.access);
    let headers = ["Content-Type: application/json", &bearer];
    let made = world.send("POST", "/_keyward/api-keys", &headers, "{\"name\":\"mine\"}");
    assert_eq!((made.status, &made.json()["expiresAt"]), (201, &serde_json::Value::Null), "{}", made.text());
}

#[test]
fn signing_out_ends_the_session_at_once() {
    let world = serving();
    let password = world.person("ada", &["--roles", "admin"]);
    let (one, other) = (world.login("ada", &password), world.login("ada", &password));
    let renewed = Tokens::of(&world.refresh(&one.refresh));
    assert_eq!(world.token_status(&renewed.access), 200);
    assert_eq!(world.with_token("POST", "/_keyward/logout", &renewed.access).status, 204);
    for token in [&one.access, &renewed.access] {
        let answer = world.with_token("GET", "/orders", token);
        assert_eq!((answer.status, detail(&answer)), (401, "The token was revoked.".to_owned()));
    }
    assert_eq!(world.refresh(&renewed.refresh).status, 401);
    assert_eq!(world.token_status(&other.access), 200, "another session goes on");
    let key = format!("X-API-Key: {}", world.key("k", &[]));
    assert_eq!(world.send("POST", "/_keyward/logout", &[&key], "").status, 401, "a key is not signed in");
}

#[test]
fn of_many_uses_of_one_refresh_token_one_succeeds_and_then_the_family_is_dead() {
    let world = Arc::new(serving());
    let password = world.person("ada", &["--roles", "admin"]);
    for round in 0..rounds(3) {
        let first = world.login("ada", &password);
        let gate = Arc::new(Barrier::new(200));
        let uses: Vec<_> = (0..200)
            .map(|_| {
                let (world, gate, refresh) = (Arc::clone(&world), Arc::clone(&gate), first.refresh.clone());
                std::thread::spawn(move || {
                    gate.wait();
                    world.refresh(&refresh)
                })
            })
            .collect();
        let answers: Vec<_> = uses.into_iter().map(|thread| thread.join().unwrap()).collect();
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!((statuses[0], statuses[1], statuses[199]), (200, 401, 401), "round {round}: {statuses:?}");
        let winner = Tokens::of(answers.iter().find(|answer| answer.status == 200).unwrap());
        assert_eq!(world.token_status(&first.access), 401, "round {round}: the first access token lives");
        assert_eq!(world.token_status(&winner.access), 401, "round {round}: the newest access token lives");
        assert_eq!(world.refresh(&winner.refresh).status, 401, "round {round}: the family lives");
    }
}

#[test]
fn three_refreshes_within_a_second_and_a_replay_of_the_first() {
    let world = serving();
    let password = world.person("ada", &["--roles", "admin"]);
    let first = world.login("ada", &password);
    let second = Tokens::of(&world.refresh(&first.refresh));
    let third = Tokens::of(&world.refresh(&second.refresh));
    let fourth = Tokens::of(&world.refresh(&third.refresh));
    // Often enough that every core remembers it, and is asked again.
    let everywhere = |expected| assert!((0..16).all(|_| world.token_status(&fourth.access) == expected), "{expected}");
    everywhere(200);
    let replay = world.refresh(&first.refresh);
    assert_eq!(replay.status, 401);
    assert!(detail(&replay).contains("used before"), "{}", replay.text());
    everywhere(401);
    for tokens in [&first, &second, &third, &fourth] {
        assert_eq!(world.token_status(&tokens.access), 401);
        assert_eq!(world.refresh(&tokens.refresh).status, 401);
    }
}

#[test]
fn what_ends_what() {
    let world = serving();
    world.ok(&["account", "add", "acme", "--external-id", "7"]);
    let mut password = world.person("ada", &["--roles", "admin", "--account", "7"]);
    let key = world.key("adas", &["--owner", "ada"]);
    let status = |tokens: &Tokens| (world.token_status(&tokens.access), world.refresh(&tokens.refresh).status);
    // A password ends sessions, not keys.
    let tokens = world.login("ada", &password);
    assert_eq!(world.token_status(&tokens.access), 200);
    password = world.ok(&["user", "passwd", "ada"]);
    assert_eq!((status(&tokens), world.get("/x", &key).status), ((401, 401), 200));
    // A disabled user: nothing goes; enabled: the keys do.
    let tokens = world.login("ada", &password);
    world.ok(&["user", "disable", "ada"]);
    assert_eq!((status(&tokens), world.get("/x", &key).status), ((401, 401), 401));
    let refused = world.try_login("ada", &password);
    assert_eq!((refused.status, detail(&refused)), (401, "The username or the password is wrong.".to_owned()));
    world.ok(&["user", "enable", "ada"]);
    assert_eq!((status(&tokens), world.get("/x", &key).status), ((401, 401), 200));
    // The same for the account.
    let tokens = world.login("ada", &password);
    world.ok(&["account", "disable", "acme"]);
    assert_eq!((status(&tokens), world.get("/x", &key).status), ((401, 401), 401));
    assert_eq!(world.try_login("ada", &password).status, 401);
    world.ok(&["account", "enable", "acme"]);
    assert_eq!((status(&tokens), world.get("/x", &key).status), ((401, 401), 200));
}

#[test]
fn a_role_that_shrinks_bites_at_the_next_request() {
    let config = "roles: {reader: ['orders:read'], writer: ['orders:*']}\n\
                  routes: [{path: /**, scopes: {GET: ['orders:read'], '*': ['orders:write']}}]\n";
    let world = World::new(BINARY).config(config).serve(&[]);
    let password = world.person("ada", &["--roles", "writer"]);
    let tokens = world.login("ada", &password);
    let key = world.key("adas", &["--owner", "ada"]);
    let statuses = || {
        let token = world.with_token("POST", "/orders", &tokens.access).status;
        (token, world.call("POST", "/orders", &key, "").status)
    };
    assert_eq!(statuses(), (200, 200));
    world.ok(&["user", "roles", "ada", "reader"]);
    assert_eq!(statuses(), (403, 403));
    assert_eq!(world.token_status(&tokens.access), 200);
    // What was added comes with the next refresh: a token never has more than it says.
    world.ok(&["user", "roles", "ada", "writer"]);
    assert_eq!(statuses().1, 200);
    let renewed = Tokens::of(&world.refresh(&tokens.refresh));
    assert_eq!(world.with_token("POST", "/orders", &renewed.access).status, 200);
    let said = world.refused(&["user", "roles", "ada", "emperor"]);
    assert!(said.contains("there is no role \"emperor\"; there are: admin"), "{said}");
}

#[test]
fn bad_input_has_a_stated_answer_and_changes_nothing() {
    let world = serving();
    let password = world.person("ada", &["--roles", "admin"]);
    let login = |headers: &[&str], body: &str| world.send("POST", "/_keyward/login", headers, body).status;
    let json = ["Content-Type: application/json"];
    let megabyte = "x".repeat(1_000_000);
    let kilobytes = "x".repeat(6_000);
    let too_many = "x".repeat(9_000);
    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("[]", 400),
        ("[\"ada\",\"x\"]", 400),
        ("null", 400),
        ("{\"username\":\"ada\"}", 400),
        ("{\"password\":\"x\"}", 400),
        ("{\"username\":\"ada\",\"password\":7}", 400),
        ("{\"username\":\"ada\",\"password\":\"a\",\"password\":\"b\"}", 400),
        ("{\"username\":\"ada\",\"password\":\"x\",\"session\":true}", 401),
        ("{\"username\":\"ada\",\"password\":\"\"}", 401),
        ("{\"username\":\"ada\",\"password\":\"x\"}", 401),
        ("{\"username\":\"\",\"password\":\"x\"}", 401),
        (&format!("{{\"username\":\"ada\",\"password\":\"{kilobytes}\"}}"), 401),
        (&format!("{{\"username\":\"{kilobytes}\",\"password\":\"x\"}}"), 401),
        (&format!("{{\"username\":\"ada\",\"password\":\"{too_many}\"}}"), 413),
        (&format!("{{\"username\":\"ada\",\"password\":\"{megabyte}\"}}"), 413),
    ] {
        assert_eq!(login(&json, body), status, "{}", body.get(..60).unwrap_or(body));
    }
    assert_eq!(login(&[], "{\"username\":\"ada\",\"password\":\"x\"}"), 415);
    assert_eq!(world.send("GET", "/_keyward/login", &[], "").status, 405);
    // A complaint about a body that holds a secret repeats nothing of it.
    let answer = world.post("/_keyward/login", &json!({"username": "ada", "password": ["hunter2-hunter2"]}));
    assert!(answer.status == 400 && !answer.text().contains("hunter2"), "{}", answer.text());
    // An unknown user and a wrong password look alike.
    let shape = |answer: keyward_testkit::client::Answer| {
        let names: Vec<String> = answer.headers.iter().map(|(name, _)| name.clone()).collect();
        (answer.status, names, detail(&answer))
    };
    assert_eq!(shape(world.try_login("ada", "wrong")), shape(world.try_login("nobody", "wrong")));
    // Who looks like somebody is not somebody, and cannot be made.
    for alike in ["аda", "ada\u{200b}", "a\u{301}da", "ad\u{430}"] {
        assert_eq!(world.try_login(alike, &password).status, 401, "{alike:?}");
        assert!(world.refused(&["user", "add", alike]).contains("a username has"), "{alike:?}");
    }
    assert!(world.refused(&["user", "add", "ＡＤＡ"]).contains("already"), "one spelling, one user");
    world.login("ＡＤＡ", &password);
    for (text, why) in [
        ("x", "at least 8 characters"),
        (&"x".repeat(1025), "at most 1024 bytes"),
        (&"ß€".repeat(200_000), "at most 1024 bytes"),
    ] {
        let output = world.run_with_stdin(&["user", "passwd", "ada", "--password-file", "-"], text);
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains(why), "{said}");
    }
    world.login("ada", &password);
}

#[test]
fn passwords_and_private_keys_are_not_in_the_files() {
    let mut world = serving();
    let password = world.person("ada", &[]);
    let tokens = world.login("ada", &password);
    let master = std::fs::read_to_string(world.data_dir().join("master.key")).unwrap();
    assert!(is_private(&world.data_dir().join("master.key")));
    world.stop();
    let database = std::fs::read(world.data_dir().join("keyward.db")).unwrap();
    let holds = |secret: &str| database.windows(secret.len()).any(|window| window == secret.as_bytes());
    for secret in [&password, &tokens.access, &tokens.refresh, master.trim()] {
        assert!(!holds(secret), "a secret stands in the database");
    }
    assert!(holds("$argon2id$v=19$m=19456,t=2,p=1$"));
    // Without the master key another signing key takes over; what the old one signed goes on.
    std::fs::remove_file(world.data_dir().join("master.key")).unwrap();
    world.start(&[]);
    world.hears("opens none of the store's signing keys");
    assert_eq!(world.token_status(&tokens.access), 200);
    assert_eq!(world.send("GET", "/_keyward/jwks.json", &[], "").json()["keys"].as_array().unwrap().len(), 2);
    world.login("ada", &password);
}
