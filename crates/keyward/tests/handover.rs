//! A restart without loss: the next process takes the listening sockets and the data directory over while requests go on.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]
#![allow(clippy::disallowed_methods, reason = "how long a request waits is what is measured")]

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use keyward_testkit::client::{Answer, read_answer};
use keyward_testkit::decided::{decisions, sum};
use keyward_testkit::world::{World, until};

const QUOTA: &str = "limits: {few: {per: key, requests: 3, window: 1h}}\n\
    routes: [{name: few, path: /few, limits: [few]}, {name: all, path: /**}]\n";

fn world(yaml: &str) -> World {
    World::new(env!("CARGO_BIN_EXE_keyward")).config(yaml)
}

/// The next process takes over, and the one before ends well.
fn hand_over(world: &mut World) {
    let old = world.take_server();
    let (data, admin) = (old.data, old.admin);
    world.start(&["--take-over"]);
    assert_eq!((world.server().data, world.server().admin), (data, admin), "the same ports");
    let log = Arc::clone(&old.written);
    assert!(old.ends(), "it ended badly: {}", log.lock().unwrap());
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

fn ask(stream: &mut TcpStream, path: &str, key: &str, close: bool) -> Option<Answer> {
    let connection = if close { "Connection: close\r\n" } else { "" };
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n{connection}\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    read_answer(stream, false)
}

/// Callers that never try again.
struct Load {
    over: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    failed: Arc<Mutex<Vec<String>>>,
    longest: Arc<Mutex<Duration>>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(address: SocketAddr, key: &str) -> Self {
        let mut load = Self {
            over: Arc::default(),
            asked: Arc::default(),
            failed: Arc::default(),
            longest: Arc::default(),
            threads: Vec::new(),
        };
        for number in 0..6 {
            let (over, asked) = (Arc::clone(&load.over), Arc::clone(&load.asked));
            let (failed, longest) = (Arc::clone(&load.failed), Arc::clone(&load.longest));
            let key = key.to_owned();
            load.threads.push(std::thread::spawn(move || {
                // Two of three keep their connection for as long as they may.
                let closes = number % 3 == 0;
                let mut kept: Option<TcpStream> = None;
                while !over.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    let mut stream = kept.take().unwrap_or_else(|| connect(address));
                    let answer = ask(&mut stream, "/x", &key, closes);
                    asked.fetch_add(1, Ordering::Relaxed);
                    let mut most = longest.lock().unwrap();
                    *most = (*most).max(begun.elapsed());
                    drop(most);
                    match answer {
                        Some(answer) if answer.status == 200 => {
                            kept = (answer.header("connection") != Some("close")).then_some(stream);
                        }
                        other => failed.lock().unwrap().push(format!("{other:?}")),
                    }
                }
            }));
        }
        load
    }

    /// Waits for so many requests more.
    fn goes_on(&self) {
        let before = self.asked.load(Ordering::Relaxed);
        until("requests", || (self.asked.load(Ordering::Relaxed) > before + 50).then_some(()));
    }

    /// How many were asked, all of them answered as they should be; and how long the longest took.
    fn end(self) -> (usize, Duration) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
        assert_eq!(*self.failed.lock().unwrap(), Vec::<String>::new());
        (self.asked.load(Ordering::Relaxed), *self.longest.lock().unwrap())
    }
}

#[test]
fn no_request_is_lost() {
    let mut world = world("decisions: {fold_above_per_second: 1}\n").serve(&[]);
    let revoked = world.key_json("revoked", &[]);
    let made = world.key_json("made", &[]);
    world.ok(&["key", "revoke", revoked["id"].as_str().unwrap(), "--reason", "test"]);
    let key = made["key"].as_str().unwrap();
    let load = Load::start(world.server().data, key);
    for _ in 0..3 {
        load.goes_on();
        hand_over(&mut world);
    }
    load.goes_on();
    let (asked, longest) = load.end();
    assert!(asked > 200 && longest < Duration::from_secs(30), "{asked} requests, the longest took {longest:?}");
    assert_eq!(world.get("/x", key).status, 200);
    assert_eq!(world.get("/x", revoked["key"].as_str().unwrap()).status, 401);
    assert!(world.run(&["audit", "verify"]).status.success());
    // The one above, and each of the load's.
    let id = made["id"].as_str().unwrap();
    let all = u64::try_from(asked).unwrap() + 1;
    until("every decision", || (sum(&decisions(&world, &["--credential", id])) == all).then_some(()));
}

