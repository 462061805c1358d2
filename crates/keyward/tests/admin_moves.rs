//! Users who come to another account, and references of one's own: by the operators' port and by command, and what holds from the
//! next request on.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use keyward_testkit::client::Answer;
use keyward_testkit::world::{World, text};
use serde_json::{Value, json};

const CONFIG: &str =
    "plans: {tight: {limits: [{requests: 3, window: 1h}]}, wide: {limits: [{requests: 500, window: 1h}]}}\n";

fn serving() -> World {
    World::new(env!("CARGO_BIN_EXE_keyward")).config(CONFIG).serve(&[])
}

fn patch(world: &World, path: &str, key: &str, body: &Value) -> Answer {
    let lines = [&*format!("X-API-Key: {key}"), "Content-Type: application/json", "If-Match: *"];
    world.operate_by("PATCH", path, &lines, &body.to_string())
}

#[test]
fn what_holds_in_the_new_account_holds_at_the_next_request() {
    let world = serving();
    let operator = world.operator_key();
    for (name, flags) in [
        ("wide", &["--plan", "wide"][..]),
        ("tight", &["--plan", "tight"]),
        ("far", &["--ip", "192.0.2.0/24"]),
        ("paused", &[]),
        ("other", &["--plan", "wide"]),
    ] {
        world.ok(&[&["account", "add", name], flags].concat());
    }
    world.ok(&["account", "disable", "paused"]);
    let id = |name: &str| text(&world.json(&["account", "show", name]), "id");
    let password = world.person("ada", &["--account", "wide", "--roles", "admin,self"]);
    let key = world.key("hers", &["--owner", "ada"]);
    let of_other = world.key("of other", &["--owner", "ada", "--account", "other"]);
    let client = world.client_tokens(&world.pair("app", &["--owner", "ada"])).access;
    let token = world.login("ada", &password).access;
    let by_key = |key: &str| world.get("/x", key).status;
    let all = || [by_key(&key), world.token_status(&token), world.token_status(&client), by_key(&of_other)];
    // By the command and by the port in turn.
    let moved = |to: Option<&str>| {
        let answer = patch(&world, "/users/ada", &operator, &json!({"account": to}));
        assert_eq!(answer.status, 200, "{to:?}: {}", answer.text());
        let answer = answer.json();
        assert_eq!(answer["receipt"]["nodes"][0]["acknowledged"], true);
        assert_eq!(answer["user"]["account"], to.map_or(Value::Null, |to| id(to).into()), "{to:?}");
    };
    assert_eq!(all(), [200; 4]);
    moved(Some("tight"));
    assert_eq!(text(&world.with_token("GET", "/_keyward/me", &token).json(), "plan"), "tight");
    assert_eq!(all(), [200; 4], "three uses of it, and one of another account");
    assert_eq!(all(), [429, 429, 429, 200], "counted over all that is its own by now");
    moved(Some("far"));
    assert_eq!(all(), [403; 4], "its list of addresses, which holds for whatever its user has");
    assert!(
        world.ok(&["user", "set", "ada", "--no-account"]).starts_with("ada belongs to no account, nor do its keys, by")
    );
    assert_eq!(all(), [200; 4]);
    let said = world.ok(&["user", "set", "ada", "--account", "tight"]);
    assert!(said.starts_with(&format!("ada belongs to {}, with its keys, by 1/1 nodes", id("tight"))), "{said}");
    assert_eq!(all(), [429, 429, 429, 200], "going back and forth fills nothing up");
    moved(Some("paused"));
    assert_eq!(all(), [401, 401, 401, 401], "a user is paused with its account, and so are all its keys");
    moved(Some("wide"));
    assert_eq!(all(), [200, 401, 401, 200], "sessions have ended, keys have not");
    // What comes of its keys from here on is of the new account, and nobody else's key is.
    let accounts = |name: &str| {
        let listed = world.json(&["key", "list", "--account", name, "--sort", "name"]);
        listed["data"].as_array().unwrap().iter().map(|key| text(key, "name")).collect::<Vec<_>>()
    };
    assert_eq!(
        (accounts("wide"), accounts("other"), accounts("tight")),
        (vec!["app".to_owned(), "hers".into()], vec!["of other".to_owned()], vec![])
    );
    let told = world.json(&["audit", "list", "--action", "user.account_changed"]);
    let told: Vec<_> = told["data"].as_array().unwrap().iter().map(|one| one["detail"].clone()).collect();
    assert_eq!(told[0], json!({"username": "ada", "account": id("wide"), "before": id("paused")}));
    assert_eq!(told.len(), 6, "each once");
    assert_eq!(patch(&world, "/users/ada", &operator, &json!({"account": "nowhere"})).status, 404);
}

