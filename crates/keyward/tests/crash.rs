//! `kill -9` at random moments under load: no acknowledged change is lost, no revoked credential is accepted, and the audit log
//! verifies.
//!
//! `KEYWARD_ROUNDS` sets the rounds: 20 here, 200 in `make torture`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyward_testkit::client::exchange;
use keyward_testkit::rounds;
use keyward_testkit::world::World;

/// What the server acknowledged: keys that must work, and keys that must not.
#[derive(Default)]
struct Ledger {
    made: Vec<(String, String)>,
    revoked: Vec<String>,
    disabled: Vec<String>,
    /// Keys whose last change was asked for but not acknowledged: either state is right.
    unsettled: Vec<String>,
}

struct Admin {
    address: std::net::SocketAddr,
    key: String,
}

impl Admin {
    /// The answer's status and body, unless the server went away.
    fn call(&self, method: &str, path: &str, body: &str) -> Option<(u16, serde_json::Value)> {
        let request = format!(
            "{method} /_keyward/api-keys{path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.key,
            body.len()
        );
        let answer = exchange(self.address, request.as_bytes())?;
        Some((answer.status, serde_json::from_slice(&answer.body).unwrap_or_default()))
    }
}

/// Makes, disables and revokes keys over HTTP until the server is gone, and writes down what was acknowledged.
fn load(admin: &Admin, ledger: &Mutex<Ledger>, stop: &AtomicBool, number: usize) {
    let mut turn = number;
    while !stop.load(Ordering::Relaxed) {
        turn += 1;
        let Some((201, made)) = admin.call("POST", "", &format!("{{\"name\":\"k{turn}\"}}")) else { return };
        let (id, key) = (made["id"].as_str().unwrap().to_owned(), made["key"].as_str().unwrap().to_owned());
        if turn.is_multiple_of(3) {
            ledger.lock().unwrap().made.push((id, key));
            continue;
        }
        ledger.lock().unwrap().unsettled.push(key.clone());
        let (answered, list): (_, fn(&mut Ledger) -> &mut Vec<String>) = if turn % 3 == 1 {
            (admin.call("DELETE", &format!("/{id}"), ""), |ledger| &mut ledger.revoked)
        } else {
            (admin.call("PATCH", &format!("/{id}"), "{\"disabled\":true}"), |ledger| &mut ledger.disabled)
        };
        let Some((200 | 204, _)) = answered else { return };
        // Acknowledged: the very next request must feel it.
        let request = format!("GET /x HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nConnection: close\r\n\r\n");
        if let Some(answer) = exchange(admin.address, request.as_bytes()) {
            assert_eq!(answer.status, 401, "a credential was accepted after the acknowledgement of its end");
        }
        let mut ledger = ledger.lock().unwrap();
        ledger.unsettled.retain(|one| *one != key);
        list(&mut ledger).push(key);
    }
}

#[test]
fn kill_9_loses_nothing_that_was_acknowledged() {
    let rounds = rounds(20);
    let mut world = World::new(env!("CARGO_BIN_EXE_keyward")).serve(&[]);
    let key = world.key("admin", &["--scopes", "self:*,*"]);
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let mut seed = u64::from(std::process::id());
    for round in 0..rounds {
        let admin = Arc::new(Admin { address: world.server().data, key: key.clone() });
        let stop = Arc::new(AtomicBool::new(false));
        let loaders: Vec<_> = (0..4)
            .map(|number| {
                let (admin, ledger, stop) = (Arc::clone(&admin), Arc::clone(&ledger), Arc::clone(&stop));
                std::thread::spawn(move || load(&admin, &ledger, &stop, round * 100_000 + number * 20_000))
            })
            .collect();
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        #[expect(clippy::disallowed_methods, reason = "a random moment is what is wanted here, not an event")]
        std::thread::sleep(Duration::from_millis(20 + (seed >> 33) % 200));
        world.take_server().kill();
        stop.store(true, Ordering::Relaxed);
        loaders.into_iter().for_each(|loader| loader.join().expect("nothing was accepted that had ended"));
        world.start(&[]);
        check(&world, &ledger.lock().unwrap());
    }
    let ledger = ledger.lock().unwrap();
    let counts = (ledger.made.len(), ledger.revoked.len(), ledger.disabled.len());
    println!("{} rounds: {counts:?} made, revoked, disabled; {} unsettled", rounds, ledger.unsettled.len());
    assert!(counts.0 > 0 && counts.1 > 0 && counts.2 > 0, "the load did nothing: {counts:?}");
}

fn check(world: &World, ledger: &Ledger) {
    world.ok(&["audit", "verify"]);
    // The newest matter most; older ones were checked in the rounds before.
    for (_, key) in ledger.made.iter().rev().take(30) {
        assert_eq!(world.get("/x", key).status, 200, "an acknowledged key was lost");
    }
    for key in ledger.revoked.iter().rev().take(30).chain(ledger.disabled.iter().rev().take(30)) {
        assert_eq!(world.get("/x", key).status, 401, "an acknowledged end was lost");
    }
    for key in ledger.unsettled.iter().rev().take(10) {
        assert!([200, 401].contains(&world.get("/x", key).status), "a key in no state at all");
    }
}
