//! The presets before what they stand before, in their clients' words: each folder of `tests/contracts` holds an upstream, worlds
//! with rows of requests, and published examples that real clients run as they are printed. `tests/contracts/README.md` tells the form.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests fail by panicking"
)]

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use keyward_testkit::client::exchange_from;
use keyward_testkit::decided::{decisions, sum};
use keyward_testkit::ports::free_port;
use keyward_testkit::world::{World, until};
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");
const CONTRACTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/contracts");

#[test]
fn every_contract_holds() {
    // One of them alone, for whoever works on it.
    let only = std::env::var("KEYWARD_CONTRACT").ok();
    let mut wrong = Vec::new();
    for folder in entries(Path::new(CONTRACTS)).into_iter().filter(|path| path.is_dir()) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if only.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        let upstream = Upstream::start(&folder);
        let worlds = entries(&folder).into_iter().filter(|path| path.extension().is_some_and(|one| one == "txt"));
        for world in worlds {
            let lines = fs::read_to_string(&world).unwrap();
            let told = world.strip_prefix(CONTRACTS).unwrap().display().to_string();
            Play { folder: &folder, upstream: &upstream, preset: &name }.all(&lines, &told, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

/// What stands behind Keyward: the folder's own script, ended with the value.
struct Upstream {
    port: u16,
    child: Child,
    _home: tempfile::TempDir,
}

impl Upstream {
    fn start(folder: &Path) -> Self {
        let (port, home) = (free_port(), tempfile::tempdir().unwrap());
        // Where `scripts/setup-tests` installs what it builds: in the target directory.
        let built = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("reference").join("bin");
        let child = Command::new(folder.join("upstream"))
            .env("PORT", port.to_string())
            .env("HOME", home.path())
            .env("BUILT", built)
            .current_dir(home.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("the upstream starts");
        until("the upstream", || TcpStream::connect(("127.0.0.1", port)).ok());
        Self { port, child, _home: home }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        // Asked, not killed: it ends what it started itself.
        let _ = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// One world played from its lines.
struct Play<'a> {
    folder: &'a Path,
    upstream: &'a Upstream,
    preset: &'a str,
}

impl Play<'_> {
    fn all(&self, lines: &str, name: &str, wrong: &mut Vec<String>) {
        let url = format!("http://127.0.0.1:{}", self.upstream.port);
        let mut flags = vec!["--upstream".to_owned(), url];
        let mut world = World::new(BINARY).env("KEYWARD_PRESET", self.preset);
        let (mut runs, mut shown) = (false, Vec::new());
        for (number, line) in lines.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
            match verb {
                "flag" => {
                    flags.extend(rest.split(' ').map(|one| one.replace("$DIR", &world.path("").display().to_string())))
                }
                "env" => {
                    let (name, value) = rest.split_once('=').expect("NAME=value");
                    world = world.env(name, &value.replace("\\n", "\n"));
                }
                "config" => {
                    let text = match rest.strip_prefix('@') {
                        Some(file) => fs::read_to_string(self.folder.join("examples").join(file)).unwrap(),
                        None => rest.replace("\\n", "\n"),
                    };
                    world = world.config(&text);
                }
                "file" => {
                    let (name, text) = rest.split_once('=').expect("NAME=text");
                    fs::write(world.path(name), text.replace("\\n", "\n")).unwrap();
                }
                _ => {
                    let with: Vec<&str> = flags.iter().map(String::as_str).collect();
                    if !runs && !matches!(verb, "refuses" | "shows") {
                        world.start(&with);
                        runs = true;
                    }
                    let told = match verb {
                        "pair" => {
                            shown = pair(&world, rest);
                            Ok(())
                        }
                        _ => self.row(&world, (&with, &shown), verb, &filled_in(rest, &shown)),
                    };
                    if let Err(why) = told {
                        wrong.push(format!("{name}:{}: {line}\n  {why}", number + 1));
                    }
                }
            }
        }
    }

    /// One line that says what is the case.
    fn row(&self, world: &World, (flags, shown): (&[&str], &[Shown]), verb: &str, rest: &str) -> Result<(), String> {
        match verb {
            "refuses" => match world.try_start(flags) {
                Ok(_) => Err("it started".to_owned()),
                Err(written) => holds(&written, rest),
            },
            "shows" => {
                let (path, value) = rest.split_once('=').expect("NAME=value");
                let all = world.json(&["config", "show"]);
                let found = all["values"].as_array().unwrap().iter().find(|one| one["path"] == path);
                let found =
                    found.map(|one| format!("{} from {}", one["value"], one["origin"].as_str().unwrap_or_default()));
                holds(&found.unwrap_or_default(), value)
            }
            "warns" => holds(&world.server().log(), rest),
            "silent" => holds(&world.server().log(), rest).map_or(Ok(()), |()| Err("it was said".to_owned())),
            "doctor" => holds(&String::from_utf8_lossy(&world.run(&["doctor"]).stdout), rest),
            "decisions" => decided(world, rest),
            "websocket" => websocket(world, rest),
            "run" => self.example(world, shown, rest),
            "keyward" => command(world, rest),
            method => request(world, method, rest),
        }
    }

    /// Runs a published example as it is printed: only the address in it is another.
    fn example(&self, world: &World, shown: &[Shown], rest: &str) -> Result<(), String> {
        let mut columns = rest.split(" | ");
        let file = self.folder.join("examples").join(columns.next().unwrap_or_default());
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let text = text.replace(&self.printed(), &world.server().data.to_string());
        let extension = file.extension().unwrap_or_default().to_string_lossy().into_owned();
        let copy = world.path(&format!("example.{extension}"));
        fs::write(&copy, text).unwrap();
        let interpreter = match &*extension {
            "sh" => "bash",
            "mjs" => "node",
            "py" => "python3",
            other => return Err(format!("nothing runs .{other}")),
        };
        let mut command = Command::new(interpreter);
        command.arg(&copy).current_dir(world.path("")).envs(shown.iter().map(|(name, value)| (name, value)));
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            return Err(format!("it failed: {said}\n{}", String::from_utf8_lossy(&output.stderr)));
        }
        columns.try_for_each(|column| holds(&said, column))
    }

    /// The host and port that the examples are printed with.
    fn printed(&self) -> String {
        fs::read_to_string(self.folder.join("examples/address")).expect("the printed address").trim().to_owned()
    }
}

/// A text that was shown once, by the name that rows and examples know it by.
type Shown = (&'static str, String);

/// Makes a key + secret pair: `NAME flags`.
fn pair(world: &World, rest: &str) -> Vec<Shown> {
    let flags: Vec<&str> = ["key", "create"].into_iter().chain(rest.split(' ')).chain(["--pair"]).collect();
    let made = world.json(&flags);
    ["key", "secret"]
        .map(|name| {
            let text = made[name].as_str().unwrap().to_owned();
            world.issued.note(&text);
            (if name == "key" { "API_KEY" } else { "API_SECRET" }, text)
        })
        .into()
}

fn filled_in(text: &str, shown: &[Shown]) -> String {
    shown.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value))
}

/// `ARGUMENTS | TEXT | …`: a command succeeds and says these.
fn command(world: &World, rest: &str) -> Result<(), String> {
    let mut columns = rest.split(" | ");
    let words: Vec<&str> = columns.next().unwrap_or_default().split(' ').collect();
    let said = world.ok(&words);
    columns.try_for_each(|column| holds(&said, column))
}

fn holds(text: &str, part: &str) -> Result<(), String> {
    if text.contains(part) { Ok(()) } else { Err(format!("it lacks {part:?}: {text}")) }
}

/// `PATH | header; header | status | body | header: part; …`, where a body is JSON, or `~` and a part of it.
fn request(world: &World, method: &str, rest: &str) -> Result<(), String> {
    let columns: Vec<&str> = rest.split('|').map(str::trim).collect();
    let column = |place: usize| columns.get(place).copied().unwrap_or_default();
    let list = |place: usize| column(place).split("; ").filter(|one| !one.is_empty());
    let (sent, body) =
        column(1).split_once(" {").map_or((column(1), String::new()), |(sent, body)| (sent, format!("{{{body}")));
    let headers: Vec<&str> = sent.split("; ").filter(|one| !one.is_empty() && !one.starts_with("from ")).collect();
    let from = sent.split("; ").find_map(|one| one.strip_prefix("from "));
    let answer = match from {
        None => world.send(method, column(0), &headers, &body),
        Some(from) => {
            let lines: String = headers.iter().map(|one| format!("{one}\r\n")).collect();
            let head = format!("{method} {} HTTP/1.1\r\nHost: api\r\n{lines}Connection: close\r\n\r\n", column(0));
            exchange_from(from.parse().unwrap(), world.server().data, head.as_bytes()).expect("an answer")
        }
    };
    if answer.status.to_string() != column(2) {
        return Err(format!("it was {}: {}", answer.status, answer.text()));
    }
    match column(3) {
        "" | "-" => {}
        part if part.starts_with('~') => holds(&answer.text(), &part[1..])?,
        written => {
            let expected: Value = serde_json::from_str(written).expect("JSON");
            let wait = answer.header("retry-after").and_then(|text| text.parse::<u64>().ok());
            let expected = filled(expected, wait);
            if answer.json() != expected {
                return Err(format!("it was {}", answer.text()));
            }
        }
    }
    list(4).try_for_each(|wanted| {
        let (name, part) = wanted.split_once(": ").expect("name: part");
        match answer.header(name) {
            Some(value) => holds(value, part),
            None => Err(format!("there is no {name}")),
        }
    })
}

/// The number of seconds that `Retry-After` says, where an answer repeats it.
fn filled(value: Value, wait: Option<u64>) -> Value {
    match value {
        Value::String(text) if text == "$RETRY_AFTER" => wait.into(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, filled(value, wait))).collect(),
        other => other,
    }
}

/// `OUTCOME N`, or a few more: whatever came before the last row is on record by now.
fn decided(world: &World, rest: &str) -> Result<(), String> {
    let (outcome, count) = rest.split_once(' ').expect("an outcome and how often");
    // The mark behind all others: once it is there, so are they.
    world.send("GET", "/_keyward/nothing", &[], "");
    let count_of = |outcome: &str| sum(&decisions(world, &["--outcome", outcome]));
    until("the last decision", || (count_of("NoRoute") > 0).then_some(()));
    let found = count_of(outcome);
    if found.to_string() == count { Ok(()) } else { Err(format!("there are {found}")) }
}

/// `PATH | part of the first message`.
fn websocket(world: &World, rest: &str) -> Result<(), String> {
    let (path, part) = rest.split_once(" | ").expect("a path and a message");
    let address = world.server().data;
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    let (mut socket, _) =
        tungstenite::client(format!("ws://{address}{path}"), stream).map_err(|error| error.to_string())?;
    let message = socket.read().map_err(|error| error.to_string())?;
    holds(&message.to_string(), part)
}
