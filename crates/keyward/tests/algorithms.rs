//! Each algorithm that tokens can be signed with: signing in, going on, and others who check what was signed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyward_testkit::client::exchange;
use keyward_testkit::people::Tokens;
use keyward_testkit::world::{World, text, until};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");
const SECRET: &str = "thirty-two bytes are not too few";

fn configured(yaml: &str) -> World {
    World::new(BINARY).config(yaml).env("TOKEN_SECRET", SECRET)
}

fn of(algorithm: &str) -> String {
    format!("security: {{jwt: {{algorithm: {algorithm}}}}}")
}

fn with_secret() -> String {
    "security: {jwt: {algorithm: HS256, secret: '${env:TOKEN_SECRET}'}}".to_owned()
}

/// Asks whoever is not Keyward.
fn ask(question: &Value) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/independent.py");
    let mut child = Command::new("python3")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3; scripts/setup-tests installs it");
    child.stdin.take().unwrap().write_all(question.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "independent.py failed");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The header of a token.
fn header(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap()
}

fn jwks(world: &World) -> Vec<Value> {
    world.send("GET", "/_keyward/jwks.json", &[], "").json()["keys"].as_array().unwrap().clone()
}

/// The public key that a token names.
fn jwk_of(world: &World, token: &str) -> Value {
    let kid = &header(token)["kid"];
    jwks(world).into_iter().find(|key| &key["kid"] == kid).unwrap_or_else(|| panic!("no key {kid}"))
}

/// The same token with other claims.
fn altered(token: &str) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    claims["scope"] = json!("*");
    claims["jti"] = json!("tok_other");
    format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims.to_string()), parts[2])
}

fn login(world: &World) -> Tokens {
    world.login("admin", &world.first_password())
}

/// A known token is found by its digest, whatever signed it: after each core has seen it once, no signature is checked.
fn remembers(world: &World, token: &str) {
    for _ in 0..20 {
        assert_eq!(world.token_status(token), 200);
    }
    until("look-ups that memory answers", || {
        let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let text = exchange(world.server().admin, request).unwrap().text();
        let line = text.lines().find_map(|line| line.strip_prefix("keyward_lookups_total{where=\"memory\"} "));
        let cores = std::thread::available_parallelism().unwrap().get();
        (line?.parse::<usize>().unwrap() + cores >= 20).then_some(())
    });
}

#[test]
fn each_signs_in_goes_on_and_is_checked_by_others() {
    for (algorithm, kty, members) in
        [("EdDSA", "OKP", &["crv", "x"][..]), ("ES256", "EC", &["crv", "x", "y"]), ("RS256", "RSA", &["n", "e"])]
    {
        let world = configured(&of(algorithm)).serve(&[]);
        let first = login(&world);
        let renewed = Tokens::of(&world.refresh(&first.refresh));
        for tokens in [&first, &renewed] {
            assert_eq!(world.token_status(&tokens.access), 200, "{algorithm}");
            assert_eq!(header(&tokens.access)["alg"], algorithm);
            let jwk = jwk_of(&world, &tokens.access);
            assert_eq!((&jwk["kty"], &jwk["alg"], &jwk["use"]), (&json!(kty), &json!(algorithm), &json!("sig")));
            let mut names: Vec<&str> = jwk.as_object().unwrap().keys().map(String::as_str).collect();
            names.retain(|name| !["kty", "alg", "use", "kid"].contains(name));
            assert_eq!(names, members, "{algorithm}: more or less than the public half");
            let check = |token: &str| ask(&json!({"do": "check", "token": token, "jwk": jwk}));
            assert_eq!(check(&tokens.access), json!(true), "{algorithm}");
            let other = altered(&tokens.access);
            assert_eq!((check(&other), world.token_status(&other)), (json!(false), 401), "{algorithm}");
        }
        remembers(&world, &first.access);
        // What is public of the key, taken for a secret.
        let jwk = jwk_of(&world, &first.access);
        let forged = ask(&json!({"do": "forge", "token": first.access, "jwk": jwk}));
        let forged = forged.as_array().unwrap();
        assert!(forged.len() > 7);
        for token in forged {
            assert_eq!(world.token_status(token.as_str().unwrap()), 401, "{algorithm}: {token}");
        }
    }
}

