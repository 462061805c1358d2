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

/// A key that only its hash is known of is "password", by another program.
const KEY_HASH: &str = "$2a$04$UuTkLRZZ6QofpDOlMz32MuuxEHA43WOemOYHPz6.SjsVsyO1tDU96";
const PLAIN: &str = "a key of the old system, as it is";
/// Another, and its SHA-256.
const HASHED: (&str, &str) = ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");

/// The name of the form that knows a member: names of other systems stand in no code.
fn form_of(member: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/imports");
    let mut paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let path = paths.find(|path| std::fs::read_to_string(path).unwrap().contains(member)).unwrap();
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

fn status(world: &World, key: &str) -> u16 {
    world.send("GET", "/x", &[&format!("X-API-Key: {key}")], "").status
}

#[test]
fn keys_of_other_programs_open_what_they_opened_and_give_way_to_our_own_digest() {
    let mut world =
        World::new(env!("CARGO_BIN_EXE_keyward")).config("security: {throttle: {per_address: 8}}\n").serve(&[]);
    world.user("ada", &["self", "admin"]);
    let file = world.path("api-keys.json");
    let list = serde_json::json!([
        {"keyHash": KEY_HASH, "userId": "ada", "createdAt": "2024-01-01T00:00:00Z"},
        {"key": PLAIN, "userId": "ada", "name": "billing"},
        {"keyHash": HASHED.1, "userId": "ada"},
        {"key": "short", "userId": "ada"},
        {"keyHash": "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/", "userId": "ada"},
        {"key": "of a user who is not there, long enough", "userId": "eve"},
        {"key": PLAIN, "userId": "ada"},
        {"userId": "ada"},
    ]);
    std::fs::write(&file, list.to_string()).unwrap();
    let form = form_of("keyHash");
    let import =
        |world: &World, flags: &[&str]| world.json(&[&["import", &form, file.to_str().unwrap()], flags].concat());
    let taken = |report: &Value| -> Vec<bool> {
        report["entries"].as_array().unwrap().iter().map(|entry| entry["taken"].as_bool().unwrap()).collect()
    };
    let looked = import(&world, &[]);
    assert_eq!(taken(&looked), [true, true, true, false, false, false, false, false], "{looked}");
    assert!(!looked.to_string().contains(PLAIN) && !looked.to_string().contains("$2a$"), "{looked}");
    assert!(world.json(&["key", "list"])["data"].as_array().unwrap().is_empty(), "nothing was changed");
    assert_eq!([PLAIN, HASHED.0, "password"].map(|key| status(&world, key)), [401; 3]);
    assert_eq!(taken(&import(&world, &["--apply"])), taken(&looked));
    assert_eq!(taken(&import(&world, &["--apply"])), [false; 8], "what is there is left");
    for _ in 0..2 {
        assert_eq!([PLAIN, HASHED.0, "password"].map(|key| status(&world, key)), [200; 3]);
    }
    let seen = world.send("GET", "/x", &["X-API-Key: password"], "").json();
    assert_eq!((&seen["identity"]["name"], &seen["identity"]["kind"]), (&"imported-1".into(), &"api_key".into()));
    let actions = |action: &str| world.json(&["audit", "list", "--action", action])["data"].as_array().unwrap().len();
    assert_eq!((actions("key.imported"), actions("key.recognised")), (3, 1));
    // After a restart there is no slow hash any more, and each is found.
    world.stop();
    world.start(&[]);
    assert_eq!([PLAIN, HASHED.0, "password"].map(|key| status(&world, key)), [200; 3]);
    // Guesses cost whoever guesses, and nobody who has a key.
    let guesses: Vec<u16> = (0..12).map(|number| status(&world, &format!("password{number}"))).collect();
    assert!(guesses.starts_with(&[401; 4]) && guesses.ends_with(&[429; 3]), "{guesses:?}");
    assert_eq!([PLAIN, "password"].map(|key| status(&world, key)), [200; 2]);
    let listed = world.json(&["key", "list"]);
    let id = listed["data"].as_array().unwrap().iter().find(|key| key["name"] == "billing").unwrap()["id"].clone();
    world.ok(&["key", "revoke", id.as_str().unwrap()]);
    assert_eq!(status(&world, PLAIN), 401);
}

#[test]
fn variables_and_columns_hold_keys_too() {
    let world = World::new(env!("CARGO_BIN_EXE_keyward")).serve(&[]);
    let env = "export VALID_API_KEYS=\"client-key-number-one-123, client-key-number-two-456\"\nOTHER=x\n";
    let csv = "name,key\nbilling,a-key-out-of-a-table-7890\n";
    for (form, text, flags, count) in [
        ("env", env, &["--variables", "VALID_API_KEYS", "--scopes", "orders:read"][..], 2),
        ("csv", csv, &["--owner", "admin"], 1),
    ] {
        let asked = [&["import", form, "-", "--apply", "--json"], flags].concat();
        let output = world.run_with_stdin(&asked, text);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["entries"].as_array().unwrap().iter().filter(|entry| entry["taken"] == true).count(), count);
    }
    for key in ["client-key-number-one-123", "client-key-number-two-456", "a-key-out-of-a-table-7890"] {
        assert_eq!(status(&world, key), 200, "{key}");
    }
    let unknown = world.refused(&["import", "xml", "-"]);
    assert!(unknown.contains("there is no form \"xml\"; there are csv, env, "), "{unknown}");
}
