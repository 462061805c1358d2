//! What strangers and mishaps must not take away: commands while callers hold every connection, one mind about a key,
//! and a data directory that nobody else can write.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::ffi::OsStr;
use std::fs::Permissions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use keyward_testkit::client::read_answer;
use keyward_testkit::world::{World, is_private, until};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

fn world() -> World {
    World::new(env!("CARGO_BIN_EXE_keyward"))
}

/// What a command printed, which must succeed, and not only when callers let go.
fn soon(world: &World, arguments: &[&str]) -> String {
    let mut command = world.command(arguments);
    let (done, end) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(command.output().unwrap()));
    let output = end.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("{arguments:?} hangs"));
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn assert_says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is not in:\n{text}");
    }
}

/// A start that must be refused; one that serves instead is ended.
fn start_refused(world: &World) -> String {
    world.try_start(&[]).err().expect("the start is refused")
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn callers_do_not_take_the_last_file_descriptor() {
    let world = world().before("ulimit -n 256").serve(&[]);
    let log = world.server().log();
    assert_says(
        &log,
        &["may have 256 files open", "connections are taken at once", "ulimit -n", "connections is 10000"],
    );
    let key = world.key_json("bot", &[]);
    let (id, key) = (key["id"].as_str().unwrap(), key["key"].as_str().unwrap());
    assert_eq!(world.get("/x", key).status, 200);
    let idle: Vec<_> = (0..400).map(|_| TcpStream::connect(world.server().data).unwrap()).collect();
    assert_says(&soon(&world, &["key", "list"]), &[id]);
    assert_says(&soon(&world, &["key", "revoke", id]), &["refused by 1/1 nodes"]);
    drop(idle);
    let refused = until("a free connection", || {
        let mut stream = TcpStream::connect(world.server().data).ok()?;
        let request = format!("GET /x HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        read_answer(&mut stream, false)
    });
    assert_eq!(refused.status, 401);
}

#[test]
fn the_limit_of_files_is_raised_as_far_as_it_may() {
    let world = world().config("server: {limits: {connections: 400}}\n").before("ulimit -S -n 256; ulimit -H -n 1024");
    let world = world.serve(&[]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", world.server().id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(line.split_whitespace().skip(3).take(2).collect::<Vec<_>>(), ["1024", "1024"]);
    assert!(!world.server().log().contains("files open"), "enough is enough: {}", world.server().log());
}

#[test]
fn no_deleted_file_makes_two_minds() {
    let world = world().serve(&[]);
    let keys = [world.key_json("one", &[]), world.key_json("two", &[])];
    let [one, two] = [&keys[0], &keys[1]].map(|key| (key["id"].as_str().unwrap(), key["key"].as_str().unwrap()));
    for (_, key) in [one, two] {
        assert_eq!(world.get("/x", key).status, 200);
    }
    std::fs::remove_file(world.data_dir().join("keyward.lock")).unwrap();
    assert_says(&world.ok(&["key", "revoke", one.0]), &["refused by 1/1 nodes"]);
    assert_eq!(world.get("/x", one.1).status, 401, "accepted after its revocation");
    // Without the socket the server cannot be reached; then nothing is changed behind its back, and nothing is promised.
    std::fs::remove_file(world.data_dir().join("keyward.sock")).unwrap();
    let (revocation, start) = std::thread::scope(|scope| {
        let start = scope.spawn(|| start_refused(&world));
        (world.refused(&["key", "revoke", two.0]), start.join().unwrap())
    });
    assert_says(&revocation, &["does not answer", "nothing was changed", "start the server again"]);
    assert_says(&start, &["is held by"]);
    assert_eq!(world.get("/x", two.1).status, 200);
}

#[test]
fn what_others_can_write_is_not_taken() {
    let world = world();
    world.ok(&["init"]);
    let (folder, database) = (world.data_dir(), world.data_dir().join("keyward.db"));
    for (path, good, bad) in [
        (folder.clone(), 0o700, 0o775),
        (folder.clone(), 0o700, 0o1777),
        (database.clone(), 0o600, 0o660),
        (folder.join("keyward.db-wal"), 0o600, 0o606),
    ] {
        // The log is gone after each orderly end.
        std::fs::OpenOptions::new().append(true).create(true).open(folder.join("keyward.db-wal")).unwrap();
        chmod(&path, bad);
        let mut refusal = start_refused(&world);
        for command in [&["init"][..], &["key", "list"], &["key", "create", "bot"]] {
            refusal = world.refused(command);
            let mode = format!("(mode {bad:04o})");
            assert_says(&refusal, &[path.to_str().unwrap(), &mode, "written by other users", "--data-dir"]);
        }
        // What it says to do is what helps.
        mend(&refusal);
        chmod(&path, good);
        world.ok(&["key", "list"]);
    }
}

/// Runs the command that a refusal names, and nothing else.
fn mend(refusal: &str) {
    let command = refusal.split('`').nth(1).unwrap_or_else(|| panic!("no command in: {refusal}"));
    assert!(Command::new("sh").args(["-c", command]).status().unwrap().success(), "{command}");
}

#[test]
fn what_belongs_to_another_is_not_taken() {
    let world = world();
    world.ok(&["init"]);
    for path in [world.data_dir(), world.data_dir().join("keyward.db")] {
        if std::os::unix::fs::chown(&path, Some(4711), None).is_err() {
            // Only root can give a file away; the unit test of `others` needs nobody's leave.
            return;
        }
        let refusal = world.refused(&["key", "list"]);
        assert_says(&refusal, &[path.to_str().unwrap(), "belongs to user 4711", "chown", "--data-dir"]);
        assert_says(&start_refused(&world), &["belongs to user 4711"]);
        mend(&refusal);
        world.ok(&["key", "list"]);
    }
}

#[test]
fn what_others_can_read_is_closed_to_them() {
    let world = world();
    world.ok(&["init"]);
    let database = world.data_dir().join("keyward.db");
    chmod(&database, 0o644);
    chmod(&world.data_dir(), 0o755);
    world.ok(&["key", "list"]);
    assert!(is_private(&database));
    let world = world.serve(&[]);
    let warning = ["other users can look into", world.data_dir().to_str().unwrap(), "(mode 0755)", "chmod 700"]
        .map(str::to_owned);
    assert_says(&world.server().log(), &warning.each_ref().map(String::as_str));
    for name in ["keyward.db", "keyward.db-wal", "keyward.db-shm", "keyward.lock", "keyward.sock"] {
        assert!(is_private(&world.data_dir().join(name)), "{name}");
    }
}

#[test]
fn the_banner_says_new_of_a_new_store() {
    let mut world = world();
    // An empty folder, as a volume is at first.
    std::fs::create_dir(world.data_dir()).unwrap();
    let is_new =
        |world: &World| world.server().log().lines().any(|line| line.contains("  data ") && line.ends_with("(new)"));
    world.start(&[]);
    assert!(is_new(&world), "{}", world.server().log());
    world.stop();
    world.start(&[]);
    assert!(!is_new(&world), "{}", world.server().log());
}

#[test]
fn a_folder_that_is_not_utf_8_is_not_taken_for_another() {
    let world = world();
    for command in [&["init"][..], &["key", "list"], &["config", "show"]] {
        let output = world.plain(command).arg("--data-dir").arg(OsStr::from_bytes(b"d\xff")).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert_says(&said(&output), &["--data-dir", "is not UTF-8"]);
    }
    assert_eq!(std::fs::read_dir(world.path("")).unwrap().count(), 0, "something was made");
}

/// Another program that keeps readers out of a database that is open, until the value is gone: it holds every lock in
/// the index of the write-ahead log where readers ask (<https://www.sqlite.org/walformat.html>, 2.3.1).
struct Locked(Child);

impl Locked {
    fn readers(world: &World) -> Self {
        let script = "import fcntl,sys\nf=open(sys.argv[1],'r+b')\nfcntl.lockf(f,fcntl.LOCK_EX,8,120)\n\
             print(flush=True)\nsys.stdin.read()";
        let mut command = Command::new("python3");
        command.args(["-c", script]).arg(world.data_dir().join("keyward.db-shm"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
        Self(child)
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn requests_that_would_only_wait_are_turned_away() {
    // More connections than files are given by default in many places.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    // Where a machine is so slow that the proof of memory runs out before the places are taken, another try tells.
    assert!((0..5).any(|_| is_somebody_turned_away()), "nobody heard that too many wait");
}

/// Has more callers than may wait, all of whom hear why not or are answered. Whether anybody heard that too many wait.
fn is_somebody_turned_away() -> bool {
    let world = world().serve(&[]);
    let key = world.key("k", &["--scopes", "self:*"]);
    // So many that every core knows the key.
    (0..16).for_each(|_| assert_eq!(world.call("GET", "/_keyward/api-keys", &key, "").status, 200));
    let locked = Locked::readers(&world);
    let callers: Vec<_> = (0..1300).map(|_| TcpStream::connect(world.server().data).unwrap()).collect();
    let request =
        format!("GET /_keyward/api-keys HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nConnection: close\r\n\r\n");
    for mut caller in &callers {
        caller.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        caller.write_all(request.as_bytes()).unwrap();
    }
    // Nothing of that stands in the way of whoever asks how it is.
    assert_eq!(world.send("GET", "/_keyward/health", &[], "").status, 200);
    // 64 run and 256 wait: all others hear so at once, whoever they are. A place that becomes free meanwhile goes to one more.
    let answered = |caller: &TcpStream| {
        caller.set_nonblocking(true).unwrap();
        let has_come = caller.peek(&mut [0]).is_ok_and(|count| count > 0);
        caller.set_nonblocking(false).unwrap();
        has_come
    };
    let (away, waiting) = until("980 answers", || {
        let (away, waiting): (Vec<_>, Vec<_>) = callers.iter().partition(|caller| answered(caller));
        (away.len() >= callers.len() - 64 - 256).then_some((away, waiting))
    });
    assert!(!waiting.is_empty(), "nobody waits: the readers were not locked out");
    let mut too_many = false;
    for caller in away {
        let answer = read_answer(&mut caller.try_clone().unwrap(), false).expect("an answer");
        assert!(answer.status == 503 && answer.text().contains("Unavailable"), "{}", answer.text());
        too_many |= answer.text().contains("too many requests wait");
    }
    let callers: Vec<_> = waiting.into_iter().map(|caller| caller.try_clone().unwrap()).collect();
    drop(locked);
    for mut caller in callers {
        let answer = read_answer(&mut caller, false).expect("an answer");
        assert!([200, 503].contains(&answer.status), "{}", answer.text());
    }
    until("readiness", || (world.send("GET", "/_keyward/ready", &[], "").status == 200).then_some(()));
    too_many
}