#[test]
fn a_secret_of_the_configuration_signs_and_stands_nowhere_else() {
    let mut world = configured(&with_secret());
    world.issued.note(SECRET);
    world.start(&[]);
    let tokens = login(&world);
    remembers(&world, &tokens.access);
    let renewed = Tokens::of(&world.refresh(&tokens.refresh));
    for token in [&tokens.access, &renewed.access] {
        assert_eq!((world.token_status(token), &header(token)["alg"]), (200, &json!("HS256")));
        for (secret, right) in [(SECRET, true), ("thirty-two bytes are not too feW", false), ("", false)] {
            assert_eq!(ask(&json!({"do": "check", "token": token, "secret": secret})), json!(right), "{secret}");
        }
        assert_eq!(world.token_status(&altered(token)), 401);
    }
    assert_eq!(jwks(&world), [] as [Value; 0], "a symmetric key is no public key");
    assert!(!world.ok(&["config", "show"]).contains(SECRET));
    let made = world.json(&["audit", "list", "--action", "signing_key.created"]);
    assert_eq!(made["data"], json!([]), "nothing is made where a secret is given");
    // Another start with it: what was signed goes on.
    world.stop();
    world.start(&[]);
    assert_eq!(world.token_status(&tokens.access), 200);
    // Without a server, an explanation can check it, too.
    world.stop();
    let bearer = format!("Authorization: Bearer {}", tokens.access);
    assert_eq!(world.json(&["explain", "--path", "/x", "--header", &bearer])["allowed"], json!(true));
    world.start(&[]);
}

#[test]
fn a_secret_that_is_made_is_kept_sealed() {
    let mut world = configured(&of("HS256")).serve(&[]);
    let tokens = login(&world);
    assert_eq!((world.token_status(&tokens.access), jwks(&world)), (200, Vec::new()));
    assert_eq!(world.token_status(&altered(&tokens.access)), 401);
    for guess in ["", SECRET] {
        assert_eq!(ask(&json!({"do": "check", "token": tokens.access, "secret": guess})), json!(false));
    }
    let made = world.json(&["audit", "list", "--action", "signing_key.created"]);
    assert_eq!(
        (&made["data"][0]["subject"], &made["data"][0]["detail"]["algorithm"]),
        (&header(&tokens.access)["kid"], &json!("HS256"))
    );
    world.stop();
    let bearer = format!("Authorization: Bearer {}", tokens.access);
    assert_eq!(world.json(&["explain", "--path", "/x", "--header", &bearer])["allowed"], json!(true));
    world.start(&[]);
    assert_eq!(world.token_status(&tokens.access), 200, "the same secret at the next start");
    // Without the master key it is gone, and what it signed with it; the session goes on.
    world.stop();
    std::fs::remove_file(world.data_dir().join("master.key")).unwrap();
    world.start(&[]);
    world.hears("unless they were signed with HS256");
    assert_eq!(world.token_status(&tokens.access), 401);
    let renewed = Tokens::of(&world.refresh(&tokens.refresh));
    assert_eq!(world.token_status(&renewed.access), 200);
}

#[test]
fn another_algorithm_ends_no_session_and_makes_one_key() {
    let mut world = configured(&of("EdDSA")).serve(&[]);
    let mut issued = vec![login(&world)];
    let write = |world: &World, yaml: &str| std::fs::write(world.path("keyward.yaml"), yaml).unwrap();
    for algorithm in ["ES256", "HS256", "RS256", "EdDSA", "ES256"] {
        world.stop();
        write(&world, &of(algorithm));
        world.start(&[]);
        for tokens in &issued {
            assert_eq!(world.token_status(&tokens.access), 200, "{algorithm} after {}", header(&tokens.access));
        }
        let last = issued.last().unwrap().refresh.clone();
        let renewed = Tokens::of(&world.refresh(&last));
        assert_eq!(header(&renewed.access)["alg"], algorithm, "the session goes on with it");
        issued.push(renewed);
        issued.push(login(&world));
    }
    let made = world.json(&["audit", "list", "--action", "signing_key.created"]);
    assert_eq!(
        made["data"].as_array().unwrap().len(),
        4,
        "one key for each algorithm, however often it changes: {made}"
    );
    let kinds: Vec<String> = jwks(&world).iter().map(|key| text(key, "alg")).collect();
    assert_eq!(kinds, ["EdDSA", "ES256", "RS256"]);
}

#[test]
fn a_secret_that_is_short_or_signs_nothing_is_refused_and_not_repeated() {
    for (yaml, why) in [
        ("security: {jwt: {algorithm: HS256, secret: '${env:SHORT}'}}", "shorter than 32 bytes"),
        ("security: {jwt: {secret: '${env:TOKEN_SECRET}'}}", "a secret signs nothing where the algorithm is EdDSA"),
        ("security: {jwt: {algorithm: HS256, secret: '${env:UNSET}'}}", "UNSET is not set"),
    ] {
        let world = configured(yaml).env("SHORT", &SECRET[1..]);
        world.issued.note(&SECRET[1..]);
        let said = world.try_start(&[]).err().unwrap();
        assert!(said.contains(why) && !said.contains(&SECRET[1..]), "{said}");
        assert!(!world.data_dir().exists(), "a mistake makes nothing");
    }
}
