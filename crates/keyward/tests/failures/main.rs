//! What goes wrong (docs/reference/mistakes.md), against the real binary: each mistake gets the answer that is written
//! down, says what, where and what to do, and leaves nothing half written or started.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod damage;
mod data;
mod ending;
mod full;
mod lock;
mod ports;
mod requests;
mod upstream;
mod usage;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use keyward_testkit::client::{Answer, exchange};
use keyward_testkit::world::{World, until};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

fn world() -> World {
    World::new(BINARY)
}

/// Runs a command that must end by itself; one that serves instead is ended and told of.
fn ended(mut command: Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let ends = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        until("the end of the command", || child.try_wait().expect("a child"))
    }));
    let _ = child.kill();
    let output = child.wait_with_output().expect("its output");
    assert!(ends.is_ok(), "{command:?} did not end: {}", said(&output));
    output
}

fn said(output: &Output) -> String {
    [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy).concat()
}

/// `serve` on free ports with further flags: it must end with exit code 1 and nothing on stdout; what it says.
fn serve_refused(world: &World, flags: &[&str]) -> String {
    let mut command = world.command(&["serve", "--port", "0", "--admin-port", "0"]);
    // Twice the same flag is wrong usage, so that a test that names a port takes the whole place of ours.
    if flags.iter().any(|flag| flag.contains("port")) {
        command = world.command(&["serve"]);
    }
    command.args(flags);
    let output = ended(command);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(output.stdout.is_empty(), "{}", said(&output));
    said(&output)
}

/// Every word is there.
fn assert_says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is not in:\n{text}");
    }
}

/// All files below a folder with what is in them; nothing where there is no folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        }
        found.insert(path.display().to_string(), std::fs::read(&path).unwrap_or_default());
    }
    found
}

/// A GET without credentials to any of a server's ports; the status.
fn status_of(address: SocketAddr, path: &str) -> u16 {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    exchange(address, request.as_bytes()).map_or(0, |answer| answer.status)
}

/// The server lives and can decide.
fn assert_ready(world: &World) {
    assert_eq!(status_of(world.server().admin, "/ready"), 200);
    assert_eq!(status_of(world.server().data, "/_keyward/ready"), 200);
}

/// A problem document of Keyward with this status and reason, whose decision id stands in both places.
fn assert_problem(answer: &Answer, status: u16, reason: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let problem = answer.json();
    assert_eq!((&problem["reason"], &problem["server"]), (&reason.into(), &"Keyward".into()), "{problem}");
    assert_eq!(problem["decision"].as_str(), answer.header("keyward-decision"), "{problem}");
    assert!(problem["decision"].as_str().is_some_and(|id| !id.is_empty()), "{problem}");
}
