//! `keyward explain` and `keyward config …` in a user's words: what they say, with which exit code, and never a secret.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::process::Output;

use keyward_testkit::world::World;
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");
const OPERATORS: &str = "ci-key-of-the-operator-0123456789abcdef";
const YAML: &str = r#"
routes:
  - {name: docs, path: /docs/**, public: true}
  - {name: orders, path: /orders/**, scopes: {GET: [orders:read], "*": [orders:write]}}
  - {name: office, path: /office, ip: {allow: [10.0.0.0/8]}}
  - {name: api, path: /api/**}
ip: {deny: [192.0.2.66]}
security: {api_keys: {static: [{name: ci, key: ci-key-of-the-operator-0123456789abcdef, scopes: ["orders:*"]}]}}
"#;

/// A world with a store and no server.
fn alone(yaml: &str) -> World {
    let world = World::new(BINARY).config(yaml);
    world.ok(&["init"]);
    world
}

fn id(key: &Value) -> &str {
    key["id"].as_str().expect("an id")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What `explain` says, as text and as JSON: they agree on the outcome.
fn explain(world: &World, arguments: &[&str], headers: &str) -> (String, Value) {
    let arguments = [&["explain"], arguments].concat();
    let output = world.run_with_stdin(&arguments, headers);
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let output = world.run_with_stdin(&[&arguments[..], &["--json"]].concat(), headers);
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let outcome = match (json["status"].as_u64(), json["reason"].as_str()) {
        (Some(status), Some(reason)) => format!("refused: {status} {reason}"),
        _ => "allowed: ".to_owned(),
    };
    assert!(text.contains(&outcome), "{outcome} in\n{text}");
    assert_eq!(json["allowed"].as_bool(), Some(text.contains("\nallowed: ")), "{text}");
    (text, json)
}

#[test]
fn each_refusal_is_explained_and_each_success() {
    let world = alone(YAML);
    let [all, reader, office, gone, paused, old, late] = ["all", "reader", "office", "gone", "paused", "old", "late"]
        .map(|name| match name {
            "reader" => world.key_json(name, &["--scopes", "orders:read"]),
            "office" => world.key_json(name, &["--ip", "10.0.0.0/8"]),
            _ => world.key_json(name, &[]),
        });
    world.ok(&["key", "revoke", id(&gone)]);
    world.ok(&["key", "disable", id(&paused)]);
    world.ok(&["key", "rotate", id(&old), "--overlap", "0"]);
    let key = all["key"].as_str().unwrap();
    let (good, twice) = (format!("X-API-Key: {key}"), format!("X-API-Key: {key}\nx-api-key: {key}"));
    let two = format!("X-API-Key: {key}\nAuthorization: ApiKey {key}");
    let (by_operator, foreign) = (format!("X-API-Key: {OPERATORS}"), format!("X-API-Key: {key}x"));
    let read = ["--path", "/orders/1"];
    let write = ["--path", "/orders/1", "--method", "POST"];
    let elsewhere = ["--path", "/api/x", "--from", "192.0.2.66"];
    let inside = ["--path", "/office", "--from", "10.1.2.3"];
    // arguments, headers or the key of an id, status and reason, words of the account, what to do
    let rows: [(&[&str], &str, &str, &str, &str); 26] = [
        (&["--path", "/nowhere"], "", "404 NoRoute", "NO  no route matches", "add a route"),
        (&["--path", "/_keyward/nothing"], "", "404 NoRoute", "never forwarded", "call an endpoint that is there"),
        (&["--path", "/_keyward/health", "--method", "POST"], "", "405 WrongMethod", "not with this", "use a method"),
        (&["--path", "orders"], "", "400 Malformed", "NO  the path does not start with /", "spell the path plainly"),
        (&["--path", "/api/a/../b"], "", "400 Malformed", "NO  the path ", "no configuration opens this"),
        (&["--path", "/api/a;b"], "", "400 Malformed", "NO  the path ", "allow: [semicolon]"),
        (&["--path", "/no//route"], "", "400 Malformed", "NO  the path ", "allow: [empty-segment]"),
        (&elsewhere, "", "403 Forbidden", "NO  the list `ip` does not let 192.0.2.66 in", "change `ip` in the config"),
        (&["--path", "/office"], "", "403 Forbidden", "NO  the route's list does not let 127.0.0.1", "of the route"),
        (&read, "", "401 NoCredential", "NO  no credential was sent", "keyward key create NAME"),
        (&read, "Host: x\n\n", "401 NoCredential", "NO  no credential was sent", "keyward key create NAME"),
        (&read, "X-API-Key:", "400 Malformed", "NO  scheme `key_header`", "send the header once"),
        (&read, &twice, "400 Malformed", "came more than once", "send the header once"),
        (&read, &two, "400 Ambiguous", "NO  two credentials at once", "several: first"),
        (&read, "X-API-Key: wrong", "401 Rejected", "NO  it is no key made by this server", "check that the key"),
        (&read, &foreign, "401 Rejected", "NO  it is no key made by this server", "check that the key"),
        (&read, id(&gone), "401 Rejected", "(\"gone\") of user_", "a revoked one never comes back"),
        (&read, id(&paused), "401 Rejected", " is disabled", "`keyward key enable ID`"),
        (&read, id(&old), "401 Rejected", " is expired (its end: 20", "make a new key"),
        (&read, id(&office), "403 Forbidden", "NO  the key's own list does not let 127.0.0.1 in", "whose --ip list"),
        (&write, id(&reader), "403 Forbidden", "NO  it lacks the scope orders:write", "--scopes orders:write"),
        (&read, id(&reader), "", "ok  it has the scope orders:read", "allowed"),
        (&read, &good, "", "ok  scheme `key_header`", "allowed"),
        (&read, &by_operator, "", "it is one of the operator's keys", "allowed"),
        (&inside, id(&late), "", "ok  the route's list lets 10.1.2.3 in", "allowed"),
        (&["--path", "/docs/x?y=1"], "", "", "the route is public: no credential is read", "allowed"),
    ];
    for (arguments, of, outcome, account, todo) in rows {
        let how = if of.starts_with("key_") { ["--key-id", of] } else { ["--header", "@-"] };
        let how = if of.is_empty() { &[][..] } else { &how };
        let (text, json) = explain(&world, &[arguments, how].concat(), of);
        let what = format!("{arguments:?} {how:?}:\n{text}");
        assert!(text.contains(outcome) && text.contains(account) && text.contains(todo), "{what}");
        let steps = json["steps"].as_array().unwrap();
        assert_eq!(steps.iter().any(|step| step["ok"] == false), !outcome.is_empty(), "a NO where refused: {what}");
        assert_eq!(json["advice"].is_null(), outcome.is_empty(), "{what}");
        assert!(!text.contains(&key[12..]) && !text.contains(OPERATORS), "it shows a key: {what}");
    }
}

#[test]
fn headers_come_from_stdin_a_file_or_with_a_warning() {
    let world = World::new(BINARY).config(YAML).serve(&[]);
    let key = world.key("one", &[]);
    let header = format!("X-API-Key: {key}");
    std::fs::write(world.path("headers"), &header).unwrap();
    let allowed = |arguments: &[&str]| {
        let output = world.run_with_stdin(&[&["explain", "--path", "/api/x"], arguments].concat(), &header);
        assert!(String::from_utf8_lossy(&output.stdout).contains("\nallowed: "), "{arguments:?}: {}", said(&output));
        assert!(!said(&output).contains(&key[12..]), "it shows the key");
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(allowed(&["--header", "@-"]), "");
    assert_eq!(allowed(&["--header", "@headers"]), "");
    assert!(allowed(&["--header", &header]).contains("others on this machine can see"));
    assert_eq!(world.get("/api/x", &key).status, 200, "and so it is");
}

#[test]
fn what_cannot_be_explained_is_refused() {
    let world = alone(YAML);
    for (arguments, part) in [
        (&["--key-id", "key_nobody"], "there is no key \"key_nobody\""),
        (&["--method", "G T"], "\"G T\" is no HTTP method"),
        (&["--from", "nowhere"], "\"nowhere\" is no IP address"),
        (&["--header", "@no-such-file"], "cannot read headers from @no-such-file"),
    ] {
        let said = world.refused(&[&["explain", "--path", "/x"], &arguments[..]].concat());
        assert!(said.contains(part), "{said}");
    }
    let pasted = "kw_live_pasted-without-its-name";
    let output = world.run_with_stdin(&["explain", "--path", "/x", "--header", "@-"], pasted);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("`Name: value`") && !said(&output).contains("pasted"), "{}", said(&output));
    assert_eq!(world.run(&["explain"]).status.code(), Some(2), "no path is wrong usage");
    let both = world.run(&["explain", "--path", "/x", "--key-id", "key_x", "--header", "@-"]);
    assert_eq!(both.status.code(), Some(2), "two ways to say which key are wrong usage");
}

#[test]
fn with_and_without_a_server_the_same_is_said() {
    let mut world = alone(YAML);
    let key = world.key_json("one", &["--scopes", "orders:read"]);
    let arguments = ["--path", "/orders/1", "--method", "PUT", "--key-id", id(&key)];
    let before = explain(&world, &arguments, "");
    world.start(&[]);
    assert_eq!(explain(&world, &arguments, ""), before);
    assert!(before.0.contains("NO  it lacks the scope orders:write"), "{}", before.0);
    world.ok(&["key", "disable", id(&key)]);
    assert_eq!(explain(&world, &arguments, "").1["reason"], "Rejected", "the server's own state");
}

#[test]
fn a_good_configuration_and_every_mistake_of_a_bad_one() {
    let world = World::new(BINARY).config(YAML);
    assert!(world.ok(&["config", "check"]).ends_with("keyward.yaml: no mistakes"));
    assert_eq!(world.json(&["config", "check"]), json!({"mistakes": [], "warnings": []}));
    assert_eq!(World::new(BINARY).ok(&["config", "check"]), "no configuration file; the defaults: no mistakes");
    let bad = "server:\n  prot: 80\ndata: {url: x}\nroutes:\n  - {name: a, path: a}\n";
    let world = World::new(BINARY).config(bad);
    let output = world.run(&["config", "check"]);
    assert_eq!(output.status.code(), Some(1));
    for part in [
        "keyward.yaml:2:3: unknown name \"prot\"",
        "2 |   prot: …\n  |   ^^^^\n",
        "did you mean \"port\"?",
        "keyward.yaml:3:8: \"data.url\" is not in this version yet",
        "keyward.yaml:5:21: \"a\" is not a path pattern",
        "3 mistakes; a running server goes on with the configuration it has",
    ] {
        assert!(said(&output).contains(part), "{part:?} is missing in:\n{}", said(&output));
    }
    let output = world.run(&["config", "check", "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), told["mistakes"].as_array().map(Vec::len)), (Some(1), Some(3)));
    assert_eq!((&told["mistakes"][0]["line"], &told["mistakes"][0]["column"]), (&json!(2), &json!(3)));
    for command in [&["key", "list"][..], &["config", "show"], &["init"], &["serve", "--port", "0"]] {
        assert!(world.refused(command).contains("unknown name \"prot\""), "{command:?} goes on with mistakes");
    }
    assert!(!world.data_dir().exists(), "nothing was made with a bad configuration");
}

#[test]
fn show_tells_each_value_with_its_origin_and_no_secret() {
    let world =
        World::new(BINARY).config(YAML).env("KEYWARD_PORT", "8081").env("KEYWARD_API_KEY", "from-the-environment");
    let all = world.json(&["config", "show"]);
    let text = world.ok(&["config", "show"]);
    for (path, value, origin) in [
        ("server.host", json!("127.0.0.1"), "default"),
        ("server.port", json!(8081), "KEYWARD_PORT"),
        ("routes[1].path", json!("/orders/**"), "keyward.yaml:4"),
        ("ip.deny", json!(["192.0.2.66"]), "keyward.yaml:7"),
        ("security.api_keys.static[0].key", json!("(secret)"), "keyward.yaml:8"),
        ("security.api_keys.static[1].key", json!("(secret)"), "KEYWARD_API_KEY"),
        ("data.dir", json!(world.data_dir()), "--data-dir"),
    ] {
        let shown = all["values"].as_array().unwrap().iter().find(|one| one["path"] == path).unwrap();
        assert_eq!(shown["value"], value, "{path}");
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(path)).unwrap();
        assert!(line.contains(&format!("{origin} ")) && line.ends_with(&value.to_string()), "{line}");
    }
    for secret in [OPERATORS, "from-the-environment"] {
        assert!(!text.contains(secret) && !all.to_string().contains(secret), "{secret} is shown");
    }
}

#[test]
fn the_schema_names_what_the_configuration_takes() {
    let world = World::new(BINARY);
    let schema: Value = serde_json::from_str(&world.ok(&["config", "schema"])).unwrap();
    let names = schema.to_string();
    for shown in world.json(&["config", "show"])["values"].as_array().unwrap() {
        for name in shown["path"].as_str().unwrap().split(['.', '[', ']', '*']) {
            let given = ["key_header", "key_auth", "bearer", "admin", "self", "operator", "auditor"].contains(&name);
            let known = name.is_empty() || given || name.bytes().all(|byte| byte.is_ascii_digit());
            assert!(known || names.contains(&format!("\"{name}\":")), "{name} of {}", shown["path"]);
        }
    }
    for later in ["presets", "observe", "limits_per_key"] {
        assert!(!names.contains(&format!("\"{later}\":")), "{later} is not in this version");
    }
}

#[test]
fn help_tells_of_what_is_there_and_nothing_else() {
    let world = World::new(BINARY);
    let help = |command: &[&str]| {
        let output = world.plain(&[command, &["--help"]].concat()).output().unwrap();
        assert!(output.status.success(), "{command:?}");
        String::from_utf8(output.stdout).unwrap().to_lowercase()
    };
    let commands: [&[&str]; 19] = [
        &[],
        &["serve"],
        &["init"],
        &["explain"],
        &["config"],
        &["config", "check"],
        &["config", "schema"],
        &["config", "show"],
        &["preset"],
        &["preset", "list"],
        &["preset", "show"],
        &["key"],
        &["key", "create"],
        &["key", "list"],
        &["key", "show"],
        &["key", "rotate"],
        &["key", "disable"],
        &["key", "enable"],
        &["key", "revoke"],
    ];
    for command in commands {
        let help = help(command);
        let words: Vec<&str> = help.split(|c: char| !c.is_alphanumeric()).collect();
        for later in ["jwt", "cookie", "tls"] {
            assert!(!words.contains(&later), "{command:?} tells of {later:?}:\n{help}");
        }
    }
    for later in ["token", "import", "signing-key"] {
        assert_eq!(world.plain(&[later]).output().unwrap().status.code(), Some(2), "{later}");
    }
}

#[test]
fn defaults_then_file_then_environment_then_flags() {
    let yaml = "server: {port: 70001}\nupstream: {url: nonsense}\n";
    let origin = |world: &World, flags: &[&str]| world.refused(&[&["serve", "--admin-port", "0"], flags].concat());
    let said = origin(&World::new(BINARY).config(yaml), &[]);
    assert!(said.contains("keyward.yaml:1:16: \"70001\" is not a whole number from 0 to 65535"), "{said}");
    let world = World::new(BINARY).config(yaml).env("KEYWARD_PORT", "80a").env("KEYWARD_UPSTREAM", "ftp://x");
    let said = origin(&world, &[]);
    assert!(said.contains("KEYWARD_PORT: \"80a\"") && said.contains("KEYWARD_UPSTREAM: \"ftp://x\""), "{said}");
    let said = origin(&world, &["--port", "80b"]);
    assert!(said.contains("--port: \"80b\"") && said.contains("KEYWARD_UPSTREAM: \"ftp://x\""), "{said}");
    assert!(!said.contains("80a") && !said.contains("70001"), "the weaker ones are not asked: {said}");
    // `start` gives --port 0: it beats the other two, and the server runs.
    let world = World::new(BINARY).config("server: {port: 1}\n").env("KEYWARD_PORT", "2").serve(&[]);
    assert_ne!([1, 2], [world.server().data.port(); 2]);
    assert_eq!(world.send("GET", "/_keyward/health", &[], "").status, 200);
}

#[test]
fn each_flag_has_a_twin_in_the_environment() {
    let twins = [
        ("KEYWARD_HOST", "127.0.0.2"),
        ("KEYWARD_PORT", "0"),
        ("KEYWARD_ADMIN_HOST", "127.0.0.3"),
        ("KEYWARD_ADMIN_PORT", "0"),
        ("KEYWARD_UPSTREAM", "http://127.0.0.1:9"),
        ("KEYWARD_PUBLIC", "/docs/**, /status"),
        ("KEYWARD_DATA_DIR", "elsewhere"),
        ("KEYWARD_API_KEY", OPERATORS),
    ];
    let mut world = World::new(BINARY);
    for (name, value) in twins {
        world = world.env(name, value);
    }
    let shown: Value =
        serde_json::from_slice(&world.plain(&["config", "show", "--json"]).output().unwrap().stdout).unwrap();
    for (name, _) in twins {
        assert!(
            shown["values"].as_array().unwrap().iter().any(|one| one["origin"] == name),
            "{name} has no effect: {shown}"
        );
    }
    let text = shown.to_string();
    assert!(text.contains("\"/docs/**\"") && text.contains("\"/status\"") && text.contains("\"elsewhere\""), "{text}");
    for (name, _) in twins {
        let said = String::from_utf8(world.plain(&["config", "check"]).env(name, "").output().unwrap().stdout).unwrap();
        assert!(said.contains(&format!("{name}: is set but empty")), "{name}: {said}");
    }
}

#[test]
fn public_opens_what_it_names() {
    let world = World::new(BINARY).serve(&["--public", "/docs/**", "--public", "/status"]);
    for (target, status) in [("/docs/", 200), ("/docs/a/b", 200), ("/status", 200), ("/docs", 401), ("/status/x", 401)]
    {
        assert_eq!(world.send("GET", target, &[], "").status, status, "{target}");
    }
    let log = world.server().log();
    assert!(log.contains("every path needs a credential, except /docs/** /status"), "{log}");
    let said = World::new(BINARY).refused(&["serve", "--port", "0", "--public", "docs"]);
    assert!(said.contains("--public: \"docs\" is not a path pattern"), "{said}");
}

#[test]
fn a_key_of_the_operators_own() {
    let world = World::new(BINARY).serve(&["--api-key", OPERATORS]);
    assert_eq!((world.get("/x", OPERATORS).status, world.get("/x", "other").status), (200, 401));
    let log = world.server().log();
    assert!(log.contains("others on this machine can see the key in --api-key") && !log.contains(OPERATORS), "{log}");

    let mut world = World::new(BINARY);
    std::fs::write(world.path("key"), format!("{OPERATORS}\n")).unwrap();
    world.start(&["--api-key-file", "key"]);
    assert_eq!(world.get("/x", OPERATORS).status, 200, "the newline of the file is not part of the key");
    assert!(!world.server().log().contains("warning"), "{}", world.server().log());

    let world = World::new(BINARY).env("KEYWARD_API_KEY", "short").serve(&[]);
    assert_eq!(world.get("/x", "short").status, 200);
    let log = world.server().log();
    assert!(log.contains("KEYWARD_API_KEY: warning: the key of \"api-key\" is shorter than 32 bytes"), "{log}");
}

#[test]
fn an_empty_key_opens_nothing() {
    let world = World::new(BINARY);
    std::fs::write(world.path("empty"), "\n").unwrap();
    for (flags, part) in [
        (["--api-key", ""], "--api-key: this value is empty"),
        (["--api-key-file", "empty"], "--api-key-file: empty is empty"),
        (["--api-key-file", "gone"], "--api-key-file: cannot read gone"),
    ] {
        let said = world.refused(&[&["serve", "--port", "0", "--admin-port", "0"], &flags[..]].concat());
        assert!(said.contains(part), "{said}");
    }
    let world = world.env("KEYWARD_API_KEY", "");
    assert!(world.refused(&["serve", "--port", "0"]).contains("KEYWARD_API_KEY: is set but empty"));
    let both = world.run(&["serve", "--api-key", "a", "--api-key-file", "empty"]);
    assert_eq!(both.status.code(), Some(2), "one key, from one of the two");
    assert!(!world.data_dir().exists(), "nothing was made");
}

#[test]
fn open_if_none_warns_wherever_it_opens() {
    let yaml = "security: {api_keys: {open_if_none: true}}\n";
    let warning = "keyward.yaml:1:37: warning: all routes are open: there is no static key";
    let mut world = World::new(BINARY).config(yaml);
    assert!(world.ok(&["config", "check"]).contains(warning));
    assert_eq!(world.json(&["config", "check"])["warnings"][0]["line"], 1);
    world.start(&[]);
    let log = world.server().log();
    assert!(log.contains(warning) && log.contains("EVERY PATH IS OPEN"), "{log}");
    assert_eq!(world.send("GET", "/x", &[], "").status, 200);
    assert_eq!(world.send("GET", "/_keyward/api-keys", &[], "").status, 401, "but not Keyward's own");
    world.stop();
    world.start(&["--api-key", OPERATORS]);
    assert!(!world.server().log().contains("EVERY PATH IS OPEN"), "{}", world.server().log());
    assert_eq!((world.send("GET", "/x", &[], "").status, world.get("/x", OPERATORS).status), (401, 200));
}
