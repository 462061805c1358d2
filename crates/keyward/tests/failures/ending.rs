//! The end: a request that runs is finished, nobody who only waits holds it up, and neither does whoever should read the
//! log and does not.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use keyward_testkit::client::read_answer;
use keyward_testkit::world::{World, until};

use super::{status_of, world};

const OPEN: &str = "routes: [{path: /**, public: true}]\n";

fn terminate(process: u32) {
    assert!(Command::new("kill").args(["-TERM", &process.to_string()]).status().unwrap().success());
}

/// Connects, asks, and does not read the answer yet.
fn ask(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    stream
}

/// Until nobody listens any more, so that the server is known to be ending.
fn closed(address: SocketAddr) {
    until("the end of listening", || TcpStream::connect(address).is_err().then_some(()));
}

#[test]
fn a_running_request_is_finished() {
    let api = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut world = world().config(OPEN).serve(&["--upstream", &format!("http://{}", api.local_addr().unwrap())]);
    let data = world.server().data;
    let mut client = ask(data);
    let (mut running, _) = until("the request at the API", || {
        let (stream, from) = api.accept().unwrap();
        // The banner's probe connects and says nothing.
        let mut first = [0; 1];
        matches!(stream.peek(&mut first), Ok(1)).then_some((stream, from))
    });
    let server = world.take_server();
    terminate(server.id());
    closed(data);
    // Only now does the API answer.
    let _ = running.read(&mut [0; 4096]).unwrap();
    running.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone").unwrap();
    let answer = read_answer(&mut client, false).expect("the running request is answered");
    assert_eq!((answer.status, answer.text().as_str()), (200, "done"));
    assert!(server.stop(), "the exit code is 0");
}

#[test]
fn an_idle_connection_is_let_go() {
    let mut world = world().config(&format!("{OPEN}server: {{limits: {{drain: 10m}}}}\n")).serve(&[]);
    let mut idle = ask(world.server().data);
    assert_eq!(read_answer(&mut idle, false).expect("an answer").status, 200);
    let mut silent = TcpStream::connect(world.server().data).unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // Of the ten minutes that a running request would have, none is needed, nor the one after which it would end by itself.
    assert!(ends_in(Duration::from_secs(40), &mut world), "an idle connection held up the end");
    assert_eq!(idle.read(&mut [0; 1]).unwrap_or(0), 0, "the connection is closed");
    assert_eq!(silent.read(&mut [0; 1]).unwrap_or(0), 0, "the connection is closed");
}

#[test]
fn a_request_that_never_ends_is_cut() {
    let api = TcpListener::bind("127.0.0.1:0").unwrap();
    let yaml = format!("{OPEN}server: {{limits: {{drain: 300ms}}}}\n");
    let url = format!("http://{}", api.local_addr().unwrap());
    let mut world = self::world().config(&yaml).serve(&["--upstream", &url]);
    let mut client = ask(world.server().data);
    let _held: Vec<_> = (0..2).map(|_| api.accept().unwrap()).collect();
    assert!(ends_in(Duration::from_secs(40), &mut world), "a request that never ends held up the end");
    assert_eq!(client.read(&mut [0; 1]).unwrap_or(0), 0, "it got no answer that is none");
}

/// Whether the server ends well on SIGTERM within a time.
fn ends_in(most: Duration, world: &mut World) -> bool {
    let server = world.take_server();
    let (said, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || said.send(server.stop()));
    heard.recv_timeout(most).unwrap_or(false)
}

#[test]
fn interrupted_like_terminated() {
    let mut world = world().serve(&[]);
    let server = world.take_server();
    assert!(Command::new("kill").args(["-INT", &server.id().to_string()]).status().unwrap().success());
    closed(server.data);
    assert!(server.stop(), "the exit code is 0");
}

/// A server whose stdout is ours to read or not; its banner goes to stderr.
struct Logging {
    child: Child,
    data: SocketAddr,
}

impl Logging {
    fn start(world: &World) -> Self {
        let mut child = world
            .command(&["serve", "--port", "0", "--admin-port", "0", "--log", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains("  API ")).expect("a banner");
        let data = line.rsplit("http://").next().unwrap().trim().parse().unwrap();
        std::thread::spawn(move || lines.count());
        Self { child, data }
    }

    fn requests(&self, count: u64) {
        let mut stream = TcpStream::connect(self.data).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let request = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(1000));
        for _ in 0..count {
            stream.write_all(request.as_bytes()).unwrap();
            assert_eq!(
                read_answer(&mut stream, false).map(|answer| answer.status),
                Some(401),
                "the server does not go on"
            );
        }
    }

    fn ends_well(&mut self) -> bool {
        terminate(self.child.id());
        until("the end", || self.child.try_wait().unwrap()).success()
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn nobody_reads_the_log() {
    let world = world();
    let mut server = Logging::start(&world);
    // More lines than the pipe and the queue of records hold.
    server.requests(8192 + 500);
    assert_eq!(status_of(server.data, "/_keyward/ready"), 200);
    assert!(server.ends_well(), "a log that nobody reads held up the end");
}

#[test]
fn a_log_that_is_read_late_tells_what_it_lost() {
    let world = world();
    let mut server = Logging::start(&world);
    let requests = 8192 + 500;
    server.requests(requests);
    let lines = BufReader::new(server.child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let (read, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || lines.map(|line| read.send(line)).all(|sent| sent.is_ok()));
    let (mut told, mut lost) = (0, 0);
    while let Ok(line) = heard.recv_timeout(Duration::from_secs(60)) {
        match serde_json::from_str::<serde_json::Value>(&line).expect("whole lines")["lost"].as_u64() {
            Some(count) => lost += count,
            None => told += 1,
        }
        if told + lost == requests {
            break;
        }
    }
    assert!(lost > 0 && told + lost == requests, "{told} told, {lost} lost, {requests} requests");
    assert!(server.ends_well());
}

#[test]
fn a_log_that_is_closed() {
    let world = world();
    let mut server = Logging::start(&world);
    drop(server.child.stdout.take());
    server.requests(500);
    assert_eq!(status_of(server.data, "/_keyward/ready"), 200);
    assert!(server.ends_well(), "a closed log held up the end");
    // Closed from the start on, and both streams.
    let world = self::world();
    let script = "exec \"$0\" \"$@\" >&- 2>&-";
    let plain = world.command(&["serve", "--port", "0", "--admin-port", "0", "--log", "human"]);
    let mut child =
        Command::new("sh").args(["-c", script]).arg(plain.get_program()).args(plain.get_args()).spawn().unwrap();
    until("the socket", || world.data_dir().join("keyward.sock").exists().then_some(()));
    let key = world.key("bot", &[]);
    assert!(key.starts_with("kw_live_"), "{key}");
    terminate(child.id());
    assert!(until("the end", || child.try_wait().unwrap()).success());
}
