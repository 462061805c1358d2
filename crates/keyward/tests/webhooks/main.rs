//! Webhooks before the real binary: deliveries of senders of others' making, and what must not pass for one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests fail by panicking, and sign with the time of this machine"
)]

mod bodies;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD as BASE64URL};
use keyward_testkit::client::Answer;
use keyward_testkit::upstream::Upstream;
use keyward_testkit::world::World;
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");
const HMAC: &str = "0123456789abcdef-0123456789abcdef";
const STRIPE: &str = "whsec_0123456789abcdefghijklmnopqrstuv";
const STANDARD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const TOKEN: &str = "an-inbound-token-of-thirty-two-bytes";
const PASSWORD: &str = "correct horse battery";
const BODY: &str = "{\"type\": \"paid\",  \"amount\": 12.50, \"name\": \"Zoë\"}\n";

const CONFIG: &str = "
schemes:
  github: {kind: webhook, format: hmac, header: X-Signature-256, secret: '${env:HMAC}'}
  timed: {kind: webhook, format: hmac, header: X-Signature-256, timestamp_header: X-Timestamp, secret: '${env:HMAC}'}
  stripe: {kind: webhook, format: stripe, secrets: ['an older secret of at least 32 bytes', '${env:STRIPE}'], body_bytes: 64KiB}
  standard: {kind: webhook, format: standard, secret: '${env:STANDARD}'}
  svix: {kind: webhook, format: standard, prefix: svix, secret: '${env:STANDARD}'}
  token: {kind: webhook, format: header, header: X-Token, secret: '${env:TOKEN}'}
  bot: {kind: webhook, format: basic, username: bot, secret: '${env:PASSWORD}'}
  partner: {kind: webhook, format: jwt, secret: '${env:TOKEN}'}
  large: {kind: webhook, format: stripe, secret: '${env:STRIPE}', body_bytes: 1MiB}
limits: {one: {per: route, requests: 1, window: 1h}}
decisions: {log: true}
routes:
  - {name: github, path: /github, methods: [POST], schemes: [github]}
  - {name: timed, path: /timed, schemes: [timed]}
  - {name: stripe, path: /stripe, schemes: [stripe]}
  - {name: standard, path: /standard, schemes: [standard, svix]}
  - {name: token, path: /token, schemes: [token]}
  - {name: bot, path: /bot, schemes: [bot]}
  - {name: partner, path: /partner, schemes: [partner]}
  - {name: large, path: /large, schemes: [large]}
  - {name: limited, path: /limited, schemes: [stripe], limits: [one]}
  - {name: either, path: /either, schemes: [stripe, key_header]}
  - {name: from, path: /from, schemes: [stripe], ip: {allow: [192.0.2.1]}}
";

/// Who signs, with which secret, for which route.
const SENDERS: [(&str, &str, &str); 6] = [
    ("hmac", HMAC, "/github"),
    ("hmac with time", HMAC, "/timed"),
    ("stripe", STRIPE, "/stripe"),
    ("standardwebhooks", STANDARD, "/standard"),
    ("node", STANDARD, "/standard"),
    ("svix", STANDARD, "/standard"),
];

