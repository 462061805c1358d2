//! Keys without a server, and what lies on the disk: commands that open the store themselves, secrets that stand nowhere.

#![allow(clippy::expect_used, reason = "tests fail by panicking")]

use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use keyward_testkit::world::{World, is_private, until};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
}

#[test]
fn only_serve_and_init_make_a_store() {
    let world = World::new(BINARY);
    for command in [&["key", "list"][..], &["key", "create", "x"], &["explain", "--path", "/x"]] {
        let said = world.refused(command);
        assert!(said.contains("there is no Keyward data in") && said.contains("`keyward init` makes it"), "{said}");
    }
    assert!(!world.data_dir().exists(), "nothing was made by a command that only looks");
    let said = world.ok(&["init"]);
    assert!(said.starts_with("made ") && said.contains("the password of user admin is in "), "{said}");
    assert!(world.ok(&["init"]).ends_with("was there already; nothing was changed"));
    assert_eq!(world.json(&["init"])["created"], false);
}

#[test]
fn the_same_commands_without_a_server() {
    let mut world = World::new(BINARY);
    world.ok(&["init"]);
    assert_eq!(world.ok(&["key", "list"]), "no keys yet; `keyward key create NAME` makes one");
    let kept = world.key("kept", &[]);
    let [ended, paused, old] = ["ended", "paused", "old"].map(|name| world.key_json(name, &[]));
    let id = |key: &serde_json::Value| key["id"].as_str().unwrap().to_owned();
    let said = world.ok(&["key", "revoke", &id(&ended), "--reason", "left"]);
    assert_eq!(said, format!("{} revoked for ever: refused from the next start on; no server is running", id(&ended)));
    world.ok(&["key", "disable", &id(&paused)]);
    let successor = world.ok(&["key", "rotate", &id(&old), "--overlap", "0"]);
    let listed = world.json(&["key", "list"]);
    world.start(&[]);
    assert_eq!(world.json(&["key", "list"]), listed, "the server knows what the commands did");
    for (key, status) in [(kept.as_str(), 200), (&successor, 200)] {
        assert_eq!(world.get("/x", key).status, status);
    }
    for key in [ended, paused.clone(), old] {
        assert_eq!(world.get("/x", key["key"].as_str().unwrap()).status, 401, "{}", key["name"]);
    }
    world.stop();
    world.ok(&["key", "enable", &id(&paused)]);
    world.start(&[]);
    assert_eq!(world.get("/x", paused["key"].as_str().unwrap()).status, 200);
}

