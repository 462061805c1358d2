//! Where secrets must not be: after a whole session, in everything that was written, answered and kept, no secret is to
//! be found in any spelling, apart from a new key in the one answer that shows it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;

use keyward_testkit::client::{Answer, exchange};
use keyward_testkit::people::Tokens;
use keyward_testkit::ps::Ps;
use keyward_testkit::upstream::Upstream;
use keyward_testkit::world::{World, is_private};

const CONFIG: &str = "\
upstream: {headers: {X-Inner: \"${env:INNER}\", X-Plain: inner-secret-in-the-file-0123456789}}
security:
  api_keys:
    static:
      - {name: ci, key: \"${env:CI_KEY}\", scopes: [\"*\"]}
      - {name: old, key: operators-key-in-the-file-0123456789, scopes: [\"*\"]}
routes: [{path: /open/**, public: true}, {path: /**, scopes: [orders:read]}]
";
const OPERATORS: [&str; 5] = [
    "inner-secret-in-the-file-0123456789",
    "inner-secret-of-the-environment-0123456789",
    "operators-key-in-the-file-0123456789",
    "operators-key-of-the-environment-0123456789",
    "operators-key-of-the-command-line-0123456789",
];

/// A session: what came out of it, and which secrets it knows.
struct Session {
    world: World,
    secrets: Vec<String>,
    written: Vec<(String, Vec<u8>)>,
}

impl Session {
    fn note(&mut self, what: &str, bytes: &[u8]) {
        self.written.push((what.to_owned(), bytes.to_vec()));
    }

    fn note_output(&mut self, what: &str, output: &Output) {
        self.note(&format!("{what}: stdout"), &output.stdout);
        self.note(&format!("{what}: stderr"), &output.stderr);
    }

    /// Runs a command; whether it succeeds is not what is asked here.
    fn run(&mut self, line: &[&str]) {
        let output = self.world.run(line);
        self.note_output(&line[..line.len().min(2)].join(" "), &output);
    }

    /// Runs a command that shows a new key: once, on stdout. The rest of what it says is searched.
    fn made(&mut self, line: &[&str]) -> (String, String) {
        let mut output = self.world.run(&[line, &["--json"]].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        let (id, key, rest) = shown(&text);
        output.stdout = rest.into_bytes();
        self.note_output("a command that makes a key", &output);
        self.secrets.push(key.clone());
        (id, key)
    }

    /// Calls an endpoint that shows a new key, as above.
    fn made_by_call(&mut self, target: &str, key: &str, body: &str) -> (String, String) {
        let answer = self.world.call("POST", target, key, body);
        assert_eq!(answer.status, 201, "{}", answer.text());
        let (id, key, rest) = shown(&answer.text());
        self.note("an answer that shows a key", format!("{:?}{rest}", answer.headers).as_bytes());
        self.secrets.push(key.clone());
        (id, key)
    }

    fn answered(&mut self, expected: u16, what: &str, answer: &Answer) {
        assert_eq!(answer.status, expected, "{what}: {}", answer.text());
        self.note(what, format!("{:?}{}", answer.headers, answer.text()).as_bytes());
    }

    fn send(&mut self, expected: u16, target: &str, headers: &[&str]) {
        let answer = self.world.send("GET", target, headers, "");
        self.answered(expected, target.split('?').next().unwrap(), &answer);
    }
}

/// The id and the key of an answer that shows one, and the answer without that one place.
fn shown(text: &str) -> (String, String, String) {
    let value: serde_json::Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let (id, key) = (value["id"].as_str().unwrap(), value["key"].as_str().unwrap());
    (id.to_owned(), key.to_owned(), text.replacen(key, "", 1))
}

/// Base64 of a text that begins at some place of a longer one, less what its neighbours have a part in.
fn base64(text: &str, offset: usize) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes = [vec![0; offset], text.as_bytes().to_vec()].concat();
    let whole = bytes.chunks_exact(3).flat_map(|three| {
        let number = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        [18, 12, 6, 0].map(|shift| char::from(ALPHABET[(number >> shift) as usize & 63]))
    });
    whole.skip(if offset == 0 { 0 } else { 4 }).collect()
}

/// The spellings of a secret that are searched for.
fn spellings(secret: &str) -> Vec<String> {
    let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    // The part that no other key has: behind the prefix, less the checksum.
    let core = match secret.rsplit_once('.') {
        // A token: its signature.
        Some((_, signature)) => signature.to_owned(),
        None => {
            let core = secret.rsplit('_').next().unwrap_or(secret);
            core[..core.len() - 6].to_owned()
        }
    };
    let mut all = vec![secret.to_owned(), hex, core.clone()];
    all.extend((0..3).flat_map(|offset| [base64(secret, offset), base64(&core, offset)]));
    all
}

fn contains(bytes: &[u8], text: &str) -> bool {
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}

fn read_all(folder: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // These are there to hold a secret, for the owner's eyes only.
        if ["initial-admin-password", "master.key", "audit.key"].iter().any(|name| path.ends_with(name)) {
            assert!(is_private(&path), "{}", path.display());
            continue;
        }
        if let Ok(bytes) = std::fs::read(&path) {
            into.push((path.display().to_string(), bytes));
        }
    }
}

/// What `ps` showed of the server and of commands.
fn note_arguments(session: &mut Session, seen: BTreeSet<String>) {
    // The server and what takes its time are seen for certain; of the others, most.
    for word in ["serve", "user passwd"] {
        assert!(seen.iter().any(|arguments| arguments.contains(word)), "{word} was not seen running: {seen:#?}");
    }
    assert!(seen.len() > 5, "few commands were seen running: {seen:#?}");
    for arguments in seen {
        // Where this test itself gave a key as an argument, in place of its id, it stands there.
        let given = ["show", "revoke", "disable", "rotate"].map(|command| format!("key {command} kw_"));
        if !given.iter().any(|given| arguments.contains(given)) {
            session.note("what ps shows", arguments.as_bytes());
        }
    }
}

/// Every command that tells of what was.
fn tell(session: &mut Session, decision: &str) {
    let backup = session.world.path("all.backup");
    for line in [
        &["export"][..],
        &["export", "--json"],
        &["doctor"],
        &["doctor", "--json"],
        &["decisions", "list", "--limit", "0"],
        &["decisions", "list", "--limit", "0", "--json"],
        &["explain", decision],
        &["explain", decision, "--json"],
        &["audit", "list", "--limit", "1000"],
        &["audit", "list", "--limit", "1000", "--json"],
        &["audit", "export"],
        &["audit", "export", "--head"],
        &["audit", "verify"],
        &["config", "show"],
        &["config", "show", "--json"],
        &["config", "schema"],
        &["account", "list"],
        &["user", "list"],
        &["backup", backup.to_str().unwrap()],
    ] {
        let output = session.world.run(line);
        // The doctor may find something; the others have nothing to fail at.
        let fine = output.status.success() || line[0] == "doctor";
        assert!(fine && !output.stdout.is_empty(), "{line:?}: {}", String::from_utf8_lossy(&output.stderr));
        session.note_output(&line.join(" "), &output);
    }
    // It holds what the store holds, digests and sealed keys, and the keys of files; never a secret in clear.
    session.note("a backup", &std::fs::read(&backup).unwrap());
    assert!(is_private(&backup));
}

/// Makes, uses, misuses and ends keys in all ways there are.
fn live(session: &mut Session) {
    let (_, maker) = session.made(&["key", "create", "maker", "--scopes", "self:*,orders:*"]);
    let (id, key) = session.made(&["key", "create", "bot"]);
    let (_, rotated) = session.made(&["key", "rotate", &id, "--overlap", "1h"]);
    let (own, theirs) = session.made_by_call("/_keyward/api-keys", &maker, "{\"name\":\"own\",\"mode\":\"test\"}");
    let (_, successor) =
        session.made_by_call(&format!("/_keyward/api-keys/{own}/rotate"), &maker, "{\"overlap\":\"0\"}");
    let header = |key: &str| format!("X-API-Key: {key}");
    let authorization = |key: &str| format!("Authorization: ApiKey {key}");
    for good in [&key, &rotated, &successor, OPERATORS[3], OPERATORS[2], OPERATORS[4]] {
        session.send(200, &format!("/orders?api_key={good}"), &[&header(good)]);
        session.send(200, "/orders", &[&authorization(good)]);
    }
    let wrong = format!("{}0000000", &key[..key.len() - 7]);
    session.secrets.push(wrong.clone());
    for bad in [&wrong, &theirs, OPERATORS[0]] {
        session.send(401, "/orders", &[&header(bad)]);
    }
    session.send(400, "/orders", &[&header(&key), &authorization(&key)]);
    session.send(400, "/orders", &[&header(&key), &header(&rotated)]);
    session.send(400, "/orders", &[&format!("Authorization: ApiKey {key} {rotated}")]);
    session.send(401, &format!("/orders?key={key}"), &[&format!("Authorization: Bearer {key}")]);
    session.send(400, &format!("/a/../b?key={key}"), &[&header(&key)]);
    session.send(404, "/_keyward/nothing", &[&header(&key)]);
    session.send(403, "/_keyward/api-keys", &[&header(&key)]);
    session.send(200, "/_keyward/api-keys", &[&header(&maker)]);
    session.send(200, &format!("/_keyward/api-keys/{own}"), &[&header(&maker)]);
    for body in [format!("{{\"name\":\"{key}"), format!("{{\"scopes\":[\"{key}\"],\"name\":\"x\"}}")] {
        let answer = session.world.call("POST", "/_keyward/api-keys", &maker, &body);
        assert!([400, 403].contains(&answer.status), "{}", answer.text());
    }
    // A key where its id belongs.
    for command in ["show", "revoke", "disable", "rotate"] {
        session.run(&["key", command, &key]);
    }
    for text in [header(&key), authorization(&wrong), header(OPERATORS[3]), key.clone(), format!("{key}: x y")] {
        for json in [&[][..], &["--json"]] {
            let line = [&["explain", "--path", "/orders", "--header", "@-"], json].concat();
            let output = session.world.run_with_stdin(&line, &text);
            session.note_output("explain", &output);
        }
    }
    session.run(&["key", "disable", &id]);
    session.send(401, "/orders", &[&header(&key)]);
    session.run(&["key", "enable", &id]);
    session.run(&["key", "revoke", &id, "--reason", "trial is over"]);
    session.send(401, "/orders", &[&header(&key)]);
    for line in [&["key", "list"][..], &["key", "list", "--json"], &["key", "show", &id], &["config", "show"]] {
        session.run(line);
    }
    session.run(&["config", "show", "--json"]);
    session.run(&["config", "check"]);
}

/// Signs in, rightly and wrongly, carries on, and signs out.
fn sign_in(session: &mut Session) {
    let output = session.world.run(&["user", "add", "ada", "--roles", "admin,self", "--json"]);
    let user: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let password = user["password"].as_str().unwrap().to_owned();
    session.note("user add", String::from_utf8_lossy(&output.stdout).replacen(&password, "", 1).as_bytes());
    let first = session.world.first_password();
    let wrong = format!("wrong-{}", password.chars().rev().collect::<String>());
    session.secrets.extend([password.clone(), first.clone(), wrong.clone()]);
    let given = session.world.run_with_stdin(&["user", "passwd", "ada", "--password-file", "-"], &wrong);
    session.note_output("user passwd", &given);
    let changed = session.world.run_with_stdin(&["user", "passwd", "ada", "--password-file", "-"], &password);
    session.note_output("user passwd", &changed);
    for (name, password) in [("ada", &wrong), (&*password, &password), ("nobody", &password), (&*first, &wrong)] {
        let answer = session.world.try_login(name, password);
        session.answered(401, "login", &answer);
    }
    for body in
        [format!("{{\"username\":\"ada\",\"password\":\"{password}"), format!("{{\"password\":[\"{password}\"]}}")]
    {
        let answer = session.world.send("POST", "/_keyward/login", &["Content-Type: application/json"], &body);
        session.answered(400, "login", &answer);
    }
    let one = session.world.login("ada", &password);
    let two = Tokens::of(&session.world.refresh(&one.refresh));
    session.secrets.extend([one.access.clone(), one.refresh.clone(), two.access.clone(), two.refresh.clone()]);
    for token in [&one.access, &two.access] {
        session.send(200, &format!("/orders?token={token}"), &[&format!("Authorization: Bearer {token}")]);
        session.send(200, "/_keyward/me", &[&format!("Authorization: Bearer {token}")]);
        session.send(401, "/orders", &[&format!("X-API-Key: {token}")]);
    }
    for refused in [&one.refresh, &two.refresh, &two.access] {
        let answer = session.world.refresh(refused);
        session.answered(401, "refresh", &answer);
    }
    session.send(401, "/orders", &[&format!("Authorization: Bearer {}", two.access)]);
    for line in
        [&["user", "list", "--json"][..], &["audit", "list", "--json"], &["audit", "export"], &["audit", "verify"]]
    {
        session.run(line);
    }
    for text in [format!("Authorization: Bearer {}", two.access), format!("Authorization: Bearer {}x", one.access)] {
        let output = session.world.run_with_stdin(&["explain", "--path", "/orders", "--header", "@-"], &text);
        session.note_output("explain", &output);
    }
}

/// Mistakes beside secrets in a configuration: the line is shown, the secret is not.
fn misconfigure(session: &mut Session) {
    for (number, mistake) in [
        CONFIG.replace("scopes: [\"*\"]", "skopes: []"),
        CONFIG.replace("name: old, key:", "name: old, kee:"),
        CONFIG.replace("X-Plain: ", "X-Plain: [").replace("6789}}", "6789]}}"),
        CONFIG.replace("X-Plain: ", "X Plain: "),
        CONFIG.replace("security:", "security: }"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("wrong{number}.yaml");
        std::fs::write(session.world.path(&name), mistake).unwrap();
        for line in [&["config", "check"][..], &["serve"]] {
            let output = session.world.plain(&[line, &["--config", &name]].concat()).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{name}: {}", String::from_utf8_lossy(&output.stderr));
            session.note_output(&name, &output);
        }
    }
}

#[test]
fn no_secret_is_anywhere_after_a_whole_session() {
    let upstream = Upstream::start();
    let world = World::new(env!("CARGO_BIN_EXE_keyward"))
        .config(CONFIG)
        .env("INNER", OPERATORS[1])
        .env("CI_KEY", OPERATORS[3])
        .env("KEYWARD_API_KEY", OPERATORS[4]);
    let secrets = OPERATORS.map(str::to_owned).to_vec();
    let mut session = Session { world, secrets, written: Vec::new() };
    let ps = Ps::watch(session.world.data_dir());
    session.run(&["init"]);
    let (early, _) = session.made(&["key", "create", "before-the-server"]);
    session.world.start(&["--upstream", &upstream.url(), "--log", "json", "--verbose"]);
    let process = session.world.server().id();
    live(&mut session);
    sign_in(&mut session);
    misconfigure(&mut session);
    let refused = session.world.send("GET", "/orders", &[], "").json();
    tell(&mut session, refused["decision"].as_str().unwrap());
    assert!(upstream.last().contains(OPERATORS[1]), "the API is told its own secret");
    for request in upstream.requests() {
        // The query is the caller's own; it goes on byte for byte.
        let (_, headers) = request.split_once("\r\n").unwrap();
        let told = session.secrets[2..].iter().any(|secret| headers.contains(secret));
        assert!(!told, "a credential went on to the API:\n{request}");
    }
    let scrape = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let metrics = exchange(session.world.server().admin, scrape).unwrap();
    assert_eq!(metrics.status, 200);
    session.note("metrics", &metrics.body);
    note_arguments(&mut session, ps.end());
    for place in ["cmdline", "comm"] {
        session.note(place, &std::fs::read(format!("/proc/{process}/{place}")).unwrap());
    }
    // Once as it runs, with the write-ahead log, and once after the end.
    let mut kept = Vec::new();
    read_all(&session.world.data_dir(), &mut kept);
    let written = std::sync::Arc::clone(&session.world.server().written);
    session.world.stop();
    read_all(&session.world.data_dir(), &mut kept);
    let log = written.lock().unwrap().clone();
    session.note("the server's log", log.as_bytes());
    session.written.extend(kept);

    // The search finds what is there: the log tells of decisions, the files hold the keys' ids.
    assert!(log.lines().filter(|line| line.starts_with('{')).count() > 25, "{log}");
    let holds =
        |name: &str, text: &str| session.written.iter().any(|(at, bytes)| at.ends_with(name) && contains(bytes, text));
    assert!(holds("keyward.db", &early) && holds("keyward.db-wal", &early));
    assert!(session.secrets.len() > 10, "{} secrets", session.secrets.len());
    for secret in &session.secrets {
        for spelling in spellings(secret) {
            for (place, bytes) in &session.written {
                assert!(!contains(bytes, &spelling), "{spelling:?} in {place}:\n{}", String::from_utf8_lossy(bytes));
            }
        }
    }
}