#[test]
fn a_reference_is_given_taken_away_and_nobody_elses() {
    let world = serving();
    let operator = world.operator_key();
    world.ok(&["user", "add", "named", "--external-id", "taken", "--no-password"]);
    world.ok(&["user", "add", "ada", "--no-password"]);
    world.ok(&["account", "add", "named", "--external-id", "taken"]);
    world.ok(&["account", "add", "acme"]);
    for (path, of, show) in
        [("/users/ada", "user", ["user", "show", "ada"]), ("/accounts/acme", "account", ["account", "show", "acme"])]
    {
        for (body, status, now) in [
            (json!({"externalId": "crm 7"}), 200, json!("crm 7")),
            (json!({"externalId": "taken"}), 409, json!("crm 7")),
            (json!({"externalId": ""}), 400, json!("crm 7")),
            (json!({"externalId": "a\u{202e}b"}), 400, json!("crm 7")),
            (json!({"externalId": "x".repeat(256)}), 400, json!("crm 7")),
            (json!({"externalId": 7}), 400, json!("crm 7")),
            (json!({}), 400, json!("crm 7")),
            (json!({"externalId": "x", "id": "y"}), 400, json!("crm 7")),
            (json!({"external_id": "x"}), 400, json!("crm 7")),
            (json!({"name": "x"}), 400, json!("crm 7")),
            (json!({"externalId": "crm 7"}), 200, json!("crm 7")),
            (json!({"externalId": null}), 200, Value::Null),
        ] {
            let answer = patch(&world, path, &operator, &body);
            assert_eq!(answer.status, status, "{path} {body}: {}", answer.text());
            if status == 200 {
                assert_eq!(answer.json()[of]["externalId"], now, "{path} {body}");
            }
            assert_eq!(world.json(&show)["externalId"], now, "{path} {body}");
        }
        // The same by command.
        let set = |flags: &[&'static str]| [&[of, "set", show[2]], flags].concat();
        assert!(world.ok(&set(&["--external-id", "crm 8"])).contains("has the external id crm 8, by 1/1 nodes"));
        assert!(world.refused(&set(&["--external-id", "taken"])).contains("external id already; nothing was changed"));
        assert!(world.ok(&set(&["--no-external-id"])).contains("has no external id, by 1/1 nodes"));
        for wrong in [&[][..], &["--external-id", "x", "--no-external-id"]] {
            assert_eq!(world.run(&set(wrong)).status.code(), Some(2), "{wrong:?}");
        }
        let told = world.json(&["audit", "list", "--action", &format!("{of}.external_id_changed")]);
        let told = told["data"].as_array().unwrap();
        assert_eq!(
            (told.len(), &told[0]["detail"]["before"]),
            (4, &json!("crm 8")),
            "what changed nothing is not told"
        );
    }
    for body in [
        json!({"roles": [], "account": null}),
        json!({"roles": null}),
        json!({"roles": null, "account": null}),
        json!({"account": 7}),
    ] {
        assert_eq!(patch(&world, "/users/ada", &operator, &body).status, 400, "{body}");
    }
}

#[test]
fn who_stands_for_an_account_in_the_portal_goes_nowhere_else() {
    let world = World::new(env!("CARGO_BIN_EXE_keyward")).config("portal: {path: /portal}").serve(&[]);
    let operator = world.operator_key();
    for name in ["acme", "other"] {
        world.ok(&["account", "add", name]);
    }
    let link = world.json(&["account", "portal-link", "acme"]);
    world.issued.note(text(&link, "link").rsplit('/').next().unwrap());
    let user = format!("portal.{}", text(&link, "account").to_lowercase());
    for to in [json!("other"), Value::Null] {
        let refused = patch(&world, &format!("/users/{user}"), &operator, &json!({"account": to}));
        assert_eq!((refused.status, text(&refused.json(), "reason").as_str()), (409, "Conflict"));
    }
    assert!(world.refused(&["user", "set", &user, "--account", "other"]).contains("stays with it"));
    assert_eq!(world.json(&["user", "show", &user])["account"], link["account"]);
}

#[test]
fn nobody_takes_a_stronger_user_to_another_account() {
    let world = World::new(env!("CARGO_BIN_EXE_keyward")).serve(&[]);
    world.user("strong", &["operator"]);
    world.user("weak", &["self"]);
    world.ok(&["account", "add", "acme"]);
    let clerk = world.key("clerk", &["--scopes", "keyward:users:read,keyward:users:write"]);
    for body in [json!({"account": "acme"}), json!({"externalId": "mine"})] {
        assert_eq!(patch(&world, "/users/strong", &clerk, &body).status, 403, "{body}");
        assert_eq!(patch(&world, "/users/weak", &clerk, &body).status, 200, "{body}");
    }
}
