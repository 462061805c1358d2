//! `kill -9` at random moments while users sign in, refresh and sign out, and while operators make and change users: nothing
//! that was acknowledged is lost, nothing that ended comes back, and the audit log verifies.
//!
//! `KEYWARD_ROUNDS` sets the rounds: 8 here, 200 in `make torture`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use keyward_testkit::client::{Answer, exchange};
use keyward_testkit::people::Tokens;
use keyward_testkit::rounds;
use keyward_testkit::world::{World, until};
use serde_json::{Value, json};

/// What the server acknowledged of sessions.
#[derive(Default)]
struct Ledger {
    /// The newest tokens of sessions that go on.
    live: Vec<Tokens>,
    /// Tokens of sessions that were ended.
    ended: Vec<Tokens>,
    /// Sessions whose last change was asked for but not acknowledged: either state is right.
    unsettled: usize,
}

fn post(address: SocketAddr, path: &str, token: Option<&str>, body: &Value) -> Option<Answer> {
    let body = body.to_string();
    let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let request = format!(
        "POST /_keyward/{path} HTTP/1.1\r\nHost: x\r\n{bearer}Content-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    exchange(address, request.as_bytes())
}

/// Signs in, refreshes, and signs out every other time, until the server is gone; writes down what was acknowledged.
fn load(address: SocketAddr, password: &str, ledger: &Mutex<Ledger>, stop: &AtomicBool, number: usize) {
    let mut turn = number;
    while !stop.load(Ordering::Relaxed) {
        turn += 1;
        let Some(answer) = post(address, "login", None, &json!({"username": "ada", "password": password})) else {
            return;
        };
        if answer.status != 200 {
            continue;
        }
        let mut tokens = Tokens::of(&answer);
        for _ in 0..3 {
            // Until the answer is here, nobody knows which of the two counts.
            ledger.lock().unwrap().unsettled += 1;
            let Some(answer) = post(address, "refresh", None, &json!({"refresh_token": tokens.refresh})) else {
                return;
            };
            ledger.lock().unwrap().unsettled -= 1;
            tokens = Tokens::of(&answer);
        }
        if turn.is_multiple_of(2) {
            ledger.lock().unwrap().live.push(tokens);
            continue;
        }
        ledger.lock().unwrap().unsettled += 1;
        let Some(answer) = post(address, "logout", Some(&tokens.access), &json!({})) else { return };
        assert_eq!(answer.status, 204, "{}", answer.text());
        let mut ledger = ledger.lock().unwrap();
        ledger.unsettled -= 1;
        ledger.ended.push(tokens);
    }
}

/// A user whom one operator changes. Each list holds what may be true: one thing once a change was acknowledged, two before.
struct Changed {
    name: String,
    exists: Vec<bool>,
    roles: Vec<&'static str>,
    disabled: Vec<bool>,
    passwords: Vec<String>,
}

/// One change of a user: what is run, what is read from its stdin, and which of the lists it changes.
struct Change {
    words: &'static [&'static str],
    stdin: &'static str,
    apply: fn(&mut Changed),
    settle: fn(&mut Changed),
}

fn last<T>(list: &mut Vec<T>) {
    list.drain(..list.len() - 1);
}

/// What an operator does to each user, one after the other. `$` is its name.
const CHANGES: &[Change] = &[
    Change {
        words: &["user", "add", "$", "--roles", "self", "--password-file", "-"],
        stdin: "the first password of them",
        apply: |user| user.exists.push(true),
        settle: |user| last(&mut user.exists),
    },
    Change {
        words: &["user", "roles", "$", "admin,self"],
        stdin: "",
        apply: |user| user.roles.push("admin,self"),
        settle: |user| last(&mut user.roles),
    },
    Change {
        words: &["user", "disable", "$"],
        stdin: "",
        apply: |user| user.disabled.push(true),
        settle: |user| last(&mut user.disabled),
    },
    Change {
        words: &["user", "enable", "$"],
        stdin: "",
        apply: |user| user.disabled.push(false),
        settle: |user| last(&mut user.disabled),
    },
    Change {
        words: &["user", "passwd", "$", "--password-file", "-"],
        stdin: "another password of theirs",
        apply: |user| user.passwords.push("another password of theirs".to_owned()),
        settle: |user| last(&mut user.passwords),
    },
    Change {
        words: &["user", "disable", "$"],
        stdin: "",
        apply: |user| user.disabled.push(true),
        settle: |user| last(&mut user.disabled),
    },
];

