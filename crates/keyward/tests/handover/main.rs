//! A restart without loss: the next process takes the listening sockets and the data directory over while requests go on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]
#![allow(clippy::disallowed_methods, reason = "whether a test came in time is looked at")]

mod dying;
mod gate;
mod kept;
mod load;
mod long;
mod under_load;

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use keyward_testkit::client::{Answer, read_answer};
use keyward_testkit::world::{Server, World, until};

use gate::Gate;

fn world(yaml: &str) -> World {
    World::new(env!("CARGO_BIN_EXE_keyward")).config(yaml)
}

/// Until the server has agreed to be replaced.
fn agreed(old: &Server) {
    until("the old one agrees", || old.log().contains("another process takes over").then_some(()));
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

/// How long an old process waits for whoever has connected to ask, less what a busy machine needs.
const SOON: Duration = Duration::from_millis(800);

fn connect(address: SocketAddr) -> TcpStream {
    try_connect(address).unwrap()
}

/// A connection that is asked on at once: one that took its time might be closed already.
fn try_connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    loop {
        let begun = Instant::now();
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        if begun.elapsed() < SOON {
            return Ok(stream);
        }
    }
}

fn ask(stream: &mut TcpStream, path: &str, key: &str, close: bool) -> Option<Answer> {
    send(stream, path, key, close).ok()?;
    read_answer(stream, false)
}

fn send(stream: &mut TcpStream, path: &str, key: &str, close: bool) -> std::io::Result<()> {
    let connection = if close { "Connection: close\r\n" } else { "" };
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n{connection}\r\n");
    stream.write_all(request.as_bytes())
}

/// The next process, started on a thread of its own.
fn starting<'scope>(
    scope: &'scope Scope<'scope, '_>,
    world: &'scope World,
    flags: &[&str],
) -> ScopedJoinHandle<'scope, Result<Server, String>> {
    let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
    scope.spawn(move || {
        let flags: Vec<&str> = flags.iter().map(String::as_str).chain(["--take-over"]).collect();
        world.try_start(&flags)
    })
}

/// An idle connection is kept for a second. Where this test did not get to ask by then, it saw nothing.
#[test]
fn a_kept_connection_may_ask_once_more_and_is_told() {
    let seen = (0..5).any(|_| {
        let (asked, in_time) = ask_once_more();
        assert!(asked || !in_time, "an idle connection was closed at once");
        asked
    });
    assert!(seen, "this machine never got to ask within a second");
}

/// Whether a connection that was idle when the old process agreed was answered, with the word that it ends; and whether it asked
/// before the second was over.
fn ask_once_more() -> (bool, bool) {
    let mut world = world("").serve(&[]);
    let key = world.key("k", &[]);
    let mut kept = connect(world.server().data);
    assert_eq!(ask(&mut kept, "/x", &key, false).unwrap().header("connection"), None);
    let old = world.take_server();
    std::thread::scope(|scope| {
        let next = starting(scope, &world, &[]);
        let mut before = Instant::now();
        until("the old one agrees", || {
            let looked = Instant::now();
            let agreed = old.log().contains("another process takes over");
            before = if agreed { before } else { looked };
            agreed.then_some(())
        });
        let told = loop {
            match ask(&mut kept, "/x", &key, false) {
                Some(answer) if answer.header("connection") == Some("close") => break true,
                Some(answer) => assert_eq!(answer.status, 200),
                None => break false,
            }
        };
        let in_time = before.elapsed() < SOON;
        assert!(old.ends());
        assert!(next.join().unwrap().is_ok());
        (told, in_time)
    })
}

/// Who connects once it has agreed is answered by the next process and not by this one, which forgets nobody: it still answers what
/// it began.
#[test]
fn the_old_process_accepts_nobody_more() {
    let (old_api, new_api) = (Gate::saying("old"), Gate::saying("new"));
    let mut world = world("").serve(&["--upstream", &old_api.url()]);
    let (key, address) = (world.key("k", &[]), world.server().data);
    // Kept, on each of its cores.
    let mut kept: Vec<_> = (0..16).map(|_| connect(address)).collect();
    for connection in &mut kept {
        assert_eq!(ask(connection, "/x", &key, false).unwrap().text(), "old");
    }
    let running = old_api.hold(address, &key);
    let old = world.take_server();
    std::thread::scope(|scope| {
        let next = starting(scope, &world, &["--upstream", &new_api.url()]);
        // Told or closed: then its core accepts no more.
        for mut connection in kept {
            while ask(&mut connection, "/x", &key, false).is_some_and(|answer| answer.header("connection").is_none()) {}
        }
        let mut newcomers: Vec<_> = (0..16).map(|_| connect(address)).collect();
        for newcomer in &mut newcomers {
            send(newcomer, "/x", &key, true).unwrap();
        }
        // Only now may the old one end.
        running.release();
        for mut newcomer in newcomers {
            assert_eq!(read_answer(&mut newcomer, false).map(|answer| answer.text()).as_deref(), Some("new"));
        }
        assert!(old.ends());
        assert!(next.join().unwrap().is_ok());
    });
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
    assert!(!world.server().log().contains("another process"), "it was not even asked: {}", world.server().log());
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