#[test]
fn a_kept_connection_may_ask_once_more_and_is_told() {
    let mut world = world("").serve(&[]);
    let key = world.key("k", &[]);
    let mut kept = connect(world.server().data);
    assert_eq!(ask(&mut kept, "/x", &key, false).unwrap().header("connection"), None);
    let mut fresh = connect(world.server().data);
    let old = world.take_server();
    let mut next = world
        .command(&["serve", "--port", "0", "--admin-port", "0", "--take-over"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("the old one ends", || old.log().contains("another process takes over").then_some(()));
    loop {
        let answer = ask(&mut kept, "/x", &key, false).expect("it is still answered");
        assert_eq!(answer.status, 200);
        if answer.header("connection") == Some("close") {
            break;
        }
    }
    // Either process may have accepted it.
    assert_eq!(ask(&mut fresh, "/x", &key, true).expect("it is answered").status, 200);
    assert!(old.ends());
    next.kill().unwrap();
    next.wait().unwrap();
}

#[test]
fn what_was_used_of_a_quota_stays_used() {
    let mut world = world(QUOTA).serve(&[]);
    let key = world.key("k", &[]);
    assert_eq!(world.get("/few", &key).status, 200);
    hand_over(&mut world);
    assert_eq!(world.get("/few", &key).status, 200);
    assert_eq!(world.get("/few", &key).status, 200);
    hand_over(&mut world);
    assert_eq!(world.get("/few", &key).status, 429);
}

#[test]
fn whoever_cannot_start_takes_nothing() {
    let world = world("").serve(&[]);
    let key = world.key("k", &[]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let bad = world.path("bad.yaml");
    std::fs::write(&bad, "server: {prot: 1}\n").unwrap();
    let bad = bad.display().to_string();
    for (arguments, said) in [
        (vec!["--config", bad.as_str(), "--port", "0"], "prot"),
        (vec!["--port", "0", "--admin-port", port.as_str()], "another program uses this port"),
        (vec!["--port", port.as_str(), "--admin-port", "0"], "another program uses this port"),
    ] {
        let mut command = world.plain(&["serve", "--take-over", "--data-dir"]);
        let output = command.arg(world.data_dir()).args(&arguments).output().unwrap();
        let written = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && written.contains(said), "{arguments:?}: {written}");
        assert_eq!(world.get("/x", &key).status, 200, "{arguments:?}");
        world.key("another", &[]);
    }
}

#[test]
fn without_a_server_it_just_starts_and_never_from_a_directory_that_is_open_to_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut world = world("").serve(&["--take-over"]);
    let mode = |mode| std::fs::set_permissions(world.data_dir(), std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o777);
    let written = world.try_start(&["--take-over"]).err().unwrap();
    assert!(written.contains("can be written by other users"), "{written}");
    mode(0o700);
    assert_eq!(world.send("GET", "/x", &[], "").status, 401);
    hand_over(&mut world);
}

#[test]
fn a_socket_file_stays_where_it_is() {
    let world = World::new(env!("CARGO_BIN_EXE_keyward"));
    let socket = world.path("k.sock");
    let mut world = world.config(&format!("server: {{socket: {}}}\n", socket.display())).serve(&[]);
    for _ in 0..2 {
        hand_over(&mut world);
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket"]).arg(&socket);
        let said = curl.arg("http://localhost/x").output().unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stdout), "401", "{}", String::from_utf8_lossy(&said.stderr));
    }
    world.stop();
    assert!(!socket.exists(), "it goes with the last one");
}