#[test]
fn commands_at_the_same_time_wait_for_each_other() {
    let world = World::new(BINARY);
    world.ok(&["init"]);
    let spawn = |number: usize| {
        let mut command = world.command(&["key", "create", &format!("k{number}")]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let all: Vec<_> = (0..12).map(spawn).collect();
    for command in all {
        let output = command.wait_with_output().unwrap();
        assert!(output.status.success(), "it did not wait: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(world.json(&["key", "list"])["data"].as_array().unwrap().len(), 12);
}

#[test]
fn a_command_waits_for_whoever_holds_the_lock() {
    let world = World::new(BINARY);
    world.ok(&["init"]);
    let lock = std::fs::File::open(world.data_dir()).unwrap();
    lock.lock().unwrap();
    let mut command = world.command(&["key", "list"]).stdout(Stdio::null()).spawn().unwrap();
    // It waits between tries: time enough, in its own count of rests, to have tried more than once.
    let rests = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", command.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        line.trim().parse().ok().filter(|rests: &u32| *rests > 5)
    };
    until("several tries", rests);
    assert!(command.try_wait().unwrap().is_none(), "it did not wait");
    lock.unlock().unwrap();
    assert!(command.wait().unwrap().success());
}

#[test]
fn the_data_directory_is_for_its_owner_alone() {
    let mut world = World::new(BINARY).serve(&[]);
    world.key("one", &[]);
    let check = |world: &World| {
        assert!(is_private(&world.data_dir()), "the folder");
        let files = files(&world.data_dir());
        assert!(files.len() >= 3, "{files:?}");
        for file in &files {
            assert!(is_private(file), "{}", file.display());
        }
        files
    };
    let served = check(&world);
    let is_socket = |path: &PathBuf| std::fs::metadata(path).unwrap().file_type().is_socket();
    assert!(served.iter().any(is_socket), "the socket is among them: {served:?}");
    world.stop();
    world.key("two", &[]);
    check(&world);
}

#[test]
fn no_key_stands_anywhere_but_where_it_was_shown() {
    let operators = "an-operators-own-key-0123456789abcdef";
    let mut world = World::new(BINARY);
    std::fs::write(world.path("operators-key"), operators).unwrap();
    let file = world.path("operators-key").display().to_string();
    world.start(&["--log", "json", "--api-key-file", &file, "--verbose"]);
    let key = world.key_json("one", &[]);
    let (id, key) = (key["id"].as_str().unwrap(), key["key"].as_str().unwrap());
    let successor = world.ok(&["key", "rotate", id]);
    // What is random in a key: its prefix may be shown.
    let secrets = [&key[12..], &successor[12..], operators, &key[20..40]];
    for key in [key, &successor, operators] {
        assert_eq!(world.get(&format!("/orders?key={key}"), key).status, 200);
        assert_eq!(world.send("GET", "/orders", &[&format!("Authorization: ApiKey {key}x")], "").status, 401);
        let said = world.run_with_stdin(&["explain", "--path", "/x", "--header", "@-"], &format!("X-API-Key: {key}"));
        assert!(said.status.success());
        assert!(secrets.iter().all(|secret| !holds(&said.stdout, secret)), "explain shows a key");
    }
    let server = world.server();
    until("the log", || (server.log().matches("\"path\":\"/orders\"").count() == 6).then_some(()));
    let arguments = std::fs::read(format!("/proc/{}/cmdline", server.id())).unwrap();
    assert!(holds(&arguments, "serve"), "these are the server's arguments");
    let commands = [&["key", "list"][..], &["key", "show", id], &["config", "show", "--json"]];
    let outputs: Vec<u8> = commands
        .into_iter()
        .flat_map(|command| [world.ok(command).into_bytes(), world.run(command).stderr].concat())
        .collect();
    for secret in secrets {
        assert!(!holds(server.log().as_bytes(), secret), "in the log:\n{}", server.log());
        assert!(!holds(&arguments, secret), "in the server's arguments");
        assert!(!holds(&outputs, secret), "in what a command prints");
    }
    let check = |world: &World| {
        for file in files(&world.data_dir()).iter().filter(|file| !file.ends_with("keyward.sock")) {
            // What was written aside and is in its place by now holds nothing.
            let Ok(bytes) = std::fs::read(file) else { continue };
            assert!(secrets.iter().all(|secret| !holds(&bytes, secret)), "in {}", file.display());
        }
    };
    check(&world);
    world.stop();
    check(&world);
}

#[test]
fn a_long_path_with_spaces_and_other_letters_works() {
    let folder = format!("{}/Schlüssel & Söhne/données à garder", "long folder ".repeat(10).trim());
    let mut world = World::new(BINARY).data_in(&folder);
    assert!(world.data_dir().as_os_str().len() > 108, "longer than an address of a socket");
    world.ok(&["init"]);
    let alone = world.key("alone", &[]);
    world.start(&[]);
    let served = world.key_json("served", &[]);
    assert_eq!(world.get("/x", &alone).status, 200);
    assert_eq!(world.get("/x", served["key"].as_str().unwrap()).status, 200);
    let said = world.ok(&["key", "revoke", served["id"].as_str().unwrap()]);
    assert!(said.contains("1/1 nodes"), "the command went through the socket: {said}");
    assert_eq!(world.get("/x", served["key"].as_str().unwrap()).status, 401);
    assert!(is_private(&world.data_dir().join("keyward.sock")));
    let log = world.server().log();
    let hint = log.lines().find(|line| line.contains("keyward key create")).unwrap();
    assert!(hint.contains(&format!("--data-dir '{}'", world.data_dir().display())), "it can be pasted: {hint}");
}
