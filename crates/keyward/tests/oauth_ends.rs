//! The end of tokens (RFC 7009), what they are worth (RFC 7662), and where programs find out (RFC 8414).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use keyward_testkit::client::Answer;
use keyward_testkit::oauth::Pair;
use keyward_testkit::people::Tokens;
use keyward_testkit::world::{World, text};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

fn serving() -> World {
    World::new(BINARY).serve(&[])
}

fn revoke(world: &World, pair: &Pair, token: &str) -> Answer {
    world.post_form("/_keyward/revoke", &[&pair.basic()], &[("token", token), ("token_type_hint", "access_token")])
}

fn told(world: &World, header: &str, token: &str) -> Value {
    let answer = world.post_form("/_keyward/introspect", &[header], &[("token", token)]);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn error(answer: &Answer) -> (u16, String) {
    (answer.status, text(&answer.json(), "error"))
}

#[test]
fn a_client_ends_its_own_tokens_and_nobody_elses() {
    let world = serving();
    let (one, other) = (world.pair("one", &[]), world.pair("other", &[]));
    // By either token the whole family is over, on every core.
    for by_refresh in [false, true] {
        let first = world.client_tokens(&one);
        let next = Tokens::of(&world.client_refresh(&one, &first.refresh));
        let shown = if by_refresh { &next.refresh } else { &first.access };
        assert_eq!(revoke(&world, &one, shown).status, 200);
        for token in [&first.access, &next.access] {
            for _ in 0..16 {
                assert_eq!(world.token_status(token), 401);
            }
        }
        assert_eq!(error(&world.client_refresh(&one, &next.refresh)), (400, "invalid_grant".to_owned()));
        assert_eq!(revoke(&world, &one, shown).status, 200, "once more is no mistake");
    }
    let ours = world.client_tokens(&one);
    let users = world.login("admin", &world.first_password());
    for token in [&ours.access, &ours.refresh] {
        assert_eq!(error(&revoke(&world, &other, token)), (400, "unauthorized_client".to_owned()));
    }
    assert_eq!(error(&revoke(&world, &one, &users.refresh)), (400, "unauthorized_client".to_owned()));
    assert_eq!((world.token_status(&ours.access), world.token_status(&users.access)), (200, 200));
    // What is no token is as good as revoked; who is no client is refused first.
    for token in ["x", "a.b.c", &one.key, &format!("{}x", ours.access), &"x".repeat(9000)] {
        assert_eq!(revoke(&world, &one, token).status, 200, "{token}");
    }
    assert_eq!(error(&world.post_form("/_keyward/revoke", &[&one.basic()], &[])), (400, "invalid_request".to_owned()));
    let stranger = world.post_form("/_keyward/revoke", &[], &[("token", &ours.access)]);
    assert_eq!(error(&stranger), (401, "invalid_client".to_owned()));
    assert_eq!(world.token_status(&ours.access), 200);
    assert!(world.json(&["audit", "list", "--action", "session.token_revoked"]).to_string().contains(&one.id));
}

#[test]
fn a_bearer_ends_its_own_session_and_one_that_it_names() {
    let world = serving();
    let password = world.person("ada", &["--roles", "admin"]);
    let stranger = world.person("eve", &["--roles", "admin"]);
    let (one, other, foreign) =
        (world.login("ada", &password), world.login("ada", &password), world.login("eve", &stranger));
    let bearer = |tokens: &Tokens| format!("Authorization: Bearer {}", tokens.access);
    let revoke = |tokens: &Tokens, body: &str| {
        let headers = ["Content-Type: application/json", &bearer(tokens)];
        world.send("POST", "/_keyward/revoke", if body.is_empty() { &headers[1..] } else { &headers }, body).status
    };
    // Somebody else's is not ended by showing it.
    let third = world.login("ada", &password);
    assert_eq!(revoke(&third, &json!({"refresh_token": foreign.refresh}).to_string()), 200);
    assert_eq!((world.token_status(&third.access), world.token_status(&foreign.access)), (401, 200));
    assert_eq!(revoke(&one, &json!({"refresh_token": other.refresh}).to_string()), 200);
    for tokens in [&one, &other] {
        assert_eq!((world.token_status(&tokens.access), world.refresh(&tokens.refresh).status), (401, 401));
    }
    assert_eq!(revoke(&foreign, ""), 200);
    assert_eq!((world.token_status(&foreign.access), world.refresh(&foreign.refresh).status), (401, 401));
    assert_eq!(revoke(&foreign, ""), 401, "a token that is over ends nothing");
    // A client speaks for its key's owner and is not it.
    let pair = world.pair("app", &["--owner", "ada"]);
    let (client, user) = (world.client_tokens(&pair), world.login("ada", &password));
    assert_eq!(revoke(&client, &json!({"refresh_token": user.refresh}).to_string()), 200);
    assert_eq!((world.token_status(&client.access), world.token_status(&user.access)), (401, 200));
}

#[test]
fn a_client_is_told_of_its_own_tokens_alone() {
    let world = serving();
    let (one, other) = (world.pair("one", &["--scopes", "orders:*"]), world.pair("other", &[]));
    let tokens = world.client_tokens(&one);
    let users = world.login("admin", &world.first_password());
    let access = told(&world, &one.basic(), &tokens.access);
    assert_eq!(
        (&access["active"], &access["scope"], &access["client_id"], &access["token_type"]),
        (&json!(true), &json!("orders:*"), &json!(one.id), &json!("Bearer"))
    );
    assert_eq!(
        (&access["iss"], &access["aud"], &access["username"]),
        (&json!("keyward"), &json!("keyward"), &json!("admin"))
    );
    assert!(access["exp"].as_i64().unwrap() - access["iat"].as_i64().unwrap() == 900, "{access}");
    let refresh = told(&world, &one.basic(), &tokens.refresh);
    assert_eq!((&refresh["active"], &refresh["client_id"]), (&json!(true), &json!(one.id)));
    let nothing = json!({"active": false});
    for token in [&tokens.access, &tokens.refresh, &users.access, &users.refresh, &one.key, "x"] {
        assert_eq!(told(&world, &other.basic(), token), nothing);
    }
    assert_eq!(told(&world, &one.basic(), &users.access), nothing);
    // Whoever has the scope by name is told of all of them; a star does not reach it.
    let watcher = world.key("watcher", &["--scopes", "keyward:tokens:read"]);
    for token in [&tokens.access, &tokens.refresh, &users.access, &users.refresh] {
        assert_eq!(told(&world, &format!("X-API-Key: {watcher}"), token)["active"], true);
    }
    let star = format!("X-API-Key: {}", world.key("star", &["--scopes", "*"]));
    let answer = world.post_form("/_keyward/introspect", &[&star], &[("token", &tokens.access)]);
    assert_eq!(answer.status, 403);
    let answer = world.post_form("/_keyward/introspect", &[], &[("token", &tokens.access)]);
    assert_eq!(error(&answer), (401, "invalid_client".to_owned()));
    // It is the same word as at the next request.
    let next = Tokens::of(&world.client_refresh(&one, &tokens.refresh));
    assert_eq!(told(&world, &one.basic(), &tokens.refresh), nothing, "it is spent");
    assert_eq!(told(&world, &one.basic(), &tokens.access)["active"], true);
    world.ok(&["key", "disable", &one.id]);
    let watched = |token: &str| told(&world, &format!("X-API-Key: {watcher}"), token);
    assert_eq!((watched(&next.access), watched(&next.refresh)), (nothing.clone(), nothing));
}

#[test]
fn programs_find_the_endpoints_where_the_issuer_is_a_url() {
    let at = "/.well-known/oauth-authorization-server";
    let world = World::new(BINARY)
        .config("security: {jwt: {issuer: 'https://api.example/'}}\nendpoints: {introspect: null, token: /oauth/token}")
        .serve(&[]);
    let told = world.send("GET", at, &[], "").json();
    assert_eq!(told["issuer"], "https://api.example/");
    assert_eq!(told["token_endpoint"], "https://api.example/oauth/token");
    assert_eq!(told["jwks_uri"], "https://api.example/_keyward/jwks.json");
    assert_eq!(told["revocation_endpoint"], "https://api.example/_keyward/revoke");
    assert_eq!(told.get("introspection_endpoint"), None);
    assert_eq!(told["grant_types_supported"], json!(["client_credentials", "refresh_token"]));
    let other = serving();
    assert_eq!(other.send("GET", at, &[], "").status, 401, "it is a path of the API behind like any other");
}
