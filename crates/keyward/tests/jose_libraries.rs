//! Five JOSE libraries of others beside Keyward: what it issues they accept, what it accepts they accept, and what all of them
//! refuse it refuses. `tests/vectors/agreement.txt` and `tests/vectors/forged.txt` hold what each says; `UPDATE=1` writes them
//! anew. Where one of them differs, `tests/vectors/differences.txt` says why.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

#[path = "../../engine/tests/jose/mod.rs"]
#[expect(dead_code, reason = "what a table of them says besides")]
mod vectors;

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyward_testkit::issuer::Issuer;
use keyward_testkit::world::World;
use serde_json::{Value, json};
use vectors::path;

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");
const SECRET: &str = "thirty-two bytes are not too few";
const LIBRARIES: [&str; 5] = ["pyjwt", "joserfc", "jwcrypto", "jose", "jsonwebtoken"];

/// Where a program of the tests stands, or what `scripts/setup-jose` installed.
fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

fn python(script: &str) -> Command {
    let mut command = Command::new(root("target/jose/venv/bin/python"));
    command.arg(root("tests/jose").join(script));
    command
}

/// Runs a program over lines.
fn ask(mut command: Command, lines: &str) -> Vec<Value> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("scripts/setup-jose");
    let (mut stdin, lines) = (child.stdin.take().unwrap(), lines.to_owned());
    let writing = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success(), "the libraries failed; scripts/setup-jose installs them");
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What each library says of each case, by the case's id.
fn verdicts(cases: &[Value]) -> HashMap<String, Value> {
    let lines: String = cases.iter().map(|case| format!("{case}\n")).collect();
    let mut node = Command::new("node");
    node.arg(root("tests/jose/verify.mjs")).arg(root("target/jose").canonicalize().expect("scripts/setup-jose"));
    let (of_python, of_node) = (ask(python("verify.py"), &lines), ask(node, &lines));
    assert_eq!((of_python.len(), of_node.len()), (cases.len(), cases.len()));
    let mut said = HashMap::new();
    for (mut one, other) in of_python.into_iter().zip(of_node) {
        one.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        said.insert(one["id"].as_str().unwrap().to_owned(), one);
    }
    assert_eq!(said.len(), cases.len(), "an id comes twice");
    said
}

/// One line of a table: Keyward, then the libraries.
fn line(id: &str, accepted: bool, said: &Value) -> String {
    let mut line = format!("{id} => keyward {}", if accepted { "accepted" } else { "refused" });
    for library in LIBRARIES {
        write!(line, ", {library} {}", said[library].as_str().unwrap()).unwrap();
    }
    line
}

fn those_who(said: &Value, verdict: &str) -> Vec<&'static str> {
    LIBRARIES.into_iter().filter(|library| said[*library] == verdict).collect()
}

/// Why Keyward is stricter, or a library is, by what a case is called.
fn reasons() -> HashMap<String, String> {
    let text = std::fs::read_to_string(path("differences.txt")).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| row.split_once(": ").unwrap()).map(|(name, why)| (name.to_owned(), why.to_owned())).collect()
}

#[allow(clippy::disallowed_methods, reason = "UPDATE is for the person at the keyboard")]
fn assert_known(name: &str, table: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path(name), table).unwrap();
    }
    let known = std::fs::read_to_string(path(name)).unwrap_or_default();
    for (line, known) in table.lines().zip(known.lines()) {
        assert_eq!(line, known, "tests/vectors/{name}; UPDATE=1 writes it anew");
    }
    assert_eq!(table.lines().count(), known.lines().count(), "tests/vectors/{name}; UPDATE=1 writes it anew");
}

#[test]
fn what_keyward_issues_all_of_them_accept() {
    let mut cases = Vec::new();
    for alg in ["EdDSA", "ES256", "RS256", "HS256"] {
        let secret = if alg == "HS256" { ", secret: '${env:TOKEN_SECRET}'" } else { "" };
        let issuer = "https://id.example";
        let yaml = format!("security: {{jwt: {{algorithm: {alg}, issuer: '{issuer}', audience: api{secret}}}}}");
        let world = World::new(BINARY).config(&yaml).env("TOKEN_SECRET", SECRET).serve(&[]);
        let token = world.client_tokens(&world.pair("app", &["--scopes", "orders:read"])).access;
        let keys = match alg {
            "HS256" => {
                json!({"keys": [{"kty": "oct", "alg": alg, "kid": kid(&token), "k": URL_SAFE_NO_PAD.encode(SECRET)}]})
            }
            _ => world.send("GET", "/_keyward/jwks.json", &[], "").json(),
        };
        let (message, mark) = token.rsplit_once('.').unwrap();
        let other = if mark.starts_with('A') { "B" } else { "A" };
        let altered = format!("{message}.{other}{}", &mark[1..]);
        for (name, token) in [("issued", token), ("altered", altered)] {
            cases.push(json!({"id": format!("{alg} {name}"), "alg": alg, "token": token, "keys": keys, "issuer": issuer, "audience": "api"}));
        }
    }
    for (id, said) in verdicts(&cases) {
        let offered = if id.starts_with("EdDSA") { 4 } else { 5 };
        let expected = if id.ends_with("issued") { "accepted" } else { "refused" };
        assert_eq!(those_who(&said, expected).len(), offered, "{said}");
    }
}

