//! Two kinds of refresh: by a refresh token that is good once, and by the access token that goes on.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use keyward_testkit::client::Answer;
use keyward_testkit::people::Tokens;
use keyward_testkit::world::{World, text};
use serde_json::json;

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

fn by(kind: &str) -> (World, String) {
    let world = World::new(BINARY).config(&format!("security: {{jwt: {{refresh_by: {kind}}}}}")).serve(&[]);
    let password = world.person("ada", &["--roles", "admin"]);
    (world, password)
}

fn renew(world: &World, token: &str) -> Answer {
    let answer = world.with_token("POST", "/_keyward/refresh", token);
    if answer.status == 200 {
        world.issued.note(&text(&answer.json(), "access_token"));
    }
    answer
}

#[test]
fn an_access_token_is_renewed_and_goes_on_until_it_is_signed_out() {
    for kind in ["bearer", "either"] {
        let (world, password) = by(kind);
        let first = world.login("ada", &password);
        let answer = renew(&world, &first.access);
        let told = answer.json();
        assert_eq!((&told["expires_in"], &told["user"]["username"]), (&json!(900), &json!("ada")), "{}", answer.text());
        assert_eq!(told.get("refresh_token"), None);
        let second = text(&told, "access_token");
        assert_ne!(second, first.access);
        let third = text(&renew(&world, &second).json(), "access_token");
        for token in [&first.access, &second, &third] {
            assert_eq!(world.token_status(token), 200, "{kind}");
        }
        // Signing out ends it, and what came of it.
        assert_eq!(world.with_token("POST", "/_keyward/logout", &second).status, 204);
        for token in [&first.access, &second, &third] {
            assert_eq!((world.token_status(token), renew(&world, token).status), (401, 401), "{kind}");
        }
        // A user who may not any more gets nothing for a token that still counts by its time.
        let token = world.login("ada", &password).access;
        world.ok(&["user", "disable", "ada"]);
        assert_eq!(renew(&world, &token).status, 401);
        // What is no token of a user renews nothing.
        for wrong in ["", "x", &first.refresh, &world.key("k", &[])] {
            assert!(renew(&world, wrong).status >= 400, "{wrong}");
        }
        let key = format!("X-API-Key: {}", world.key("other", &[]));
        assert!(world.send("POST", "/_keyward/refresh", &[&key], "").status >= 400);
    }
}

#[test]
fn what_is_not_asked_for_is_not_taken() {
    let (world, password) = by("token");
    let tokens = world.login("ada", &password);
    assert_eq!(renew(&world, &tokens.access).status, 400, "an access token is not shown for another one");
    assert_eq!(world.refresh(&tokens.refresh).status, 200);
    let (world, password) = by("bearer");
    let tokens = world.login("ada", &password);
    assert_eq!(world.refresh(&tokens.refresh).status, 401);
    let (world, password) = by("either");
    let tokens = world.login("ada", &password);
    let next = Tokens::of(&world.refresh(&tokens.refresh));
    let both = ["Content-Type: application/json", &format!("Authorization: Bearer {}", next.access)];
    let body = json!({"refresh_token": next.refresh}).to_string();
    assert_eq!(world.send("POST", "/_keyward/refresh", &both, &body).status, 400, "one of them");
    assert_eq!(world.refresh(&next.refresh).status, 200, "and nothing was spent");
    // A client is not renewed by what its secret was shown for.
    let token = world.client_tokens(&world.pair("app", &[])).access;
    assert_eq!(renew(&world, &token).status, 403);
}

#[test]
fn a_pair_is_not_asked_for_where_the_configuration_says_so() {
    let world = World::new(BINARY).config("security: {api_keys: {refresh_without_secret: true}}").serve(&[]);
    let pair = world.pair("app", &["--scopes", "orders:read"]);
    let first = world.client_tokens(&pair);
    let next = Tokens::of(&world.refresh(&first.refresh));
    let me = world.with_token("GET", "/_keyward/me", &next.access).json();
    assert_eq!(me["scopes"], json!(["orders:read"]));
    assert_eq!(world.refresh(&first.refresh).status, 401, "each is good once");
    assert_eq!((world.token_status(&next.access), world.refresh(&next.refresh).status), (401, 401));
    let other = world.client_tokens(&pair);
    world.ok(&["key", "disable", &pair.id]);
    assert_eq!(world.refresh(&other.refresh).status, 401, "its key is paused");
}
