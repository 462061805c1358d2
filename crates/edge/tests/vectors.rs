//! What others collected against readers of HTTP/1.1 (llhttp, http-desync-guardian), sent through an edge as bytes: each is
//! refused, or arrives as exactly the requests that were judged. `tests/vectors/outcomes.txt` holds what becomes of each;
//! `UPDATE=1` writes it anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod support;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::Shutdown;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use saphyr_parser::{Event, Parser};
use support::client::Answer;
use support::judge::{End, Step, judge};
use support::recorder::{self, Recorder, Sent};
use support::{Setup, origin};

/// One request, or several, as somebody recorded them.
struct Vector {
    id: String,
    name: String,
    /// `reject`, `reject_or_one`, `reject_or_two`.
    expect: String,
    /// Their parser's verdict.
    why: String,
    bytes: Vec<u8>,
}

/// What became of one: a line of text, and how many requests arrived whole.
struct Outcome {
    text: String,
    arrived: usize,
}

/// The plain target.
const PLAIN: &[u8] = b"/webhook/echo";

/// The extract of llhttp's has a plain target in place of each. Where its name says that the target is what it is about, one of
/// that kind is sent.
const TARGETS: &[(&str, &str)] = &[
    ("uri: Quotes in URI", "/a_\"quoted\"_word?a=\\\"b\\\""),
    ("uri: Query URL with question mark", "/a?b=c?d"),
    ("uri: Query URL with vertical bar character", "/a?b=|"),
    ("uri: Disallow UTF-8 in URI path in strict mode", "/\u{e9}?a=b#c"),
    ("uri: Fragment in URI", "/a/b?c=d#e-f"),
];

fn path(name: &str) -> String {
    format!("{}/../../tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn file(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The vectors of a file with one a line.
fn vectors(name: &str, folder: &str) -> Vec<Vector> {
    let mut targets: HashMap<String, Vec<(String, String)>> = HashMap::new();
    let read = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        let decoded = |name: &str| STANDARD.decode(row[name].as_str().unwrap()).unwrap();
        let mut bytes = decoded("raw_b64");
        let mut aim = |target: &str| {
            let place = bytes.windows(PLAIN.len()).position(|window| window == PLAIN).unwrap();
            bytes.splice(place..place + PLAIN.len(), target.bytes());
        };
        if let Some((_, target)) = TARGETS.iter().find(|(name, _)| *name == text("name")) {
            aim(target);
        }
        // The extract of the guardian's has one, too, but the originals are here.
        if let Some((_, source)) = text("source").split_once(" tests/") {
            let cases = targets.entry(source.to_owned()).or_insert_with(|| cases(&format!("{folder}/{source}")));
            let (name, target) = cases.remove(0);
            assert_eq!(name, text("name"));
            if decoded("template_b64").windows(8).any(|window| window == b"{{PATH}}") {
                aim(&target);
            }
        }
        Vector { id: text("id"), name: text("name"), expect: text("expect"), why: text("why"), bytes }
    };
    file(&format!("{folder}/{name}")).lines().map(read).collect()
}

/// Name and target of each case of a YAML file, in their order.
fn cases(name: &str) -> Vec<(String, String)> {
    let (mut cases, mut depth, mut key) = (Vec::<(String, String)>::new(), 0, None);
    for event in Parser::new_from_str(&file(name)) {
        match event.unwrap().0 {
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                depth += 1;
                if depth == 2 {
                    cases.push(Default::default());
                }
            }
            Event::SequenceEnd | Event::MappingEnd => {
                depth -= 1;
                key = None;
            }
            Event::Scalar(text, ..) if depth == 2 => match (key.take(), cases.last_mut().unwrap()) {
                (None, _) => key = Some(text.into_owned()),
                (Some(key), case) if key == "name" => case.0 = text.into_owned(),
                (Some(key), case) if key == "uri" => case.1 = text.into_owned(),
                _ => {}
            },
            _ => {}
        }
    }
    cases
}

/// Sends the bytes over a connection of their own to an edge of their own, and holds what arrives against what was judged.
fn run(vector: &Vector) -> Outcome {
    let upstream = Recorder::start();
    let mut setup = Setup::demo();
    setup.upstreams = vec![origin(&upstream.address.to_string())];
    setup.open = true;
    let mut world = setup.start();
    let (steps, end) = judge(&vector.bytes);
    let answers = converse(&world, &vector.bytes, (&steps, &end));
    // Whoever comes next may get the same connection to the upstream.
    assert_eq!(world.ask("GET /next HTTP/1.1\nHost: api").status, 204, "{}", vector.id);
    world.stop(Duration::ZERO);
    let (mut whole, mut cut) = (Vec::new(), Vec::new());
    for bytes in upstream.finish() {
        let held = recorder::read(&bytes).unwrap_or_else(|fault| panic!("{}: {fault}", vector.id));
        whole.extend(held.whole);
        cut.extend(held.cut);
    }
    let next = whole.iter().position(|sent: &Sent| sent.target == "/next").map(|place| whole.remove(place));
    assert!(next.is_some_and(|sent| sent.method == "GET" && sent.body.is_empty()), "{}: {whole:?}", vector.id);
    let judged: Vec<Sent> = steps.iter().filter_map(|step| step.passes.clone()).collect();
    assert_eq!(whole, judged, "{}", vector.id);
    // What was begun and cannot be ended may have reached the upstream, but not its end.
    match (&end, cut.as_slice()) {
        (_, []) => {}
        (End::BadBody { begun, .. }, [cut]) => {
            assert_eq!((&cut.method, &cut.target), (&begun.method, &begun.target), "{}", vector.id);
            assert!(begun.body.starts_with(&cut.body), "{}", vector.id);
        }
        _ => panic!("{}: half a request arrived: {cut:?}", vector.id),
    }
    Outcome { text: told(&steps, &end, &answers), arrived: whole.len() }
}

