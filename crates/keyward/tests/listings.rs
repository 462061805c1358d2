//! Lists in the words of an operator and of an owner of keys: searched, filtered, sorted, page by page; and what is no question of
//! this kind is refused, whatever it looks like.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use keyward_testkit::world::{World, text};
use serde_json::Value;

fn world() -> World {
    World::new(env!("CARGO_BIN_EXE_keyward"))
}

/// What stands in one member of all entries of a listing.
fn each(listing: &Value, member: &str) -> Vec<String> {
    listing["data"].as_array().unwrap().iter().map(|one| text(one, member)).collect()
}

#[test]
fn keys_are_searched_filtered_and_sorted_by_command() {
    let world = world().serve(&[]);
    world.person("ada", &[]);
    for (name, more) in [
        ("nightly export", &["--mode", "test", "--external-id", "cus-7"][..]),
        ("Billing", &["--owner", "ada", "--expires", "30d"]),
        ("100% import_job", &["--expires", "10d"]),
    ] {
        world.key(name, more);
    }
    let revoked = text(&world.key_json("old thing", &[]), "id");
    world.ok(&["key", "revoke", &revoked]);
    let names = |flags: &[&str]| each(&world.json(&[&["key", "list"], flags].concat()), "name");
    assert_eq!(names(&["--search", "NIGHT"]), ["nightly export"]);
    assert_eq!(names(&["--search", "cus-7"]), ["nightly export"]);
    assert_eq!(names(&["--search", "ada"]), ["Billing"], "by its owner's name");
    assert_eq!(names(&["--search", "%"]), ["100% import_job"]);
    assert_eq!(names(&["--search", &revoked[..12]]), ["old thing"]);
    assert_eq!(names(&["--mode", "test"]), ["nightly export"]);
    assert_eq!(names(&["--status", "revoked"]), ["old thing"]);
    assert_eq!(names(&["--sort", "name", "--status", "active"]), ["100% import_job", "Billing", "nightly export"]);
    assert_eq!(names(&["--sort", "name", "--order", "desc"])[0], "old thing");
    assert_eq!(names(&["--sort", "expires"])[..2], ["100% import_job", "Billing"]);
    world.ok(&["user", "disable", "ada"]);
    assert_eq!(names(&["--status", "disabled"]), ["Billing"]);
    let page = world.json(&["key", "list", "--sort", "name", "--limit", "1"]);
    let next = text(&page, "nextCursor");
    assert_eq!(names(&["--sort", "name", "--limit", "1", "--cursor", &next]), ["Billing"]);
    for (flags, why) in [
        (&["--sort", "digest"][..], "sorted by one of created, name, lastUsed"),
        (&["--order", "up"], "asc or desc"),
        (&["--status", "gone"], "active, expired, disabled"),
        (&["--mode", "prod"], "live or test"),
        (&["--sort", "expires", "--cursor", &next], "in the order that it began in"),
        (&["--cursor", &next], "in the order that it began in"),
    ] {
        let said = world.refused(&[&["key", "list"], flags].concat());
        assert!(said.contains(why), "{flags:?}: {said}");
    }
    assert!(world.ok(&["key", "list", "--search", "nobody's"]).contains("no such keys"));
}

#[test]
fn users_and_accounts_are_searched_and_told_with_their_limits() {
    let world = world().serve(&[]);
    world.ok(&["account", "add", "Acme Ltd", "--external-id", "cus_1", "--limits", "500/1m", "--ip", "192.0.2.0/24"]);
    world.ok(&["account", "add", "Other"]);
    world.person("ada", &["--account", "Acme Ltd", "--roles", "admin,self"]);
    world.person("eve", &[]);
    world.ok(&["account", "disable", "Other"]);
    let users = |flags: &[&str]| each(&world.json(&[&["user", "list"], flags].concat()), "username");
    // No random id is likely to hold it.
    assert_eq!(users(&["--search", "DMIN"]), ["admin"]);
    assert_eq!(users(&["--account", "cus_1"]), ["ada"]);
    assert_eq!(users(&["--role", "operator"]), ["admin"]);
    assert_eq!(users(&["--role", "oper"]), [""; 0]);
    assert_eq!(users(&["--status", "disabled"]), [""; 0]);
    let accounts = |flags: &[&str]| each(&world.json(&[&["account", "list"], flags].concat()), "name");
    assert_eq!(accounts(&["--search", "acme"]), ["Acme Ltd"]);
    assert_eq!(accounts(&["--external-id", "cus_1"]), ["Acme Ltd"]);
    assert_eq!(accounts(&["--status", "disabled"]), ["Other"]);
    let table = world.ok(&["account", "list"]);
    for word in ["LIMITS", "500/1m", "ADDRESSES", "192.0.2.0/24", "anywhere"] {
        assert!(table.contains(word), "{word}: {table}");
    }
    assert!(world.refused(&["user", "list", "--status", "gone"]).contains("active or disabled"));
}

#[test]
fn an_owner_searches_its_own_keys_and_no_cursor_or_text_reaches_more() {
    let world = world().serve(&[]);
    world.person("ada", &["--roles", "admin,self"]);
    world.person("eve", &["--roles", "admin,self"]);
    let ada = world.key("ada's", &["--owner", "ada", "--scopes", "*,self:*"]);
    world.key("eve's secret project", &["--owner", "eve"]);
    let names = |query: &str| {
        let answer = world.get(&format!("/_keyward/api-keys?{query}"), &ada);
        assert_eq!(answer.status, 200, "{query}");
        each(&answer.json(), "name")
    };
    assert_eq!(names("search=ada%27s&sort=name&status=active&mode=live&order=desc"), ["ada's"]);
    for query in
        ["search=secret", "search=eve", "search=%25", "search=%27%20OR%201%3D1%20--", "owner=eve&search=secret"]
    {
        assert_eq!(names(query), [""; 0], "{query}");
    }
    // A page of somebody else's listing goes on in one's own.
    let operators = world.json(&["key", "list", "--limit", "1"]);
    assert_eq!(names(&format!("cursor={}", text(&operators, "nextCursor"))), ["ada's"]);
    for query in [
        "cursor=x",
        "cursor=C",
        "cursor=C1",
        "cursor=C1.%27",
        "cursor=C1.key_1%27%20OR%20%271%27=%271",
        "cursor=C99999999999999999999999.key_1",
        "cursor=n61.key_1",
        "sort=name&cursor=nzz.key_1",
        "sort=name&cursor=n6.key_1",
        "sort=name&cursor=nff.key_1",
        "sort=name&cursor=n+1+1.key_1",
        "sort=k.digest",
        "sort=name%3B%20DROP%20TABLE%20users",
        "order=asc,digest",
        "status=%27",
        "mode=%27",
        "search=%00",
        "search=a%0Ab",
    ] {
        assert_eq!(world.get(&format!("/_keyward/api-keys?{query}"), &ada).status, 400, "{query}");
    }
    let long = "a".repeat(101);
    assert_eq!(world.get(&format!("/_keyward/api-keys?search={long}"), &ada).status, 400);
    assert_eq!(names("search=").len(), 1, "an empty text is none");
}
