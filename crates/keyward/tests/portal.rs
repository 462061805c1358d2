//! The customer portal through the real binary: its settings and logo, and the way in by a link.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

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
    let picture = get("/portal/logo");
    assert_eq!(picture.header("content-type"), Some("image/svg+xml"));
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