fn kid(token: &str) -> Value {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].clone()
}

/// A table of cases, and the differences in it that nobody gave a reason for.
#[derive(Default)]
struct Table {
    lines: String,
    unexplained: Vec<String>,
    /// What a reason was needed for.
    explained: BTreeSet<String>,
}

impl Table {
    fn add(&mut self, id: &str, accepted: bool, said: &Value, reason: Option<&str>) {
        let line = line(id, accepted, said);
        writeln!(self.lines, "{line}").unwrap();
        let others = if accepted { "refused" } else { "accepted" };
        match reason {
            _ if those_who(said, others).is_empty() => {}
            Some(name) => _ = self.explained.insert(name.to_owned()),
            None => self.unexplained.push(line),
        }
    }

    fn is_known(&self, name: &str) {
        assert_known(name, &self.lines);
        assert!(
            self.unexplained.is_empty(),
            "tests/vectors/differences.txt says why:\n{}",
            self.unexplained.join("\n")
        );
    }
}

/// What has a reason that nothing needs, among those that a test is about.
fn needless(explained: &BTreeSet<String>, is_mine: impl Fn(&str) -> bool) -> Vec<String> {
    reasons().into_keys().filter(|name| is_mine(name) && !explained.contains(name)).collect()
}

/// Ids of vectors; the others are names of what is forged.
fn is_vector(name: &str) -> bool {
    name.starts_with("C:")
        || name.starts_with("R:")
        || (name.len() > 1 && name[1..].bytes().all(|byte| byte.is_ascii_digit()))
}

#[test]
fn the_vectors_of_others_are_judged_alike() {
    let rows = vectors::rows();
    let cases: Vec<Value> = rows.iter().filter_map(|row| row.case.clone()).collect();
    let (said, reasons, mut table) = (verdicts(&cases), reasons(), Table::default());
    for row in rows.iter().filter(|row| row.case.is_some()) {
        // What is refused for more than its signature has its reason in `jose.txt`.
        let right = row.signature == "right";
        let named = reasons.contains_key(&row.id).then_some(row.id.as_str());
        let more = (!right && row.verdict != "signature").then_some(row.verdict.as_str());
        table.add(&row.id, right, &said[&row.id], named.or(more));
    }
    table.is_known("agreement.txt");
    assert_eq!(needless(&table.explained, is_vector), [] as [&str; 0], "reasons that nothing needs");
}

/// Shows a token where keys and tokens are shown.
fn accepts(world: &World, token: &str) -> bool {
    let answer = world.send("GET", "/orders", &[&format!("Authorization: Bearer {token}")], "");
    match answer.status {
        200 => true,
        400 | 401 => false,
        other => panic!("{other} for {token}: {}", answer.text()),
    }
}

/// Judges the cases that a question leads to, by Keyward and by the others.
fn forged(table: &mut Table, question: &Value, names: [&str; 2], judge: impl FnOnce(&Value) -> World) {
    let made = ask(python("forge.py"), &question.to_string()).remove(0);
    let world = judge(&made["keys"]);
    let mut cases = made["cases"].as_array().unwrap().clone();
    for case in &mut cases {
        case["keys"] = made["keys"].clone();
        (case["issuer"], case["audience"]) = (json!(names[0]), json!(names[1]));
    }
    let (said, reasons) = (verdicts(&cases), reasons());
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let name = id.split_once(' ').unwrap().1;
        let accepted = accepts(&world, case["token"].as_str().unwrap());
        assert!(accepted || name != "plain", "{id}");
        table.add(id, accepted, &said[id], reasons.contains_key(name).then_some(name));
    }
}

#[test]
fn forged_tokens_are_judged_alike_or_more_strictly() {
    let mut table = Table::default();
    let issuer = Issuer::start();
    let question = json!({"issuer": issuer.name(), "audience": "api"});
    forged(&mut table, &question, [issuer.name(), "api"], |keys| {
        issuer.has_keys(keys["keys"].as_array().unwrap());
        let yaml = format!("security: {{issuers: [{{issuer: '{}', audience: api}}]}}", issuer.name());
        World::new(BINARY).config(&yaml).serve(&[])
    });
    // Its own tokens: whoever has the secret can alter them.
    let yaml = "security: {jwt: {algorithm: HS256, secret: '${env:TOKEN_SECRET}'}}";
    let world = World::new(BINARY).config(yaml).env("TOKEN_SECRET", SECRET).serve(&[]);
    let token = world.client_tokens(&world.pair("app", &["--scopes", "orders:read"])).access;
    let question = json!({"token": token, "secret": SECRET});
    forged(&mut table, &question, ["keyward", "keyward"], |_| world);
    table.is_known("forged.txt");
    assert_eq!(needless(&table.explained, |name| !is_vector(name)), [] as [&str; 0], "reasons that nothing needs");
}