/// Makes users and changes them until the server is gone, and counts what was acknowledged; what may be true of each.
fn operate(world: &World, prefix: &str, stop: &AtomicBool, settled: &AtomicUsize) -> Vec<Changed> {
    let mut users = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let name = format!("{prefix}-{}", users.len());
        users.push(Changed {
            name: name.clone(),
            exists: vec![false],
            roles: vec!["self"],
            disabled: vec![false],
            passwords: vec!["the first password of them".to_owned()],
        });
        let user = users.last_mut().unwrap();
        for change in CHANGES {
            let words: Vec<&str> =
                change.words.iter().map(|word| if *word == "$" { name.as_str() } else { *word }).collect();
            (change.apply)(user);
            if !world.run_with_stdin(&words, change.stdin).status.success() {
                return users;
            }
            (change.settle)(user);
            settled.fetch_add(1, Ordering::Relaxed);
        }
    }
    users
}

/// After the restart each is in a state that it may be in.
fn check(world: &World, users: &[Changed]) {
    let list = world.json(&["user", "list"]);
    for user in users {
        let kept = list["data"].as_array().unwrap().iter().find(|kept| kept["username"] == *user.name);
        assert!(user.exists.contains(&kept.is_some()), "{}: acknowledged, and lost", user.name);
        let Some(kept) = kept else { continue };
        let roles: Vec<&str> = kept["roles"].as_array().unwrap().iter().map(|role| role.as_str().unwrap()).collect();
        assert!(user.roles.contains(&&*roles.join(",")), "{}: {roles:?}, not one of {:?}", user.name, user.roles);
        let disabled = kept["disabledAt"].is_string();
        assert!(
            user.disabled.contains(&disabled),
            "{}: disabled {disabled}, not one of {:?}",
            user.name,
            user.disabled
        );
        let mut signed_in = user.passwords.iter().map(|password| world.try_login(&user.name, password).status == 200);
        assert_eq!(signed_in.any(|signed_in| signed_in), !disabled, "{}: its acknowledged password", user.name);
    }
}

#[test]
fn kill_9_loses_no_session_and_revives_none() {
    let rounds = rounds(8);
    let mut world = World::new(env!("CARGO_BIN_EXE_keyward")).serve(&[]);
    let password = world.person("ada", &["--roles", "admin"]);
    let (mut live, mut over, mut changes) = (0, 0, 0);
    let mut seed = u64::from(std::process::id());
    for round in 0..rounds {
        let ledger = Mutex::new(Ledger::default());
        let name = format!("user{round}");
        let theirs = world.person(&name, &["--roles", "admin"]);
        let disabled = world.login(&name, &theirs);
        let (address, stop) = (world.server().data, AtomicBool::new(false));
        world.ok(&["user", "disable", &name]);
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let pause = Duration::from_millis((seed >> 33) % 600);
        let settled = AtomicUsize::new(0);
        let operated = std::thread::scope(|scope| {
            let (world, ledger, stop, password, settled) = (&world, &ledger, &stop, &password, &settled);
            let loaders: Vec<_> =
                (0..4).map(|number| scope.spawn(move || load(address, password, ledger, stop, number))).collect();
            let operators: Vec<_> = (0..2)
                .map(|number| scope.spawn(move || operate(world, &format!("changed{round}-{number}"), stop, settled)))
                .collect();
            until("the load to be under way", || {
                let ledger = ledger.lock().unwrap();
                let some = !ledger.live.is_empty() && !ledger.ended.is_empty() && settled.load(Ordering::Relaxed) > 0;
                some.then_some(())
            });
            #[expect(clippy::disallowed_methods, reason = "a random moment is what is wanted here, not an event")]
            std::thread::sleep(pause);
            let server = world.server().id().to_string();
            assert!(Command::new("kill").args(["-KILL", &server]).status().unwrap().success());
            stop.store(true, Ordering::Relaxed);
            loaders.into_iter().for_each(|loader| loader.join().expect("every answer was as it should be"));
            operators.into_iter().map(|operator| operator.join().unwrap()).collect::<Vec<_>>()
        });
        world.take_server().kill();
        world.start(&[]);
        operated.iter().for_each(|users| check(&world, users));
        changes += settled.into_inner();
        let ledger = ledger.lock().unwrap();
        for tokens in &ledger.live {
            assert_eq!(world.token_status(&tokens.access), 200, "an acknowledged session was lost");
            assert_eq!(world.refresh(&tokens.refresh).status, 200, "an acknowledged refresh token was lost");
        }
        for tokens in ledger.ended.iter().chain([&disabled]) {
            assert_eq!(world.token_status(&tokens.access), 401, "a session that was ended came back");
            assert_eq!(world.refresh(&tokens.refresh).status, 401, "a session that was ended goes on");
        }
        live += ledger.live.len();
        over += ledger.ended.len();
        world.ok(&["audit", "verify"]);
    }
    println!("{rounds} rounds: {live} sessions went on, {over} were ended, {changes} users changed");
    assert!(live > 0 && over > 0 && changes > 0, "the load did nothing: {live}, {over}, {changes}");
}
