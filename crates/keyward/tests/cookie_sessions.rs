//! Sessions by cookie: begun, used, ended, and never lent to a page of another origin.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use keyward_testkit::client::Answer;
use keyward_testkit::upstream::Upstream;
use keyward_testkit::world::{World, text, until};
use serde_json::json;

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");
const CONFIG: &str =
    "routes: [{name: hooks, path: /public, public: true}, {name: pages, path: /**, schemes: [session, key_header]}]\n";

/// What a browser holds of a session.
struct Browser {
    cookie: String,
    csrf: String,
}

fn login(world: &World, headers: &[&str], password: &str) -> Answer {
    let body = json!({"username": "ada", "password": password, "session": true}).to_string();
    world.send("POST", "/_keyward/login", &[headers, &["Content-Type: application/json"]].concat(), &body)
}

impl Browser {
    fn of(world: &World, answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let set = answer.header("set-cookie").unwrap();
        let cookie = set.split(';').next().unwrap().to_owned();
        world.issued.note(cookie.split_once('=').unwrap().1);
        Self { cookie, csrf: text(&answer.json(), "csrf_token") }
    }

    fn sign_in(world: &World, password: &str) -> Self {
        Self::of(world, &login(world, &[], password))
    }

    fn get(&self, world: &World, target: &str) -> Answer {
        world.send("GET", target, &[&format!("Cookie: {}", self.cookie)], "")
    }

    /// A request that changes something, with further headers and with its token.
    fn post(&self, world: &World, target: &str, headers: &[&str]) -> Answer {
        let (cookie, token) = (format!("Cookie: {}", self.cookie), format!("Keyward-CSRF: {}", self.csrf));
        world.send("POST", target, &[&[cookie.as_str(), token.as_str()], headers].concat(), "")
    }
}

fn serving() -> (World, String) {
    let world = World::new(BINARY).config(CONFIG).serve(&[]);
    let password = world.person("ada", &["--roles", "admin,self"]);
    (world, password)
}

#[test]
fn who_signs_in_gets_a_cookie_and_no_token() {
    let (world, password) = serving();
    let answer = login(&world, &[], &password);
    let browser = Browser::of(&world, &answer);
    let set = answer.header("set-cookie").unwrap();
    let value = browser.cookie.strip_prefix("keyward-session=").unwrap();
    assert_eq!(set, format!("keyward-session={value}; Path=/; HttpOnly; SameSite=Lax"));
    let body = answer.json();
    assert_eq!(body["user"]["username"], "ada");
    assert!(body.get("access_token").is_none() && body.get("refresh_token").is_none(), "{body}");
    assert!(!body.to_string().contains(value) && value.len() > 40);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let seen = browser.get(&world, "/orders").json();
    assert_eq!((&seen["identity"]["kind"], &seen["identity"]["name"]), (&json!("session"), &json!("ada")));
    assert!(!seen.to_string().contains(value), "the cookie went on to the upstream: {seen}");
    let me = browser.get(&world, "/_keyward/me").json();
    assert_eq!((&me["kind"], &me["csrfToken"]), (&json!("session"), &json!(browser.csrf)));
    assert_eq!(login(&world, &[], "wrong password").status, 401);
    assert!(login(&world, &[], "wrong password").header("set-cookie").is_none());
    // A route that does not list sessions takes none.
    let plain = World::new(BINARY).serve(&[]);
    let password = plain.person("ada", &["--roles", "admin"]);
    assert_eq!(Browser::sign_in(&plain, &password).get(&plain, "/orders").status, 401);
}

#[test]
fn a_session_is_another_at_each_sign_in_and_no_cookie_is_taken_over() {
    let (world, password) = serving();
    let first = Browser::sign_in(&world, &password);
    // An attacker's cookie, real or made up, that a victim's browser has when its user signs in.
    for before in [first.cookie.clone(), "keyward-session=chosen".to_owned()] {
        let second = Browser::of(&world, &login(&world, &[&format!("Cookie: {before}")], &password));
        assert_ne!(second.cookie, before);
        assert_eq!(second.get(&world, "/orders").status, 200);
    }
    assert_eq!(world.send("GET", "/orders", &["Cookie: keyward-session=chosen"], "").status, 401);
    let forged = format!("{}x", first.cookie);
    for (cookies, status) in [
        (format!("Cookie: {forged}"), 401),
        (format!("Cookie: {}; {}", first.cookie, first.cookie), 400),
        (format!("Cookie: {}\r\nCookie: {forged}", first.cookie), 400),
        ("Cookie: keyward-session=".to_owned(), 400),
        (format!("Cookie: a=1; {}; b=2", first.cookie), 200),
        (format!("Cookie: {}", first.cookie.replace("keyward", "__Host-keyward")), 401),
        (format!("Cookie: {}", first.cookie.to_uppercase()), 401),
        ("Cookie: a=1".to_owned(), 401),
    ] {
        let answer = world.send("GET", "/orders", &[&cookies], "");
        assert_eq!(answer.status, status, "{}: {}", cookies.len(), answer.text());
    }
}

