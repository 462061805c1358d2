//! The disk is full: a change fails with clear words and is not half written, keys go on working, and all is well again
//! as soon as there is space.
//!
//! Twice: on a real full disk, where this user may mount one in a namespace of its own; and with a limit on the size of
//! files, which every user may set and which fails at the same calls.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use keyward_testkit::people::Tokens;
use keyward_testkit::world::{World, until};

use super::{assert_ready, assert_says, serve_refused, world};

/// How the space is taken away and given back.
trait Space {
    fn take(&self, world: &World);
    fn give(&self, world: &World);
}

fn run_out(world: &World, space: &impl Space, words: &[&str]) {
    let maker = world.key("maker", &["--scopes", "self:*,*"]);
    let rotated = world.key_json("rotated", &[]);
    let id = rotated["id"].as_str().unwrap();
    let list = || world.ok(&["key", "list", "--json"]);
    let sessions = Sessions::begin(world);
    space.take(world);
    let name = "n".repeat(100);
    // What still fits is done; the first that does not fit says so.
    let refused = until("a refusal", || {
        let before = list();
        let output = world.run(&["key", "create", &name]);
        (!output.status.success()).then_some((output, before))
    });
    let (output, before) = refused;
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "a key was shown that does not count");
    assert_says(&String::from_utf8_lossy(&output.stderr), &[&["nothing was changed"], words].concat());
    let create = world.call("POST", "/_keyward/api-keys", &maker, &format!("{{\"name\":\"{name}\"}}"));
    assert_eq!(create.status, 503, "{}", create.text());
    assert_says(&create.text(), words);
    // A rotation is two changes: neither is made.
    assert_says(&world.refused(&["key", "rotate", id, "--overlap", "0"]), words);
    assert_eq!(without_uses(&list()), without_uses(&before), "something was half written");
    sessions.are_refused(world, words);
    // Keys go on, and for longer than memory can vouch for them by itself.
    for key in [maker.as_str(), rotated["key"].as_str().unwrap()] {
        assert_eq!(world.get("/x", key).status, 200);
    }
    assert_ready(world);
    told_and_done_agree(world);
    space.give(world);
    sessions.go_on(world);
    world.ok(&["key", "rotate", id, "--overlap", "0"]);
    told_and_done_agree(world);
    assert_eq!(world.get("/x", rotated["key"].as_str().unwrap()).status, 401);
    assert_eq!(world.get("/x", &world.key("after", &[])).status, 200);
}

/// Sessions of one user that began while there was space.
struct Sessions {
    password: String,
    /// A refresh token that was spent, and what it was spent for.
    spent: Tokens,
    live: Tokens,
    /// Of a family that was killed.
    killed: Tokens,
}

impl Sessions {
    fn begin(world: &World) -> Self {
        let password = world.person("ada", &["--roles", "admin"]);
        let spent = world.login("ada", &password);
        let live = Tokens::of(&world.refresh(&spent.refresh));
        let first = world.login("ada", &password);
        let killed = Tokens::of(&world.refresh(&first.refresh));
        assert_eq!(world.refresh(&first.refresh).status, 401, "used again: its family is killed");
        Self { password, spent, live, killed }
    }

    /// What would have to be written down is refused as such and not done; what is over stays over.
    fn are_refused(&self, world: &World, words: &[&str]) {
        let told = || world.json(&["audit", "list", "--limit", "1000"])["data"].as_array().unwrap().len();
        let before = told();
        for (what, answer) in [
            ("signing in", world.try_login("ada", &self.password)),
            ("a wrong password", world.try_login("ada", "a wrong password")),
            ("nobody", world.try_login("nobody", &self.password)),
            ("carrying on", world.refresh(&self.live.refresh)),
            ("a refresh token used again", world.refresh(&self.spent.refresh)),
            ("signing out", world.with_token("POST", "/_keyward/logout", &self.live.access)),
        ] {
            assert_eq!(answer.status, 503, "{what}: {}", answer.text());
            assert_says(&answer.text(), words);
        }
        assert_eq!(told(), before, "an event of what was not done");
        assert_eq!(world.token_status(&self.live.access), 200);
        assert_eq!(world.token_status(&self.killed.access), 401, "a killed family lives again");
        let again = world.refresh(&self.killed.refresh).status;
        assert!([401, 503].contains(&again), "a killed family goes on: {again}");
    }

    /// With space again each counts from where it was: the refusals have spent and killed nothing.
    fn go_on(&self, world: &World) {
        let next = Tokens::of(&world.refresh(&self.live.refresh));
        assert_eq!(world.token_status(&next.access), 200);
        assert_eq!(world.refresh(&self.spent.refresh).status, 401);
        for over in [&next, &self.live, &self.killed] {
            assert_eq!((world.token_status(&over.access), world.refresh(&over.refresh).status), (401, 401));
        }
        assert_eq!(world.try_login("ada", "a wrong password").status, 401);
        assert_eq!(world.token_status(&world.login("ada", &self.password).access), 200);
    }
}

