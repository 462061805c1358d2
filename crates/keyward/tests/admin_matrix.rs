//! Who may do what on the operators' port: every operation, tried by every built-in role, by keys with less, and by nobody.
//! `tests/tables/admin-matrix.txt` has the answers; `UPDATE=1` writes it anew, and whoever commits it has read the difference.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use keyward_testkit::operators::{AUDITOR, OPERATOR};
use keyward_testkit::world::{World, text};
use serde_json::{Value, json};

/// Who tries, in the order of the columns.
struct Caller {
    name: &'static str,
    /// What it shows: a key.
    key: Option<String>,
    /// Or a session, of this user with this password.
    person: Option<(&'static str, String)>,
}

/// Its header lines for one call. A session is begun anew for each that may end it.
fn shown(world: &World, caller: &Caller) -> Vec<String> {
    match (&caller.key, &caller.person) {
        (Some(key), _) => vec![format!("X-API-Key: {key}")],
        (None, Some((username, password))) => {
            let body = json!({"username": username, "password": password}).to_string();
            let answer = world.operate_by("POST", "/session", &["Content-Type: application/json"], &body);
            assert_eq!(answer.status, 200, "{}", answer.text());
            let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
            world.issued.note(cookie.split_once('=').unwrap().1);
            vec![format!("Cookie: {cookie}"), format!("Keyward-CSRF: {}", text(&answer.json(), "csrfToken"))]
        }
        (None, None) => Vec::new(),
    }
}

/// One call that does nothing, whoever may make it: of a thing that is not there, or with a body that is none.
fn tried(world: &World, (verb, path, operation): (&str, &str, &Value), lines: &[String]) -> String {
    let path = path.strip_prefix("/admin/v1").unwrap().replace("{id}", "nothing_0");
    let mut headers: Vec<&str> = lines.iter().map(String::as_str).collect();
    let body = if operation["requestBody"].is_null() { "" } else { "[]" };
    if !body.is_empty() {
        headers.push("Content-Type: application/json");
    }
    if verb == "patch" {
        headers.push("If-Match: *");
    }
    let answer = world.operate_by(&verb.to_ascii_uppercase(), &path, &headers, body);
    assert!(answer.status < 500 || answer.status == 503, "{verb} {path}: {}", answer.text());
    match answer.status {
        401 | 403 => answer.status.to_string(),
        _ => "yes".to_owned(),
    }
}

#[test]
#[allow(clippy::disallowed_methods, reason = "UPDATE is for the person at the keyboard")]
fn every_operation_is_for_whom_the_table_says() {
    let world = World::new(env!("CARGO_BIN_EXE_keyward")).config("security: {throttle: {enabled: false}}").serve(&[]);
    let key = |name: &str, scopes: &str| Some(world.key(name, &["--scopes", scopes]));
    let [operator, auditor] = ["operator", "auditor"].map(|role| (role, world.person(role, &["--roles", role])));
    let by_key = |name, key| Caller { name, key, person: None };
    let callers = [
        by_key("nobody", None),
        by_key("wrong", Some("kw_live_0123456789".to_owned())),
        by_key("nothing", key("nothing", "")),
        by_key("self", key("self", "self:*")),
        by_key("admin", key("admin", "*")),
        by_key("auditor", key("auditor", AUDITOR)),
        by_key("operator", key("operator", OPERATOR)),
        Caller { name: "auditor's session", key: None, person: Some(auditor) },
        Caller { name: "operator's session", key: None, person: Some(operator) },
    ];
    let document = world.operate("GET", "/openapi.json", "", "").json();
    let mut table = format!("{:<46}", "operation");
    for caller in &callers {
        table.push_str(&format!(" {:<19}", caller.name));
    }
    table = format!("{}\n", table.trim_end());
    let mut sessions: Vec<Option<Vec<String>>> = callers.iter().map(|_| None).collect();
    for (path, verbs) in document["paths"].as_object().unwrap() {
        // What answers until it is hung up would be waited for.
        for (verb, operation) in verbs.as_object().unwrap().iter().filter(|_| !path.ends_with("/tail")) {
            let ends = verb == "delete" && (path.ends_with("/session") || path.ends_with("/me/sessions"));
            let mut row = format!("{:<46}", format!("{:<6} {path}", verb.to_ascii_uppercase()));
            for (caller, held) in callers.iter().zip(&mut sessions) {
                let lines = held.take().unwrap_or_else(|| shown(&world, caller));
                row.push_str(&format!(" {:<19}", tried(&world, (verb, path, operation), &lines)));
                *held = (!ends).then_some(lines);
            }
            table.push_str(&format!("{}\n", row.trim_end()));
        }
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/tables/admin-matrix.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(file, &table).unwrap();
    }
    let committed = std::fs::read_to_string(file).unwrap_or_default();
    assert!(table == committed, "{file} differs:\n{table}");
}