fn world() -> World {
    let world = World::new(BINARY).config(CONFIG).env("HMAC", HMAC).env("STRIPE", STRIPE);
    world.env("STANDARD", STANDARD).env("TOKEN", TOKEN).env("PASSWORD", PASSWORD)
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// The headers that somebody else writes for a delivery.
fn sign(by: &str, secret: &str, body: &str, time: i64) -> Vec<String> {
    let senders = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/senders");
    let script = |name: &str| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    let mut command = match by {
        "node" => Command::new("node"),
        _ => Command::new(senders.join("venv/bin/python")),
    };
    command.arg(script(if by == "node" { "senders.cjs" } else { "senders.py" }));
    command.env("NODE_PATH", senders.join("node_modules"));
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = spawned.expect("senders of others; scripts/setup-tests installs them");
    // Two senders of one format may sign in the same second.
    let id = format!("msg_{by}_{}", body.len());
    let question = json!({"by": by, "secret": secret, "body": body, "time": time, "id": id});
    child.stdin.take().unwrap().write_all(question.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{by} did not sign");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn post(world: &World, path: &str, headers: &[String], body: &str) -> Answer {
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    world.send("POST", path, &headers, body)
}

fn status(answer: &Answer) -> (u16, String) {
    let reason = if answer.status < 400 { String::new() } else { answer.json()["reason"].as_str().unwrap().to_owned() };
    (answer.status, reason)
}

fn refused(code: u16, reason: &str) -> (u16, String) {
    (code, reason.to_owned())
}

#[test]
fn each_sender_passes_and_what_it_did_not_sign_does_not() {
    let world = world().serve(&[]);
    for (by, secret, path) in SENDERS {
        let signed = sign(by, secret, BODY, now());
        let answer = post(&world, path, &signed, BODY);
        assert_eq!(answer.status, 200, "{by}: {}", answer.text());
        // The demo upstream tells what it sees.
        let seen = answer.json();
        assert_eq!(seen["identity"]["kind"].as_str(), Some("webhook"), "{by}: {seen}");
        let scheme = signed[0].split(':').next().unwrap().to_ascii_lowercase();
        assert!(
            seen["headers"].to_string().to_ascii_lowercase().contains(&scheme),
            "{by}: a signature goes on: {seen}"
        );

        let wrong = sign(by, &secret.replacen("MfKQ", "AAAA", 1).replacen('0', "1", 1), BODY, now());
        let rejected = refused(401, "Rejected");
        assert_eq!(status(&post(&world, path, &wrong, BODY)), rejected, "{by}: another secret");
        assert_eq!(
            status(&post(&world, path, &signed, &BODY.replace("12.50", "12.5"))),
            rejected,
            "{by}: another body"
        );
        assert_eq!(status(&post(&world, path, &signed, &BODY.replace("  ", " "))), rejected, "{by}: written again");
        assert_eq!(status(&post(&world, path, &signed, "")), rejected, "{by}: no body");
        assert_eq!(status(&post(&world, path, &[], BODY)), refused(401, "NoCredential"), "{by}: unsigned");
        for one in &signed {
            let twice = [signed.clone(), vec![one.clone()]].concat();
            assert_eq!(status(&post(&world, path, &twice, BODY)), refused(400, "Malformed"), "{by}: {one} twice");
            let name = one.split(':').next().unwrap();
            let without: Vec<String> = signed.iter().filter(|other| *other != one).cloned().collect();
            let answer = post(&world, path, &without, BODY);
            assert_eq!(answer.status, 401, "{by}: without {name}");
            let empty = [without, vec![format!("{name}:")]].concat();
            let answer = post(&world, path, &empty, BODY);
            assert!([400, 401].contains(&answer.status), "{by}: empty {name}");
        }
        if by != "hmac" {
            // Signing takes a while on a busy machine.
            for off in [-301, 330] {
                let answer = post(&world, path, &sign(by, secret, BODY, now() + off), BODY);
                assert_eq!(status(&answer), rejected, "{by}: {off} s off");
                assert_eq!(answer.text().contains("has expired"), off < 0, "{by}: {}", answer.text());
            }
        }
    }
}

#[test]
fn a_secret_in_a_header_passes_and_goes_no_further() {
    let world = world().serve(&[]);
    let answer = post(&world, "/token", &[format!("X-Token: {TOKEN}")], BODY);
    assert_eq!(answer.status, 200);
    assert!(!answer.text().contains(TOKEN), "the upstream sees the secret: {}", answer.text());
    for wrong in [&TOKEN[..TOKEN.len() - 1], "x", &format!("{TOKEN}x")] {
        assert_eq!(post(&world, "/token", &[format!("X-Token: {wrong}")], BODY).status, 401, "{wrong}");
    }
    assert_eq!(post(&world, "/token", &["X-Token:".to_owned()], BODY).status, 400);
    assert!(!world.server().log().contains(TOKEN));
}

#[test]
fn a_password_and_a_token_pass_and_go_no_further() {
    let world = world().serve(&[]);
    let basic = |pair: &str| format!("Authorization: Basic {}", BASE64.encode(pair));
    let ends_at = |second: i64| {
        let [header, claims] = [r#"{"alg":"HS256"}"#.to_owned(), format!(r#"{{"exp":{second}}}"#)];
        let message = format!("{}.{}", BASE64URL.encode(header), BASE64URL.encode(claims));
        let signed = sign("hmac", TOKEN, &message, 0);
        let (_, hex) = signed[0].split_once('=').unwrap();
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let signature: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
        format!("Authorization: Bearer {message}.{}", BASE64URL.encode(signature))
    };
    for (path, right, wrong) in [
        ("/bot", basic(&format!("bot:{PASSWORD}")), basic("bot:wrong")),
        ("/partner", ends_at(now() + 60), ends_at(now() - 1)),
    ] {
        let answer = post(&world, path, std::slice::from_ref(&right), BODY);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.json()["identity"]["kind"].as_str(), Some("webhook"));
        let secret = right.rsplit(' ').next().unwrap();
        assert!(!answer.text().contains(secret), "the upstream sees it: {}", answer.text());
        assert_eq!(status(&post(&world, path, &[wrong], BODY)), refused(401, "Rejected"), "{path}");
        let twice = [right.clone(), right.clone()];
        assert_eq!(status(&post(&world, path, &twice, BODY)), refused(400, "Malformed"), "{path}");
        let asked = post(&world, path, &[], BODY);
        assert_eq!(status(&asked), refused(401, "NoCredential"), "{path}");
        let word = right.split(' ').nth(1).unwrap();
        assert!(asked.header("www-authenticate").unwrap().starts_with(word), "{path}");
        assert!(asked.text().contains(&format!("Authorization: {word} <")), "{}", asked.text());
        assert!(!world.server().log().contains(secret));
    }
    // Whoever has the token is told that it has ended.
    assert!(post(&world, "/partner", &[ends_at(now() - 1)], BODY).text().contains("has expired"));
}

#[test]
fn a_delivery_counts_once_whoever_sends_it_again() {
    let upstream = Upstream::start();
    let world = world().serve(&["--upstream", &upstream.url()]);
    for (by, secret, path) in SENDERS.into_iter().filter(|(by, ..)| *by != "hmac") {
        let body = format!("{{\"by\": \"{by}\"}}");
        let signed = sign(by, secret, &body, now());
        let taken = upstream.requests().len();
        // At once, over connections that different cores take.
        let passed: usize = std::thread::scope(|scope| {
            let senders: Vec<_> = (0..16).map(|_| scope.spawn(|| post(&world, path, &signed, &body).status)).collect();
            let answers = senders.into_iter().map(|sender| sender.join().unwrap());
            answers.inspect(|status| assert!([200, 401].contains(status), "{status}")).filter(|one| *one == 200).count()
        });
        assert_eq!(passed, 1, "{by}");
        assert_eq!(upstream.requests().len(), taken + 1, "{by}");
        let again = post(&world, path, &signed, &body);
        assert_eq!(status(&again), refused(401, "Rejected"), "{by}");
        assert!(again.text().contains("came before"), "{}", again.text());
        // Signed anew it is another delivery, as when a sender had no answer.
        assert_eq!(post(&world, path, &sign(by, secret, &body, now() - 70), &body).status, 200, "{by}");
    }
    // One of several signatures is left out: still the same delivery.
    let signed = sign("stripe", STRIPE, BODY, now());
    assert_eq!(post(&world, "/stripe", &signed, BODY).status, 200);
    let shorter = vec![signed[0].split(",v0=").next().unwrap().to_owned()];
    assert_eq!(post(&world, "/stripe", &shorter, BODY).status, 401);
}

#[test]
fn what_nobody_took_may_come_again_as_it_is() {
    let failing = Upstream::answering("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
    let world = world().serve(&["--upstream", &failing.url()]);
    let signed = sign("stripe", STRIPE, BODY, now());
    for _ in 0..3 {
        assert_eq!(post(&world, "/stripe", &signed, BODY).status, 500);
    }
    // A limit refuses the second one, which is no delivery then either.
    assert_eq!(post(&world, "/limited", &sign("stripe", STRIPE, "1", now()), "1").status, 500);
    let second = sign("stripe", STRIPE, "2", now());
    for _ in 0..2 {
        assert_eq!(status(&post(&world, "/limited", &second, "2")), refused(429, "Limited"));
    }
    assert_eq!(post(&world, "/stripe", &second, "2").status, 500);
}

#[test]
fn the_route_speaks_first_and_other_schemes_beside() {
    let world = world().serve(&[]);
    let signed = sign("stripe", STRIPE, BODY, now());
    assert_eq!(status(&post(&world, "/from", &signed, BODY)), refused(403, "Forbidden"));
    let key = world.key("k", &[]);
    let both = [signed.clone(), vec![format!("X-API-Key: {key}")]].concat();
    assert_eq!(status(&post(&world, "/either", &both, BODY)), refused(400, "Ambiguous"));
    assert_eq!(post(&world, "/either", &[format!("X-API-Key: {key}")], BODY).status, 200);
    assert_eq!(post(&world, "/either", &signed, BODY).status, 200);
    // Nothing of Keyward's own is opened by a signature.
    assert_eq!(post(&world, "/_keyward/api-keys", &sign("stripe", STRIPE, BODY, now()), BODY).status, 401);
}

#[test]
fn the_log_says_why() {
    let world = world().serve(&[]);
    let signed = sign("stripe", STRIPE, BODY, now());
    post(&world, "/stripe", &signed, BODY);
    post(&world, "/stripe", &signed, BODY);
    world.hears("\"repeated\"");
    let log = world.server().log();
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let passed = lines.iter().find(|line| line["outcome"] == "allowed").unwrap();
    assert_eq!((&passed["principal"], &passed["credential"]), (&json!("stripe"), &json!("stripe")));
    for secret in [STRIPE, &signed[0][30..]] {
        assert!(!log.contains(secret), "{log}");
    }
    let explained = world.ok(&["explain", "--method", "POST", "--path", "/stripe", "--header", &signed[0]]);
    assert!(explained.contains("over the body"), "{explained}");
}
