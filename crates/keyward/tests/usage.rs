//! What was used in an operator's words: by the hour, of one key with where it came from, of an account, and what is left of limits.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use keyward_testkit::world::{World, text, until};
use serde_json::{Value, json};

fn world() -> World {
    World::new(env!("CARGO_BIN_EXE_keyward"))
}

fn sum(told: &Value, member: &str) -> u64 {
    told["points"].as_array().unwrap().iter().map(|point| point[member].as_u64().unwrap()).sum()
}

#[test]
fn operators_see_what_keys_and_accounts_used_and_what_is_left() {
    let world = world().serve(&[]);
    world.ok(&["account", "add", "Acme", "--limits", "50/1h"]);
    world.person("ada", &["--account", "Acme", "--roles", "admin,self"]);
    let made = world.key_json("first", &["--owner", "ada", "--scopes", "orders:read", "--budget", "1000"]);
    let (key, id) = (text(&made, "key"), text(&made, "id"));
    let other = world.key("other", &["--owner", "ada"]);
    (0..7).for_each(|_| assert_eq!(world.get("/orders", &key).status, 200));
    (0..3).for_each(|_| assert_eq!(world.get("/orders", &other).status, 200));
    assert_eq!(world.get("/_keyward/api-keys", &key).status, 403);

    let told = until("all usage", || {
        let told = world.json(&["key", "usage", &id]);
        (sum(&told, "allowed") == 7 && sum(&told, "refused") == 1).then_some(told)
    });
    assert_eq!((told["step"].as_u64(), told["points"].as_array().unwrap().len() >= 168), (Some(3600), true));
    assert_eq!(told["outcomes"], json!([{"outcome": "allowed", "count": 7}, {"outcome": "Forbidden", "count": 1}]));
    assert_eq!(told["routes"][0], json!({"route": "all", "count": 7, "refused": 0}));
    let places = told["usedFrom"].as_array().unwrap();
    assert!(places.iter().all(|place| place["address"] == "127.0.0.1"), "{told}");
    let days = world.json(&["key", "usage", &id, "--since", "30d"]);
    assert_eq!((days["step"].as_u64(), sum(&days, "allowed")), (Some(86_400), 7));
    let told = world.json(&["account", "usage", "Acme", "--since", "1d"]);
    assert_eq!((sum(&told, "allowed"), sum(&told, "refused")), (10, 1), "all of its keys");
    let rows = world.json(&["usage", "--credential", &id]);
    assert_eq!(rows["data"].as_array().unwrap().iter().map(|row| row["count"].as_u64().unwrap()).sum::<u64>(), 8);
    assert!(world.ok(&["usage", "--outcome", "Forbidden"]).contains("Forbidden"));
    assert!(world.ok(&["usage", "--principal", "user_none"]).contains("nothing of this kind"));

    let limits = world.json(&["key", "limits", &id]);
    let left = |limits: &Value, name: &str| {
        let all = limits["limits"].as_array().unwrap();
        all.iter().find(|one| one["limit"] == name).map(|one| one["remaining"].as_u64().unwrap())
    };
    assert_eq!(left(&limits, "key.budget"), Some(993), "{limits}");
    assert_eq!(left(&limits, "account.1h"), Some(40), "{limits}");
    let limits = world.json(&["account", "limits", "Acme"]);
    assert_eq!((left(&limits, "account.1h"), left(&limits, "key.budget")), (Some(40), None), "{limits}");
    assert!(world.ok(&["account", "limits", "Acme"]).contains("account.1h"));
    assert!(world.ok(&["key", "usage", &id]).contains("127.0.0.1"));

    for (asked, why) in [
        (&["key", "usage", "key_none"][..], "no key"),
        (&["key", "limits", "key_none"], "no key"),
        (&["account", "usage", "nobody"], "no account"),
        (&["key", "usage", &id, "--step", "minute"], "hour or day"),
        (&["key", "usage", &id, "--since", "90d", "--step", "hour"], "1000 points"),
        (&["key", "usage", &id, "--since", "1d", "--until", "2d"], "before"),
        (&["usage", "--cursor", "x"], "cursor"),
    ] {
        let said = world.refused(asked);
        assert!(said.contains(why), "{asked:?}: {said}");
    }
}