/// The answers that come until the connection ends.
fn converse(world: &support::World, bytes: &[u8], (steps, end): (&[Step], &End)) -> Vec<Answer> {
    let mut connection = world.connect();
    // Whoever refuses may hang up before it has read all.
    let _ = connection.stream.write_all(bytes);
    let mut answers = Vec::new();
    for step in steps {
        answers.extend(connection.try_answer(step.bodiless));
    }
    // The end shows at once only if the client says that nothing more comes; said earlier, it means that nobody waits.
    if matches!(end, End::Clean | End::CutHead | End::BadBody { is_cut: true, .. }) {
        let _ = connection.stream.shutdown(Shutdown::Write);
    }
    let is_head = matches!(end, End::BadBody { begun, .. } if begun.method == "HEAD");
    while let Some(answer) = connection.try_answer(is_head) {
        answers.push(answer);
    }
    answers
}

/// Asserts that each answer is the one that is due, and says what became of all.
fn told(steps: &[Step], end: &End, answers: &[Answer]) -> String {
    let mut words = Vec::new();
    let mut left = answers.iter();
    for step in steps {
        let answer = left.next().unwrap_or_else(|| panic!("an answer for {step:?}"));
        words.push(match &step.passes {
            Some(sent) => {
                assert_eq!(answer.status, 204, "{answer:?}");
                format!("passed {} {} +{}", sent.method, sent.target, sent.body.len())
            }
            None => refusal(answer),
        });
    }
    match end {
        End::Clean => {}
        End::Closed => words.push("closed".to_owned()),
        End::CutHead => words.push("closed in a head".to_owned()),
        End::BadHead | End::BadBody { .. } => words.push(refusal(left.next().expect("an answer at the end"))),
    }
    assert!(left.next().is_none(), "more answers than requests: {answers:?}");
    words.join("; ")
}

fn refusal(answer: &Answer) -> String {
    assert!(matches!(answer.status, 400..=599), "{answer:?}");
    let detail =
        if answer.body.is_empty() { String::new() } else { answer.json()["detail"].as_str().unwrap().to_owned() };
    format!("{} {detail}", answer.status).trim_end().to_owned()
}

/// What passes though its collectors would rather not have it, with the reason: `id: reason` a line.
fn tolerated() -> HashMap<String, String> {
    let rows = file("tolerated.txt");
    let rows = rows.lines().filter(|row| !row.starts_with('#') && !row.is_empty());
    rows.map(|row| row.split_once(": ").map(|(id, why)| (id.to_owned(), why.to_owned())).expect(row)).collect()
}

#[test]
fn what_others_collected_is_refused_or_passes_as_it_was_judged() {
    let mut all = vectors("llhttp_requests.jsonl", "llhttp");
    all.extend(vectors("hdg_requests.jsonl", "http_desync_guardian"));
    assert_eq!(all.len(), 128 + 159);
    let (mut tolerated, mut outcomes, mut wrong) = (tolerated(), String::new(), Vec::new());
    for vector in &all {
        let Outcome { text, arrived } = run(vector);
        let most = match vector.expect.as_str() {
            "reject" => 0,
            "reject_or_one" => 1,
            "reject_or_two" => 2,
            other => panic!("{other}"),
        };
        let is_doubtful = vector.why.starts_with("Ambiguous") && arrived > 0;
        if (arrived > most || is_doubtful) && tolerated.remove(&vector.id).is_none() {
            wrong.push(format!("{} {} ({}): {text}", vector.id, vector.name, vector.why));
        }
        assert!(arrived == 0 || !vector.why.starts_with("Severe"), "{} {}: {text}", vector.id, vector.name);
        writeln!(outcomes, "{} {} => {text}", vector.id, vector.name).unwrap();
    }
    assert!(wrong.is_empty(), "passes without a reason in tolerated.txt:\n{}", wrong.join("\n"));
    assert!(tolerated.is_empty(), "tolerated.txt has rows that nothing needs: {tolerated:?}");
    assert_known(&outcomes);
}

#[allow(clippy::disallowed_methods, reason = "UPDATE is for the person at the keyboard")]
fn assert_known(outcomes: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path("outcomes.txt"), outcomes).unwrap();
    }
    let known = file("outcomes.txt");
    for (now, before) in outcomes.lines().zip(known.lines()) {
        assert_eq!(now, before, "now, and as it is in tests/vectors/outcomes.txt");
    }
    assert_eq!(outcomes.lines().count(), known.lines().count());
}
