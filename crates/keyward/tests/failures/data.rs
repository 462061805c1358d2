//! The data directory cannot be made or written, is held, is left over, is of a newer version, or goes away.

use std::fs::Permissions;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Stdio};

use keyward_testkit::world::{World, until};

use super::{assert_ready, assert_says, ended, files, said, serve_refused, status_of, world};

const SERVE: &[&str] = &["serve", "--port", "0", "--admin-port", "0"];

/// A command that permissions hold: root is above them, unless it gives up its capabilities.
fn humble(command: &Command) -> Command {
    let mut words = vec![command.get_program()];
    if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
        words.splice(0..0, ["setpriv", "--bounding-set=-all", "--inh-caps=-all"].map(AsRef::as_ref));
    }
    words.extend(command.get_args());
    let mut humble = Command::new(words[0]);
    humble.args(&words[1..]).env_clear().current_dir(command.get_current_dir().unwrap()).stdin(Stdio::null());
    humble.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    humble
}

#[test]
fn a_folder_that_cannot_be_made() {
    let world = world();
    std::fs::write(world.path("file"), "mine").unwrap();
    let before = files(&world.path(""));
    for (folder, why) in [
        ("file", "a file stands where the folder should be"),
        ("file/below", "a file stands where the folder should be"),
        ("/proc/keyward", "--data-dir names another folder"),
    ] {
        for command in [SERVE, &["init"], &["key", "list"]] {
            let output = ended(world.plain(&[command, &["--data-dir", folder]].concat()));
            assert_eq!(output.status.code(), Some(1), "{command:?}: {}", said(&output));
            // A command that only looks has a simpler reason where there is nothing at all.
            let words: &[&str] =
                if command[0] == "key" && folder.starts_with('/') { &["no Keyward data"] } else { &[why] };
            assert_says(&said(&output), &[&[folder, "--data-dir"], words].concat());
        }
    }
    assert_eq!(files(&world.path("")), before);
}

