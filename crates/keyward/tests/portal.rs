//! The customer portal through the real binary: its settings and logo, and the way in by a link.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::path::Path;

use keyward_testkit::client::Answer;
use keyward_testkit::curl;
use keyward_testkit::world::World;
use serde_json::json;

#[test]
fn a_link_leads_into_the_portal_once_and_to_own_affairs_alone() {
    let world = World::new(env!("CARGO_BIN_EXE_keyward"));
    let logo = world.path("logo.svg");
    std::fs::write(&logo, "<svg xmlns=\"http://www.w3.org/2000/svg\"/>").unwrap();
    let config = format!("portal: {{path: /portal, name: Acme, color: \"#0B57D0\", logo_file: {}}}", logo.display());
    let world = world.config(&config).serve(&[]);
    let get = |path: &str| world.send("GET", path, &[], "");
    assert_eq!((get("/portal").status, get("/portal").header("location")), (308, Some("/portal/")));
    let told = get("/portal/settings.json").json();
    assert_eq!((&told["name"], &told["color"], &told["logo"]), (&json!("Acme"), &json!("#0b57d0"), &json!("logo")));
    assert_eq!(told["endpoints"]["apiKeys"], "/_keyward/api-keys");
    assert_eq!(told["key"], json!({"header": "X-API-Key", "prefix": ""}));
    let picture = get("/portal/logo");
    assert_eq!(picture.header("content-type"), Some("image/svg+xml"));
    assert_eq!(picture.header("cache-control"), Some("max-age=300"));
    assert!(picture.header("content-security-policy").unwrap().contains("sandbox"));
    world.ok(&["account", "add", "acme"]);
    let link = world.ok(&["account", "portal-link", "acme"]);
    let token = link.strip_prefix("/portal/#/enter/").unwrap();
    world.issued.note(token);
    let entered = world.post("/portal/enter", &json!({"token": token}));
    assert_eq!(entered.status, 200, "{}", entered.text());
    let cookie = entered.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    world.issued.note(cookie.split_once('=').unwrap().1);
    let me = world.send("GET", "/_keyward/me", &[&format!("Cookie: {cookie}")], "").json();
    assert_eq!((&me["kind"], &me["scopes"]), (&json!("session"), &json!(["self:*"])));
    assert_eq!(me["accountName"], "acme");
    for token in [token, "kwprt_guess"] {
        let refused = world.post("/portal/enter", &json!({"token": token}));
        assert_eq!((refused.status, refused.header("set-cookie")), (404, None));
    }
}

#[test]
fn a_backend_makes_links_with_a_key_that_may_do_nothing_else() {
    let world = World::new(env!("CARGO_BIN_EXE_keyward")).config("portal: {path: /portal}").serve(&[]);
    world.ok(&["account", "add", "acme", "--external-id", "A-1"]);
    let key = world.key("backend", &["--scopes", "keyward:portal:write"]);
    let made = world.operate("POST", "/accounts/A-1/portal-links", &key, "");
    assert_eq!(made.status, 201, "{}", made.text());
    let link = made.json()["link"].as_str().unwrap().to_owned();
    let token = link.strip_prefix("/portal/#/enter/").unwrap();
    world.issued.note(token);
    assert_eq!(world.post("/portal/enter", &json!({"token": token})).status, 200);
    assert_eq!(world.post("/portal/enter", &json!({"token": token})).status, 404);
    assert_eq!(world.operate("POST", "/accounts/none/portal-links", &key, "").status, 404);
    assert_eq!(world.operate("GET", "/accounts/A-1", &key, "").status, 403);
    let other = world.key("other", &["--scopes", "keyward:accounts:write,*"]);
    assert_eq!(world.operate("POST", "/accounts/A-1/portal-links", &other, "").status, 403);
}

/// Whether npm has built the pages; a build without Node has none.
fn is_built() -> bool {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../console/dist/portal/index.html")).is_file()
}

#[test]
fn the_pages_come_packed_and_only_where_they_are_new() {
    if !is_built() {
        return;
    }
    let world = World::new(env!("CARGO_BIN_EXE_keyward")).config("portal: {path: /portal}").serve(&[]);
    let address = world.server().data;
    let first = world.send("GET", "/portal/", &[], "");
    let page = first.text();
    let known = format!("If-None-Match: {}", first.header("etag").unwrap());
    let script = page.split('"').find(|text| text.starts_with("./assets/") && text.ends_with(".js")).unwrap();
    let script = format!("/portal/{}", script.strip_prefix("./").unwrap());
    for (target, asks, (status, encoding, kept)) in [
        ("/portal/", "Accept: */*", (200, None, "no-cache")),
        ("/portal/", known.as_str(), (304, None, "no-cache")),
        ("/portal/", "If-None-Match: \"other\"", (200, None, "no-cache")),
        (&script, "Accept-Encoding: gzip;q=0", (200, None, "public, max-age=31536000, immutable")),
        (&script, "Accept-Encoding: br, gzip", (200, Some("gzip"), "public, max-age=31536000, immutable")),
    ] {
        let over_h2 = curl::over_h2(address, "GET", target, &[asks]).unwrap();
        for answer in [world.send("GET", target, &[asks], ""), over_h2] {
            assert_eq!((answer.status, answer.header("content-encoding")), (status, encoding), "{target} {asks}");
            assert_eq!(answer.header("cache-control"), Some(kept), "{target} {asks}");
            assert_eq!(answer.header("vary"), Some("accept-encoding"), "{target} {asks}");
            assert_eq!(length(&answer), (status == 200).then(|| answer.body.len().to_string()), "{target} {asks}");
            assert_eq!(answer.body.starts_with(&[0x1f, 0x8b]), encoding.is_some(), "{target} {asks}");
        }
    }
}

/// What it says of its length; of what is not sent, nothing.
fn length(answer: &Answer) -> Option<String> {
    answer.header("content-length").map(str::to_owned)
}
