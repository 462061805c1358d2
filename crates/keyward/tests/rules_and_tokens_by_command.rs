//! Roles, plans, one user, one account and one token by command; and what shells need to complete commands.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use keyward_testkit::world::World;
use serde_json::json;

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

const PLANS: &str = "plans:
  free: {limits: [{requests: 10, window: 1m}, {requests: 1000, window: 1d}]}
  big: {limits: [{requests: 600, window: 1m, burst: 20}]}
accounts: {default_plan: free}
roles: {reader: [orders:read]}
";

#[test]
fn the_named_sets_of_the_configuration_are_listed() {
    let world = World::new(BINARY).config(PLANS).serve(&[]);
    let plans = world.json(&["plan", "list"]);
    let [big, free] = [0, 1].map(|place| &plans["data"][place]);
    assert_eq!(
        (&big["name"], &big["isDefault"], &big["limits"][0]["burst"]),
        (&json!("big"), &json!(false), &json!(20))
    );
    assert_eq!((&free["name"], &free["isDefault"]), (&json!("free"), &json!(true)));
    let table = world.ok(&["plan", "list"]);
    assert!(table.contains("10/1m, 1000/1d") && table.contains("600/1m (burst 20)"), "{table}");
    let roles = world.json(&["role", "list"]);
    let reader = roles["data"].as_array().unwrap().iter().find(|role| role["name"] == "reader").unwrap();
    assert_eq!(reader["scopes"], json!(["orders:read"]));
    assert!(world.ok(&["role", "list"]).contains("orders:read"));
}

#[test]
fn one_user_and_one_account_are_shown_by_any_of_their_names() {
    let world = World::new(BINARY).serve(&[]);
    world.ok(&["account", "add", "acme", "--external-id", "A-1"]);
    world.person("ada", &["--account", "acme", "--external-id", "U-1"]);
    let ada = world.json(&["user", "show", "ada"]);
    assert_eq!(ada, world.json(&["user", "show", "U-1"]));
    assert_eq!(ada, world.json(&["user", "show", ada["id"].as_str().unwrap()]));
    let acme = world.json(&["account", "show", "A-1"]);
    assert_eq!((&acme["name"], &ada["account"]), (&json!("acme"), &acme["id"]));
    assert!(world.ok(&["account", "show", "acme"]).contains("A-1"));
    assert!(world.refused(&["user", "show", "nobody"]).contains("no user"));
    assert!(world.refused(&["account", "show", "nobody"]).contains("no account"));
}

#[test]
fn a_token_is_looked_at_and_ended_by_whoever_holds_it_and_is_never_repeated() {
    let mut world = World::new(BINARY).serve(&[]);
    let password = world.person("ada", &[]);
    let tokens = world.login("ada", &password);
    let inspect = |world: &World, token: &str| world.run_with_stdin(&["--json", "token", "inspect", "-"], token);
    let status = |world: &World, token: &str| {
        let output = inspect(world, token);
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        format!("{} {} {}", told["status"], told["kind"], told["username"]).replace('"', "")
    };
    assert_eq!(status(&world, &tokens.access), "active access ada");
    assert_eq!(status(&world, &format!("{}\n", tokens.refresh)), "active refresh ada");
    // Without a server as with one.
    world.take_server().stop();
    assert_eq!(status(&world, &tokens.access), "active access ada");
    world.start(&[]);
    let renewed = keyward_testkit::people::Tokens::of(&world.refresh(&tokens.refresh));
    assert_eq!(status(&world, &tokens.refresh), "spent refresh ada");
    assert_eq!(world.token_status(&renewed.access), 200);
    let output = world.run_with_stdin(&["token", "revoke", "-"], &renewed.access);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("1/1 nodes"), "{said}");
    assert_eq!((world.token_status(&renewed.access), world.token_status(&tokens.access)), (401, 401));
    assert_eq!(status(&world, &renewed.access), "revoked access ada");
    assert_eq!(status(&world, &renewed.refresh), "revoked refresh ada");
    for strange in ["a.b.c", "kwr_nothing", "", &"x".repeat(20_000), &format!("{}x", tokens.access)] {
        let output = inspect(&world, strange);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("no token of this server"), "{said}");
        assert!(strange.is_empty() || !said.contains(strange), "{said}");
    }
}

#[test]
fn shells_are_told_every_command() {
    let world = World::new(BINARY);
    for (shell, begins) in [("bash", "_keyward()"), ("zsh", "#compdef keyward"), ("fish", "#")] {
        let script = world.ok(&["completions", shell]);
        assert!(script.contains(begins) && script.contains("signing-key") && script.contains("data-dir"), "{shell}");
    }
}

#[test]
fn whether_a_server_runs_is_told_and_how_it_is() {
    let mut world = World::new(BINARY).serve(&[]);
    let node = world.json(&["status"])["data"][0].clone();
    assert_eq!(
        (&node["state"], &node["fresh"], &node["store"]["answers"]),
        (&json!("ready"), &json!(true), &json!(true))
    );
    assert!(world.ok(&["status"]).contains("node-1: ready"));
    world.stop();
    assert!(world.refused(&["status"]).contains("no server runs"));
}