#[test]
fn a_folder_that_may_not_be_written_or_read() {
    let world = world();
    let folder = world.data_dir();
    world.ok(&["init"]);
    let (database, new) = (folder.join("keyward.db"), folder.join("new"));
    for (what, mode, at) in [
        ("nothing may be made in the folder", 0o555, &new),
        ("the folder may not be entered", 0o000, &folder),
        ("the database may not be written", 0o700, &folder),
    ] {
        std::fs::set_permissions(&database, Permissions::from_mode(if mode == 0o700 { 0o400 } else { 0o600 })).unwrap();
        std::fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
        for command in [SERVE, &["init"], &["key", "list"]] {
            if command[0] == "key" && at == &new {
                continue;
            }
            let at = at.to_str().unwrap();
            let output = ended(humble(&world.plain(&[command, &["--data-dir", at]].concat())));
            assert_eq!(output.status.code(), Some(1), "{what}: {command:?}: {}", said(&output));
            assert_says(&said(&output), &[at, "Permission denied", "by the user that runs keyward"]);
        }
        std::fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
        assert!(!new.exists(), "{what}");
    }
    std::fs::set_permissions(&database, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(world.ok(&["key", "list"]), "no keys yet; `keyward key create NAME` makes one");
}

#[test]
fn a_folder_without_data() {
    let world = world();
    for command in [&["key", "list"][..], &["key", "create", "bot"], &["explain", "--path", "/x"]] {
        let text = world.refused(command);
        assert_says(&text, &[world.data_dir().to_str().unwrap(), "no Keyward data", "keyward init", "--data-dir"]);
        assert!(!world.data_dir().exists(), "{command:?} made data");
    }
}

#[test]
fn held_by_a_server() {
    let world = world().serve(&[]);
    let before = files(&world.data_dir());
    let process = format!("held by the server of process {}", world.server().id());
    let text = serve_refused(&world, &[]);
    assert_says(&text, &[world.data_dir().to_str().unwrap(), &process, "stop it", "--data-dir"]);
    assert_says(&world.refused(&["init"]), &[&process, "nothing was changed"]);
    assert_eq!(files(&world.data_dir()), before);
    // Every other command goes through it, and is felt at once.
    let key = world.key_json("bot", &[]);
    assert_eq!(world.get("/x", key["key"].as_str().unwrap()).status, 200);
    assert_says(&world.ok(&["key", "disable", key["id"].as_str().unwrap()]), &["refused by 1/1 nodes"]);
    assert_eq!(world.get("/x", key["key"].as_str().unwrap()).status, 401);
}

/// Holds the lock until the child is ended, as a command of ours does for a moment.
fn hold(world: &World) -> std::process::Child {
    let script =
        "import fcntl,os,sys\nfcntl.flock(os.open(sys.argv[1],0),fcntl.LOCK_EX)\nprint(flush=True)\nsys.stdin.read()";
    let mut child = Command::new("python3")
        .args(["-c", script])
        .arg(world.data_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
    child
}

#[test]
fn held_by_another_command() {
    let world = world();
    world.ok(&["init"]);
    let mut holder = hold(&world);
    let mut waiting = [SERVE, &["key", "create", "bot"]].map(|line| {
        let mut command = world.command(line);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    });
    // They wait: 300 ms in which neither ends are a short part of the ten seconds that they have.
    for _ in 0..30 {
        std::thread::park_timeout(std::time::Duration::from_millis(10));
        assert!(waiting.iter_mut().all(|child| child.try_wait().unwrap().is_none()), "one did not wait");
    }
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(waiting[1].wait().unwrap().success(), "the command did not go on");
    until("the server's socket", || world.data_dir().join("keyward.sock").exists().then_some(()));
    waiting[0].kill().unwrap();
    waiting[0].wait().unwrap();
    assert_eq!(world.json(&["key", "list"])["data"].as_array().unwrap().len(), 1);
}

#[test]
fn held_by_a_process_that_does_not_answer() {
    let world = world();
    world.ok(&["init"]);
    let before = files(&world.data_dir());
    let mut holder = hold(&world);
    let text = world.refused(&["key", "create", "bot"]);
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_says(&text, &[world.data_dir().to_str().unwrap(), "held by another command", "nothing was changed"]);
    assert_eq!(files(&world.data_dir()), before);
}

#[test]
fn left_over_by_kill_9() {
    let mut world = world().serve(&[]);
    let key = world.key("bot", &[]);
    world.take_server().kill();
    let left = files(&world.data_dir());
    for name in ["keyward.lock", "keyward.sock", "keyward.db-wal"] {
        assert!(left.contains_key(world.data_dir().join(name).to_str().unwrap()), "{name} is not left over: {left:?}");
    }
    // Without a server a command works on the data itself, and a server starts over what is left.
    world.key("second", &[]);
    world.start(&[]);
    assert_eq!(world.get("/x", &key).status, 200);
    world.key("third", &[]);
    assert_eq!(world.json(&["key", "list"])["data"].as_array().unwrap().len(), 3);
    world.stop();
}

fn sqlite3(database: &Path, statement: &str) {
    let output =
        Command::new("sqlite3").args(["-cmd", ".timeout 60000"]).arg(database).arg(statement).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn of_a_newer_version() {
    let world = world();
    world.ok(&["init"]);
    let database = world.data_dir().join("keyward.db");
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (99, 'of tomorrow', 1, x'00', 0)";
    sqlite3(&database, newer);
    let before = std::fs::read(&database).unwrap();
    let words =
        [database.to_str().unwrap(), "of version 99", "knows versions up to", "nothing was changed", "a newer one"];
    assert_says(&serve_refused(&world, &[]), &words);
    for command in [&["init"][..], &["key", "list"], &["key", "create", "bot"]] {
        assert_says(&world.refused(command), &words);
    }
    assert_eq!(std::fs::read(&database).unwrap(), before);
}

#[test]
fn of_another_program() {
    let world = world();
    std::fs::create_dir(world.data_dir()).unwrap();
    let database = world.data_dir().join("keyward.db");
    sqlite3(&database, "CREATE TABLE notes (text TEXT)");
    let before = std::fs::read(&database).unwrap();
    let words = [database.to_str().unwrap(), "none of Keyward's", "nothing was changed"];
    assert_says(&serve_refused(&world, &[]), &words);
    assert_says(&world.refused(&["key", "list"]), &words);
    assert_eq!(std::fs::read(&database).unwrap(), before);
}

#[test]
fn deleted_or_replaced_while_it_is_served() {
    for replaced in [false, true] {
        let mut world = world().serve(&[]);
        let maker = world.key("maker", &["--scopes", "self:*,*"]);
        let id = world.json(&["key", "list"])["data"][0]["id"].as_str().unwrap().to_owned();
        if replaced {
            let database = world.data_dir().join("keyward.db");
            std::fs::copy(&database, world.path("copy")).unwrap();
            std::fs::rename(world.path("copy"), &database).unwrap();
        } else {
            // Out of the way at once, since the server may be making a file in it at this moment.
            std::fs::rename(world.data_dir(), world.path("gone")).unwrap();
            std::fs::remove_dir_all(world.path("gone")).unwrap();
        }
        assert_eq!(status_of(world.server().admin, "/ready"), 503);
        assert_eq!(status_of(world.server().data, "/_keyward/ready"), 503);
        // A change would be lost with the file, so none is acknowledged. Which of the store's connections is the first to
        // notice is not the same each time, so the words differ; and two seconds later the key itself cannot be checked.
        let create = world.call("POST", "/_keyward/api-keys", &maker, "{\"name\":\"lost\"}");
        assert_eq!(create.status, 503, "{}", create.text());
        if !create.text().contains("could not check this request") {
            assert_says(&create.text(), &["nothing was changed", "the database failed"]);
        }
        let revoke = world.call("DELETE", &format!("/_keyward/api-keys/{id}"), &maker, "");
        assert_eq!(revoke.status, 503, "{}", revoke.text());
        world.refused(&["key", "create", "lost"]);
        // A right key passes or cannot be checked; it is never called wrong. And the server ends well.
        assert!([200, 503].contains(&world.get("/x", &maker).status));
        world.stop();
        assert_eq!(world.data_dir().exists(), replaced, "the folder came back");
    }
}

#[test]
fn a_path_too_long_for_a_socket() {
    let world = world().data_in(&format!("{}/{}", "l".repeat(120), "x".repeat(120))).serve(&[]);
    let key = world.key("bot", &[]);
    assert_eq!(world.get("/x", &key).status, 200);
    assert_ready(&world);
}
