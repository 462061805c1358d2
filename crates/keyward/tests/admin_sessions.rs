//! Sessions of operators on their port: begun, ended, and worth nothing in any other hand or place.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use keyward_testkit::client::Answer;
use keyward_testkit::world::{World, text};
use serde_json::{Value, json};

/// What a browser holds whose user signed in.
struct Browser<'w> {
    world: &'w World,
    cookie: String,
    token: String,
}

fn serving() -> World {
    World::new(env!("CARGO_BIN_EXE_keyward")).serve(&[])
}

fn sign_in(world: &World, username: &str, password: &str, headers: &[&str]) -> Answer {
    let body = json!({"username": username, "password": password}).to_string();
    world.operate_by("POST", "/session", &[&["Content-Type: application/json"], headers].concat(), &body)
}

impl<'w> Browser<'w> {
    fn of(world: &'w World, username: &str, password: &str) -> Self {
        let answer = sign_in(world, username, password, &[]);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let line = answer.header("set-cookie").unwrap().to_owned();
        assert!(line.starts_with("keyward-console=kwses_") && line.contains("HttpOnly; SameSite=Strict"), "{line}");
        let cookie = line.split(';').next().unwrap().to_owned();
        world.issued.note(cookie.split_once('=').unwrap().1);
        assert!(!answer.text().contains(cookie.split_once('=').unwrap().1), "the cookie is not in the body");
        Self { world, cookie, token: text(&answer.json(), "csrfToken") }
    }

    fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        self.send(method, path, &[&format!("Keyward-CSRF: {}", self.token)], body)
    }

    fn send(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        let cookie = format!("Cookie: {}", self.cookie);
        let json = ["Content-Type: application/json"];
        let json = if body.is_empty() { &json[1..] } else { &json[..] };
        self.world.operate_by(method, path, &[&[cookie.as_str()], json, headers].concat(), body)
    }

    fn who(&self) -> Answer {
        self.call("GET", "/session", "")
    }
}

#[test]
fn an_operator_signs_in_works_and_signs_out_and_the_cookie_is_dead() {
    let world = serving();
    let browser = Browser::of(&world, "admin", &world.first_password());
    let who = browser.who().json();
    assert_eq!((&who["user"]["username"], &who["roles"]), (&json!("admin"), &json!(["admin", "operator"])));
    assert_eq!(who["csrfToken"], browser.token.as_str());
    assert_eq!(who["dataPlane"]["url"], format!("http://{}", world.server().data));
    assert_eq!(who["dataPlane"]["header"], "X-API-Key");
    let made = browser.call("POST", "/keys", "{\"name\":\"mine\"}");
    assert_eq!(made.status, 201, "{}", made.text());
    let key = text(&made.json(), "key");
    world.issued.note(&key);
    assert_eq!((&made.json()["owner"], world.get("/x", &key).status), (&json!("admin"), 200));
    let out = browser.call("DELETE", "/session", "");
    assert_eq!(out.status, 204, "{}", out.text());
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(out.header("keyward-receipt").unwrap().split(',').next(), Some("1/1 nodes"));
    // Stolen before, shown after.
    assert_eq!(browser.who().status, 401);
    assert_eq!(browser.call("POST", "/keys", "{\"name\":\"x\"}").status, 401);
}

#[test]
fn who_is_no_operator_does_not_come_in() {
    let world = serving();
    let password = world.person("ada", &["--roles", "admin,self"]);
    let first = world.first_password();
    for (username, password, status, reason) in [
        ("ada", password.as_str(), 403, "Forbidden"),
        ("ada", "wrong and long", 401, "Rejected"),
        ("nobody", "wrong and long", 401, "Rejected"),
        ("admin", "wrong and long", 401, "Rejected"),
        ("admin", first.as_str(), 200, ""),
    ] {
        let answer = sign_in(&world, username, password, &[]);
        assert_eq!(answer.status, status, "{username}: {}", answer.text());
        if status != 200 {
            assert_eq!(text(&answer.json(), "reason"), reason);
            assert!(answer.header("set-cookie").is_none());
        } else {
            let cookie = answer.header("set-cookie").unwrap().split(['=', ';']).nth(1).unwrap().to_owned();
            world.issued.note(&cookie);
        }
    }
    let log: Value = world.json(&["audit", "list", "--limit", "50"]);
    assert!(log.to_string().contains("no role of the user"), "{log}");
}

