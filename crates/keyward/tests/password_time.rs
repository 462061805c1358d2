//! Passwords through the whole server: an unknown user takes as long as a known one, and however many sign in at once, who is
//! known already is served.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use keyward_testkit::people::basic;
use keyward_testkit::rounds;
use keyward_testkit::world::World;

const CONFIG: &str = "security: {basic_auth: {enabled: true}, throttle: {enabled: false}}\n";

fn serving() -> World {
    World::new(env!("CARGO_BIN_EXE_keyward")).config(CONFIG).serve(&[])
}

#[expect(clippy::disallowed_methods, reason = "what is compared is real time")]
fn span(call: impl FnOnce() -> u16) -> Duration {
    let begun = Instant::now();
    assert_eq!(call(), 401);
    begun.elapsed()
}

/// How many standard deviations the ranks of two samples of one size are apart (Mann and Whitney, in its normal
/// approximation; ties are as good as absent in nanoseconds).
fn ranks_apart(one: &[Duration], other: &[Duration]) -> f64 {
    let wins: usize = one.iter().map(|a| other.iter().filter(|b| a > *b).count()).sum();
    let (n, m) = (one.len() as f64, other.len() as f64);
    (wins as f64 - n * m / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt()
}

#[test]
fn ranks_tell_samples_apart() {
    let span = |milli: u64| Duration::from_millis(milli);
    let (low, high): (Vec<_>, Vec<_>) = (0..40).map(|at| (span(at), span(100 + at))).unzip();
    let (even, odd): (Vec<_>, Vec<_>) = (0..40).map(|at| (span(2 * at), span(2 * at + 1))).unzip();
    assert!(ranks_apart(&low, &high) < -7.0 && ranks_apart(&high, &low) > 7.0);
    assert!(ranks_apart(&even, &odd).abs() < 1.0);
}

/// In the short run only a gross difference fails, in the long one p > 0.01 is demanded of 300 samples each. A busy machine
/// may spoil a round; a difference that is there spoils all of them.
#[test]
fn an_unknown_user_takes_as_long_as_a_known_one() {
    let world = serving();
    world.person("ada", &["--roles", "admin"]);
    world.user("nopass", &[]);
    let long = rounds(1) > 1;
    let (samples, most) = if long { (300, 2.576) } else { (20, 4.5) };
    let login = |name: &str| span(|| world.try_login(name, "wrong password").status);
    let by_basic = |name: &str| span(|| world.send("GET", "/x", &[&basic(name, "wrong password")], "").status);
    type Way<'a> = (&'a str, &'a dyn Fn(&str) -> Duration, &'a [&'a str]);
    let ways: [Way<'_>; 2] = [("login", &login, &["nobody", "nopass", "no-name!"]), ("Basic", &by_basic, &["nobody"])];
    for (way, call, unknown) in ways {
        for unknown in unknown {
            let mut apart = Vec::new();
            for _ in 0..3 {
                let (mut known, mut other) = (Vec::new(), Vec::new());
                for _ in 0..samples {
                    known.push(call("ada"));
                    other.push(call(unknown));
                }
                apart.push(ranks_apart(&known, &other));
                if apart.last().is_some_and(|apart| apart.abs() < most) {
                    break;
                }
            }
            assert!(apart.last().unwrap().abs() < most, "{way}, {unknown}: {apart:?} standard deviations apart");
        }
    }
}

#[test]
fn two_hundred_sign_ins_at_once_starve_nobody_who_is_known() {
    let world = Arc::new(serving());
    let password = world.person("ada", &["--roles", "admin"]);
    let key = world.key("k", &[]);
    let pair = basic("ada", &password);
    (0..20).for_each(|_| assert_eq!(world.send("GET", "/x", &[&pair], "").status, 200));
    let (going, gate) = (Arc::new(AtomicBool::new(true)), Arc::new(Barrier::new(201)));
    let clients: Vec<_> = (0..200)
        .map(|number| {
            let (world, gate, password) = (Arc::clone(&world), Arc::clone(&gate), password.clone());
            std::thread::spawn(move || {
                gate.wait();
                let answer = if number % 2 == 0 {
                    world.try_login("ada", &password)
                } else {
                    world.send("GET", "/x", &[&basic("ada", &format!("wrong {number}"))], "")
                };
                assert!([200, 401, 429, 503].contains(&answer.status), "{}", answer.text());
            })
        })
        .collect();
    let busy = {
        let (world, going) = (Arc::clone(&world), Arc::clone(&going));
        std::thread::spawn(move || {
            let mut served = 0;
            while going.load(Ordering::SeqCst) {
                assert_eq!(world.get("/x", &key).status, 200);
                assert_eq!(world.send("GET", "/x", &[&pair], "").status, 200);
                served += 2;
            }
            served
        })
    };
    gate.wait();
    clients.into_iter().for_each(|client| client.join().unwrap());
    going.store(false, Ordering::SeqCst);
    let served: usize = busy.join().unwrap();
    // The queue alone takes longer than that many requests.
    assert!(served >= 20, "{served} requests were served meanwhile");
}
