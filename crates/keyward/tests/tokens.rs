//! Tokens: which count, until when, by whose signature, and which are never issued.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use keyward_testkit::people::Tokens;
use keyward_testkit::world::{World, text, until};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

fn serving() -> World {
    World::new(BINARY).serve(&[])
}

/// The detail of a refusal.
fn detail(answer: &keyward_testkit::client::Answer) -> String {
    text(&answer.json(), "detail")
}

#[test]
fn what_is_no_token_of_ours_passes_nowhere() {
    let world = serving();
    let elsewhere = serving();
    let password = elsewhere.first_password();
    let foreign = elsewhere.login("admin", &password);
    let tokens = world.login("admin", &world.first_password());
    let key = world.key("k", &[]);
    // Both are remembered, each in its own place, on every core that so many connections meet.
    for _ in 0..16 {
        assert_eq!((world.get("/x", &key).status, world.token_status(&tokens.access)), (200, 200));
    }
    for _ in 0..16 {
        assert_eq!((world.token_status(&key), world.get("/x", &tokens.access).status), (401, 401));
    }
    let (message, signature) = tokens.access.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0Iiwia2lkIjoieCJ9";
    for forged in [
        foreign.access.clone(),
        tokens.refresh.clone(),
        key.clone(),
        format!("{message}."),
        message.to_owned(),
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        format!("{header}.{claims}x.{signature}"),
        format!("{}=", tokens.access),
        format!("{}.{}", tokens.access, signature),
        ".".repeat(5000),
        "a.b.c".to_owned(),
    ] {
        assert_eq!(world.token_status(&forged), 401, "{}", forged.get(..40).unwrap_or(&forged));
    }
    // A token is no key, a key no refresh token, and neither an access token.
    assert_eq!(world.get("/x", &tokens.access).status, 401);
    for wrong in [&key, &tokens.access, &foreign.refresh, "", "kwr_"] {
        assert_eq!(world.refresh(wrong).status, 401, "{wrong}");
    }
    assert_eq!(world.token_status(&tokens.access), 200);
}

#[test]
fn a_token_ends_with_its_time() {
    // A machine may be so busy that a short-lived token has ended before it is first shown: then the next one lives longer.
    let (world, tokens) = [3, 9, 27]
        .into_iter()
        .find_map(|seconds| {
            let config = format!("security: {{jwt: {{expiration: {seconds}s, refresh_expiration: 2s}}}}");
            let world = World::new(BINARY).config(&config).serve(&[]);
            let tokens = world.login("admin", &world.first_password());
            (world.token_status(&tokens.access) == 200).then_some((world, tokens))
        })
        .expect("a token that counts before its end");
    let refused = until("the end of the token", || {
        let answer = world.with_token("GET", "/x", &tokens.access);
        (answer.status == 401).then_some(answer)
    });
    assert_eq!(detail(&refused), "The token has expired.");
    // What else is wrong with it comes first: of a token that nobody here signed nothing is told.
    let (message, _) = tokens.access.rsplit_once('.').unwrap();
    let forged = world.with_token("GET", "/x", &format!("{message}.{}", "A".repeat(86)));
    assert_eq!((forged.status, detail(&forged)), (401, "The token is not valid.".to_owned()));
    // The refresh token's own end came before.
    for _ in 0..2 {
        let answer = world.refresh(&tokens.refresh);
        assert_eq!((answer.status, detail(&answer)), (401, "The refresh token has expired; sign in again.".to_owned()));
    }
}

#[test]
fn a_token_that_nobody_would_read_is_not_issued() {
    let scopes = |count: usize| {
        let scopes: Vec<String> = (0..count).map(|number| format!("'service-{number}:write'")).collect();
        format!("roles: {{many: [{}]}}", scopes.join(", "))
    };
    let mut world = World::new(BINARY).config(&scopes(200)).serve(&[]);
    let password = world.person("ada", &["--roles", "many"]);
    let tokens = world.login("ada", &password);
    assert_eq!(world.token_status(&tokens.access), 200, "what fits counts");
    world.stop();
    let config = world.path("keyward.yaml");
    std::fs::write(&config, scopes(400)).unwrap();
    world.start(&[]);
    world.hears("nobody with this role can sign in");
    for answer in [world.try_login("ada", &password), world.refresh(&tokens.refresh)] {
        assert_eq!(answer.status, 403, "{}", answer.text());
        assert!(detail(&answer).contains("more scopes than fit into a token"), "{}", answer.text());
    }
    assert_eq!(world.try_login("ada", "wrong password").status, 401, "told to who knows the password only");
    // A refresh token that could carry nothing on is not spent: as soon as it can, it does.
    world.stop();
    std::fs::write(&config, scopes(200)).unwrap();
    world.start(&[]);
    assert_eq!(world.token_status(&Tokens::of(&world.refresh(&tokens.refresh)).access), 200);
}

#[test]
fn what_a_retired_key_signed_counts_no_more_and_another_signs() {
    let world = serving();
    let password = world.person("ada", &["--roles", "admin"]);
    let tokens = world.login("ada", &password);
    let key_ids = || -> Vec<String> {
        let keys = world.send("GET", "/_keyward/jwks.json", &[], "").json();
        keys["keys"].as_array().unwrap().iter().map(|key| text(key, "kid")).collect()
    };
    let before = key_ids();
    assert_eq!((before.len(), world.token_status(&tokens.access)), (1, 200), "it is remembered from here on");
    let retire = "BEGIN IMMEDIATE; UPDATE signing_keys SET retired_at = 1; \
        INSERT INTO feed (position, at, kind, subject) SELECT position + 1, 1, 'signing_key', 'x' FROM feed_head; \
        UPDATE feed_head SET position = position + 1; COMMIT";
    let database = world.data_dir().join("keyward.db");
    let done =
        std::process::Command::new("sqlite3").args(["-cmd", ".timeout 60000"]).arg(database).arg(retire).status();
    assert!(done.unwrap().success());
    until("the end of the key in the set", || key_ids().is_empty().then_some(()));
    assert_eq!(world.token_status(&tokens.access), 401, "it is still remembered");
    // The session goes on: what a refresh token gets is signed by a key that counts.
    let renewed = Tokens::of(&world.refresh(&tokens.refresh));
    assert_eq!(world.token_status(&renewed.access), 200);
    let after = key_ids();
    assert!(after.len() == 1 && after != before, "{before:?} {after:?}");
    assert_eq!(world.token_status(&world.login("ada", &password).access), 200);
    assert_eq!(key_ids(), after, "one new key is enough");
}
