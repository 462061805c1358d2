//! `kill -9` at random moments while users sign in, refresh, sign out and are disabled: nothing that was acknowledged is lost,
//! nothing that ended comes back, and the audit log verifies.
//!
//! `KEYWARD_ROUNDS` sets the rounds: 8 here, 200 in `make torture`.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyward_testkit::client::{Answer, exchange};
use keyward_testkit::people::Tokens;
use keyward_testkit::rounds;
use keyward_testkit::world::World;
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
fn load(address: SocketAddr, password: &str, ledger: &Mutex<Ledger>, stop: &AtomicBool) {
    let mut turn = 0;
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
        if turn % 2 == 0 {
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

#[test]
fn kill_9_loses_no_session_and_revives_none() {
    let rounds = rounds(8);
    let mut world = World::new(env!("CARGO_BIN_EXE_keyward")).serve(&[]);
    let password = world.person("ada", &["--roles", "admin"]);
    let (mut live, mut over) = (0, 0);
    let mut seed = u64::from(std::process::id());
    for round in 0..rounds {
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let name = format!("user{round}");
        let theirs = world.person(&name, &["--roles", "admin"]);
        let disabled = world.login(&name, &theirs);
        let (address, stop) = (world.server().data, Arc::new(AtomicBool::new(false)));
        let loaders: Vec<_> = (0..3)
            .map(|_| {
                let (ledger, stop, password) = (Arc::clone(&ledger), Arc::clone(&stop), password.clone());
                std::thread::spawn(move || load(address, &password, &ledger, &stop))
            })
            .collect();
        world.ok(&["user", "disable", &name]);
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        #[expect(clippy::disallowed_methods, reason = "a random moment is what is wanted here, not an event")]
        std::thread::sleep(Duration::from_millis(200 + (seed >> 33) % 600));
        world.take_server().kill();
        stop.store(true, Ordering::Relaxed);
        loaders.into_iter().for_each(|loader| loader.join().expect("every answer was as it should be"));
        world.start(&[]);
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
    println!("{rounds} rounds: {live} sessions went on, {over} were ended");
    assert!(live > 0 && over > 0, "the load did nothing: {live}, {over}");
}