#[test]
fn no_page_of_another_origin_changes_anything() {
    let (world, password) = serving();
    let browser = Browser::sign_in(&world, &password);
    let origin = format!("Origin: http://{}", world.server().data);
    let cookie = format!("Cookie: {}", browser.cookie);
    for (headers, status) in [
        (&[origin.as_str()][..], 200),
        (&["Sec-Fetch-Site: same-origin"], 200),
        (&[], 200),
        (&["Origin: http://evil.example"], 403),
        (&["Origin: null"], 403),
        (&["Sec-Fetch-Site: cross-site"], 403),
        (&["Sec-Fetch-Site: same-site", &origin], 403),
    ] {
        let answer = browser.post(&world, "/orders", headers);
        assert_eq!(answer.status, status, "{headers:?}: {}", answer.text());
        let without_token = world.send("POST", "/orders", &[&[cookie.as_str()], headers].concat(), "");
        assert_eq!(without_token.status, 403, "{headers:?}");
        assert_eq!(text(&without_token.json(), "reason"), "Forbidden");
    }
    let other = Browser::sign_in(&world, &password);
    let token = format!("Keyward-CSRF: {}", other.csrf);
    for method in ["POST", "PUT", "PATCH", "DELETE", "PURGE"] {
        let answer = world.send(method, "/orders", &[&cookie, &token], "");
        assert_eq!(answer.status, 403, "{method}: the token of another session");
    }
    for method in ["GET", "HEAD", "OPTIONS"] {
        assert_eq!(world.send(method, "/orders", &[&cookie, "Sec-Fetch-Site: cross-site"], "").status, 200, "{method}");
    }
    // The same for Keyward's own endpoints: making a key, signing out.
    let json = "Content-Type: application/json";
    for (token, status) in [(&browser.csrf, 201), (&other.csrf, 403)] {
        let token = format!("Keyward-CSRF: {token}");
        let made = world.send("POST", "/_keyward/api-keys", &[&cookie, &token, json], "{\"name\":\"mine\"}");
        assert_eq!(made.status, status, "{}", made.text());
        if status == 201 {
            world.issued.note(&text(&made.json(), "key"));
            assert_eq!(made.json()["expiresAt"], serde_json::Value::Null, "a key outlives the session");
        }
    }
    assert_eq!(world.send("POST", "/_keyward/logout", &[&cookie, "Origin: http://evil.example"], "").status, 403);
    assert_eq!(browser.get(&world, "/orders").status, 200, "nobody was signed out");
    let told = until("the refusals to be written", || {
        let listed = world.json(&["decisions", "list", "--outcome", "Forbidden"]);
        let details: Vec<_> = listed["data"].as_array().unwrap().iter().map(|one| text(one, "detail")).collect();
        (details.len() > 10).then_some(details)
    });
    assert!(told.contains(&"origin".to_owned()) && told.contains(&"csrf token".to_owned()), "{told:?}");
}

#[test]
fn what_ends_a_session_ends_it_at_once() {
    let (world, password) = serving();
    let (one, other) = (Browser::sign_in(&world, &password), Browser::sign_in(&world, &password));
    (0..6).for_each(|_| assert_eq!(one.get(&world, "/orders").status, 200));
    let out = one.post(&world, "/_keyward/logout", &[]);
    assert_eq!(out.status, 204, "{}", out.text());
    let gone = out.header("set-cookie").unwrap();
    assert_eq!(gone, "keyward-session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    // A copy of the cookie opens nothing.
    for _ in 0..6 {
        let answer = one.get(&world, "/orders");
        assert_eq!((answer.status, text(&answer.json(), "detail")), (401, "The session was revoked.".to_owned()));
    }
    assert_eq!(one.get(&world, "/_keyward/me").status, 401);
    assert_eq!(other.get(&world, "/orders").status, 200, "another session goes on");
    world.ok(&["user", "disable", "ada"]);
    assert_eq!(other.get(&world, "/orders").status, 401);
    world.ok(&["user", "enable", "ada"]);
    assert_eq!(other.get(&world, "/orders").status, 401, "what ended does not come back");
    let third = Browser::sign_in(&world, &password);
    world.ok(&["user", "roles", "ada", "self"]);
    assert_eq!(third.get(&world, "/orders").json()["identity"]["scopes"], json!(["self:*"]));
    let next = world.ok(&["user", "passwd", "ada"]);
    assert_eq!(third.get(&world, "/orders").status, 401, "another password");
    Browser::sign_in(&world, &next);
    let sessions = world.ok(&["export", "--kind", "session"]);
    let all: Vec<serde_json::Value> = sessions.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(all.len(), 4);
    assert!(all.iter().all(|one| one["by"] == "cookie" && one["seenAt"].is_string()), "{sessions}");
}

#[test]
fn the_upstream_sees_its_own_cookies_byte_for_byte_and_never_ours() {
    let upstream = Upstream::start();
    let world = World::new(BINARY).config(CONFIG).serve(&["--upstream", &upstream.url()]);
    let password = world.person("ada", &["--roles", "admin"]);
    let browser = Browser::sign_in(&world, &password);
    for (target, ours) in [
        ("/orders", &browser.cookie),
        ("/public", &browser.cookie),
        ("/public", &"__Host-keyward-session=x".to_owned()),
    ] {
        for (sent, seen) in [
            (ours.clone(), None),
            (format!("a=1; {ours}; b=\"2,  3\"; c"), Some("a=1; b=\"2,  3\"; c")),
            (format!("{ours}; a=1"), Some("a=1")),
            (format!("a=1;{ours}"), Some("a=1")),
        ] {
            let token = format!("Keyward-CSRF: {}", browser.csrf);
            let answer = world.send("GET", target, &[&format!("Cookie: {sent}"), &token], "");
            assert_eq!(answer.status, 200, "{target}");
            let heard = upstream.last();
            let field = |name: &str| heard.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
            assert_eq!(field("Cookie:").or(field("cookie:")), seen, "{target}: {heard}");
            assert!(!heard.to_lowercase().contains("keyward-csrf"), "{heard}");
        }
    }
}
