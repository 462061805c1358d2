//! Users, accounts, sessions and tokens by the operators' port, and nobody who comes to rule over more than itself.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use keyward_testkit::client::Answer;
use keyward_testkit::operators::OPERATOR;
use keyward_testkit::world::{World, text};
use serde_json::{Value, json};

fn serving(config: &str) -> World {
    World::new(env!("CARGO_BIN_EXE_keyward")).config(config).serve(&[])
}

fn post(world: &World, path: &str, key: &str, body: &Value) -> Answer {
    world.operate("POST", path, key, &body.to_string())
}

#[test]
fn a_user_is_made_given_roles_and_a_password_paused_and_signed_out() {
    let world = serving("{}");
    let operator = world.operator_key();
    let password = "a password of hers";
    world.issued.note(password);
    let made = post(&world, "/users", &operator, &json!({"username": "Ada", "roles": ["admin"], "password": password}));
    assert_eq!(made.status, 201, "{}", made.text());
    let id = text(&made.json()["user"], "id");
    assert_eq!(made.header("location"), Some(format!("/admin/v1/users/{id}").as_str()));
    let tokens = world.login("ada", password);
    assert_eq!(world.token_status(&tokens.access), 200);
    let again = post(&world, "/users", &operator, &json!({"username": "ada"}));
    assert_eq!((again.status, text(&again.json(), "reason").as_str()), (409, "Conflict"));
    let call = |method: &str, path: &str, body: &str| {
        let answer = world.operate_by(
            method,
            &format!("/users/{id}{path}"),
            &[&format!("X-API-Key: {operator}"), "Content-Type: application/json", "If-Match: *"],
            body,
        );
        assert!(answer.status < 300, "{method} {path}: {}", answer.text());
        if answer.status == 204 { Value::Null } else { answer.json() }
    };
    assert_eq!(call("PATCH", "", "{\"roles\":[\"admin\",\"self\"]}")["user"]["roles"], json!(["admin", "self"]));
    assert_eq!(call("GET", "/sessions", "")["data"][0]["by"], "tokens");
    call("DELETE", "/sessions", "");
    assert_eq!(world.token_status(&tokens.access), 401);
    let second = "another password of hers";
    world.issued.note(second);
    assert_eq!(
        call("POST", "/password", &json!({"password": second}).to_string())["receipt"]["nodes"][0]["acknowledged"],
        true
    );
    assert_eq!((world.try_login("ada", password).status, world.try_login("ada", "").status), (401, 401));
    let tokens = world.login("ada", second);
    assert_eq!(call("POST", "/disable", "")["user"]["status"], "disabled");
    assert_eq!((world.token_status(&tokens.access), world.try_login("ada", second).status), (401, 401));
    assert_eq!(call("POST", "/enable", "")["user"]["status"], "active");
    world.login("ada", second);
    let all = world.operate("GET", "/users?limit=1", &operator, "").json();
    assert_eq!(all["data"].as_array().unwrap().len(), 1);
    let cursor = text(&all, "nextCursor");
    let rest = world.operate("GET", &format!("/users?cursor={cursor}"), &operator, "").json();
    assert_eq!((&all["data"][0]["username"], &rest["data"][0]["username"]), (&json!("ada"), &json!("admin")));
}

