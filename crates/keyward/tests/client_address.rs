//! Who calls, behind proxies: whom the lists, the records and the upstream see, and that nobody becomes another by a header.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::io::Write as _;
use std::net::TcpStream;
use std::process::Command;

use keyward_testkit::client::read_answer;
use keyward_testkit::upstream::Upstream;
use keyward_testkit::world::{World, until};

const OPEN: &str = "routes: [{name: open, path: /open/**, public: true}, {name: all, path: /**}]\n";
/// The test's own address is that of a proxy.
const TRUSTED: &str = "trusted_proxies: [127.0.0.1, \" 10.0.0.0/8 \", \"2001:db8:1::/48\"]";

fn before(upstream: &Upstream, yaml: &str) -> World {
    let yaml = format!("{OPEN}{yaml}");
    World::new(env!("CARGO_BIN_EXE_keyward")).config(&yaml).serve(&["--upstream", &upstream.url()])
}

/// The values of a header as the upstream got it.
fn seen<'a>(request: &'a str, name: &str) -> Vec<&'a str> {
    let head = request.split("\r\n\r\n").next().unwrap_or_default();
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.filter(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
}

/// Header lines of a table, separated by " / ".
fn lines(text: &str) -> Vec<&str> {
    text.split(" / ").filter(|line| *line != "-").collect()
}

// Long for its rows.
#[test]
fn lists_see_the_caller_and_not_what_it_says() {
    let upstream = Upstream::start();
    let lists = "ip: {deny: [\"198.51.100.66 \", 203.0.113.0/24]}\n";
    for (server, table) in [
        (
            format!("{lists}server: {{{TRUSTED}}}\n"),
            &[
                ("-", 200),
                ("X-Forwarded-For: 192.0.2.1", 200),
                ("X-Forwarded-For: 198.51.100.66", 403),
                ("X-Forwarded-For: ::ffff:198.51.100.66", 403),
                ("X-Forwarded-For: [::ffff:198.51.100.66]:80", 403),
                ("X-Forwarded-For: 203.0.113.7, 10.0.0.3", 403),
                // The caller's own word, in front of what the proxy wrote.
                ("X-Forwarded-For: 192.0.2.1, 198.51.100.66", 403),
                ("X-Forwarded-For: 192.0.2.1, 198.51.100.66, 10.0.0.3", 403),
                ("X-Forwarded-For: 192.0.2.1 / X-Forwarded-For: 198.51.100.66", 403),
                ("X-Forwarded-For: 10.0.0.4, 198.51.100.66", 403),
                ("X-Forwarded-For: 198.51.100.66, 192.0.2.1", 200),
                ("X-Forwarded-For: unknown, 192.0.2.1", 200),
                // Nobody else's word, and no other header.
                ("Forwarded: for=198.51.100.66", 200),
                ("X-Real-IP: 198.51.100.66", 200),
                // A hop that cannot be read leaves open who calls.
                ("X-Forwarded-For: 192.0.2.1, unknown", 400),
                ("X-Forwarded-For: 192.0.2.1, fe80::1%eth0", 400),
                ("X-Forwarded-For: 192.0.2.1, , 10.0.0.3", 400),
                ("X-Forwarded-For: 192.0.2.1, 10.0.0.3, for=10.0.0.4", 400),
                ("X-Forwarded-For:", 400),
            ][..],
        ),
        (
            format!("{lists}server: {{{TRUSTED}, client_address: forwarded}}\n"),
            &[
                ("-", 200),
                ("Forwarded: for=198.51.100.66", 403),
                ("Forwarded: For=\"198.51.100.66:4711\";proto=https, for=10.0.0.3", 403),
                ("Forwarded: for=192.0.2.1, for=198.51.100.66", 403),
                ("Forwarded: for=\"192.0.2.1, for=198.51.100.66", 403),
                ("Forwarded: for=\"[::ffff:198.51.100.66]\"", 403),
                ("Forwarded: for=198.51.100.66, for=192.0.2.1", 200),
                ("X-Forwarded-For: 198.51.100.66", 200),
                ("Forwarded: for=192.0.2.1, for=unknown", 400),
                ("Forwarded: for=192.0.2.1, for=_hidden", 400),
                ("Forwarded: for=192.0.2.1, proto=https", 400),
            ],
        ),
        (
            lists.to_owned(),
            &[
                ("X-Forwarded-For: 198.51.100.66", 200),
                ("Forwarded: for=198.51.100.66", 200),
                ("X-Forwarded-For: unknown", 200),
            ],
        ),
    ] {
        let world = before(&upstream, &server);
        for (headers, status) in table {
            let came = upstream.requests().len();
            let answer = world.send("GET", "/open/x", &lines(headers), "");
            assert_eq!(answer.status, *status, "{headers}\n{server}\n{}", answer.text());
            assert_eq!(upstream.requests().len() - came, usize::from(*status == 200), "{headers}");
            if *status == 400 {
                let problem = answer.json();
                assert_eq!(problem["reason"], "Malformed", "{headers}");
                assert!(problem["detail"].as_str().unwrap().starts_with("It is not known who calls"), "{problem}");
            }
        }
    }
}

