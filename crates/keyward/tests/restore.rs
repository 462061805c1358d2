//! Restores through the real binary: refused where they must be, whole whenever they are killed, and honest about the past.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use keyward_testkit::world::{World, is_private};
use sha2::{Digest as _, Sha256};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

/// A world without a server, whose one key is in the backup beside it.
fn backed_up() -> (World, String, PathBuf) {
    let world = World::new(BINARY);
    world.ok(&["init"]);
    let id = world.key_json("kept", &[])["id"].as_str().unwrap().to_owned();
    world.ok(&["backup", "backup"]);
    let file = world.path("backup");
    (world, id, file)
}

/// Everything below a folder.
fn all(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.insert(path.clone(), Vec::new());
            found.extend(all(&path));
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}

fn key_names(world: &World) -> Vec<String> {
    let listed = world.json(&["key", "list"]);
    let mut names: Vec<String> =
        listed["data"].as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn it_is_refused_while_anybody_holds_the_directory() {
    let (mut world, _, file) = backed_up();
    let restore = ["restore", file.to_str().unwrap()];
    world.start(&[]);
    world.key("younger", &[]);
    let said = world.refused(&restore);
    assert!(said.contains("held by the server of process") && said.contains("nothing was changed"), "{said}");
    assert_eq!(key_names(&world), ["kept", "younger"]);
    world.stop();
    let lock = std::fs::File::open(world.data_dir()).unwrap();
    lock.lock().unwrap();
    let said = world.refused(&restore);
    assert!(said.contains("is held by"), "{said}");
    lock.unlock().unwrap();
    assert_eq!(key_names(&world), ["kept", "younger"]);
}

#[test]
fn what_is_no_whole_backup_changes_nothing() {
    let (world, _, file) = backed_up();
    world.key("younger", &[]);
    let bytes = std::fs::read(&file).unwrap();
    let other = world.path("other");
    let mut altered = bytes.clone();
    altered[bytes.len() / 2] ^= 0x10;
    let before = all(&world.data_dir());
    for (what, bytes, why) in [
        ("cut off", &bytes[..bytes.len() - 1], "it is damaged"),
        ("half", &bytes[..bytes.len() / 2], "it is damaged"),
        ("altered", &altered, "it is damaged"),
        ("empty", b"", "it is no backup"),
        ("a database", &before[&world.data_dir().join("keyward.db")], "it is no backup"),
    ] {
        std::fs::write(&other, bytes).unwrap();
        let said = world.refused(&["restore", other.to_str().unwrap()]);
        assert!(said.contains(why) && said.contains("nothing was changed"), "{what}: {said}");
        assert_eq!(all(&world.data_dir()), before, "{what}");
        let fresh = world.path("fresh");
        let said = world.plain(&["restore", other.to_str().unwrap(), "--data-dir", fresh.to_str().unwrap()]).output();
        assert!(!said.unwrap().status.success() && !fresh.exists(), "{what}");
    }
    assert!(world.refused(&["restore", "none"]).contains("No such file"));
}

/// The same backup with another database in it, and digests to fit.
fn repacked(file: &Path, change: impl Fn(&Path)) {
    let mut members = Vec::new();
    for entry in tar::Archive::new(std::fs::File::open(file).unwrap()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        members.push((entry.path().unwrap().display().to_string(), bytes));
    }
    members.pop();
    let database = file.with_extension("db");
    std::fs::write(&database, &members[1].1).unwrap();
    change(&database);
    members[1].1 = std::fs::read(&database).unwrap();
    let hex = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut manifest: serde_json::Value = serde_json::from_slice(&members[0].1).unwrap();
    manifest["members"][0]["size"] = members[1].1.len().into();
    manifest["members"][0]["sha256"] = hex(&members[1].1).into();
    members[0].1 = serde_json::to_vec(&manifest).unwrap();
    let mut builder = tar::Builder::new(Vec::new());
    let add = |builder: &mut tar::Builder<Vec<u8>>, name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_path(name).unwrap();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_cksum();
        builder.append(&header, bytes).unwrap();
    };
    for (name, bytes) in &members {
        add(&mut builder, name, bytes);
    }
    let digest = format!("{}\n", hex(builder.get_ref()));
    add(&mut builder, "sha256", digest.as_bytes());
    std::fs::write(file, builder.into_inner().unwrap()).unwrap();
}

