//! Importing users: looked at first, taken when that is asked for, and their passwords hashed anew at the first sign-in.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

use keyward_testkit::people::Tokens;
use keyward_testkit::world::World;
use serde_json::Value;

/// "password", by other programs; and what is not taken.
const FILE: &str = "# from the old server\n\
    ada:$2a$04$UuTkLRZZ6QofpDOlMz32MuuxEHA43WOemOYHPz6.SjsVsyO1tDU96\n\
    Bob:$2a$04$UuTkLRZZ6QofpDOlMz32MuuxEHA43WOemOYHPz6.SjsVsyO1tDU96:a comment\n\
    \n\
    eve:{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=\n\
    ada:$2a$04$UuTkLRZZ6QofpDOlMz32MuuxEHA43WOemOYHPz6.SjsVsyO1tDU96\n\
    admin:$2a$04$UuTkLRZZ6QofpDOlMz32MuuxEHA43WOemOYHPz6.SjsVsyO1tDU96\n\
    plain:swordfish\n\
    what is this?\n";

fn entries(report: &Value) -> Vec<(u64, &str, bool)> {
    let entry = |entry: &'_ Value| (entry["line"].as_u64().unwrap(), entry["taken"].as_bool().unwrap());
    let all = report["entries"].as_array().unwrap();
    all.iter().map(|one| (entry(one).0, one["name"].as_str().unwrap_or("-"), entry(one).1)).collect()
}

#[test]
fn users_are_taken_with_their_passwords_which_are_hashed_anew_at_the_first_sign_in() {
    let world = World::new(env!("CARGO_BIN_EXE_keyward")).serve(&[]);
    world.ok(&["account", "add", "acme"]);
    let file = world.path("htpasswd");
    std::fs::write(&file, FILE).unwrap();
    let import = |flags: &[&str]| world.json(&[&["import", "htpasswd", file.to_str().unwrap()], flags].concat());
    let expected = [
        (2, "ada", true),
        (3, "bob", true),
        (5, "eve", false),
        (6, "ada", false),
        (7, "admin", false),
        (8, "plain", false),
        (9, "-", false),
    ];
    let looked = import(&[]);
    assert_eq!((entries(&looked), &looked["applied"]), (expected.to_vec(), &false.into()), "{looked}");
    assert_eq!(world.json(&["user", "list"])["data"].as_array().unwrap().len(), 1, "nothing was changed");
    assert!(!looked.to_string().contains("$2a$") && !looked.to_string().contains("swordfish"), "no hash is repeated");
    let taken = import(&["--apply", "--roles", "admin", "--account", "acme"]);
    assert_eq!((entries(&taken), &taken["applied"]), (expected.to_vec(), &true.into()), "{taken}");
    let again = import(&["--apply"]);
    assert!(entries(&again).iter().all(|(.., taken)| !taken), "{again}");
    for (name, password, status) in [
        ("ada", "passwore", 401),
        ("ada", "password\0junk", 401),
        ("ada", "password", 200),
        ("ada", "password", 200),
        ("bob", "password", 200),
        ("eve", "sha1", 401),
        ("admin", "password", 401),
    ] {
        assert_eq!(world.try_login(name, password).status, status, "{name} {password:?}");
    }
    let renewed = world.json(&["audit", "list", "--action", "user.password_renewed"]);
    let who: Vec<&str> =
        renewed["data"].as_array().unwrap().iter().map(|event| event["detail"]["username"].as_str().unwrap()).collect();
    assert_eq!(who, ["bob", "ada"], "once each");
    let tokens = Tokens::of(&world.try_login("ada", "password"));
    world.issued.note(&tokens.access);
    world.issued.note(&tokens.refresh);
    assert_eq!(world.token_status(&tokens.access), 200);
    let kept = std::fs::read(world.data_dir().join("keyward.db")).unwrap();
    assert!(!kept.is_empty());
    assert_eq!(world.json(&["user", "list"])["data"][0]["roles"], serde_json::json!(["admin"]));
    let card = world.ok(&["import", "htpasswd", file.to_str().unwrap()]);
    assert!(card.contains("0 would be taken, 7 left; nothing was changed: --apply takes them"), "{card}");
    let piped = world.run_with_stdin(&["import", "htpasswd", "-", "--roles", "gone"], FILE);
    assert_eq!(piped.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&piped.stderr).contains("there is no role"));
}