// Long for its rows.
#[test]
fn the_upstream_is_told_what_was_verified() {
    let upstream = Upstream::start();
    let told = |server: &str, table: &[(&str, [&str; 4])]| {
        let world = before(&upstream, server);
        for (headers, expected) in table {
            let sent = [lines(headers), vec!["X-Forwarded-Port: 1", "X_Forwarded_For: 6.6.6.6", "X-Real-IP: 6.6.6.6"]]
                .concat();
            assert_eq!(world.send("GET", "/open/x", &sent, "").status, 200, "{headers}");
            let request = upstream.last();
            let host = world.server().data.to_string();
            for (name, value) in
                ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"].into_iter().zip(expected)
            {
                let value = value.replace("HOST", &host);
                let values: Vec<&str> = Some(value.as_str()).filter(|value| !value.is_empty()).into_iter().collect();
                assert_eq!(seen(&request, name), values, "{name} of {headers}\n{request}");
            }
            assert!(!request.contains("6.6.6.6") && seen(&request, "X-Forwarded-Port").is_empty(), "{request}");
        }
    };
    // A stranger: all of it is ours.
    let ours = ["127.0.0.1", "http", "HOST", ""];
    told("", &[("-", ours), ("X-Forwarded-For: 6.6.6.6 / X-Forwarded-Proto: https / X-Forwarded-Host: evil", ours)]);
    let host = "Connection: X-Forwarded-Proto";
    told(
        &format!("server: {{{TRUSTED}}}\n"),
        &[
            ("-", ours),
            (
                "X-Forwarded-Proto: https / X-Forwarded-Host: api.example:8443",
                ["127.0.0.1", "https", "api.example:8443", ""],
            ),
            ("X-Forwarded-For: 192.0.2.1", ["192.0.2.1, 127.0.0.1", "http", "HOST", ""]),
            (
                "X-Forwarded-For: 6.6.6.6, 192.0.2.1:99, [2001:db8:1::7]:80 / X-Forwarded-For: ::ffff:10.0.0.3",
                ["192.0.2.1, 2001:db8:1::7, 10.0.0.3, 127.0.0.1", "http", "HOST", ""],
            ),
            ("X-Forwarded-Proto: HTTPS", ["127.0.0.1", "https", "HOST", ""]),
            // More than one value, or none that can be: nobody's word.
            ("X-Forwarded-Proto: https, http", ours),
            ("X-Forwarded-Proto: https / X-Forwarded-Proto: https", ours),
            ("X-Forwarded-Proto: javascript", ours),
            ("X-Forwarded-Host: a.example, b.example", ours),
            ("X-Forwarded-Host: u@a.example", ours),
            ("X-Forwarded-Host: a.example/x", ours),
            ("X-Forwarded-Host: ", ours),
            ("Forwarded: for=6.6.6.6;proto=https;host=evil", ours),
            (host, ours),
        ],
    );
    let ours = ["127.0.0.1", "http", "HOST", "for=127.0.0.1;host=\"HOST\";proto=http"];
    told(
        &format!("server: {{{TRUSTED}, client_address: forwarded}}\n"),
        &[
            ("-", ours),
            ("X-Forwarded-For: 6.6.6.6 / X-Forwarded-Proto: https / X-Forwarded-Host: evil", ours),
            (
                "Forwarded: for=6.6.6.6;host=evil, for=\"[2001:db8::1]:80\";proto=https;host=\"api:8443\", for=10.0.0.3;host=x",
                [
                    "2001:db8::1, 10.0.0.3, 127.0.0.1",
                    "https",
                    "api:8443",
                    "for=\"[2001:db8::1]\";host=\"api:8443\";proto=https, for=10.0.0.3, for=127.0.0.1;host=\"HOST\";proto=http",
                ],
            ),
            (
                "Forwarded: for=192.0.2.1;proto=gopher;host=\"a, b\"",
                ["192.0.2.1, 127.0.0.1", "http", "HOST", "for=192.0.2.1, for=127.0.0.1;host=\"HOST\";proto=http"],
            ),
        ],
    );
    // Without proxies, whoever chose `forwarded` gets it all the same.
    told("server: {client_address: forwarded}\n", &[("Forwarded: for=6.6.6.6", ours)]);
}

