//! Adopting live: keys that nobody here knows are shown to the old verifier until a stated date, and what it accepts is kept.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use keyward_testkit::world::{World, text};
use serde_json::json;

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");
const KEY: &str = "an-old-key-0123456789";
const OTHER: &str = "another-old-key-0123456789";

/// The program that checked keys before: it knows two, and answers as it is told otherwise.
struct Old {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    answer: Arc<Mutex<Option<&'static str>>>,
    seen: Arc<Mutex<String>>,
}

impl Old {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let old = Self {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
            answer: Arc::default(),
            seen: Arc::default(),
        };
        let (asked, answer, seen) = (Arc::clone(&old.asked), Arc::clone(&old.answer), Arc::clone(&old.seen));
        // It ends with the test.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, mut head) = (stream.unwrap(), Vec::new());
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                    head.extend(byte);
                }
                let head = String::from_utf8(head).unwrap();
                let knows = [KEY, OTHER].iter().any(|key| head.contains(&format!("x-old-key: {key}\r\n")));
                let status =
                    answer.lock().unwrap().unwrap_or(if knows { "204 No Content" } else { "401 Unauthorized" });
                *seen.lock().unwrap() = head;
                asked.fetch_add(1, Ordering::SeqCst);
                let _ = stream.write_all(
                    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes(),
                );
            }
        });
        old
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn says(&self, status: Option<&'static str>) {
        *self.answer.lock().unwrap() = status;
    }

    fn config(&self, until: &str, throttle: u32) -> String {
        format!(
            "security:\n  throttle: {{per_address: {throttle}}}\n  api_keys:\n    adopt: {{url: \"http://{}/verify?x=1\", \
             header: x-old-key, until: \"{until}\", scopes: [orders:read]}}\n",
            self.address
        )
    }

    fn serve(&self, until: &str, throttle: u32) -> World {
        World::new(BINARY).config(&self.config(until, throttle)).serve(&[])
    }
}

fn status(world: &World, key: &str) -> u16 {
    world.get("/orders", key).status
}

#[test]
fn what_the_old_verifier_accepts_is_kept_and_it_is_not_asked_again() {
    let old = Old::start();
    let mut world = old.serve("2999-01-01T00:00:00Z", 1000);
    let made = world.key("ours", &[]);
    assert_eq!((status(&world, &made), old.asked()), (200, 0), "our own keys are shown to nobody");
    assert_eq!((status(&world, KEY), old.asked()), (200, 1));
    assert!(old.seen.lock().unwrap().starts_with("GET /verify?x=1 HTTP/1.1\r\n"), "{}", old.seen.lock().unwrap());
    for _ in 0..3 {
        assert_eq!((status(&world, KEY), old.asked()), (200, 1), "known from then on");
    }
    let me = world.get("/_keyward/me", KEY).json();
    assert_eq!((&me["name"], &me["scopes"]), (&json!("adopted"), &json!(["orders:read"])), "{me}");
    assert_eq!((status(&world, "a-guess-0123456789"), old.asked()), (401, 2));
    let adopted = world.json(&["audit", "list", "--action", "key.adopted"]);
    assert_eq!(adopted["data"].as_array().unwrap().len(), 1, "{adopted}");

    // Neither an error nor a redirect nor silence lets anybody in, and none of them says that the key is wrong.
    for answer in ["500 Internal Server Error", "302 Found", "garbage"] {
        old.says(Some(answer));
        assert_eq!(status(&world, OTHER), 503, "{answer}");
        assert_eq!(status(&world, KEY), 200, "{answer}: known here");
    }
    old.says(None);
    assert_eq!(status(&world, OTHER), 200);

    // Revoked here is revoked, whatever the old verifier says.
    let keys = world.json(&["key", "list"]);
    let id = text(keys["data"].as_array().unwrap().iter().find(|key| key["name"] == "adopted").unwrap(), "id");
    let asked = old.asked();
    world.ok(&["key", "revoke", &id]);
    let refused = [KEY, OTHER].map(|key| status(&world, key));
    assert!(refused.contains(&401) && refused.contains(&200), "{refused:?}");
    world.stop();
    world.start(&[]);
    assert_eq!([KEY, OTHER].map(|key| status(&world, key)), refused, "after a restart");
    assert_eq!(old.asked(), asked, "asked about a key that is known here");
}

#[test]
fn after_the_stated_date_nobody_is_asked() {
    let old = Old::start();
    let world = old.serve("2026-01-01T00:00:00Z", 1000);
    assert_eq!((status(&world, KEY), old.asked()), (401, 0));
}

#[test]
fn guesses_are_counted_and_then_nobody_is_asked_about_them() {
    let old = Old::start();
    let world = old.serve("2999-01-01T00:00:00Z", 3);
    let statuses: Vec<u16> = (0..6).map(|n| status(&world, &format!("guess-{n}-0123456789"))).collect();
    assert_eq!(statuses, [401, 401, 401, 429, 429, 429]);
    assert_eq!((status(&world, KEY), old.asked()), (429, 3));
}