fn sql(file: &Path, statements: &str) {
    let output = Command::new("sqlite3").args(["-cmd", ".timeout 60000"]).arg(file).arg(statements).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_database_that_cannot_serve_is_refused_before_anything_is_touched() {
    let newer = |file: &Path| {
        sql(file, "INSERT INTO _sqlx_migrations VALUES (99, 'of tomorrow', 0, 1, x'00', 0)");
    };
    let foreign = |file: &Path| sql(file, "PRAGMA application_id = 7");
    let dangling = |file: &Path| sql(file, "DELETE FROM users");
    let garbage = |file: &Path| {
        let mut bytes = std::fs::read(file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..].fill(0xa5);
        std::fs::write(file, bytes).unwrap();
    };
    let same = |_: &Path| ();
    type Change<'a> = &'a dyn Fn(&Path);
    let changes: [(Change<'_>, &str); 4] = [
        (&newer, "is of version 99, and this Keyward knows versions up to"),
        (&foreign, "its database is none of Keyward's"),
        (&dangling, "names a row that is not there"),
        (&garbage, "its database cannot be used"),
    ];
    for (change, why) in changes {
        let (world, _, file) = backed_up();
        world.key("younger", &[]);
        repacked(&file, change);
        let before = all(&world.data_dir());
        let said = world.refused(&["restore", file.to_str().unwrap()]);
        assert!(said.contains(why) && said.contains("nothing was changed"), "{said}");
        assert_eq!(all(&world.data_dir()), before, "{why}");
    }
    let (world, _, file) = backed_up();
    repacked(&file, same);
    world.ok(&["restore", file.to_str().unwrap()]);
}

#[test]
fn what_counts_again_is_named_and_what_was_there_is_kept() {
    let (mut world, id, file) = backed_up();
    world.start(&[]);
    let younger = world.key("younger", &[]);
    let secret = world.key_json("also kept", &[]);
    world.stop();
    std::fs::remove_file(&file).unwrap();
    world.ok(&["backup", "backup"]);
    world.user("ada", &[]);
    world.ok(&["key", "revoke", &id, "--reason", "leaked"]);
    world.ok(&["key", "rotate", secret["id"].as_str().unwrap(), "--overlap", "0"]);
    world.ok(&["user", "disable", "admin"]);
    let output = world.run(&["restore", file.to_str().unwrap()]);
    let (said, warned) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr).into_owned());
    assert!(output.status.success(), "{warned}");
    assert!(said.contains("3 keys") && said.contains("as of") && said.contains("replaced-"), "{said}");
    assert!(warned.contains("2 keys that were revoked, disabled or replaced since are VALID AGAIN"), "{warned}");
    assert!(warned.contains(&id) && warned.contains(secret["id"].as_str().unwrap()), "{warned}");
    assert!(warned.contains("`keyward key revoke ID`") && warned.contains("enabled again: admin."), "{warned}");
    let kept = said.lines().find_map(|line| line.trim().strip_prefix("kept aside ")).unwrap().trim().to_owned();
    let kept = Path::new(&kept);
    assert!(is_private(kept));
    let aside = |arguments: &[&str]| {
        let output = world.plain(arguments).args(["--data-dir", kept.to_str().unwrap()]).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(aside(&["key", "show", &id]).contains("leaked"), "the old data is all there");
    assert!(aside(&["audit", "verify"]).starts_with("ok"));
    world.start(&[]);
    assert_eq!(world.get("/x", &younger).status, 200);
    assert_eq!(world.get("/x", secret["key"].as_str().unwrap()).status, 200, "as was said");
    assert!(!world.server().log().contains("not the one that was here"), "a restore is no rewinding");
    assert!(world.ok(&["audit", "verify"]).starts_with("ok"));
    let told = world.json(&["audit", "list", "--action", "store.restored"]);
    assert_eq!(told["data"].as_array().unwrap().len(), 1);
}

#[test]
fn cut_off_between_its_renames_it_is_finished_by_the_next_command() {
    let (world, _, file) = backed_up();
    world.key("younger", &[]);
    let dir = world.data_dir();
    // As a kill leaves it: the database is aside, and its successor has not come yet.
    let new = world.path("new");
    let output =
        world.plain(&["restore", file.to_str().unwrap(), "--data-dir", new.to_str().unwrap()]).output().unwrap();
    assert!(output.status.success());
    std::fs::rename(new, dir.join("restore.staging")).unwrap();
    std::fs::remove_file(dir.join("restore.staging/keyward.lock")).unwrap();
    std::fs::create_dir(dir.join("replaced-then")).unwrap();
    std::fs::rename(dir.join("keyward.db"), dir.join("replaced-then/keyward.db")).unwrap();
    let journal = r#"{"kept":"replaced-then","brings":["keyward.db","audit.key","audit.head","feed.witness"]}"#;
    std::fs::write(dir.join("restore.journal"), journal).unwrap();
    let output = world.run(&["key", "list", "--json"]);
    let warned = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && warned.contains("a restore was cut off in its last step"), "{warned}");
    assert!(!warned.contains("not the one that was here"), "{warned}");
    assert_eq!(key_names(&world), ["kept"]);
    assert!(world.ok(&["audit", "verify"]).starts_with("ok"));
    let kept = dir.join("replaced-then");
    let output = world.plain(&["key", "list", "--data-dir", kept.to_str().unwrap()]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("younger"));
}

