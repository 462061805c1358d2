//! The README's two-minute tour, word for word, against the real binary: once with the built-in demo, and the calls of
//! its end again before a real upstream. The only word that differs is the port.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests fail by panicking"
)]

use std::os::unix::fs::symlink;
use std::process::Command;

use keyward_testkit::upstream::Upstream;
use keyward_testkit::world::World;

const README: &str = include_str!("../../../README.md");

struct Step {
    command: String,
    output: Vec<String>,
}

/// The commands of the tour with the output that the README shows for each.
fn tour() -> Vec<Step> {
    let (_, rest) = README.split_once("<!-- tour").expect("the README has a tour");
    let (_, rest) = rest.split_once("```console\n").expect("in a console block");
    let (block, _) = rest.split_once("\n```").expect("that ends");
    let mut steps: Vec<Step> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push(Step { command: command.to_owned(), output: Vec::new() }),
            (None, Some(step)) => step.output.push(line.to_owned()),
            (None, None) => panic!("output before a command: {line}"),
        }
    }
    for step in &mut steps {
        while step.output.last().is_some_and(String::is_empty) {
            step.output.pop();
        }
    }
    steps
}

/// Whether a line is as shown; `…` stands for anything.
fn fits(shown: &str, line: &str) -> bool {
    let mut pieces = shown.split('…');
    let Some(mut rest) = line.strip_prefix(pieces.next().unwrap_or_default()) else {
        return false;
    };
    for piece in pieces {
        match rest.find(piece) {
            Some(_) if piece.is_empty() => rest = "",
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.is_empty()
}

fn walk(world: &World, steps: &[Step]) {
    let bin = world.path("bin");
    std::fs::create_dir_all(&bin).unwrap();
    symlink(env!("CARGO_BIN_EXE_keyward"), bin.join("keyward")).unwrap();
    // The tour starts the server in this folder, so that its data directory is the default one there.
    symlink(world.data_dir(), world.path("keyward-data")).unwrap();
    let mut script = String::new();
    for step in steps {
        script.push_str(&format!("{}\nprintf '\\036\\n'; printf '\\036\\n' >&2\n", step.command));
    }
    let port = world.server().data.port().to_string();
    let script = script.replace("localhost:8080", &format!("127.0.0.1:{port}"));
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(world.path(""))
        .env_clear()
        .env("PATH", path)
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(stdout.matches('\u{1e}').count(), steps.len(), "every command was run: {stderr}");
    let told = stdout.split("\u{1e}\n").zip(stderr.split("\u{1e}\n"));
    for (step, (out, err)) in steps.iter().zip(told) {
        // curl's progress is on stderr and not part of what the README shows.
        let err: Vec<&str> = err.lines().filter(|line| !line.contains("% Total") && !line.contains("--:--")).collect();
        let all: Vec<&str> =
            out.lines().chain(err.into_iter().filter(|line| !line.contains("Dload"))).map(str::trim_end).collect();
        let same =
            all.len() == step.output.len() && step.output.iter().zip(&all).all(|(shown, line)| fits(shown, line));
        assert!(
            same,
            "$ {}\nthe README shows:\n{}\nit says:\n{}",
            step.command,
            step.output.join("\n"),
            all.join("\n")
        );
    }
}

#[test]
fn the_tour_as_it_stands_in_the_readme() {
    let steps = tour();
    assert!(steps.len() >= 6, "{} steps", steps.len());
    let world = World::new(env!("CARGO_BIN_EXE_keyward")).serve(&[]);
    walk(&world, &steps);
}

#[test]
fn the_same_before_a_real_upstream() {
    let upstream = Upstream::start();
    let world = World::new(env!("CARGO_BIN_EXE_keyward")).serve(&["--upstream", &upstream.url()]);
    assert_eq!(world.send("GET", "/orders", &[], "").status, 401);
    assert!(upstream.requests().is_empty(), "a refused request reached the upstream");
    let key = world.key_json("first-customer", &[]);
    let answer = world.get("/orders?page=2", key["key"].as_str().unwrap());
    assert_eq!((answer.status, answer.text().as_str()), (200, "from upstream\n"));
    let request = upstream.last();
    assert!(request.starts_with("GET /orders?page=2 HTTP/1.1\r\n"), "{request}");
    for (name, value) in [("name", "first-customer"), ("kind", "api_key"), ("scopes", "*"), ("mode", "live")] {
        assert!(request.contains(&format!("keyward-{name}: {value}\r\n")), "keyward-{name} of\n{request}");
    }
    assert!(!request.contains(key["key"].as_str().unwrap()), "the key went on to the upstream:\n{request}");
}
