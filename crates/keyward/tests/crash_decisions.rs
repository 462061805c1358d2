//! `kill -9` at random moments under load: at most the last second of decisions is lost, and usage agrees with what is kept.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use keyward_testkit::client::exchange;
use keyward_testkit::decided::{decisions, sum, usage};
use keyward_testkit::rounds;
use keyward_testkit::world::{World, text};

/// Requests with one key until the server is gone; when each was answered.
fn load(address: SocketAddr, key: &str, answered: &Mutex<Vec<Instant>>, sent: &Mutex<u64>, stop: &AtomicBool) {
    let request = format!("GET /load HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nConnection: close\r\n\r\n");
    while !stop.load(Ordering::Relaxed) {
        *sent.lock().unwrap() += 1;
        if exchange(address, request.as_bytes()).is_none() {
            return;
        }
        #[expect(clippy::disallowed_methods, reason = "a test tells the time of its own requests")]
        answered.lock().unwrap().push(Instant::now());
    }
}

/// `KEYWARD_ROUNDS` sets the rounds: 6 here, 200 in `make torture`.
#[test]
fn kill_9_costs_at_most_the_last_second_and_the_sums_agree() {
    let mut world =
        World::new(env!("CARGO_BIN_EXE_keyward")).config("decisions: {fold_above_per_second: 100}").serve(&[]);
    let made = world.key_json("load", &["--scopes", "*,self:*"]);
    let (key, id) = (text(&made, "key"), text(&made, "id"));
    let mut seed = u64::from(std::process::id());
    let (mut all, mut lost) = (0, 0);
    let mut before = 0;
    for round in 0..rounds(6) {
        let (answered, sent) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let (address, stop) = (world.server().data, Arc::new(AtomicBool::new(false)));
        let loaders: Vec<_> = (0..3)
            .map(|_| {
                let (answered, sent, stop) = (Arc::clone(&answered), Arc::clone(&sent), Arc::clone(&stop));
                let key = key.clone();
                std::thread::spawn(move || load(address, &key, &answered, &sent, &stop))
            })
            .collect();
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        #[expect(clippy::disallowed_methods, reason = "a random moment is what is wanted here, not an event")]
        std::thread::sleep(Duration::from_millis(1200 + (seed >> 33) % 600));
        #[expect(clippy::disallowed_methods, reason = "a test tells the time of its own kill")]
        let killed = Instant::now();
        world.take_server().kill();
        stop.store(true, Ordering::Relaxed);
        loaders.into_iter().for_each(|loader| loader.join().unwrap());
        world.start(&[]);
        let kept = sum(&decisions(&world, &["--credential", &id, "--route", "all"])) - before;
        before += kept;
        let answered = answered.lock().unwrap();
        let certain = answered.iter().filter(|at| killed.duration_since(**at) > Duration::from_secs(1)).count();
        assert!(kept >= u64::try_from(certain).unwrap(), "round {round}: {kept} kept of {certain} older than a second");
        assert!(kept <= *sent.lock().unwrap(), "round {round}: more were kept than were sent");
        assert_eq!(usage(&world, &key, "all"), before, "round {round}: usage and decisions disagree");
        world.ok(&["audit", "verify"]);
        all += answered.len();
        lost += answered.len().saturating_sub(usize::try_from(kept).unwrap());
    }
    println!("{all} answered, {lost} of them lost with the last moments");
}