#[test]
fn killed_at_any_moment_it_leaves_the_old_data_or_the_new() {
    let (world, _, file) = backed_up();
    let (mut old, mut new) = (0, 0);
    for round in 0..40_u64 {
        let name = format!("round {round:02}");
        world.key(&name, &[]);
        let before = key_names(&world);
        let mut restore = world
            .command(&["restore", file.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Nobody unparks this thread: each round gives the restore a little longer.
        std::thread::park_timeout(Duration::from_millis(round));
        let _ = restore.kill();
        restore.wait().unwrap();
        let found = key_names(&world);
        if found == before {
            old += 1;
        } else {
            new += 1;
            assert_eq!(found, ["kept"], "round {round}");
        }
        assert!(world.ok(&["audit", "verify"]).starts_with("ok"), "round {round}");
        for name in ["restore.staging", "restore.journal"] {
            assert!(!world.data_dir().join(name).exists(), "round {round}: {name} is left");
        }
    }
    assert!(old > 0, "no restore was cut off");
    world.ok(&["restore", file.to_str().unwrap()]);
    assert_eq!(key_names(&world), ["kept"]);
    println!("{old} rounds left the old data, {new} the new");
}

#[test]
fn the_file_with_the_first_password_stays_as_long_as_the_password_counts() {
    for (changed, stays) in [(false, true), (true, false)] {
        let mut world = World::new(BINARY).serve(&[]);
        let file = world.data_dir().join("initial-admin-password");
        let first = std::fs::read_to_string(&file).unwrap();
        world.ok(&["backup", "backup"]);
        if changed {
            world.ok(&["user", "passwd", "admin"]);
            // Somebody's note of another password.
            std::fs::write(&file, "another password").unwrap();
        }
        world.stop();
        world.ok(&["restore", world.path("backup").to_str().unwrap()]);
        assert_eq!(file.exists(), stays, "password changed: {changed}");
        if stays {
            world.start(&[]);
            world.login("admin", first.trim());
        }
    }
}
