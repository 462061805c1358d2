//! Wrong credentials and who has to wait for them: whoever guesses, and nobody else.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::net::IpAddr;

use keyward_testkit::client::{Answer, exchange_from};
use keyward_testkit::oauth::Pair;
use keyward_testkit::people::basic;
use keyward_testkit::world::{World, text, until};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

fn serving(throttle: &str) -> World {
    let config = format!("security: {{basic_auth: {{enabled: true}}, throttle: {{{throttle}}}}}\n");
    World::new(BINARY).config(&config).serve(&[])
}

/// A request from an address of this machine.
fn send(world: &World, from: u8, head: &str, headers: &[&str], body: &str) -> Answer {
    let address = world.server().data;
    let mut request = format!("{head} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n", body.len());
    headers.iter().for_each(|line| request.push_str(&format!("{line}\r\n")));
    request.push_str(&format!("Connection: close\r\n\r\n{body}"));
    exchange_from(IpAddr::from([127, 0, 0, from]), address, request.as_bytes()).unwrap()
}

fn login(world: &World, from: u8, username: &str, password: &str) -> Answer {
    let body = serde_json::json!({"username": username, "password": password}).to_string();
    send(world, from, "POST /_keyward/login", &["Content-Type: application/json"], &body)
}

fn with(world: &World, from: u8, header: &str) -> Answer {
    send(world, from, "GET /orders", &[header], "")
}

fn refresh(world: &World, from: u8, token: &str) -> Answer {
    let body = format!("{{\"refresh_token\":\"{token}\"}}");
    send(world, from, "POST /_keyward/refresh", &["Content-Type: application/json"], &body)
}

/// What a client asks of an OAuth endpoint.
fn client(world: &World, from: u8, endpoint: &str, pair: &Pair) -> Answer {
    let head = format!("POST /_keyward/{endpoint}");
    let headers = [pair.basic(), "Content-Type: application/x-www-form-urlencoded".to_owned()];
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    send(world, from, &head, &headers, "grant_type=client_credentials&token=x")
}

/// That it is turned away by the throttle, and says for how long.
fn waits(answer: &Answer, what: &str) -> u64 {
    assert_eq!(answer.status, 429, "{what}: {}", answer.text());
    assert_eq!(text(&answer.json(), "reason"), "Throttled", "{what}");
    answer.header("retry-after").unwrap().parse().unwrap()
}

#[test]
fn whoever_guesses_waits_with_every_kind_of_credential_and_for_as_long_as_it_is_told() {
    let mut world = serving("window: 8s, per_address: 6, per_subject: 100");
    let password = world.person("ada", &["--roles", "admin,self"]);
    let key = world.key("k", &[]);
    // Another process has nothing in memory, so that what was made here is told from a guess by its tag alone.
    world.stop();
    world.start(&[]);
    let tokens = world.login("ada", &password);
    // Two of each kind; what is missing, or was made here, is no guess.
    for round in 0..2 {
        assert_eq!(login(&world, 7, "ada", "wrong password").status, 401, "round {round}");
        assert_eq!(with(&world, 7, &basic("ada", "wrong password")).status, 401);
        assert_eq!(with(&world, 7, "X-API-Key: guessed").status, 401);
        assert_eq!(with(&world, 7, "X-Nothing: x").status, 401);
    }
    let wait = waits(&login(&world, 7, "ada", &password), "the right password of the same address");
    assert!((1..=8).contains(&wait), "{wait}");
    for (answer, what) in [
        (with(&world, 7, &basic("ada", &password)), "Basic"),
        (with(&world, 7, "X-API-Key: guessed"), "a key"),
        (with(&world, 7, &basic("nobody", "x")), "another user"),
        (refresh(&world, 7, "kwr_guessed"), "a refresh token"),
        (with(&world, 7, "X-API-Key: guessed"), "a key again"),
    ] {
        waits(&answer, what);
    }
    // Neighbours behind that address who have what was made here.
    assert_eq!(with(&world, 7, &format!("X-API-Key: {key}")).status, 200);
    assert_eq!(with(&world, 7, &format!("Authorization: Bearer {}", tokens.access)).status, 200);
    assert_eq!(refresh(&world, 7, &tokens.refresh).status, 200);
    assert_eq!(with(&world, 7, "X-Nothing: x").status, 401, "a missing credential");
    // And whoever comes from elsewhere.
    assert_eq!(login(&world, 8, "ada", &password).status, 200);
    assert_eq!(with(&world, 8, "X-API-Key: guessed").status, 401);
    // A header that anybody can write is nobody's address.
    let spoofed = send(&world, 7, "GET /orders", &["X-API-Key: guessed", "X-Forwarded-For: 192.0.2.9"], "");
    waits(&spoofed, "another address in a header");
    let wait = waits(&login(&world, 7, "ada", &password), "still");
    std::thread::park_timeout(std::time::Duration::from_secs(wait));
    assert_eq!(login(&world, 7, "ada", &password).status, 200, "what Retry-After said is true");
    let listed = until("the decisions to be written", || {
        let listed = world.json(&["decisions", "list", "--outcome", "Throttled"]);
        (listed["data"].as_array().unwrap().len() >= 8).then_some(listed)
    });
    assert_eq!(listed["data"][0]["detail"], "address");
}