#[test]
fn a_page_of_another_origin_does_nothing() {
    let world = serving();
    let first = world.first_password();
    let browser = Browser::of(&world, "admin", &first);
    let admin = world.server().admin;
    let token = format!("Keyward-CSRF: {}", browser.token);
    let own = format!("Origin: http://{admin}");
    let data = format!("Origin: http://{}", world.server().data);
    let body = "{\"name\":\"forged\"}";
    for headers in [
        // What a page elsewhere can have a browser send along: everything but the token.
        &[][..],
        &["Sec-Fetch-Site: cross-site"],
        &[own.as_str()],
        &[own.as_str(), "Keyward-CSRF: "],
        &[own.as_str(), "Keyward-CSRF: guess"],
        // And where it came to know the token.
        &[token.as_str(), "Origin: http://evil.example"],
        &[token.as_str(), "Origin: null"],
        &[token.as_str(), "Sec-Fetch-Site: cross-site"],
        &[token.as_str(), "Sec-Fetch-Site: same-site"],
        // The API behind is of another origin, too, though of the same host.
        &[token.as_str(), data.as_str()],
    ] {
        let answer = browser.send("POST", "/keys", headers, body);
        assert_eq!((answer.status, text(&answer.json(), "reason").as_str()), (403, "Forbidden"), "{headers:?}");
        assert_eq!(browser.send("DELETE", "/me/sessions", headers, "").status, 403, "{headers:?}");
    }
    let made = browser.send("POST", "/keys", &[&token, &own, "Sec-Fetch-Site: same-origin"], body);
    assert_eq!(made.status, 201);
    world.issued.note(&text(&made.json(), "key"));
    // Nobody is signed in by a page from elsewhere either, nor by a form, which needs no leave to be sent.
    for header in ["Origin: http://evil.example", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: none"] {
        assert_eq!(sign_in(&world, "admin", &first, &[header]).status, 403, "{header}");
    }
    let form = world.operate_by("POST", "/session", &["Content-Type: text/plain"], "{\"username\":\"admin\"}");
    assert_eq!(form.status, 415);
}

#[test]
fn a_session_is_of_its_own_plane() {
    let world = serving();
    let first = world.first_password();
    let browser = Browser::of(&world, "admin", &first);
    let console = browser.cookie.split_once('=').unwrap().1.to_owned();
    let body = json!({"username": "admin", "password": first, "session": true});
    let login = world.post("/_keyward/login", &body);
    let data = login.header("set-cookie").unwrap().split([';', '=']).nth(1).unwrap().to_owned();
    world.issued.note(&data);
    for (port, target, name, value, status) in [
        (world.server().admin, "/admin/v1/session", "keyward-console", &console, 200),
        (world.server().admin, "/admin/v1/session", "keyward-console", &data, 401),
        (world.server().admin, "/admin/v1/session", "keyward-session", &data, 401),
        (world.server().admin, "/admin/v1/session", "keyward-session", &console, 401),
        (world.server().data, "/_keyward/me", "keyward-session", &data, 200),
        (world.server().data, "/_keyward/me", "keyward-session", &console, 401),
        (world.server().data, "/_keyward/me", "keyward-console", &console, 401),
    ] {
        // Twice: what memory knows by now makes no difference.
        for _ in 0..2 {
            let answer = world.send_to(port, ("GET", target), &[&format!("Cookie: {name}={value}")], "");
            assert_eq!(answer.status, status, "{target} {name}");
        }
    }
    // Tokens and passwords open nothing here.
    let tokens = world.login("admin", &first);
    let basic = keyward_testkit::people::basic("admin", &first);
    for header in [format!("Authorization: Bearer {}", tokens.access), basic] {
        assert_eq!(world.operate_by("GET", "/keys", &[&header], "").status, 401, "{header}");
    }
}

#[test]
fn a_cookie_that_was_there_before_is_never_the_one_that_is_signed_in() {
    let world = serving();
    let first = world.first_password();
    let victim = Browser::of(&world, "admin", &first);
    assert_eq!(victim.call("DELETE", "/session", "").status, 204);
    for planted in ["keyward-console=kwses_planted", victim.cookie.as_str()] {
        let answer = sign_in(&world, "admin", &first, &[&format!("Cookie: {planted}")]);
        assert_eq!(answer.status, 200);
        let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        world.issued.note(cookie.split_once('=').unwrap().1);
        assert_ne!(cookie, planted);
        let planted = world.operate_by("GET", "/session", &[&format!("Cookie: {planted}")], "");
        assert_eq!(planted.status, 401);
    }
}

