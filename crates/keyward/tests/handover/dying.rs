//! Somebody dies midway: until the next process serves, the old one goes on; and whoever comes second takes nothing.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use keyward_testkit::client::read_answer;
use keyward_testkit::ports::free_port;
use keyward_testkit::world::{Server, World, text, until};

use super::gate::Gate;
use super::load::{Load, Way, add_up};
use super::{agreed, ask, connect, hand_over, starting, world};

/// A process that takes over by hand, and hangs up when it is dropped.
struct Taker(UnixStream);

impl Taker {
    fn ask(world: &World) -> Self {
        let mut stream = UnixStream::connect(world.data_dir().join("keyward.sock")).unwrap();
        let head =
            "POST /hand-over HTTP/1.1\r\nHost: keyward\r\nConnection: upgrade\r\nUpgrade: keyward-handover/2\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let mut taker = Self(stream);
        assert!(taker.hears(b"\r\n\r\n").starts_with("HTTP/1.1 101 "));
        taker
    }

    fn says(&mut self, words: &[u8]) {
        self.0.write_all(words).unwrap();
    }

    /// Reads up to these bytes. What comes with them is thrown away by the system.
    fn hears(&mut self, end: &[u8]) -> String {
        let mut heard = Vec::new();
        while !heard.ends_with(end) {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap();
            heard.extend(byte);
        }
        String::from_utf8(heard).unwrap()
    }
}

fn said(server: &Server, what: &str, times: usize) {
    until(what, || (server.log().matches(what).count() == times).then_some(()));
}

/// That it has the data directory, and nobody else.
fn is_held(world: &World) {
    let refused = world.try_start(&[]).err().unwrap();
    assert!(refused.contains(&format!("held by the server of process {}", world.server().id())), "{refused}");
    world.key("another", &[]);
}

/// That it said why it is here still, serves, and holds the data directory.
fn is_here(world: &World, load: &Load, why: &str, times: usize) {
    said(world.server(), why, times);
    load.goes_on();
    is_held(world);
}

#[test]
fn whoever_dies_before_it_agreed_changes_nothing() {
    let mut world = world("").serve(&[]);
    let made = world.key_json("made", &[]);
    let load = Load::start(&Way::Plain, world.server().data, "/x", &text(&made, "key"));
    // said, heard up to, said then
    for (times, (first, heard, then)) in
        [("", "", ""), ("s", "", ""), ("s", ".", ""), ("?", "", ""), ("s", ".", "s"), ("k", "", "")]
            .into_iter()
            .enumerate()
    {
        let mut taker = Taker::ask(&world);
        taker.says(first.as_bytes());
        taker.hears(heard.as_bytes());
        taker.says(then.as_bytes());
        drop(taker);
        is_here(&world, &load, "asked to take over and broke off", times + 1);
    }
    hand_over(&mut world);
    load.goes_on();
    let asked = load.end();
    add_up(&world, &text(&made, "id"), asked);
}

/// It has ended all by then, and begins again.
#[test]
fn the_old_process_goes_on_where_the_next_one_dies_after_it_agreed() {
    let mut world = world("").serve(&[]);
    let made = world.key_json("made", &[]);
    let load = Load::start(&Way::Plain, world.server().data, "/x", &text(&made, "key"));
    let again = "is gone; this one goes on";
    for (times, heard) in ["", "l"].into_iter().enumerate() {
        let mut taker = Taker::ask(&world);
        taker.says(b"s");
        taker.hears(b".");
        taker.says(b"k");
        taker.hears(heard.as_bytes());
        drop(taker);
        is_here(&world, &load, again, times + 1);
    }
    // A real one, that can write nothing once it has the directory.
    let command = world.command(&["serve", "--port", "0", "--admin-port", "0", "--take-over"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -f 0; exec \"$0\" \"$@\""]).arg(command.get_program()).args(command.get_args());
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(!shell.status().unwrap().success());
    is_here(&world, &load, again, 3);
    hand_over(&mut world);
    load.goes_on();
    let asked = load.end();
    add_up(&world, &text(&made, "id"), asked);
    assert!(world.run(&["audit", "verify"]).status.success());
}

#[test]
fn the_old_process_comes_back_to_the_port_that_it_left() {
    let mut world = world("").serve(&[]);
    world.stop();
    let server = world.try_start_at(&free_port().to_string(), &[]).unwrap();
    let address = server.data;
    let mut taker = Taker::ask(&world);
    taker.says(b"s");
    taker.hears(b".");
    // It would listen elsewhere: nobody waits at the old place meanwhile.
    taker.says(b"m");
    taker.hears(b"l");
    assert!(std::net::TcpStream::connect(address).is_err());
    drop(taker);
    said(&server, "is gone; this one goes on", 1);
    until("the port", || std::net::TcpStream::connect(address).ok());
    assert_eq!(ask(&mut connect(address), "/x", "no key", true).unwrap().status, 401);
}

#[test]
fn the_old_process_comes_back_to_its_socket_file() {
    let world = World::new(env!("CARGO_BIN_EXE_keyward"));
    let socket = world.path("k.sock");
    let mut world = world.config(&format!("server: {{socket: {}}}\n", socket.display())).serve(&[]);
    for (times, heard) in ["", "l"].into_iter().enumerate() {
        let mut taker = Taker::ask(&world);
        taker.says(b"s");
        taker.hears(b".");
        taker.says(b"k");
        taker.hears(heard.as_bytes());
        drop(taker);
        said(world.server(), "is gone; this one goes on", times + 1);
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.write_all(b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        assert_eq!(read_answer(&mut stream, false).unwrap().status, 401);
    }
    hand_over(&mut world);
    world.stop();
    assert!(!socket.exists(), "it goes with the last one");
}

#[test]
fn the_next_process_starts_where_the_old_one_is_killed_meanwhile() {
    let gate = Gate::open();
    let mut world = world("").serve(&["--upstream", &gate.url()]);
    let key = world.key("k", &[]);
    let _running = gate.hold(world.server().data, &key);
    let old = world.take_server();
    let address = old.data;
    std::thread::scope(|scope| {
        let next = starting(scope, &world, &["--upstream", &gate.url()]);
        agreed(&old);
        old.kill();
        let next = next.join().unwrap().unwrap();
        assert_eq!(next.data, address);
        assert_eq!(ask(&mut connect(address), "/x", &key, true).unwrap().status, 200);
    });
}

/// Each of them takes over in its turn, or takes nothing and says so.
#[test]
fn one_of_several_takes_over() {
    let mut world = world("").serve(&[]);
    let made = world.key_json("made", &[]);
    let load = Load::start(&Way::Plain, world.server().data, "/x", &text(&made, "key"));
    let old = world.take_server();
    let ended = std::thread::scope(|scope| {
        let takers: Vec<_> = (0..3).map(|_| starting(scope, &world, &[])).collect();
        takers.into_iter().map(|taker| taker.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(old.ends());
    load.goes_on();
    let holder = std::fs::read_to_string(world.data_dir().join("keyward.lock")).unwrap();
    let mut serving = Vec::new();
    for one in ended {
        match one {
            Ok(server) if holder == format!("serving {}\n", server.id()) => serving.push(server),
            Ok(server) => assert!(server.ends(), "it took over, and handed over"),
            Err(written) => assert!(written.contains("nothing was changed"), "{written}"),
        }
    }
    assert_eq!(serving.len(), 1);
    let asked = load.end();
    add_up(&world, &text(&made, "id"), asked);
}