#[test]
fn nobody_can_lock_a_user_out() {
    let world = serving("window: 1h, per_address: 1000, per_subject: 4");
    let password = world.person("ada", &["--roles", "admin"]);
    for (from, spelling) in [(10, "ada"), (11, "ADA"), (12, " ada "), (10, "\u{ff41}da")] {
        assert_eq!(login(&world, from, spelling, "wrong password").status, 401);
    }
    for from in 10..13 {
        waits(&login(&world, from, "ada", &password), "an address that guessed");
        waits(&with(&world, from, &basic("Ada", &password)), "in whatever way");
    }
    assert_eq!(login(&world, 20, "ada", &password).status, 200, "the user, from elsewhere");
    assert_eq!(with(&world, 21, &basic("ada", &password)).status, 200);
    // Each further address has one guess, whatever the number of them.
    for from in 30..40 {
        assert_eq!(login(&world, from, "ada", "wrong password").status, 401);
        waits(&login(&world, from, "ada", "another"), "a second guess");
    }
    assert_eq!(login(&world, 20, "ada", &password).status, 200, "the user goes on");
    // A name that nobody has is treated alike.
    for from in [50, 50, 51, 51] {
        assert_eq!(login(&world, from, "nobody", "wrong password").status, 401);
    }
    waits(&login(&world, 50, "nobody", "wrong password"), "an unknown user");
    assert_eq!(login(&world, 50, "eve", "wrong password").status, 401, "another name");
}

#[test]
fn whom_memory_knows_is_not_held_back_and_a_right_password_is_no_wrong_one() {
    let world = serving("window: 1h, per_address: 5, per_subject: 5");
    let password = world.person("ada", &["--roles", "admin"]);
    for _ in 0..12 {
        assert_eq!(login(&world, 9, "ada", &password).status, 200);
    }
    // Every core knows it before the guessing begins.
    (0..40).for_each(|_| assert_eq!(with(&world, 9, &basic("ada", &password)).status, 200));
    for _ in 0..5 {
        with(&world, 9, "X-API-Key: guessed");
    }
    waits(&login(&world, 9, "ada", &password), "a new sign-in");
    let passed = (0..40).filter(|_| with(&world, 9, &basic("ada", &password)).status == 200).count();
    assert_eq!(passed, 40, "a password that is known");
}

/// In OAuth's own words.
fn client_waits(answer: &Answer, what: &str) {
    assert_eq!((answer.status, text(&answer.json(), "error")), (429, "temporarily_unavailable".to_owned()), "{what}");
    assert!((1..=3600).contains(&answer.header("retry-after").unwrap().parse::<u64>().unwrap()), "{what}");
}

#[test]
fn whoever_guesses_the_secret_of_a_client_waits_and_the_client_does_not() {
    let world = serving("window: 1h, per_address: 50, per_subject: 4");
    let (pair, other) = (world.pair("app", &[]), world.pair("other", &[]));
    let guess = |number: u8| Pair { secret: format!("kws_live_guess{number}"), ..pair.clone() };
    // At each endpoint that asks for it, and in the body as well.
    for (from, endpoint) in [(7, "token"), (8, "revoke"), (9, "introspect")] {
        assert_eq!(client(&world, from, endpoint, &guess(from)).status, 401, "{endpoint}");
    }
    let body = format!("grant_type=client_credentials&client_id={}&client_secret=guessed", pair.key);
    let form = ["Content-Type: application/x-www-form-urlencoded"];
    assert_eq!(send(&world, 7, "POST /_keyward/token", &form, &body).status, 401);
    for (from, endpoint) in [(7, "token"), (8, "revoke"), (9, "introspect"), (7, "introspect")] {
        client_waits(&client(&world, from, endpoint, &guess(from)), endpoint);
    }
    client_waits(&send(&world, 7, "POST /_keyward/token", &form, &body), "in the body");
    // The client itself goes on behind the same address, and from elsewhere; so do others, and who is elsewhere has its guess.
    for (from, pair) in [(7, &pair), (20, &pair), (7, &other)] {
        assert_eq!(client(&world, from, "token", pair).status, 200);
    }
    assert_eq!(client(&world, 20, "token", &guess(20)).status, 401);
    let crossed = Pair { secret: other.secret.clone(), ..pair.clone() };
    for _ in 0..9 {
        assert_eq!(client(&world, 7, "token", &crossed).status, 401, "a secret that was made here is no guess");
    }
    // No secret is none that is wrong.
    let half = format!("grant_type=client_credentials&client_id={}", pair.key);
    for _ in 0..60 {
        assert_eq!(send(&world, 30, "POST /_keyward/token", &form, &half).status, 401);
    }
    assert_eq!(client(&world, 30, "token", &guess(30)).status, 401);
    // Guesses of clients that nobody is count for their address, with all others.
    for number in 0..49 {
        let nobody = Pair { key: format!("kw_live_{number}"), ..guess(30) };
        assert_eq!(client(&world, 30, "token", &nobody).status, 401, "{number}");
    }
    waits(&login(&world, 30, "ada", "wrong password"), "another kind of guess");
    client_waits(&client(&world, 30, "token", &Pair { key: "kw_live_x".to_owned(), ..guess(30) }), "a client");
    let tokens = world.client_tokens(&other);
    let carried = |from: u8, token: &str| {
        let body = format!("grant_type=refresh_token&refresh_token={token}");
        let headers = [other.basic(), form[0].to_owned()];
        send(&world, from, "POST /_keyward/token", &headers.each_ref().map(String::as_str), &body)
    };
    client_waits(&carried(30, "kwr_guessed"), "a refresh token");
    assert_eq!(carried(30, &tokens.refresh).status, 200);
}