#[test]
fn one_signs_out_everywhere_and_changes_ones_password() {
    let world = serving();
    let first = world.first_password();
    let (here, there) = (Browser::of(&world, "admin", &first), Browser::of(&world, "admin", &first));
    let all = here.call("GET", "/me/sessions", "").json();
    assert_eq!(all["data"].as_array().unwrap().len(), 2, "{all}");
    let of = |current: bool| {
        let all = all["data"].as_array().unwrap();
        text(all.iter().find(|one| one["current"] == current).unwrap(), "id")
    };
    assert_eq!(here.call("DELETE", &format!("/me/sessions/{}", of(false)), "").status, 204);
    assert_eq!((there.who().status, here.who().status), (401, 200));
    let there = Browser::of(&world, "admin", &first);
    let change = |current: &str, new: &str| {
        here.call("POST", "/me/password", &json!({"current": current, "new": new}).to_string()).status
    };
    let second = "a second password";
    world.issued.note(second);
    assert_eq!(change("wrong and long", second), 401);
    assert_eq!(change(&first, "short"), 400);
    assert_eq!(change(&first, second), 204);
    assert_eq!((there.who().status, here.who().status), (401, 200));
    assert_eq!(here.call("DELETE", "/me/sessions", "").status, 204);
    assert_eq!(here.who().status, 401);
    Browser::of(&world, "admin", second);
    // A key changes nobody's password and sees nobody's sessions of its own.
    let key = world.operator_key();
    assert_eq!(world.operate("GET", "/me/sessions", &key, "").status, 401);
}

#[test]
fn operators_see_sessions_and_end_them() {
    let world = serving();
    let browser = Browser::of(&world, "admin", &world.first_password());
    let operator = world.operator_key();
    let all = world.operate("GET", "/sessions?user=admin", &operator, "").json();
    assert_eq!((&all["data"][0]["by"], &all["data"][0]["plane"]), (&json!("cookie"), &json!("control")));
    let id = text(&all["data"][0], "id");
    assert_eq!(world.operate("DELETE", "/sessions/ses_nothing", &operator, "").status, 404);
    assert_eq!(world.operate("DELETE", &format!("/sessions/{id}"), &operator, "").status, 200);
    assert_eq!(browser.who().status, 401);
}

#[test]
fn sessions_are_listed_by_what_carries_them_on() {
    let world = serving();
    let operator = world.operator_key();
    let password = world.person("ada", &["--roles", "admin,operator"]);
    world.login("ada", &password);
    world.login("ada", &password);
    let _browser = Browser::of(&world, "ada", &password);
    for (by, count) in [("cookie", 1), ("tokens", 2)] {
        for more in ["", "&user=ada"] {
            let listed = world.operate("GET", &format!("/sessions?by={by}{more}"), &operator, "").json();
            let kinds: Vec<&Value> = listed["data"].as_array().unwrap().iter().map(|one| &one["by"]).collect();
            assert_eq!(kinds, vec![by; count], "{more}");
        }
        let user = world.json(&["session", "list", "--by", by, "--user", "ada"]);
        assert_eq!(user["data"].as_array().unwrap().len(), count);
        let table = world.ok(&["session", "list", "--by", by]);
        assert_eq!(table.lines().count(), count + 1, "{table}");
    }
    assert_eq!(world.json(&["session", "list"])["data"].as_array().unwrap().len(), 3);
    // Page by page, and each kind goes on in itself.
    let first = world.operate("GET", "/sessions?by=tokens&limit=1", &operator, "").json();
    let path = format!("/sessions?by=tokens&limit=1&cursor={}", text(&first, "nextCursor"));
    let second = world.operate("GET", &path, &operator, "").json();
    assert_eq!((&second["data"][0]["by"], &second["nextCursor"]), (&json!("tokens"), &Value::Null));
    for wrong in ["by=browser", "by=", "kind=cookie"] {
        assert_eq!(world.operate("GET", &format!("/sessions?{wrong}"), &operator, "").status, 400, "{wrong}");
    }
    assert!(world.refused(&["session", "list", "--by", "browser"]).contains("by cookie or by tokens"));
}
