//! A wall clock that jumps under a running server, while somebody signs in, calls and refreshes. The library that `faketime`
//! brings is loaded into the server and reads the jump from a file; the monotonic clock is left alone.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::path::PathBuf;

use keyward_testkit::people::Tokens;
use keyward_testkit::world::{World, until};

/// The library for programs with threads, wherever the system keeps it.
fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap().flatten().map(|entry| entry.path());
    let found = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|path| path.exists());
    found.expect("scripts/setup-tests installs faketime")
}

/// A server whose clock these tests set.
struct Jumping {
    world: World,
    file: PathBuf,
    password: String,
}

impl Jumping {
    fn new() -> Self {
        Self::with("{}\n")
    }

    fn with(config: &str) -> Self {
        let world = World::new(env!("CARGO_BIN_EXE_keyward")).config(config);
        let file = world.path("clock");
        std::fs::write(&file, "+0").unwrap();
        let mut world = world
            .env("LD_PRELOAD", library().to_str().unwrap())
            .env("FAKETIME_TIMESTAMP_FILE", file.to_str().unwrap())
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        world.start(&[]);
        let password = world.person("ada", &["--roles", "admin"]);
        Self { world, file, password }
    }

    /// So far from the true time, such as `+1d` or `-3600`. The file is replaced whole: it is read at any moment.
    fn jump(&self, to: &str) {
        let new = self.file.with_extension("new");
        std::fs::write(&new, to).unwrap();
        std::fs::rename(new, &self.file).unwrap();
    }

    fn login(&self) -> Tokens {
        self.world.login("ada", &self.password)
    }

    /// The status that an access token gets, and that a refresh token gets at a copy of this moment's state.
    fn access(&self, tokens: &Tokens) -> u16 {
        self.world.token_status(&tokens.access)
    }
}

#[test]
fn a_token_counts_only_in_the_time_that_it_was_made_for() {
    let server = Jumping::new();
    let tokens = server.login();
    // the clock | an access token of now, good for 15 minutes
    for row in ["+0 | 200", "-3 | 200", "-60 | 401", "-1h | 401", "+10m | 200", "+16m | 401", "+1d | 401", "+0 | 200"] {
        let (clock, status) = row.split_once(" | ").unwrap();
        server.jump(clock);
        for _ in 0..4 {
            assert_eq!(server.access(&tokens).to_string(), status, "{row}");
        }
    }
}

#[test]
fn a_refresh_token_is_good_once_whatever_the_clock_says() {
    let server = Jumping::new();
    let first = server.login();
    server.jump("+31d");
    assert_eq!(server.world.refresh(&first.refresh).status, 401, "too old by this clock");
    server.jump("+0");
    let second = Tokens::of(&server.world.refresh(&first.refresh));
    assert_eq!(server.access(&second), 200, "being asked too late did not spend it");
    server.jump("-1h");
    let third = Tokens::of(&server.world.refresh(&second.refresh));
    assert_eq!(server.access(&third), 200, "made by this clock, it counts by this clock");
    assert_eq!(server.world.refresh(&second.refresh).status, 401, "spent stays spent");
    for clock in ["-1h", "+0", "+1m"] {
        server.jump(clock);
        assert_eq!(server.world.refresh(&third.refresh).status, 401, "{clock}: the family is over");
        for tokens in [&first, &second, &third] {
            assert_eq!(server.access(tokens), 401, "{clock}: an access token of the family counts");
        }
    }
}

#[test]
fn what_ended_stays_ended_and_the_audit_log_verifies() {
    let server = Jumping::new();
    let tokens = server.login();
    let key = server.world.key_json("key", &["--expires", "1h"]);
    let (id, secret) = (key["id"].as_str().unwrap(), key["key"].as_str().unwrap());
    server.jump("+2h");
    assert_eq!(server.world.get("/", secret).status, 401, "it has ended");
    server.jump("-2h");
    assert_eq!(server.world.get("/", secret).status, 200, "by this clock it has not");
    server.world.ok(&["key", "revoke", id]);
    server.world.ok(&["user", "disable", "ada"]);
    for clock in ["+0", "-1d", "+10m"] {
        server.jump(clock);
        assert_eq!(server.world.get("/", secret).status, 401, "{clock}");
        assert_eq!(server.access(&tokens), 401, "{clock}");
        assert_eq!(server.world.try_login("ada", &server.password).status, 401, "{clock}");
    }
    assert_eq!(server.world.json(&["audit", "verify"])["ok"], true, "records are in the order of their numbers");
    assert_eq!(server.world.send("GET", "/_keyward/ready", &[], "").status, 200);
}

/// A session by cookie ends when nobody has used it for long, and in any case after its time.
#[test]
fn a_session_by_cookie_ends_unused_and_goes_on_while_it_is_used() {
    let server = Jumping::with("security: {sessions: {absolute: 90m}}\n");
    let world = &server.world;
    let sign_in = || {
        let body = format!("{{\"username\":\"ada\",\"password\":\"{}\",\"session\":true}}", server.password);
        let answer = world.send("POST", "/_keyward/login", &["Content-Type: application/json"], &body);
        let set = answer.header("set-cookie").unwrap().to_owned();
        world.issued.note(set.split(['=', ';']).nth(1).unwrap());
        set.split(';').next().unwrap().to_owned()
    };
    let me = |cookie: &str| world.send("GET", "/_keyward/me", &[&format!("Cookie: {cookie}")], "").status;
    let seen = || {
        let lines = world.ok(&["export", "--kind", "session"]);
        let all = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        all.map(|one| one["seenAt"].as_str().unwrap().to_owned()).max().unwrap()
    };
    let (used, unused) = (sign_in(), sign_in());
    assert_eq!((me(&used), me(&unused)), (200, 200));
    for minutes in [25, 50, 75] {
        let before = seen();
        server.jump(&format!("+{minutes}m"));
        assert_eq!(me(&used), 200, "after {minutes} minutes");
        // What memory noted is in the store before the next jump.
        keyward_testkit::world::until("the use to be written", || (seen() > before).then_some(()));
    }
    assert_eq!(me(&unused), 401, "nobody used it");
    server.jump("+90m");
    assert_eq!(me(&used), 401, "its time is over, however much it was used");
}

#[test]
fn what_nobody_can_carry_on_is_let_go_and_its_evidence_stays() {
    let mut server = Jumping::new();
    let tokens = server.login();
    server.world.client_tokens(&server.world.pair("app", &[]));
    let kept = |world: &World| world.ok(&["export"]).lines().filter(|line| line.contains("\"ses_")).count();
    // A refresh token is good for 30 days, and what rests on it is kept for one more.
    for (clock, expected) in [("+30d", 2), ("+32d", 0)] {
        server.world.stop();
        server.jump(clock);
        server.world.start(&[]);
        until(clock, || (kept(&server.world) == expected).then_some(()));
    }
    assert_eq!(server.world.refresh(&tokens.refresh).status, 401);
    for action in ["session.signed_in", "session.client_signed_in"] {
        let told = server.world.json(&["audit", "list", "--action", action]);
        assert_eq!(told["data"].as_array().unwrap().len(), 1, "{action}");
    }
    server.world.ok(&["audit", "verify"]);
}
