//! The signed token by which an upstream is told who calls: what it says, who can check it, and that it opens nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyward_testkit::world::{World, text, until};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

fn part(token: &str, place: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(place).unwrap()).unwrap()).unwrap()
}

/// What the demo upstream sees under a name.
fn seen(world: &World, headers: &[&str], name: &str) -> Option<String> {
    let answer = world.send("GET", "/orders", headers, "");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["headers"].get(name).map(|value| value.as_str().unwrap().to_owned())
}

fn is_signed(token: &str, jwk: &Value) -> bool {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/independent.py");
    let mut child =
        Command::new("python3").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3");
    let question = json!({"do": "check", "token": token, "jwk": jwk}).to_string();
    child.stdin.take().unwrap().write_all(question.as_bytes()).unwrap();
    serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn an_upstream_is_told_who_calls_in_a_token_that_it_can_check() {
    let config = "identity: {token: {enabled: true, expiration: 4s}}\n\
        routes: [{name: open, path: /open, public: true}, {name: all, path: /**}]";
    let world = World::new(BINARY).config(config).serve(&[]);
    let key = world.key_json("first customer", &["--scopes", "orders:read", "--mode", "test"]);
    let header = format!("X-API-Key: {}", text(&key, "key"));
    let token = seen(&world, &[&header], "keyward-identity").unwrap();
    let (head, claims) = (part(&token, 0), part(&token, 1));
    assert_eq!((&head["typ"], &head["alg"]), (&json!("keyward-identity+jwt"), &json!("EdDSA")));
    for (name, value) in [
        ("iss", json!("keyward")),
        ("aud", json!("default")),
        ("name", json!("first customer")),
        ("kind", json!("api_key")),
        ("credential", key["id"].clone()),
        ("mode", json!("test")),
        ("scope", json!("orders:read")),
    ] {
        assert_eq!(claims[name], value, "{claims}");
    }
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 4);
    assert_eq!(claims["sub"], world.send("GET", "/_keyward/me", &[&header], "").json()["id"]);
    let jwks = world.send("GET", "/_keyward/jwks.json", &[], "").json();
    let jwk = jwks["keys"].as_array().unwrap().iter().find(|jwk| jwk["kid"] == head["kid"]).unwrap();
    assert!(is_signed(&token, jwk) && !is_signed(&token.replacen('.', ".A", 1), jwk));
    // It opens nothing here, wherever it is shown.
    for shown in [format!("Authorization: Bearer {token}"), format!("X-API-Key: {token}")] {
        assert_eq!(world.send("GET", "/orders", &[&shown], "").status, 401);
    }
    // A client's own is removed, in every spelling, on public routes and where there is none of ours.
    for spelling in ["Keyward-Identity", "keyward_identity", "KEYWARD.IDENTITY"] {
        let forged = format!("{spelling}: {token}x");
        let answer = world.send("GET", "/open", &[&forged], "").text();
        assert!(!answer.contains("dentity\":\"e") && !answer.contains(&token), "{answer}");
        assert!(!seen(&world, &[&header, &forged], "keyward-identity").unwrap().ends_with('x'));
    }
    // It is given again for half of its life on each core, and then signed anew, well before its end.
    let cores = std::thread::available_parallelism().unwrap().get();
    let mut given: Vec<String> = (0..40).map(|_| seen(&world, &[&header], "keyward-identity").unwrap()).collect();
    given.sort();
    given.dedup();
    assert!(given.len() <= 3 * cores, "{} tokens for 40 requests", given.len());
    let begin = claims["iat"].as_i64().unwrap();
    until("another token", || {
        let claims = part(&seen(&world, &[&header], "keyward-identity").unwrap(), 1);
        (claims["iat"].as_i64().unwrap() > begin + 2).then_some(())
    });
    // Another reading of the key is another token: a user's new roles are in the next one.
    let password = world.person("ada", &["--roles", "admin,self"]);
    let tokens = world.login("ada", &password);
    let bearer = format!("Authorization: Bearer {}", tokens.access);
    let scope = || part(&seen(&world, &[&bearer], "keyward-identity").unwrap(), 1)["scope"].clone();
    assert_eq!(scope(), "* self:*");
    world.ok(&["user", "roles", "ada", "self"]);
    assert_eq!(scope(), "self:*");
    // What signs is what counts now.
    let next = text(&world.json(&["signing-key", "rotate", "--now"]), "id");
    until("a token by the new key", || {
        (part(&seen(&world, &[&header], "keyward-identity").unwrap(), 0)["kid"] == *next).then_some(())
    });
}

#[test]
fn where_it_is_off_nobody_is_told_and_a_clients_own_is_removed() {
    let world = World::new(BINARY).config("identity: {token: {header: X-Who}}").serve(&[]);
    let header = format!("X-API-Key: {}", world.key("k", &[]));
    assert_eq!(seen(&world, &[&header, "x_who: somebody"], "x_who"), None);
    assert_eq!(seen(&world, &[&header, "X-Who: somebody"], "x-who"), None);
}
