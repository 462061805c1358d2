//! Plans through the real binary: an account is counted over all that it has, a change counts at the next request and takes
//! along what was used, and a plan that nobody knows lets nobody through.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

use keyward_testkit::client::Answer;
use keyward_testkit::people::basic;
use keyward_testkit::world::{World, text, until};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

const PLANS: &str = "plans:\n  free: {limits: [{requests: 3, window: 1m}, {requests: 40, window: 1h}]}\n  \
     big: {limits: [{requests: 5, window: 1m}, {requests: 100, window: 1h}]}\n";

fn world(yaml: &str) -> World {
    World::new(BINARY).config(yaml).serve(&[])
}

fn statuses(world: &World, key: &str, count: usize) -> Vec<u16> {
    (0..count).map(|_| world.get("/x", key).status).collect()
}

/// What is left of each limit, by the field `RateLimit`.
fn left(answer: &Answer) -> Vec<(String, u32)> {
    let field = answer.header("ratelimit").unwrap_or_else(|| panic!("no RateLimit in {answer:?}"));
    let item = |item: &str| {
        let mut parts = item.trim().split(';');
        let name = parts.next().unwrap().trim_matches('"').to_owned();
        (name, parts.next().unwrap().trim_start_matches("r=").parse().unwrap())
    };
    field.split(',').map(item).collect()
}

fn configure(world: &World, yaml: &str, version: u32) {
    let (new, file) = (world.path("keyward.yaml.new"), world.path("keyward.yaml"));
    std::fs::write(&new, yaml).unwrap();
    std::fs::rename(new, file).unwrap();
    world.hears(&format!("version {version} is in force"));
}

#[test]
fn an_account_is_counted_over_all_its_keys_and_users() {
    let yaml = format!("{PLANS}performance: {{rate_limit_headers: both}}\n");
    let world = world(&yaml);
    world.ok(&["account", "add", "acme", "--plan", "free"]);
    world.ok(&["account", "add", "umbrella", "--plan", "free"]);
    let password = world.person("ada", &["--account", "acme"]);
    let [one, two] = ["one", "two"].map(|name| world.key(name, &["--account", "acme"]));
    let other = world.key("other", &["--account", "umbrella"]);
    let first = world.get("/x", &one);
    assert_eq!(left(&first), [("free.1m".to_owned(), 2), ("free.1h".to_owned(), 39)]);
    let older = |answer: &Answer, name: &str| answer.header(name).unwrap().parse::<u64>().unwrap();
    let nearest = |answer: &Answer| (older(answer, "x-ratelimit-limit"), older(answer, "x-ratelimit-remaining"));
    assert_eq!(nearest(&first), (3, 2), "the window nearest to exhaustion");
    assert_eq!(world.get("/x", &two).status, 200);
    let token = world.login("ada", &password).access;
    assert_eq!(world.token_status(&token), 200, "tokens of its users count, too");
    let client = world.client_tokens(&world.pair("app", &["--account", "acme"])).access;
    let of_token = |token: &String| world.with_token("GET", "/x", token);
    for refused in [world.get("/x", &one), world.get("/x", &two), of_token(&token), of_token(&client)] {
        assert_eq!((refused.status, nearest(&refused)), (429, (3, 0)));
        assert!((1..=60).contains(&older(&refused, "retry-after")), "{refused:?}");
        assert!(refused.text().contains("`free.1m`"), "{}", refused.text());
        assert_eq!(left(&refused)[1], ("free.1h".to_owned(), 37), "what is refused costs nothing");
    }
    assert_eq!(world.get("/x", &other).status, 200, "another account has its own");
    assert_eq!(
        world.get("/x", &world.key("mine", &[])).header("ratelimit"),
        None,
        "whoever is on no plan is not counted"
    );
    let told = until("the decision", || {
        let listed = world.json(&["decisions", "list", "--outcome", "Limited"]);
        listed["data"].as_array().unwrap().first().cloned()
    });
    assert_eq!(told["detail"], "free.1m", "{told}");
}

#[test]
fn whatever_its_users_show_is_counted() {
    let world = world(&format!(
        "{PLANS}security: {{basic_auth: {{enabled: true}}}}\n\
         routes: [{{name: all, path: /**, schemes: [key_header, bearer, session, basic]}}]\n"
    ));
    world.ok(&["account", "add", "acme", "--plan", "free"]);
    let password = world.person("ada", &["--account", "acme"]);
    let body = serde_json::json!({"username": "ada", "password": password, "session": true}).to_string();
    let begun = world.send("POST", "/_keyward/login", &["Content-Type: application/json"], &body);
    let cookie = begun.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    world.issued.note(cookie.split_once('=').unwrap().1);
    let by_cookie = || world.send("GET", "/x", &[&format!("Cookie: {cookie}")], "").status;
    let by_basic = || world.send("GET", "/x", &[&basic("ada", &password)], "").status;
    assert_eq!([by_cookie(), by_basic(), by_cookie(), by_cookie(), by_basic()], [200, 200, 200, 429, 429]);
    assert_eq!(statuses(&world, &world.key("bot", &["--account", "acme"]), 1), [429]);
}