#[test]
fn an_operators_short_key_waits_and_a_long_one_does_not() {
    let long = "an-operators-key-that-nobody-can-guess";
    let config = format!(
        "security: {{throttle: {{window: 1h, per_address: 3}}, api_keys: {{static: \
         [{{name: short, key: hunter2, scopes: []}}, {{name: long, key: {long}, scopes: []}}]}}}}\n"
    );
    let world = World::new(BINARY).config(&config).serve(&[]);
    let (short, long) = ("X-API-Key: hunter2".to_owned(), format!("X-API-Key: {long}"));
    assert_eq!((with(&world, 5, &short).status, with(&world, 5, &long).status), (200, 200));
    for guess in ["hunter1", "hunter3", "hunter4"] {
        assert_eq!(with(&world, 5, &format!("X-API-Key: {guess}")).status, 401);
    }
    waits(&with(&world, 5, &short), "the guess that is right");
    waits(&with(&world, 5, &format!("{long}x")), "a long one that is wrong");
    assert_eq!((with(&world, 5, &long).status, with(&world, 6, &short).status), (200, 200));
}

#[test]
fn switched_off_it_counts_nothing() {
    let world = serving("enabled: false, per_address: 1, per_subject: 1");
    for _ in 0..5 {
        assert_eq!(with(&world, 5, "X-API-Key: guessed").status, 401);
        assert_eq!(login(&world, 5, "ada", "wrong password").status, 401);
    }
}

/// What is known of who shows the right secret of something that does not count any more.
#[test]
fn nobody_learns_what_became_of_a_credential_where_that_is_wished() {
    for (disclose, tells) in [("possessor", true), ("nobody", false)] {
        let config = format!("security: {{basic_auth: {{enabled: true}}, disclose: {disclose}}}\n");
        let world = World::new(BINARY).config(&config).serve(&[]);
        let password = world.person("ada", &["--roles", "admin"]);
        let tokens = world.login("ada", &password);
        let [revoked, disabled, old] = ["revoked", "disabled", "old"].map(|name| world.key_json(name, &[]));
        let id = |key: &serde_json::Value| text(key, "id");
        world.ok(&["key", "revoke", &id(&revoked)]);
        world.ok(&["key", "disable", &id(&disabled)]);
        world.ok(&["key", "rotate", &id(&old), "--overlap", "0"]);
        world.ok(&["user", "disable", "ada"]);
        let shape = |answer: Answer| {
            let mut body = answer.json();
            body["decision"] = serde_json::json!("");
            let headers = answer.headers.into_iter().filter(|(name, _)| name != "keyward-decision" && name != "date");
            (answer.status, body, headers.collect::<Vec<_>>())
        };
        let unknown = shape(with(&world, 2, "X-API-Key: guessed"));
        for key in [&revoked, &disabled, &old] {
            // From the store, and from memory.
            for _ in 0..6 {
                let answer = shape(with(&world, 2, &format!("X-API-Key: {}", text(key, "key"))));
                assert_eq!((answer.0, answer == unknown), (401, !tells), "{disclose}: {}", answer.1);
            }
        }
        let (known, wrong) =
            (with(&world, 2, &basic("ada", &password)), with(&world, 2, &basic("ada", "wrong password")));
        assert_eq!(shape(known) == shape(wrong), !tells, "{disclose}");
        let unknown = shape(refresh(&world, 2, "kwr_guessed"));
        assert_eq!(shape(refresh(&world, 2, &tokens.refresh)) == unknown, !tells, "{disclose}");
        let pair = world.pair("app", &[]);
        world.ok(&["key", "revoke", &pair.id]);
        let wrong = Pair { secret: "kws_live_guessed".to_owned(), ..pair.clone() };
        let [over, wrong] = [&pair, &wrong].map(|pair| shape(client(&world, 2, "token", pair)));
        assert_eq!(over == wrong, !tells, "{disclose}: {}", over.1);
        let token = with(&world, 2, &format!("Authorization: Bearer {}", tokens.access));
        let forged = with(&world, 2, "Authorization: Bearer a.b.c");
        assert_eq!(shape(token) == shape(forged), !tells, "{disclose}");
    }
}
