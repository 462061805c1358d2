//! Whatever a caller makes, renews or wakes is not more than the caller itself: in scopes, addresses, life and mode.

use keyward_testkit::world::{World, text};
use serde_json::Value;

const KEYS: &str = "/_keyward/api-keys";

fn serving(config: &str) -> World {
    World::new(env!("CARGO_BIN_EXE_keyward")).config(config).serve(&[])
}

/// The answer's status and body to the making of a key.
fn make(world: &World, maker: &str, body: &str) -> (u16, Value) {
    let answer = world.call("POST", KEYS, maker, body);
    (answer.status, answer.json())
}

#[test]
fn a_pause_by_the_operator_is_not_ended_by_a_weaker_key() {
    let world = serving("{}");
    let strong = world.key_json("strong", &["--scopes", "*"]);
    let weak = world.key("weak", &["--scopes", "self:keys:write"]);
    let equal = world.key("equal", &["--scopes", "*"]);
    let path = format!("{KEYS}/{}", text(&strong, "id"));
    world.ok(&["key", "disable", &text(&strong, "id")]);
    assert_eq!(world.call("PATCH", &path, &weak, "{\"disabled\":false}").status, 403);
    assert_eq!(world.get("/x", &text(&strong, "key")).status, 401, "still paused");
    assert_eq!(world.call("PATCH", &path, &equal, "{\"disabled\":false}").status, 200);
    assert_eq!(world.get("/x", &text(&strong, "key")).status, 200);
}

#[test]
fn default_scopes_give_no_child_more_than_its_maker() {
    let config = "security: {api_keys: {default_scopes: ['*', 'keyward:keys:read']}}\n\
                  routes: [{name: kw, path: /kw, scopes: ['keyward:keys:read']}, {name: all, path: /**}]\n";
    let world = serving(config);
    let maker = world.key("maker", &["--scopes", "*"]);
    assert_eq!(world.get("/kw", &maker).status, 403);
    let (status, child) = make(&world, &maker, "{\"name\":\"child\"}");
    assert_eq!((status, &child["scopes"]), (201, &serde_json::json!(["*"])));
    assert_eq!(world.get("/kw", &text(&child, "key")).status, 403);
}

#[test]
fn a_child_lives_no_longer_and_comes_from_no_further() {
    let world = serving("{}");
    let maker =
        world.key_json("maker", &["--scopes", "self:*", "--ip", "127.0.0.0/8", "--expires", "1h", "--mode", "test"]);
    let key = text(&maker, "key");
    let (status, child) = make(&world, &key, "{\"name\":\"silent\"}");
    assert_eq!(status, 201, "{child}");
    for field in ["allowedIps", "expiresAt", "mode"] {
        assert_eq!(child[field], maker[field], "{field}");
    }
    for (more, status) in [
        ("\"allowedIps\":[\"127.0.0.1\"]", 201),
        ("\"expiresAt\":\"30m\"", 201),
        ("\"allowedIps\":[\"127.0.0.1\",\"10.0.0.0/8\"]", 403),
        ("\"expiresAt\":\"2h\"", 403),
        ("\"mode\":\"live\"", 403),
    ] {
        assert_eq!(make(&world, &key, &format!("{{\"name\":\"child\",{more}}}")).0, status, "{more}");
    }
}

#[test]
fn a_rotation_frees_no_key_of_the_limits_of_who_asks() {
    let world = serving("{}");
    let free = text(&world.key_json("free", &["--scopes", "orders:read"]), "id");
    for limits in [["--ip", "127.0.0.0/8"], ["--expires", "1h"], ["--mode", "test"]] {
        let bound = world.key("bound", &[&["--scopes", "self:*,orders:*"], &limits[..]].concat());
        let answer = world.call("POST", &format!("{KEYS}/{free}/rotate"), &bound, "");
        assert_eq!(answer.status, 403, "{limits:?}: {}", answer.text());
    }
    let unbound = world.key("unbound", &["--scopes", "self:*,orders:*"]);
    assert_eq!(world.call("POST", &format!("{KEYS}/{free}/rotate"), &unbound, "").status, 201);
}