#[test]
fn nobody_comes_to_rule_over_more_than_itself() {
    let world =
        serving("roles: {clerk: [keyward:users:read, keyward:users:write, 'orders:*'], orders: ['orders:read']}");
    let clerk = world.key("clerk", &["--scopes", "keyward:users:read,keyward:users:write,orders:*"]);
    let (weak, strong) =
        (world.person("weak", &["--roles", "orders"]), world.person("strong", &["--roles", "operator"]));
    let patch = |who: &str, roles: Value| {
        let headers = [&*format!("X-API-Key: {clerk}"), "Content-Type: application/json", "If-Match: *"];
        world.operate_by("PATCH", &format!("/users/{who}"), &headers, &json!({"roles": roles}).to_string()).status
    };
    let made = |roles: Value| {
        post(&world, "/users", &clerk, &json!({"username": format!("u{}", roles.to_string().len()), "roles": roles}))
            .status
    };
    assert_eq!(made(json!(["orders", "self"])), 201);
    assert_eq!(made(json!(["clerk"])), 201);
    for roles in [json!(["operator"]), json!(["auditor"]), json!(["admin"]), json!(["orders", "admin"])] {
        assert_eq!((made(roles.clone()), patch("weak", roles.clone())), (403, 403), "{roles}");
    }
    assert_eq!(patch("weak", json!(["nothing"])), 400);
    assert_eq!(patch("weak", json!(["clerk"])), 200);
    // Of whoever is stronger: neither roles nor a password, nor an end of a pause. A pause takes only away.
    let new = json!({"password": "chosen by the clerk"});
    assert_eq!(patch("strong", json!([])), 403);
    assert_eq!(post(&world, "/users/strong/password", &clerk, &new).status, 403);
    assert_eq!(post(&world, "/users/admin/password", &clerk, &new).status, 403);
    for path in ["/users/strong/invitation", "/users/admin/invitation", "/users/strong/second-factor/remove"] {
        assert_eq!(post(&world, path, &clerk, &json!({})).status, 403, "{path}");
    }
    assert_eq!(post(&world, "/users/strong/disable", &clerk, &json!({})).status, 200);
    assert_eq!(post(&world, "/users/strong/enable", &clerk, &json!({})).status, 403);
    for body in [
        json!({"username": "x", "id": "user_1"}),
        json!({"username": "x", "status": "active"}),
        json!({"username": "x", "canSignIn": true}),
    ] {
        assert_eq!(post(&world, "/users", &clerk, &body).status, 400, "{body}");
    }
    drop((weak, strong));
}

#[test]
fn accounts_have_plans_addresses_limits_and_budgets() {
    let world =
        serving("plans: {small: {limits: [{requests: 5, window: 1h}]}, big: {limits: [{requests: 50, window: 1h}]}}");
    let operator = world.operator_key();
    let made = post(&world, "/accounts", &operator, &json!({"name": "Acme", "externalId": "a-1", "plan": "small"}));
    assert_eq!((made.status, &made.json()["plan"]), (201, &json!("small")), "{}", made.text());
    let patch = |body: Value| {
        let headers = [&*format!("X-API-Key: {operator}"), "Content-Type: application/json", "If-Match: *"];
        world.operate_by("PATCH", "/accounts/a-1", &headers, &body.to_string())
    };
    assert_eq!(patch(json!({"plan": "big"})).json()["account"]["plan"], "big");
    assert_eq!(patch(json!({"plan": null})).json()["account"]["plan"], Value::Null);
    assert_eq!(patch(json!({"limits": ["10/1m"]})).json()["account"]["limits"], json!(["10/1m"]));
    assert_eq!(patch(json!({"allowedIps": ["10.0.0.0/8"]})).json()["account"]["allowedIps"], json!(["10.0.0.0/8"]));
    for wrong in [
        json!({}),
        json!({"plan": "none"}),
        json!({"plan": "big", "limits": []}),
        json!({"disabled": true}),
        json!({"limits": ["x"]}),
    ] {
        assert_eq!(patch(wrong.clone()).status, 400, "{wrong}");
    }
    let budget = post(&world, "/accounts/a-1/budget", &operator, &json!({"change": "=100"})).json();
    assert_eq!(budget["account"]["budget"]["granted"], 100);
    let shown = world.operate("GET", "/accounts/Acme", &operator, "").json();
    assert_eq!(shown["budget"]["remaining"], 100);
    assert_eq!(post(&world, "/accounts/a-1/disable", &operator, &json!({})).json()["account"]["status"], "disabled");
    assert_eq!(post(&world, "/accounts/a-1/enable", &operator, &json!({})).json()["account"]["status"], "active");
    let plans = world.operate("GET", "/plans", &operator, "").json();
    assert_eq!(plans["data"].as_array().unwrap().len(), 2);
    assert_eq!(post(&world, "/accounts", &operator, &json!({"name": "Acme"})).status, 409);
}

