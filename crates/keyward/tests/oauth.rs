//! Clients with a key + secret pair: tokens by OAuth 2.0, what they may do, and what ends them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::sync::{Arc, Barrier};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyward_testkit::client::Answer;
use keyward_testkit::oauth::Pair;
use keyward_testkit::people::Tokens;
use keyward_testkit::rounds;
use keyward_testkit::world::{World, text};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");
const GRANT: (&str, &str) = ("grant_type", "client_credentials");

fn serving() -> World {
    World::new(BINARY).serve(&[])
}

/// The status and the OAuth error of a refusal.
fn error(answer: &Answer) -> (u16, String) {
    (answer.status, text(&answer.json(), "error"))
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn claims(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[test]
fn a_pair_is_shown_once_and_its_key_alone_opens_nothing() {
    let world = serving();
    let pair = world.pair("app", &["--mode", "test"]);
    assert!(pair.key.starts_with("kw_test_") && pair.secret.starts_with("kws_test_"), "{pair:?}");
    for shown in [&pair.key, &pair.secret] {
        for header in [format!("X-API-Key: {shown}"), format!("Authorization: ApiKey {shown}")] {
            for target in ["/x", "/_keyward/me"] {
                let answer = world.send("GET", target, &[&header], "");
                assert_eq!(
                    (answer.status, text(&answer.json(), "detail")),
                    (401, "The API key is not valid.".to_owned())
                );
            }
        }
    }
    let shown = world.json(&["key", "show", &pair.id]);
    assert_eq!((&shown["pair"], &shown["status"], shown.get("secret")), (&json!(true), &json!("active"), None));
    // Piped: the key, and the secret in a second line.
    let printed = world.ok(&["key", "create", "other", "--pair"]);
    let lines: Vec<&str> = printed.lines().collect();
    assert!(matches!(lines[..], [key, secret] if key.starts_with("kw_live_") && secret.starts_with("kws_live_")));
    // By the endpoint; a rotation makes a whole pair anew.
    let maker = world.key("maker", &["--scopes", "self:*"]);
    let made = world.call("POST", "/_keyward/api-keys", &maker, r#"{"name":"app","pair":true}"#).json();
    let first = Pair::of(&made);
    let rotated = Pair::of(&world.json(&["key", "rotate", &first.id, "--overlap", "0"]));
    assert!(rotated.key != first.key && rotated.secret != first.secret);
    world.client_tokens(&rotated);
    let crossed = Pair { secret: first.secret.clone(), ..rotated.clone() };
    for wrong in [first, crossed] {
        assert_eq!(error(&world.ask_token(&wrong, &[GRANT])), refused(401, "invalid_client"));
    }
    // A key that is none of a pair is no client, whatever it is shown with.
    let single = world.key_json("single", &[]);
    let single = Pair { key: text(&single, "key"), secret: pair.secret.clone(), id: text(&single, "id") };
    assert_eq!(error(&world.ask_token(&single, &[GRANT])), refused(401, "invalid_client"));
}

/// Header lines, parameters, and the refusal.
type Row<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], (u16, &'a str));

#[test]
fn a_client_gets_tokens_in_each_way_that_the_standard_knows() {
    let world = serving();
    let pair = world.pair("app", &["--scopes", "orders:read,orders:write"]);
    let body = [("client_id", pair.key.as_str()), ("client_secret", pair.secret.as_str())];
    let by_body = world.post_form("/_keyward/token", &[], &[&[GRANT], &body[..]].concat());
    let by_json = world.post(
        "/_keyward/token",
        &json!({"grant_type": "client_credentials", "client_id": pair.key, "client_secret": pair.secret}),
    );
    let without_grant = world.post("/_keyward/token", &json!({"client_id": pair.key, "client_secret": pair.secret}));
    for answer in [world.ask_token(&pair, &[GRANT]), by_body, by_json, without_grant] {
        let told = answer.json();
        assert_eq!((&told["token_type"], &told["expires_in"]), (&json!("Bearer"), &json!(900)), "{}", answer.text());
        assert_eq!(told["scope"], "orders:read orders:write");
        assert_eq!((answer.header("cache-control"), answer.header("pragma")), (Some("no-store"), Some("no-cache")));
        let tokens = Tokens::of(&answer);
        world.issued.note(&tokens.access);
        let seen = world.with_token("GET", "/orders", &tokens.access).json();
        assert_eq!((&seen["identity"]["kind"], &seen["identity"]["name"]), (&json!("jwt"), &json!("app")));
        let me = world.with_token("GET", "/_keyward/me", &tokens.access).json();
        assert_eq!(me["scopes"], json!(["orders:read", "orders:write"]));
    }
    let basic = pair.basic();
    let wrong = Pair { secret: pair.key.clone(), ..pair.clone() };
    let malformed = "Authorization: Basic ???";
    let rows: &[Row<'_>] = &[
        (&[], &[GRANT], (401, "invalid_client")),
        (&[], &[GRANT, body[0]], (401, "invalid_client")),
        (&[], &[GRANT, body[0], ("client_secret", "")], (401, "invalid_client")),
        (&[], &[GRANT, body[0], ("client_secret", &pair.key)], (401, "invalid_client")),
        (&[], &[GRANT, ("client_id", ""), body[1]], (401, "invalid_client")),
        (&[&wrong.basic()], &[GRANT], (401, "invalid_client")),
        (&["Authorization: Basic Og=="], &[GRANT], (401, "invalid_client")),
        (&[&basic], &[GRANT, body[0], body[1]], (400, "invalid_request")),
        (&[&basic, &basic], &[GRANT], (400, "invalid_request")),
        (&[malformed], &[GRANT], (400, "invalid_request")),
        (&[&basic], &[GRANT, GRANT], (400, "invalid_request")),
        (&[&basic], &[], (400, "invalid_request")),
        (&[&basic], &[("grant_type", "password")], (400, "unsupported_grant_type")),
        (&[&basic], &[("grant_type", "authorization_code"), ("code", "x")], (400, "unsupported_grant_type")),
        (&[&basic], &[("grant_type", "refresh_token")], (400, "invalid_request")),
        (&[&basic], &[("grant_type", "refresh_token"), ("refresh_token", "x")], (400, "invalid_grant")),
        (&[&basic], &[("grant_type", "refresh_token"), ("refresh_token", &pair.key)], (400, "invalid_grant")),
        (&[&basic], &[GRANT, ("scope", "orders:read admin")], (400, "invalid_scope")),
        (&[&basic], &[GRANT, ("scope", "orders:*")], (400, "invalid_scope")),
        (&[&basic], &[GRANT, ("scope", "*")], (400, "invalid_scope")),
        (&[&basic], &[GRANT, ("scope", "a\"b")], (400, "invalid_scope")),
        (&[&basic], &[GRANT, ("scope", " orders:read")], (400, "invalid_scope")),
    ];
    for (headers, parameters, (status, code)) in rows {
        let answer = world.post_form("/_keyward/token", headers, parameters);
        assert_eq!(error(&answer), refused(*status, code), "{parameters:?} {}", answer.text());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let challenge = answer.header("www-authenticate").is_some_and(|one| one.starts_with("Basic realm="));
        assert_eq!(challenge, *status == 401, "{}", answer.text());
        assert!(answer.header("keyward-decision").is_some());
    }
    for (kind, text) in [("text/plain", "grant_type=client_credentials"), ("application/json", "[]")] {
        let kind = format!("Content-Type: {kind}");
        let answer = world.send("POST", "/_keyward/token", &[&kind, &basic], text);
        assert_eq!(error(&answer), refused(400, "invalid_request"));
    }
    assert_eq!(world.send("GET", "/_keyward/token", &[&basic], "").status, 405);
    assert_eq!(world.send("POST", "/_keyward/token", &[&basic], &"x".repeat(9000)).status, 413);
}

#[test]
fn a_client_may_do_no_more_than_its_key_and_less_if_it_wishes() {
    let world = serving();
    let pair = world.pair("app", &["--scopes", "orders:*,self:*"]);
    let narrow = world.ask_token(&pair, &[GRANT, ("scope", "orders:read")]);
    assert_eq!(narrow.json()["scope"], "orders:read");
    let tokens = Tokens::of(&narrow);
    let me = |token: &str| world.with_token("GET", "/_keyward/me", token).json()["scopes"].clone();
    assert_eq!(me(&tokens.access), json!(["orders:read"]));
    // The family keeps what it was given: later tokens are no more, and may be less (RFC 6749 §6).
    let more = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str()), ("scope", "orders:write")];
    assert_eq!(error(&world.ask_token(&pair, &more)), refused(400, "invalid_scope"));
    let next = Tokens::of(&world.client_refresh(&pair, &tokens.refresh));
    assert_eq!(me(&next.access), json!(["orders:read"]), "it was not spent by the refusal");
    let whole = world.client_tokens(&pair);
    let less = [("grant_type", "refresh_token"), ("refresh_token", whole.refresh.as_str()), ("scope", "orders:write")];
    let less = world.ask_token(&pair, &less);
    assert_eq!(less.json()["scope"], "orders:write");
    let again = world.client_refresh(&pair, &Tokens::of(&less).refresh);
    assert_eq!(again.json()["scope"], "orders:* self:*", "what was asked for once is no limit for ever");
    // What a key has by its owner stops before self: and keyward:, in a token too.
    let silent = world.pair("silent", &[]);
    let tokens = world.client_tokens(&silent);
    assert_eq!(claims(&tokens.access)["scope"], "*");
    assert_eq!(world.token_status(&tokens.access), 200);
    assert_eq!(world.with_token("GET", "/_keyward/api-keys", &tokens.access).status, 403);
    for scope in ["self:keys:read", "self:*", "keyward:keys:read"] {
        let answer = world.ask_token(&silent, &[GRANT, ("scope", scope)]);
        assert_eq!(error(&answer), refused(400, "invalid_scope"), "{scope}");
    }
    let answer = world.ask_token(&world.pair("none", &["--scopes", ""]), &[GRANT]);
    assert_eq!((answer.status, answer.json().get("scope")), (200, None));
    // A key that a client makes is not more than the client's own.
    let ending = world.pair("ending", &["--scopes", "self:*", "--expires", "30d", "--ip", "127.0.0.0/8"]);
    let token = world.client_tokens(&ending).access;
    let headers = ["Content-Type: application/json", &format!("Authorization: Bearer {token}")];
    let child = world.send("POST", "/_keyward/api-keys", &headers, r#"{"name":"child"}"#).json();
    let end = world.json(&["key", "show", &ending.id])["expiresAt"].clone();
    assert_eq!((&child["expiresAt"], &child["allowedIps"]), (&end, &json!(["127.0.0.0/8"])));
    for beyond in [r#"{"name":"x","expiresAt":"60d"}"#, r#"{"name":"x","allowedIps":["0.0.0.0/0"]}"#] {
        assert_eq!(world.send("POST", "/_keyward/api-keys", &headers, beyond).status, 403, "{beyond}");
    }
}

#[test]
fn what_ends_a_pair_ends_its_tokens_at_the_next_request() {
    let world = serving();
    world.ok(&["account", "add", "acme"]);
    world.ok(&["account", "add", "keys"]);
    let password = world.person("ada", &["--roles", "admin", "--account", "acme"]);
    let make = |name: &str| {
        let pair = world.pair(name, &["--owner", "ada", "--account", "keys"]);
        let tokens = world.client_tokens(&pair);
        // Every core remembers it.
        for _ in 0..16 {
            assert_eq!(world.token_status(&tokens.access), 200, "{name}");
        }
        (pair, tokens)
    };
    let dead = |name: &str, (pair, tokens): &(Pair, Tokens)| {
        for _ in 0..16 {
            assert_eq!(world.token_status(&tokens.access), 401, "{name}");
        }
        let statuses = [world.client_refresh(pair, &tokens.refresh), world.ask_token(pair, &[GRANT])];
        assert!(statuses.iter().all(|answer| answer.status >= 400), "{name}: {statuses:?}");
    };
    let alive = |name: &str, (pair, tokens): &(Pair, Tokens)| {
        assert_eq!(world.token_status(&tokens.access), 200, "{name}");
        assert_eq!(world.ask_token(pair, &[GRANT]).status, 200, "{name}");
    };
    // What is paused goes on after it.
    let paused = make("paused");
    world.ok(&["key", "disable", &paused.0.id]);
    dead("disabled", &paused);
    world.ok(&["key", "enable", &paused.0.id]);
    alive("enabled", &paused);
    let revoked = make("revoked");
    world.ok(&["key", "revoke", &revoked.0.id]);
    dead("revoked", &revoked);
    let rotated = make("rotated");
    world.ok(&["key", "rotate", &rotated.0.id, "--overlap", "0"]);
    dead("rotated", &rotated);
    // A password is the user's, and no client's.
    let client = make("client");
    let user = world.login("ada", &password);
    world.ok(&["user", "passwd", "ada"]);
    assert_eq!(world.token_status(&user.access), 401);
    alive("another password", &client);
    // A pause of a user or an account ends families; the pair comes back, and its old tokens do not.
    for (pause, end) in [
        (["user", "disable", "ada"], ["user", "enable", "ada"]),
        (["account", "disable", "acme"], ["account", "enable", "acme"]),
        (["account", "disable", "keys"], ["account", "enable", "keys"]),
    ] {
        let one = make(pause[2]);
        world.ok(&pause);
        dead(pause[2], &one);
        world.ok(&end);
        assert_eq!(world.token_status(&one.1.access), 401, "{pause:?}");
        assert_eq!(world.ask_token(&one.0, &[GRANT]).status, 200, "{pause:?}");
    }
    // Scopes shrink with the owner's roles.
    let shrunk = make("shrunk");
    world.ok(&["user", "roles", "ada", "self"]);
    let me = world.with_token("GET", "/_keyward/me", &shrunk.1.access).json();
    assert_eq!(me["scopes"], json!([]));
}

#[test]
fn a_pair_is_good_only_where_its_key_may_be_used() {
    let world = serving();
    let pair = world.pair("app", &["--ip", "192.0.2.1"]);
    let answer = world.ask_token(&pair, &[GRANT]);
    assert_eq!(error(&answer), refused(400, "unauthorized_client"));
    world.ok(&["account", "add", "acme"]);
    let pair = world.pair("other", &["--account", "acme"]);
    let tokens = world.client_tokens(&pair);
    assert_eq!(world.token_status(&tokens.access), 200);
    world.ok(&["account", "ip", "acme", "192.0.2.0/24"]);
    assert_eq!(world.token_status(&tokens.access), 403);
    assert_eq!(error(&world.ask_token(&pair, &[GRANT])), refused(400, "unauthorized_client"));
}

#[test]
fn of_many_refreshes_of_a_client_one_succeeds_and_then_the_family_is_dead() {
    let world = Arc::new(serving());
    let pair = Arc::new(world.pair("app", &[]));
    for round in 0..rounds(2) {
        let first = world.client_tokens(&pair);
        let gate = Arc::new(Barrier::new(200));
        let uses: Vec<_> = (0..200)
            .map(|_| {
                let (world, pair, gate) = (Arc::clone(&world), Arc::clone(&pair), Arc::clone(&gate));
                let refresh = first.refresh.clone();
                std::thread::spawn(move || {
                    gate.wait();
                    world.client_refresh(&pair, &refresh)
                })
            })
            .collect();
        let answers: Vec<_> = uses.into_iter().map(|thread| thread.join().unwrap()).collect();
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!((statuses[0], statuses[1], statuses[199]), (200, 400, 400), "round {round}: {statuses:?}");
        let winner = Tokens::of(answers.iter().find(|answer| answer.status == 200).unwrap());
        for token in [&first.access, &winner.access] {
            assert_eq!(world.token_status(token), 401, "round {round}: the family lives");
        }
        assert_eq!(error(&world.client_refresh(&pair, &winner.refresh)), refused(400, "invalid_grant"));
        world.client_tokens(&pair);
    }
}

#[test]
fn a_refresh_token_is_no_use_to_anybody_else() {
    let world = serving();
    let (one, other) = (world.pair("one", &[]), world.pair("other", &[]));
    let password = world.first_password();
    let (ours, theirs, users) =
        (world.client_tokens(&one), world.client_tokens(&other), world.login("admin", &password));
    let foreign = refused(400, "invalid_grant");
    assert_eq!(error(&world.client_refresh(&other, &ours.refresh)), foreign);
    assert_eq!(error(&world.client_refresh(&one, &users.refresh)), foreign);
    assert_eq!(world.refresh(&ours.refresh).status, 401, "without the pair");
    // Trying it ended nothing and spent nothing.
    let next = Tokens::of(&world.client_refresh(&one, &ours.refresh));
    assert_eq!(world.token_status(&next.access), 200);
    assert_eq!(world.refresh(&users.refresh).status, 200);
    // A spent one ends its family when its own client shows it, and not when another does.
    assert_eq!(error(&world.client_refresh(&other, &ours.refresh)), foreign);
    assert_eq!(world.token_status(&next.access), 200);
    assert_eq!(error(&world.client_refresh(&one, &ours.refresh)), foreign);
    assert_eq!((world.token_status(&next.access), world.token_status(&theirs.access)), (401, 200));
    let audit = world.json(&["audit", "list"]).to_string();
    for told in ["session.client_signed_in", "session.family_killed", "given to another client"] {
        assert!(audit.contains(told), "{told}");
    }
}
