//! Tokens of other issuers before the real binary: keys and tokens of others' making, rotation, outages and confusions.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests fail by panicking, and sign with the time of this machine"
)]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use keyward_testkit::certificates::Authority;
use keyward_testkit::client::{Answer, exchange};
use keyward_testkit::issuer::Issuer;
use keyward_testkit::world::World;
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

/// Asks whoever is not Keyward.
fn ask(question: &Value) -> Value {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut child = Command::new(here.join("../../target/senders/venv/bin/python"))
        .arg(here.join("tests/foreign.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("libraries of others; scripts/setup-tests installs them");
    child.stdin.take().unwrap().write_all(question.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "foreign.py failed");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn make_key(alg: &str, kid: &str) -> Value {
    ask(&json!({"do": "key", "alg": alg, "kid": kid}))
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

fn header(key: &Value) -> Value {
    json!({"alg": key["jwk"]["alg"], "typ": "at+jwt", "kid": key["jwk"]["kid"]})
}

fn claims(issuer: &Issuer) -> Value {
    json!({"iss": issuer.name(), "aud": ["api", "other"], "sub": "ada", "scope": "orders:read keyward:users:write self:* *",
        "exp": now() + 600, "iat": now()})
}

fn sign(key: &Value, header: &Value, claims: &Value) -> String {
    let signed = ask(&json!({"do": "sign", "key": key, "header": header, "claims": claims}));
    signed.as_str().unwrap().to_owned()
}

/// A token as the issuer makes them.
fn token(issuer: &Issuer, key: &Value) -> String {
    sign(key, &header(key), &claims(issuer))
}

fn with(value: &Value, name: &str, other: Value) -> Value {
    let mut value = value.clone();
    value[name] = other;
    value
}

fn world(issuers: &[&Issuer]) -> World {
    World::new(BINARY).config(&yaml(issuers))
}

fn yaml(issuers: &[&Issuer]) -> String {
    let each = |issuer: &&Issuer| format!("    - {{issuer: \"{}\", audience: api}}\n", issuer.name());
    let list: String = issuers.iter().map(each).collect();
    let routes = "routes:\n  - {name: orders, path: /orders, scopes: [orders:read]}\n  - {name: users, path: /users, scopes: [users:read]}\n  - {name: all, path: /**}\n";
    format!("security:\n  issuers:\n{list}{routes}")
}

fn get(world: &World, path: &str, token: &str) -> Answer {
    world.send("GET", path, &[&format!("Authorization: Bearer {token}")], "")
}

fn metric(world: &World, line: &str) -> Option<f64> {
    let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let text = exchange(world.server().admin, request).unwrap().text();
    text.lines().find_map(|one| one.strip_prefix(line)?.trim().parse().ok())
}

#[test]
fn tokens_of_each_algorithm_pass_with_the_scopes_that_they_name() {
    let issuer = Issuer::start();
    let keys: Vec<Value> = ["RS256", "ES256", "EdDSA"].map(|alg| make_key(alg, &format!("key of {alg}"))).into();
    issuer.has_keys(&keys.iter().map(|key| key["jwk"].clone()).collect::<Vec<_>>());
    let world = world(&[&issuer]).serve(&[]);
    for key in &keys {
        let token = token(&issuer, key);
        let answer = get(&world, "/orders", &token);
        assert_eq!(answer.status, 200, "{}: {}", key["jwk"]["alg"], answer.text());
        let identity = &answer.json()["identity"];
        let id = format!("{}#ada", issuer.name());
        assert_eq!((&identity["principal"], &identity["kind"]), (&json!(id), &json!("jwt")));
        assert_eq!(identity["scopes"], json!(["orders:read"]), "nothing of Keyward's own, and no wildcard");
        assert!(!answer.text().contains(&token), "the token goes on");
        assert_eq!(get(&world, "/users", &token).status, 403);
        // Nothing of Keyward's own is opened by it.
        assert_eq!(get(&world, "/_keyward/api-keys", &token).status, 403);
        assert_eq!(get(&world, "/_keyward/usage", &token).status, 403);
        assert_eq!(
            world.send("POST", "/_keyward/logout", &[&format!("Authorization: Bearer {token}")], "").status,
            400
        );
        assert_eq!(get(&world, "/_keyward/me", &token).json()["id"], json!(id));
    }
    for _ in 0..4 {
        assert_eq!(get(&world, "/orders", &token(&issuer, &keys[2])).status, 200);
    }
    assert_eq!(issuer.asked("/keys"), 1, "known keys are not asked for");
}

#[test]
fn whoever_another_issuer_speaks_for_is_counted_by_the_default_plan() {
    let issuer = Issuer::start();
    let key = make_key("EdDSA", "k");
    issuer.has_keys(&[key["jwk"].clone()]);
    let plans = "plans: {free: {limits: [{requests: 2, window: 1h}]}}\naccounts: {default_plan: free}\n";
    let world = World::new(BINARY).config(&(yaml(&[&issuer]) + plans)).serve(&[]);
    let of = |sub: &str| sign(&key, &header(&key), &with(&claims(&issuer), "sub", json!(sub)));
    let statuses = |tokens: [&String; 3]| tokens.map(|token| get(&world, "/orders", token).status);
    let (one, other) = (of("ada"), token(&issuer, &key));
    assert_eq!(
        statuses([&one, &other, &one]),
        [200, 200, 429],
        "another token of the same subject brings nothing back"
    );
    assert_eq!(get(&world, "/orders", &of("bob")).status, 200);
    assert_eq!(get(&world, "/_keyward/me", &one).json()["plan"], "free");
}

#[test]
fn what_the_issuer_did_not_sign_for_us_is_refused() {
    let (issuer, other) = (Issuer::start(), Issuer::start());
    // Two issuers whose keys have one name.
    let (key, foreign) = (make_key("RS256", "k"), make_key("ES256", "k"));
    issuer.has_keys(&[key["jwk"].clone()]);
    other.has_keys(&[foreign["jwk"].clone()]);
    let world = world(&[&issuer, &other]).serve(&[]);
    let (good, head) = (claims(&issuer), header(&key));
    assert_eq!(get(&world, "/orders", &sign(&key, &head, &good)).status, 200);
    assert_eq!(get(&world, "/orders", &token(&other, &foreign)).status, 200);
    let stranger = make_key("RS256", "k");
    let symmetric = |secret: &str| {
        let head = with(&head, "alg", json!("HS256"));
        ask(&json!({"do": "sign", "secret": secret, "header": head, "claims": good})).as_str().unwrap().to_owned()
    };
    let spki = key["spki"].as_str().unwrap();
    for (what, token) in [
        ("a key of another issuer", sign(&foreign, &header(&foreign), &good)),
        ("a key of another issuer, by our algorithm", sign(&foreign, &head, &good)),
        ("our key for another issuer", sign(&key, &head, &claims(&other))),
        ("a key of nobody", sign(&stranger, &head, &good)),
        ("the public key as a secret", symmetric(spki)),
        ("the public key as a secret, trimmed", symmetric(spki.trim())),
        ("its modulus as a secret", symmetric(key["jwk"]["n"].as_str().unwrap())),
        ("no algorithm", sign(&key, &with(&head, "alg", json!("none")), &good)),
        ("another algorithm of the key", sign(&key, &with(&head, "alg", json!("PS256")), &good)),
        ("a key that came along", sign(&stranger, &with(&head, "jwk", stranger["jwk"].clone()), &good)),
        ("a key from elsewhere", sign(&stranger, &with(&head, "jku", json!(other.name())), &good)),
        ("what is critical", sign(&key, &with(&head, "crit", json!(["exp"])), &good)),
        ("another type", sign(&key, &with(&head, "typ", json!("dpop+jwt")), &good)),
        ("another audience", sign(&key, &head, &with(&good, "aud", json!("other")))),
        ("no audience", sign(&key, &head, &with(&good, "aud", Value::Null))),
        ("no end", sign(&key, &head, &with(&good, "exp", Value::Null))),
        ("the past", sign(&key, &head, &with(&good, "exp", json!(now() - 1)))),
        ("the future", sign(&key, &head, &with(&good, "nbf", json!(now() + 60)))),
        ("nobody", sign(&key, &head, &with(&good, "sub", json!("")))),
        ("a token bound to a key", sign(&key, &head, &with(&good, "cnf", json!({"jkt": "x"})))),
        ("an unknown issuer", sign(&key, &head, &with(&good, "iss", json!("https://unknown.example")))),
        ("Keyward itself", sign(&key, &head, &with(&good, "iss", json!("keyward")))),
    ] {
        let answer = get(&world, "/orders", &token);
        assert_eq!((answer.status, answer.json()["reason"].as_str()), (401, Some("Rejected")), "{what}");
    }
}

#[test]
fn a_new_key_is_found_and_strangers_do_not_make_keyward_ask() {
    let issuer = Issuer::start();
    let (old, new) = (make_key("ES256", "old"), make_key("ES256", "new"));
    issuer.has_keys(&[old["jwk"].clone()]);
    let world = world(&[&issuer]).serve(&[]);
    assert_eq!(get(&world, "/orders", &token(&issuer, &old)).status, 200);
    let made_up = sign(&new, &with(&header(&new), "kid", json!("made up")), &claims(&issuer));
    for _ in 0..50 {
        assert_eq!(get(&world, "/orders", &made_up).status, 401);
    }
    assert!(issuer.asked("/keys") <= 2, "{} fetches", issuer.asked("/keys"));
    let (by_old, by_new) = (token(&issuer, &old), token(&issuer, &new));
    // So often that each core remembers it.
    for _ in 0..40 {
        assert_eq!(get(&world, "/orders", &by_old).status, 200);
    }
    issuer.has_keys(&[new["jwk"].clone()]);
    keyward_testkit::world::until("the new key", || (get(&world, "/orders", &by_new).status == 200).then_some(()));
    for _ in 0..40 {
        assert_eq!(get(&world, "/orders", &by_old).status, 401, "a key that is gone counts no more");
    }
}

#[test]
fn an_issuer_out_of_reach_calls_no_token_wrong() {
    let issuer = Issuer::start();
    let key = make_key("EdDSA", "k");
    issuer.has_keys(&[key["jwk"].clone()]);
    issuer.is_down(true);
    let world = world(&[&issuer]).serve(&[]);
    let token = token(&issuer, &key);
    let answer = get(&world, "/orders", &token);
    assert_eq!((answer.status, answer.json()["reason"].as_str()), (503, Some("Unavailable")));
    assert_eq!(get(&world, "/orders", &world.key("k", &["--scopes", "orders:read"])).status, 401, "a key is no token");
    issuer.is_down(false);
    keyward_testkit::world::until("its keys", || (get(&world, "/orders", &token).status == 200).then_some(()));
    // What it said before goes on to count.
    issuer.is_down(true);
    assert_eq!(get(&world, "/orders", &token).status, 200);
    let line = format!("keyward_issuer_fetches_total{{issuer=\"{}\",result=\"nothing\"}} ", issuer.name());
    assert!(metric(&world, &line).unwrap() >= 1.0);
}

#[test]
fn a_redirect_leads_nowhere() {
    let (issuer, other) = (Issuer::start(), Issuer::start());
    let key = make_key("EdDSA", "k");
    other.has_keys(&[key["jwk"].clone()]);
    issuer.answers("/keys", &format!("302 Found\r\nLocation: {}/keys", other.name()), "");
    let world = world(&[&issuer]).serve(&[]);
    assert_eq!(get(&world, "/orders", &token(&issuer, &key)).status, 503);
    assert_eq!(other.asked("/keys"), 0);
    let large = format!("{{\"keys\": [{}], \"x\": \"{}\"}}", key["jwk"], "x".repeat(256 * 1024));
    issuer.answers("/keys", "200 OK", &large);
    keyward_testkit::world::until("another fetch", || (issuer.asked("/keys") >= 2).then_some(()));
    assert_eq!(get(&world, "/orders", &token(&issuer, &key)).status, 503);
}

#[test]
fn keys_come_over_tls_from_whom_the_certificate_names() {
    let (known, unknown) = (Authority::new("known"), Authority::new("unknown"));
    let issuer = |authority: &Authority, name: &str| Issuer::over_tls(&authority.issue(&[name]));
    let right = issuer(&known, "127.0.0.1");
    let [strange, other] = [issuer(&unknown, "127.0.0.1"), issuer(&known, "other.example")];
    let past = Issuer::over_tls(&known.issue_until(&["127.0.0.1"], 2020));
    let all = [&right, &strange, &other, &past];
    let key = make_key("ES256", "k");
    all.iter().for_each(|issuer| issuer.has_keys(&[key["jwk"].clone()]));
    let world = World::new(BINARY);
    let roots = world.path("roots.pem");
    std::fs::write(&roots, &known.certificate).unwrap();
    let world = world.config(&yaml(&all)).env("SSL_CERT_FILE", roots.to_str().unwrap()).serve(&[]);
    assert_eq!(get(&world, "/orders", &token(&right, &key)).status, 200);
    for (issuer, what) in [(&strange, "an unknown authority"), (&other, "another host"), (&past, "a past certificate")]
    {
        let answer = get(&world, "/orders", &token(issuer, &key));
        assert_eq!((answer.status, answer.json()["reason"].as_str()), (503, Some("Unavailable")), "{what}");
        assert_eq!(issuer.asked("/keys"), 0, "{what}: nothing is asked of whoever is not the one that is meant");
    }
}
