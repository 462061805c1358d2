//! Clients of others, unchanged: authlib, requests-oauthlib, oauth4webapi, jose and curl get tokens, refresh, revoke,
//! introspect and check what was signed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use keyward_testkit::oauth::Pair;
use keyward_testkit::ports::free_port;
use keyward_testkit::world::{World, text};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

/// Where `scripts/setup-clients` puts them.
fn packages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/clients")
}

/// A server whose issuer is the URL that it is reached by, and a client.
fn serving() -> (World, String, Pair) {
    let port = free_port();
    let base = format!("http://127.0.0.1:{port}");
    let mut world = World::new(BINARY).config(&format!("security: {{jwt: {{issuer: '{base}'}}}}"));
    world.start_at(port, &[]);
    let pair = world.pair("app", &["--scopes", "orders:read,orders:write"]);
    (world, base, pair)
}

fn ask(command: &mut Command, question: &Value) -> Value {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("scripts/setup-clients");
    child.stdin.take().unwrap().write_all(question.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the client failed; scripts/setup-clients installs what it needs");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn python_clients_work_as_they_are() {
    let (_world, base, pair) = serving();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/oauth.py");
    let question = json!({"base": base, "id": pair.key, "secret": pair.secret});
    let seen = ask(Command::new(packages().join("venv/bin/python")).arg(script), &question);
    for name in ["authlib basic", "authlib post"] {
        let expected = json!({
            "status": 200, "scope": "orders:read", "renewed": true, "active": true, "iss": base, "revoked": 200, "after": 401
        });
        assert_eq!(seen[name], expected, "{name}");
    }
    assert_eq!(
        seen["requests-oauthlib"],
        json!({"status": 200, "scope": "orders:read", "renewed": true, "after": 200})
    );
}

#[test]
fn node_clients_work_as_they_are() {
    let (_world, base, pair) = serving();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/oauth.mjs");
    let packages = packages().canonicalize().expect("scripts/setup-clients");
    let question = json!({"base": base, "id": pair.key, "secret": pair.secret, "packages": packages});
    let seen = ask(Command::new("node").arg(script), &question);
    for name in ["basic", "post"] {
        let told = &seen[name];
        assert_eq!(
            (&told["status"], &told["scope"], &told["after"]),
            (&json!(200), &json!("orders:read"), &json!(401))
        );
        assert_eq!((&told["renewed"], &told["active"]), (&json!(true), &json!(true)), "{name}");
        assert!(text(told, "sid").starts_with("ses_"));
    }
}

#[test]
fn curl_works_as_it_is() {
    let (_world, base, pair) = serving();
    let curl = |arguments: &[&str]| {
        let output = Command::new("curl").args(["--silent", "--show-error"]).args(arguments).output().expect("curl");
        String::from_utf8(output.stdout).unwrap()
    };
    let user = format!("{}:{}", pair.key, pair.secret);
    let token_url = format!("{base}/_keyward/token");
    let told: Value =
        serde_json::from_str(&curl(&["-u", &user, "-d", "grant_type=client_credentials", &token_url])).unwrap();
    let token = text(&told, "access_token");
    let status = |token: &str| {
        curl(&["-o", "/dev/null", "-w", "%{http_code}", "--oauth2-bearer", token, &format!("{base}/orders")])
    };
    assert_eq!((status(&token), status("x")), ("200".to_owned(), "401".to_owned()));
    let form = format!("token={token}");
    let introspect: Value =
        serde_json::from_str(&curl(&["-u", &user, "-d", &form, &format!("{base}/_keyward/introspect")])).unwrap();
    assert_eq!(introspect["active"], true);
    curl(&["-u", &user, "-d", &form, &format!("{base}/_keyward/revoke")]);
    assert_eq!(status(&token), "401");
}