#[test]
fn each_request_of_a_connection_has_its_own_caller() {
    let upstream = Upstream::start();
    let world = before(&upstream, &format!("ip: {{deny: [198.51.100.66]}}\nserver: {{{TRUSTED}}}\n"));
    let mut stream = TcpStream::connect(world.server().data).unwrap();
    for (caller, status) in [("192.0.2.1", 200), ("198.51.100.66", 403), ("192.0.2.2", 200), ("unknown", 400)] {
        let request = format!("GET /open/x HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {caller}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        assert_eq!(read_answer(&mut stream, false).unwrap().status, status, "{caller}");
    }
    let callers = || {
        let listed = world.json(&["decisions", "list", "--limit", "0"])["data"].as_array().unwrap().clone();
        let callers: Vec<String> =
            listed.iter().rev().map(|one| one["client"].as_str().unwrap_or_default().to_owned()).collect();
        (callers.len() >= 4).then_some(callers)
    };
    // Where it is not known who called, the record names the proxy.
    let expected = ["192.0.2.1", "198.51.100.66", "192.0.2.2", "127.0.0.1"];
    let mut callers = until("the records of four decisions", callers);
    callers.sort_unstable();
    let mut sorted = expected.map(str::to_owned);
    sorted.sort_unstable();
    assert_eq!(callers, sorted);
}

#[test]
fn a_keys_list_and_the_audit_log_see_the_caller() {
    let upstream = Upstream::start();
    let world = before(&upstream, &format!("server: {{{TRUSTED}}}\n"));
    let key = world.key("office", &["--ip", "192.0.2.0/24 , 2001:db8:2::/48", "--scopes", "self:*"]);
    let shown = format!("X-API-Key: {key}");
    for (caller, status) in [
        ("192.0.2.9", 200),
        ("192.0.2.9, 10.0.0.3", 200),
        ("2001:db8:2::1", 200),
        ("192.0.2.9, 198.51.100.1", 403),
        ("198.51.100.1", 403),
        ("10.0.0.3", 403),
    ] {
        let answer = world.send("GET", "/x", &[&shown, &format!("X-Forwarded-For: {caller}")], "");
        assert_eq!(answer.status, status, "{caller}: {}", answer.text());
    }
    assert_eq!(world.get("/x", &key).status, 403, "the proxy itself is not in the list");
    let (json, from) = ("Content-Type: application/json", "X-Forwarded-For: 6.6.6.6, 192.0.2.9, 10.0.0.3");
    let body = r#"{"name":"made","allowedIps":["192.0.2.9"]}"#;
    let made = world.send("POST", "/_keyward/api-keys", &[&shown, json, from], body);
    assert_eq!(made.status, 201, "{}", made.text());
    world.issued.note(made.json()["key"].as_str().unwrap());
    let events = world.json(&["audit", "list", "--subject", made.json()["id"].as_str().unwrap()]);
    assert_eq!(events["data"][0]["client"], "192.0.2.9", "{events}");
}

#[test]
fn whom_to_trust_is_taken_over_while_it_runs() {
    let upstream = Upstream::start();
    let lists = "ip: {deny: [198.51.100.66]}\n";
    let world = before(&upstream, lists);
    let status = || world.send("GET", "/open/x", &["X-Forwarded-For: 198.51.100.66"], "").status;
    assert_eq!(status(), 200);
    let newer = format!("{OPEN}{lists}server: {{{TRUSTED}}}\n");
    std::fs::write(world.path("keyward.yaml.new"), newer).unwrap();
    std::fs::rename(world.path("keyward.yaml.new"), world.path("keyward.yaml")).unwrap();
    let told = Command::new("kill").arg("-HUP").arg(world.server().id().to_string()).status().unwrap();
    assert!(told.success());
    world.hears("version 2 is in force");
    assert_eq!(status(), 403);
}

#[test]
fn an_accounts_list_holds_beside_the_keys_own() {
    let upstream = Upstream::start();
    let world = before(&upstream, &format!("server: {{{TRUSTED}}}\n"));
    world.ok(&["account", "add", "acme", "--ip", "192.0.2.0/24 , 2001:db8:2::/48 "]);
    let own = |name: &str, ip: &[&str]| world.key(name, &[&["--account", "acme"], ip].concat());
    let (wide, narrow) = (own("wide", &[]), own("narrow", &["--ip", "192.0.2.7,198.51.100.7"]));
    let password = world.person("member", &["--account", "acme"]);
    let token = world.login("member", &password).access;
    let members = world.key("of the member", &["--owner", "member"]);
    let other = world.key("of nobody's account", &[]);
    let shown = [
        format!("X-API-Key: {wide}"),
        format!("X-API-Key: {narrow}"),
        format!("X-API-Key: {members}"),
        format!("Authorization: Bearer {token}"),
        format!("X-API-Key: {other}"),
    ];
    let statuses = |from: &str| -> Vec<u16> {
        let from = format!("X-Forwarded-For: {from}");
        shown.iter().map(|shown| world.send("GET", "/x", &[shown, &from], "").status).collect()
    };
    let all = |table: &[(&str, [u16; 5])]| {
        for (from, expected) in table {
            assert_eq!(statuses(from), expected, "{from}");
        }
    };
    all(&[
        ("192.0.2.7", [200; 5]),
        ("192.0.2.8", [200, 403, 200, 200, 200]),
        ("2001:db8:2::1", [200, 403, 200, 200, 200]),
        // In the key's own list, but not in its account's.
        ("198.51.100.7", [403, 403, 403, 403, 200]),
        ("203.0.113.1", [403, 403, 403, 403, 200]),
    ]);
    let refused = world.send("GET", "/x", &[&shown[0], "X-Forwarded-For: 203.0.113.1"], "").json();
    assert!(refused["detail"].as_str().unwrap().contains("account"), "{refused}");
    // A change of the account bites at the next request, of every credential that memory knows by now.
    world.ok(&["account", "ip", "acme", "198.51.100.0/24"]);
    all(&[("192.0.2.7", [403, 403, 403, 403, 200]), ("198.51.100.7", [200; 5])]);
    let none = world.refused(&["account", "ip", "acme", ""]);
    assert!(none.contains("names no address"), "an unset variable must not open it: {none}");
    assert!(world.refused(&["account", "ip", "acme", "example.com"]).contains("not an address"));
    assert_eq!(statuses("192.0.2.7"), [403, 403, 403, 403, 200]);
    world.ok(&["account", "ip", "acme", "anywhere"]);
    all(&[("203.0.113.1", [200, 403, 200, 200, 200])]);
    let account = world.json(&["account", "list"])["data"][0].clone();
    assert_eq!(account["allowedIps"], serde_json::json!([]), "{account}");
    let events = world.json(&["audit", "list", "--subject", account["id"].as_str().unwrap()]);
    let told: Vec<_> = events["data"].as_array().unwrap().iter().map(|one| &one["detail"]["allowedIps"]).collect();
    assert_eq!(told, ["", "198.51.100.0/24", "192.0.2.0/24, 2001:db8:2::/48"], "{events}");
}