/// No key without its event in the audit log, and no event without its key.
fn told_and_done_agree(world: &World) {
    let fields = |all: &serde_json::Value, field: &str| -> BTreeSet<String> {
        all["data"].as_array().unwrap().iter().filter_map(|one| one[field].as_str().map(str::to_owned)).collect()
    };
    let keys = world.json(&["key", "list"]);
    let told = |action| fields(&world.json(&["audit", "list", "--limit", "1000", "--action", action]), "subject");
    let replaced = fields(&keys, "replaces");
    let successors = keys["data"].as_array().unwrap().iter().filter(|key| key["replaces"].is_string()).count();
    assert_eq!(fields(&keys, "id").len() - successors, told("key.created").len(), "keys made, and keys told of");
    assert!(told("key.created").is_subset(&fields(&keys, "id")));
    assert_eq!(replaced, told("key.rotated"));
    assert_eq!(world.json(&["audit", "verify"])["ok"], true);
}

/// A listing less when keys were last used, which may be written late.
fn without_uses(listing: &str) -> String {
    listing.lines().filter(|line| !line.contains("lastUsedAt")).collect()
}

/// A limit on the size of the server's files.
struct Limit;

impl Limit {
    fn set(world: &World, limit: &str) {
        let mut command = Command::new("prlimit");
        command.args(["--pid", &world.server().id().to_string(), &format!("--fsize={limit}:")]);
        assert!(command.status().unwrap().success(), "the limit cannot be set");
    }
}

impl Space for Limit {
    fn take(&self, world: &World) {
        let log = world.data_dir().join("keyward.db-wal").metadata().unwrap().len();
        Self::set(world, &(log + 6000).to_string());
    }

    fn give(&self, world: &World) {
        Self::set(world, "unlimited");
    }
}

#[test]
fn a_limit_on_the_size_of_files() {
    let mut world = world().serve(&[]);
    run_out(&world, &Limit, &["the database failed: disk I/O error"]);
    world.stop();
}

/// A disk of its own for the data, filled by a file beside them.
struct Disk;

impl Space for Disk {
    fn take(&self, world: &World) {
        // As much as there is: the copy ends when nothing is left.
        let _ = std::fs::write(world.path("disk/filler"), vec![1; 4 * 1024 * 1024]);
    }

    fn give(&self, world: &World) {
        std::fs::remove_file(world.path("disk/filler")).unwrap();
    }
}

/// The variable that tells this program that it runs in a namespace of its own.
const INSIDE: &str = "KEYWARD_TEST_NAMESPACE";

#[test]
fn a_disk_without_space() {
    if option_env(INSIDE) {
        return on_a_disk_of_its_own();
    }
    let unshare = |arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount"]).args(arguments).stdin(Stdio::null());
        command
    };
    let probe = "mount -t tmpfs -o size=1m tmpfs /mnt";
    if !unshare(&["sh", "-c", probe]).stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        println!("no disk can be mounted here; the limit on files stands for it");
        return;
    }
    let this = std::env::current_exe().unwrap();
    let name = "full::a_disk_without_space";
    let output = unshare(&[this.to_str().unwrap(), "--exact", name, "--nocapture"]).env(INSIDE, "1").output().unwrap();
    assert!(output.status.success(), "{}", super::said(&output));
    assert_says(&super::said(&output), &["1 passed"]);
}

#[expect(clippy::disallowed_methods, reason = "a test is told by its environment")]
fn option_env(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

fn on_a_disk_of_its_own() {
    let mut world = world().data_in("disk/data");
    let disk = world.path("disk");
    std::fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(&disk).status().unwrap();
    assert!(mounted.success(), "a disk cannot be mounted");
    // Too full to begin on: nothing is made that counts, and with space it begins.
    Disk.take(&world);
    assert_says(&serve_refused(&world, &[]), &["disk/data", "No space left", "free some space"]);
    Disk.give(&world);
    world.start(&[]);
    run_out(&world, &Disk, &["the disk is full"]);
    world.stop();
    // Without a server a command works on the data itself, and fails in the same words.
    let before = world.ok(&["key", "list", "--json"]);
    Disk.take(&world);
    let name = "n".repeat(100);
    let refusal = until("a refusal", || {
        let output = world.run(&["key", "create", &name]);
        (!output.status.success()).then_some(output)
    });
    assert_says(&String::from_utf8_lossy(&refusal.stderr), &["free some space"]);
    Disk.give(&world);
    assert!(world.ok(&["key", "list", "--json"]).len() >= before.len(), "keys were lost");
    world.key("after", &[]);
}