#[test]
fn a_change_counts_at_the_next_request_and_takes_along_what_was_used() {
    let world = world(PLANS);
    world.ok(&["account", "add", "acme", "--plan", "free"]);
    let key = world.key("bot", &["--account", "acme"]);
    assert_eq!(statuses(&world, &key, 4), [200, 200, 200, 429]);
    let said = world.ok(&["account", "plan", "acme", "big"]);
    assert!(said.contains("acme is on plan big, by 1/1 nodes"), "{said}");
    let next = world.get("/x", &key);
    assert_eq!((next.status, left(&next)), (200, vec![("big.1m".to_owned(), 1), ("big.1h".to_owned(), 96)]));
    world.ok(&["account", "plan", "acme", "free"]);
    assert_eq!(statuses(&world, &key, 1), [429], "going back and forth fills nothing up");
    world.ok(&["account", "plan", "acme", "--default"]);
    assert_eq!(world.get("/x", &key).header("ratelimit"), None, "there is no default");
    let told = world.json(&["audit", "list", "--action", "account.plan_changed"]);
    let change =
        |place: usize| (told["data"][place]["detail"]["before"].clone(), told["data"][place]["detail"]["plan"].clone());
    assert_eq!(change(0), ("free".into(), "default".into()));
    assert_eq!(change(2), ("free".into(), "big".into()));
    for command in [&["account", "plan", "acme", "gone"][..], &["account", "add", "other", "--plan", "gone"]] {
        assert!(
            world.refused(command).contains("there is no plan \"gone\"; `plans` in the configuration has: big, free")
        );
    }
    assert_eq!(world.json(&["account", "list"])["data"].as_array().unwrap().len(), 1);
}

#[test]
fn the_default_plan_holds_for_whoever_has_none_and_for_no_own_endpoint() {
    let yaml = format!(
        "{PLANS}accounts: {{default_plan: free}}\nsecurity: {{api_keys: {{static: [{{name: ci, key: {}, scopes: [\"*\"]}}]}}}}\n",
        "k".repeat(40)
    );
    let world = world(&yaml);
    world.ok(&["account", "add", "acme"]);
    world.ok(&["account", "add", "umbrella", "--plan", "big"]);
    let of = |name: &str, flags: &[&str]| world.key(name, &[flags, &["--scopes", "self:*,*"]].concat());
    let (mine, acme, big) =
        (of("mine", &[]), of("acme", &["--account", "acme"]), of("big", &["--account", "umbrella"]));
    let fixed = "k".repeat(40);
    for _ in 0..10 {
        assert_eq!(world.get("/_keyward/me", &mine).status, 200);
    }
    for (key, plan, passes) in [(&mine, "free", 3), (&acme, "free", 3), (&big, "big", 5), (&fixed, "free", 3)] {
        let passed = statuses(&world, key, 8).into_iter().filter(|status| *status == 200).count();
        assert_eq!(passed, passes, "{plan}");
        assert_eq!(text(&world.get("/_keyward/me", key).json(), "plan"), plan);
    }
    assert_eq!(statuses(&world, &of("second", &[]), 1), [429], "without an account a user counts over all of its keys");
    let usage = world.get("/_keyward/usage", &big).json();
    assert_eq!((&usage["plan"], usage["limits"].as_array().unwrap().len()), (&"big".into(), 2), "{usage}");
    let first = &usage["limits"][0];
    assert_eq!((&first["limit"], &first["per"], &first["remaining"]), (&"big.1m".into(), &"account".into(), &0.into()));
}

#[test]
fn a_plan_that_the_configuration_lost_lets_nobody_through_unless_another_stands_in() {
    let world = world(PLANS);
    let acme = world.json(&["account", "add", "acme", "--plan", "big"]);
    let key = world.key_json("bot", &["--account", &text(&acme, "id")]);
    let (id, key) = (text(&key, "id"), text(&key, "key"));
    assert_eq!(statuses(&world, &key, 2), [200, 200]);
    let free = "plans:\n  free: {limits: [{requests: 3, window: 1m}]}\n";
    configure(&world, free, 2);
    let answer = world.get("/x", &key);
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert!(answer.text().contains("the plan of your account is not known here"), "{}", answer.text());
    let explained = world.refused(&["explain", "--key-id", &id, "--path", "/x"]);
    assert!(explained.contains("on a plan that the configuration does not know"), "{explained}");
    let doctor = || String::from_utf8(world.run(&["doctor"]).stdout).unwrap();
    assert!(doctor().contains("is on plan big, which the configuration does not have; there is no"), "{}", doctor());
    configure(&world, &format!("{free}accounts: {{default_plan: free}}\n"), 3);
    assert_eq!(statuses(&world, &key, 2), [200, 429], "what was used before counts");
    assert!(doctor().contains("it is counted by `accounts.default_plan`, free"), "{}", doctor());
    configure(&world, PLANS, 4);
    assert_eq!(statuses(&world, &key, 3), [200, 200, 429]);
}

#[test]
fn a_crash_refills_no_window_of_an_hour() {
    let mut world = world("plans: {free: {limits: [{requests: 40, window: 1h}]}}\naccounts: {default_plan: free}\n");
    let key = world.key("bot", &[]);
    let mut admitted = 0;
    for _ in 0..4 {
        admitted += statuses(&world, &key, 3).into_iter().filter(|status| *status == 200).count();
        world.take_server().kill();
        world.start(&[]);
    }
    assert_eq!(admitted, 12);
    admitted += statuses(&world, &key, 60).into_iter().filter(|status| *status == 200).count();
    assert!(admitted <= 40, "{admitted} of 40");
}
