//! What one process knows, the next one knows: limits, revocations, keys, and what is asked by commands and endpoints meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};

use keyward_testkit::client::exchange;
use keyward_testkit::world::{World, text};

use super::gate::Gate;
use super::{agreed, ask, connect, hand_over, starting, world};

const QUOTA: &str = "limits: {few: {per: key, requests: 100, window: 1h}}\n\
    routes: [{name: few, path: /few, limits: [few]}, {name: all, path: /**}]\n";

#[test]
fn a_quota_is_used_up_once() {
    let mut world = world(QUOTA).serve(&[]);
    let (key, address) = (world.key("k", &[]), world.server().data);
    let over = AtomicBool::new(false);
    let passed = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut passed = 0;
                    // Until all is used up, and after that until the last process has been asked.
                    loop {
                        let last = over.load(Ordering::Relaxed);
                        match ask(&mut connect(address), "/few", &key, true).map(|answer| answer.status) {
                            Some(200) => passed += 1,
                            Some(429) if last => return passed,
                            Some(429) => {}
                            other => panic!("{other:?}"),
                        }
                    }
                })
            })
            .collect();
        for _ in 0..3 {
            hand_over(&mut world);
        }
        over.store(true, Ordering::Relaxed);
        callers.into_iter().map(|caller| caller.join().unwrap()).sum::<u32>()
    });
    assert_eq!(passed, 100);
}

#[test]
fn what_was_revoked_just_before_is_refused_and_what_was_made_counts() {
    let mut world = world("").serve(&[]);
    for round in 0..3 {
        let revoked = world.key_json("revoked", &[]);
        assert_eq!(world.get("/x", &text(&revoked, "key")).status, 200);
        let made = world.key(&format!("made {round}"), &[]);
        world.ok(&["key", "revoke", &text(&revoked, "id"), "--reason", "test"]);
        hand_over(&mut world);
        assert_eq!(world.get("/x", &text(&revoked, "key")).status, 401);
        assert_eq!(world.get("/x", &made).status, 200);
    }
    assert!(world.run(&["audit", "verify"]).status.success());
}

/// The old process has agreed and cannot end yet: commands go on there.
#[test]
fn commands_count_while_the_old_process_ends() {
    let gate = Gate::open();
    let mut world = world("").serve(&["--upstream", &gate.url()]);
    let (key, doomed) = (world.key("k", &[]), world.key_json("doomed", &[]));
    let running = gate.hold(world.server().data, &key);
    let old = world.take_server();
    std::thread::scope(|scope| {
        let next = starting(scope, &world, &["--upstream", &gate.url()]);
        agreed(&old);
        let made = world.key("made", &[]);
        world.ok(&["key", "revoke", &text(&doomed, "id"), "--reason", "test"]);
        running.release();
        let server = next.join().unwrap().unwrap();
        let get = |key: &str| ask(&mut connect(server.data), "/x", key, true).unwrap().status;
        assert_eq!((get(&made), get(&text(&doomed, "key"))), (200, 401));
        assert!(old.ends());
    });
}

/// Commands, an own endpoint and the admin port, asked all the time: each is answered, and done once.
#[test]
fn whatever_is_asked_meanwhile_is_done_once() {
    let mut world = world("").serve(&[]);
    let key = world.key("k", &["--scopes", "self:keys:write,self:keys:read"]);
    let (data, admin) = (world.server().data, world.server().admin);
    // For a world that is handed over meanwhile.
    let create = |name: &str| {
        let mut command = world.command(&["key", "create", name, "--json"]);
        move || command.output().unwrap()
    };
    let mut commands: Vec<_> = (0..12).map(|number| create(&format!("by command {number}"))).collect();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let commanding = scope.spawn(move || {
            for command in &mut commands {
                let output = command();
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            }
        });
        let asking = scope.spawn(|| {
            let mut made = 0;
            while !over.load(Ordering::Relaxed) && made < 40 {
                let body = format!("{{\"name\":\"by endpoint {made}\"}}");
                let length = body.len();
                let request = format!(
                    "POST /_keyward/api-keys HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nConnection: close\r\n\
                     Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
                );
                let answer = exchange(data, request.as_bytes()).expect("an answer");
                assert_eq!(answer.status, 201, "{}", answer.text());
                made += 1;
            }
            made
        });
        let scraping = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let request = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
                assert_eq!(exchange(admin, request).expect("an answer").status, 200);
            }
        });
        while !commanding.is_finished() {
            hand_over(&mut world);
        }
        over.store(true, Ordering::Relaxed);
        commanding.join().unwrap();
        scraping.join().unwrap();
        let made = asking.join().unwrap();
        let names = names(&world);
        let count = |start: &str| names.iter().filter(|name| name.starts_with(start)).count();
        assert_eq!((count("by command"), count("by endpoint")), (12, made));
    });
    assert!(world.run(&["audit", "verify"]).status.success());
}

fn names(world: &World) -> Vec<String> {
    let all = world.json(&["key", "list", "--limit", "0"]);
    all["data"].as_array().unwrap().iter().map(|key| text(key, "name")).collect()
}