#[test]
fn tokens_are_looked_at_and_ended_and_signing_keys_follow_each_other() {
    let world = serving("{}");
    let operator = world.operator_key();
    let tokens = world.login("admin", &world.first_password());
    let body = json!({"token": tokens.access});
    let told = post(&world, "/tokens/inspect", &operator, &body).json();
    assert_eq!(
        (&told["status"], &told["kind"], &told["username"]),
        (&json!("active"), &json!("access"), &json!("admin"))
    );
    let nothing = post(&world, "/tokens/inspect", &operator, &json!({"token": "a.b.c"}));
    assert_eq!(nothing.status, 404);
    assert!(!nothing.text().contains("a.b.c"));
    let ended = post(&world, "/tokens/revoke", &operator, &body).json();
    assert_eq!(
        (&ended["session"]["status"], &ended["receipt"]["nodes"][0]["acknowledged"]),
        (&json!("ended"), &json!(true))
    );
    assert_eq!(world.token_status(&tokens.access), 401);
    let made = post(&world, "/signing-keys/rotate", &operator, &json!({"atOnce": true})).json();
    assert_eq!(made["signingKey"]["status"], "active");
    let all = world.operate("GET", "/signing-keys", &operator, "").json();
    let old = text(&all["data"][1], "id");
    let retired = post(&world, &format!("/signing-keys/{old}/retire"), &operator, &json!({})).json();
    assert_eq!(retired["signingKey"]["status"], "retired");
    assert_eq!(post(&world, "/signing-keys/sig_x/retire", &operator, &json!({})).status, 404);
}

#[test]
fn roles_say_whether_the_caller_may_give_them() {
    let world = serving("{}");
    let operator = world.key("operator", &["--scopes", OPERATOR]);
    let roles = world.operate("GET", "/roles", &operator, "").json();
    let may = |name: &str| {
        roles["data"].as_array().unwrap().iter().find(|role| role["name"] == name).unwrap()["mayGive"].clone()
    };
    assert_eq!(
        [may("operator"), may("auditor"), may("self"), may("admin")],
        [json!(true), json!(true), json!(true), json!(false)]
    );
}

#[test]
fn a_user_is_invited_and_gives_itself_a_password_once() {
    let world = serving("{}");
    let operator = world.operator_key();
    let made = post(&world, "/users", &operator, &json!({"username": "ada", "roles": ["auditor"], "invite": true}));
    assert_eq!(made.status, 201, "{}", made.text());
    let invitation = made.json()["invitation"].clone();
    let token = text(&invitation, "token");
    world.issued.note(&token);
    assert!(text(&invitation, "link").ends_with(&format!("/console/#/invite/{token}")), "{invitation}");
    let look = || post(&world, "/invitations/look", "", &json!({"token": token}));
    assert_eq!(look().json()["username"], "ada");
    let password = "her own password";
    world.issued.note(password);
    let accept =
        |password: &str| post(&world, "/invitations/accept", "", &json!({"token": token, "password": password}));
    assert_eq!(accept("short").status, 400);
    assert_eq!(accept(password).status, 204);
    assert_eq!((accept(password).status, look().status), (404, 404), "it is used up");
    world.login("ada", password);
    let again = post(&world, "/users/ada/invitation", &operator, &json!({}));
    assert_eq!(again.status, 201, "{}", again.text());
    world.issued.note(&text(&again.json()["invitation"], "token"));
    let both = json!({"username": "eve", "invite": true, "password": "one too many"});
    assert_eq!(post(&world, "/users", &operator, &both).status, 400);
}
