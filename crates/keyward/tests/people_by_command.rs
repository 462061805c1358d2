//! Users and accounts by command: who is meant, and where the first password is shown.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

use std::process::{Command, Stdio};
use std::sync::Arc;

use keyward_testkit::world::{World, until};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

#[test]
fn who_may_mean_two_is_asked_for_by_id_and_nobody_is_changed() {
    let world = World::new(BINARY).serve(&[]);
    let ids = ["ada", "bob"].map(|name| {
        let more: &[&str] = if name == "bob" { &["--external-id", "Ada"] } else { &[] };
        world.person(name, more);
        let users = world.json(&["user", "list"]);
        let found = users["data"].as_array().unwrap().iter().find(|user| user["username"] == name).unwrap();
        found["id"].as_str().unwrap().to_owned()
    });
    for verb in ["disable", "enable", "passwd"] {
        let said = world.refused(&["user", verb, "Ada"]);
        assert!(said.contains("may mean more than one user") && ids.iter().all(|id| said.contains(id)), "{said}");
    }
    assert!(world.ok(&["user", "disable", &ids[0]]).starts_with("ada disabled"), "an id means its own record");
    assert!(world.ok(&["user", "disable", "bob"]).starts_with("bob disabled"));
    world.ok(&["account", "add", "acme"]);
    world.ok(&["account", "add", "other", "--external-id", "acme"]);
    let said = world.refused(&["account", "disable", "acme"]);
    assert!(said.contains("may mean more than one account") && said.contains("Nothing was changed"), "{said}");
}

#[test]
fn the_first_password_is_shown_on_a_terminal_and_never_in_a_log_beside_it() {
    for (flags, shown) in [("", true), (" --log json", false)] {
        let world = World::new(BINARY);
        let (data, log, screen) = (world.data_dir(), world.path("server.log"), world.path("screen"));
        let serve = format!(
            "exec '{BINARY}' serve --port 0 --admin-port 0 --data-dir '{}'{flags} 2>'{}'",
            data.display(),
            log.display()
        );
        let mut terminal = Command::new("script");
        terminal.args(["-qefc", &serve]).arg(&screen).stdin(Stdio::null()).stdout(Stdio::null());
        let mut terminal = terminal.spawn().unwrap();
        let read = |path: &std::path::Path| std::fs::read_to_string(path).unwrap_or_default();
        until("the banner", || (read(&screen).contains("Try:") || read(&log).contains("Try:")).then_some(()));
        let server =
            read(&data.join("keyward.lock")).split_whitespace().find_map(|word| word.parse::<u32>().ok()).unwrap();
        assert!(Command::new("kill").arg(server.to_string()).status().unwrap().success());
        terminal.wait().unwrap();
        assert_eq!(read(&screen).contains("(shown once;"), shown, "on the screen{flags}");
        assert!(!read(&log).contains("(shown once;"), "in a file");
        assert_eq!(data.join("initial-admin-password").exists(), !shown, "{flags}");
    }
}

#[test]
fn what_a_user_is_signed_in_by_is_listed_and_ended() {
    let world = World::new(BINARY).serve(&[]);
    let password = world.person("ada", &["--roles", "admin"]);
    let [first, second] = [world.login("ada", &password), world.login("ada", &password)];
    let listed = world.json(&["user", "sessions", "Ada"]);
    let sessions = listed["data"].as_array().unwrap();
    let facts = |one: &serde_json::Value| [&one["by"], &one["plane"], &one["client"]].map(|fact| fact.to_string());
    assert_eq!(sessions.iter().map(facts).collect::<Vec<_>>(), [["\"tokens\"", "\"data\"", "\"127.0.0.1\""]; 2]);
    let last = sessions[0]["id"].as_str().unwrap();
    assert!(world.ok(&["user", "sign-out", "--session", last]).starts_with("the session has ended, by "));
    let statuses = || [&first, &second].map(|tokens| world.token_status(&tokens.access));
    let left = statuses();
    assert!(left == [200, 401] || left == [401, 200], "{left:?}");
    assert!(world.ok(&["user", "sign-out", "ada"]).starts_with("ada is signed out everywhere"));
    assert_eq!(statuses(), [401, 401]);
    assert!(world.ok(&["user", "sessions", "ada"]).lines().count() < 2);
    assert!(world.refused(&["user", "sign-out", "--session", "ses_none"]).contains("no such session"));
    assert_eq!(world.run(&["user", "sign-out"]).status.code(), Some(2));
}

#[test]
fn two_operators_who_change_one_user_at_once_take_turns() {
    let world = Arc::new(World::new(BINARY).serve(&[]));
    world.person("ada", &[]);
    let changes: Vec<_> = (0..8)
        .map(|number| {
            let world = Arc::clone(&world);
            let role = if number % 2 == 0 { "admin" } else { "self" };
            std::thread::spawn(move || world.json(&["user", "roles", "ada", role])["roles"][0].clone())
        })
        .collect();
    for (number, change) in changes.into_iter().enumerate() {
        let expected = if number % 2 == 0 { "admin" } else { "self" };
        assert_eq!(change.join().unwrap(), expected, "each is told of its own change, whole");
    }
    // Each record says what its own change found, so that one leads to the next.
    let told = world.json(&["audit", "list", "--action", "user.roles_changed", "--limit", "100"]);
    let told = told["data"].as_array().unwrap();
    for pair in told.windows(2) {
        assert_eq!(pair[0]["detail"]["before"], pair[1]["detail"]["roles"], "{pair:?}");
    }
    let users = world.json(&["user", "list"]);
    let ada = users["data"].as_array().unwrap().iter().find(|user| user["username"] == "ada").unwrap();
    assert!(
        ["admin", "self"].contains(&ada["roles"][0].as_str().unwrap()) && ada["roles"].as_array().unwrap().len() == 1
    );
    // Two who make the same name: one of them is told that it is taken.
    let made: Vec<_> = (0..4)
        .map(|_| {
            let world = Arc::clone(&world);
            std::thread::spawn(move || world.run(&["user", "add", "bob"]).status.success())
        })
        .collect();
    let made = made.into_iter().map(|thread| thread.join().unwrap()).filter(|made| *made).count();
    assert_eq!(made, 1);
}

#[test]
fn the_banner_says_where_the_console_is_and_an_invitation_leads_there() {
    let mut world = World::new(BINARY).serve(&[]);
    let console = format!("http://{}/console/", world.server().admin);
    let line = format!("  console    {console}\n");
    assert!(world.server().log().contains(&line), "{}", world.server().log());
    // The port is not the one of the configuration: a flag moved it.
    world.user("ada", &["auditor"]);
    let link = world.ok(&["user", "invite", "ada"]);
    assert!(link.starts_with(&format!("{console}#/invite/kwinv_")), "{link}");
    world.issued.note(link.rsplit('/').next().unwrap());
    // Without a server it is the one that the next has by the configuration.
    world.stop();
    let link = world.ok(&["user", "invite", "ada"]);
    assert!(link.starts_with("http://127.0.0.1:9470/console/#/invite/kwinv_"), "{link}");
}
