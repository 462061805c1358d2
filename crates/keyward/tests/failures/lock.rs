//! The database is locked by another program: nobody waits for ever, nothing is called wrong that may be right, and all
//! is well again when the other lets go.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use keyward_testkit::client::read_answer;
use keyward_testkit::world::{World, until};

use super::{assert_problem, assert_ready, assert_says, files, serve_refused, status_of, world};

/// Another program at the database; it lets go when the value is gone.
struct Other(Child);

impl Other {
    fn start(world: &World, script: &str) -> Self {
        let mut child = Command::new("python3")
            .args(["-c", &format!("import sqlite3,fcntl,sys\n{script}\nprint(flush=True)\nsys.stdin.read()")])
            .arg(world.data_dir().join("keyward.db"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "\n", "the other program has its lock");
        Self(child)
    }

    /// Holds the lock of writers.
    fn writing(world: &World) -> Self {
        Self::start(world, "c=sqlite3.connect(sys.argv[1],timeout=60)\nc.execute('BEGIN EXCLUSIVE')")
    }

    /// Lets nobody in, not even to read: as the first to open the file, in SQLite's exclusive mode.
    fn alone(world: &World) -> Self {
        let script = "c=sqlite3.connect(sys.argv[1],timeout=60,isolation_level=None)\nc.execute('PRAGMA locking_mode=EXCLUSIVE')\n\
             c.execute('BEGIN EXCLUSIVE')\nc.execute('UPDATE meta SET created_at=created_at')";
        Self::start(world, script)
    }

    /// Locks readers out of a database that is open: every lock in the write-ahead log's index, where readers ask
    /// (<https://www.sqlite.org/walformat.html>, 2.3.1), as another program does that recovers the log.
    fn recovering(world: &World) -> Self {
        Self::start(world, "f=open(sys.argv[1]+'-shm','r+b')\nfcntl.lockf(f,fcntl.LOCK_EX,8,120)")
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The status, or 0 when it takes nearly as long as SQLite itself would.
fn status_soon(address: SocketAddr, path: &str) -> u16 {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(9))).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    read_answer(&mut stream, false).map_or(0, |answer| answer.status)
}

#[test]
fn for_a_command_without_a_server() {
    let world = world();
    world.ok(&["init"]);
    let before = files(&world.data_dir());
    let other = Other::alone(&world);
    for command in [&["key", "list"][..], &["key", "create", "bot"], &["init"], &["explain", "--path", "/x"]] {
        assert_says(&world.refused(command), &["keyward.db", "locked by another program", "nothing was changed"]);
    }
    assert_says(&serve_refused(&world, &[]), &["keyward.db", "locked by another program", "end the other program"]);
    drop(other);
    let changed: Vec<_> = files(&world.data_dir()).into_iter().filter(|(name, _)| !before.contains_key(name)).collect();
    assert!(changed.iter().all(|(name, _)| name.contains("keyward.db-")), "{changed:?}");
    world.key("bot", &[]);
}

#[test]
fn for_changes_while_serving() {
    let world = world().serve(&[]);
    let maker = world.key("maker", &["--scopes", "self:*,*"]);
    let fresh = world.key("fresh", &[]);
    let id = world.json(&["key", "list"])["data"][0]["id"].as_str().unwrap().to_owned();
    let other = Other::writing(&world);
    for command in [&["key", "create", "lost"][..], &["key", "revoke", &id]] {
        assert_says(&world.refused(command), &["nothing was changed", "locked by another program"]);
    }
    let create = world.call("POST", "/_keyward/api-keys", &maker, "{\"name\":\"lost\"}");
    assert_problem(&create, 503, "Unavailable");
    assert_eq!(create.header("retry-after"), Some("1"));
    assert_says(&create.text(), &["nothing was changed", "locked by another program"]);
    // Readers are not in a writer's way: a key never seen before is found, lists are read, requests decided.
    assert_eq!(world.get("/x", &fresh).status, 200);
    assert_eq!(world.json(&["key", "list"])["data"].as_array().unwrap().len(), 2);
    assert_ready(&world);
    drop(other);
    world.ok(&["key", "revoke", &id]);
    assert_eq!(world.get("/x", &fresh).status, 401);
    assert_eq!(world.json(&["key", "list"])["data"].as_array().unwrap().len(), 2, "a refused key was made");
}

#[test]
fn for_readers_too_while_serving() {
    let world = world().serve(&[]);
    let (known, unseen) = (world.key("known", &[]), world.key("unseen", &[]));
    assert_eq!(world.get("/x", &known).status, 200);
    let (head, tail) = known.split_at(12);
    let wrong = format!("{head}{}{}", if tail.starts_with('a') { 'b' } else { 'a' }, &tail[1..]);
    assert_eq!(world.get("/x", &wrong).status, 401, "of a key that is not of this server nobody needs to ask");
    let other = Other::recovering(&world);
    // Memory goes on as long as it is proven, and then nobody is let in and nobody is called wrong.
    let mut statuses = Vec::new();
    until("the end of memory's proof", || {
        let status = world.get("/x", &known).status;
        statuses.push(status);
        (status == 503).then_some(())
    });
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    for key in [&known, &unseen] {
        let answer = world.get("/x", key);
        assert_problem(&answer, 503, "Unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_says(&answer.text(), &["could not check", "Nothing is known of your credential"]);
    }
    assert_eq!(world.send("GET", "/x", &[], "").status, 401, "for no credential nobody needs to ask");
    // SQLite itself would keep whoever asks for ten seconds and more.
    assert_eq!(status_soon(world.server().data, "/_keyward/ready"), 503);
    assert_eq!(status_soon(world.server().admin, "/ready"), 503);
    assert_eq!(status_soon(world.server().data, "/_keyward/health"), 200);
    drop(other);
    for key in [&known, &unseen] {
        until("an answer after the lock", || (world.get("/x", key).status == 200).then_some(()));
    }
    until("readiness", || (status_of(world.server().admin, "/ready") == 200).then_some(()));
}
