//! TLS on the data port, with curl: who gets a handshake with which certificate, what happens to plain HTTP beside it, and that
//! other files are taken over, or kept out, under running connections.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use keyward_testkit::certificates::{Authority, Issued, replace};
use keyward_testkit::client::{exchange, read_answer};
use keyward_testkit::upstream::Upstream;
use keyward_testkit::world::{World, until};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// A world with one authority, whose file curl believes.
struct Secure {
    world: World,
    authority: Authority,
}

impl Secure {
    /// Not started yet. `server.pem` is for `api.test`, `other.pem` for `other.test`, `client.pem` for a client.
    fn new(tls: &str) -> Self {
        let (world, authority) = (World::new(env!("CARGO_BIN_EXE_keyward")), Authority::new("test"));
        let folder = world.path("");
        std::fs::write(world.path("ca.pem"), &authority.certificate).unwrap();
        authority.issue(&["api.test"]).write(&folder, "server");
        authority.issue(&["other.test"]).write(&folder, "other");
        authority.issue(&["somebody"]).write(&folder, "client");
        Authority::new("another").issue(&["somebody"]).write(&folder, "stranger");
        let routes = "routes: [{name: open, path: /open, public: true}, {name: all, path: /**}]";
        let world = world.config(&format!("server: {{tls: {{enabled: true, {tls}}}}}\n{routes}\n"));
        Self { world, authority }
    }

    fn serve(tls: &str) -> Self {
        let mut secure = Self::new(tls);
        secure.world.start(&[]);
        secure
    }

    fn file(&self, name: &str) -> PathBuf {
        self.world.path(name)
    }

    /// curl to a name that leads to the server.
    fn curl(&self, name: &str, arguments: &[&str]) -> Output {
        let port = self.world.server().data.port();
        let mut command = Command::new("curl");
        command.args(["-sS", "--max-time", "20", "-w", "\n%{http_code}", "--cacert"]).arg(self.file("ca.pem"));
        command.args(["--resolve", &format!("{name}:{port}:127.0.0.1"), &format!("https://{name}:{port}/open")]);
        command.current_dir(self.file("")).args(arguments).output().unwrap()
    }

    fn status(&self, name: &str, arguments: &[&str]) -> String {
        let output = self.curl(name, arguments);
        let said = String::from_utf8_lossy(&output.stdout);
        let status = said.lines().last().unwrap_or_default().to_owned();
        if status == "000" { String::from_utf8_lossy(&output.stderr).into_owned() } else { status }
    }

    fn write(&self, issued: &Issued, name: &str) {
        issued.write(&self.file(""), name);
    }

    fn metric(&self, name: &str) -> String {
        let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let text = exchange(self.world.server().admin, request).unwrap().text();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}"));
        line.rsplit(' ').next().unwrap().to_owned()
    }

    fn counts(&self, name: &str, value: &str) {
        until(&format!("{name} {value}"), || (self.metric(name) == value).then_some(()));
    }

    /// A connection over TLS that goes on, to `api.test`.
    fn connect(&self) -> Connection {
        self.connect_as(&self.client())
    }

    /// A client that believes the authority, remembers sessions and says what it can before the handshake is over.
    fn client(&self) -> Arc<rustls::ClientConfig> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.certificate.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config = config.unwrap().with_root_certificates(roots).with_no_client_auth();
        config.enable_early_data = true;
        Arc::new(config)
    }

    fn connect_as(&self, client: &Arc<rustls::ClientConfig>) -> Connection {
        let session = rustls::ClientConnection::new(Arc::clone(client), "api.test".try_into().unwrap()).unwrap();
        let socket = TcpStream::connect(self.world.server().data).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Connection(rustls::StreamOwned::new(session, socket))
    }
}

struct Connection(rustls::StreamOwned<rustls::ClientConnection, TcpStream>);

impl Connection {
    fn ask(&mut self) -> u16 {
        self.0.write_all(b"GET /open HTTP/1.1\r\nHost: api.test\r\n\r\n").unwrap();
        let mut seen = String::new();
        while !seen.contains("\n}\n") {
            let mut bytes = [0; 4096];
            let count = self.0.read(&mut bytes).unwrap();
            assert!(count > 0, "the connection ended: {seen}");
            seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
        seen.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

const ONE: &str = "cert_file: server.pem, key_file: server.key";

#[test]
fn a_request_over_tls_is_one_like_any_other() {
    let secure = Secure::serve(ONE);
    let key = secure.world.key("k", &[]);
    let said = secure.curl("api.test", &["-H", &format!("X-API-Key: {key}")]).stdout;
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("\"x-forwarded-proto\": \"https\"") && said.ends_with("\n200"), "{said}");
    for (arguments, status) in [
        (vec!["--tlsv1.2", "--tls-max", "1.2"], "200"),
        (vec!["--tlsv1.3"], "200"),
        (vec!["--http1.1", "-d", "a body"], "200"),
        (vec!["-X", "GET", "--path-as-is", "--request-target", "/closed"], "401"),
    ] {
        assert_eq!(secure.status("api.test", &arguments), status, "{arguments:?}");
    }
    let unspoken = secure.status("api.test", &["--tls-max", "1.1", "--ciphers", "DEFAULT:@SECLEVEL=0"]);
    assert!(unspoken.starts_with("curl: ("), "{unspoken}");
    let wrong = secure.status("other.test", &[]);
    assert!(wrong.contains("SSL"), "its certificate is for api.test alone: {wrong}");
    // In the clear beside it, as nothing else was asked for.
    let clear = secure.world.send("GET", "/open", &[], "");
    assert_eq!(clear.status, 200);
    assert!(clear.text().contains("\"x-forwarded-proto\": \"http\""), "{}", clear.text());
}

#[test]
fn whoever_offers_http_2_over_tls_speaks_it() {
    let secure = Secure::serve(ONE);
    let key = secure.world.key("k", &[]);
    let version = ["-w", "\n%{http_version} %{http_code}"];
    for (offer, expected) in [("--http2", "2 200"), ("--http1.1", "1.1 200")] {
        let key = format!("X-API-Key: {key}");
        let said = secure.curl("api.test", &[&version[..], &[offer, "-H", &key]].concat()).stdout;
        let said = String::from_utf8(said).unwrap();
        assert!(said.contains("\"x-forwarded-proto\": \"https\"") && said.ends_with(expected), "{offer}: {said}");
    }
    let refused = secure.curl("api.test", &[&version[..], &["--http2", "--request-target", "/closed"]].concat()).stdout;
    assert!(String::from_utf8(refused).unwrap().ends_with("2 401"));
}

/// What comes before the handshake is over can be sent again by whoever heard it (RFC 8446 §8).
#[test]
fn nothing_is_taken_before_the_handshake_is_over() {
    let secure = Secure::serve(ONE);
    let client = secure.client();
    assert_eq!(secure.connect_as(&client).ask(), 200);
    let mut again = secure.connect_as(&client);
    assert!(again.0.conn.early_data().is_none(), "a session that goes on may send at once");
    assert_eq!(again.ask(), 200);
    assert_eq!(again.0.conn.handshake_kind(), Some(rustls::HandshakeKind::Resumed), "it is one that goes on");
}

#[test]
fn a_large_body_comes_whole_both_ways() {
    let body = "x".repeat(3_000_000);
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let upstream = Upstream::answering(&answer);
    let mut secure = Secure::new(ONE);
    secure.world.start(&["--upstream", &upstream.url()]);
    std::fs::write(secure.file("body"), &body).unwrap();
    // Slowly, so that the socket takes less than TLS holds.
    let output = secure.curl("api.test", &["--data-binary", "@body", "-H", "Expect:", "--limit-rate", "4M"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said == format!("{body}\n200"), "{} bytes", said.len());
    assert!(upstream.last().ends_with(&body));
}

#[test]
fn where_it_is_required_nothing_in_the_clear_is_heard() {
    let secure = Secure::serve(&format!("{ONE}, require: true"));
    let key = secure.world.key("k", &[]);
    for target in ["/open", "/closed", "/_keyward/health", "/_keyward/login"] {
        for proto in ["X-Forwarded-Proto: https", "X-A: b"] {
            let answer = secure.world.send("GET", target, &[&format!("X-API-Key: {key}"), proto], "");
            assert_eq!(answer.status, 403, "{target}");
            assert_eq!(answer.json()["reason"], "Forbidden", "{target}");
            assert!(answer.text().contains("over TLS only"), "{}", answer.text());
        }
    }
    let url = format!("http://{}/open", secure.world.server().data);
    let mut curl = Command::new("curl");
    let clear =
        curl.args(["-sS", "--http2-prior-knowledge", "-w", "\n%{http_version} %{http_code}", &url]).output().unwrap();
    assert!(String::from_utf8(clear.stdout).unwrap().ends_with("\n2 403"), "nor in HTTP/2");
    assert_eq!(secure.status("api.test", &[]), "200");
}

#[test]
fn a_client_gets_the_certificate_of_the_name_it_asks_for() {
    let secure = Secure::serve("cert_file: [server.pem, other.pem], key_file: [server.key, other.key]");
    for name in ["api.test", "other.test"] {
        assert_eq!(secure.status(name, &[]), "200", "{name}");
    }
    let neither = secure.status("third.test", &[]);
    assert!(neither.contains("SSL"), "{neither}");
}

#[test]
fn without_a_certificate_that_is_believed_there_is_no_handshake() {
    let secure = Secure::serve(&format!("{ONE}, client_ca_file: ca.pem"));
    let versions = [vec!["--tlsv1.2", "--tls-max", "1.2"], vec!["--tlsv1.3"]];
    for version in &versions {
        let with = |name: &str| {
            let (certificate, key) = (format!("{name}.pem"), format!("{name}.key"));
            secure.status("api.test", &[version.clone(), vec!["--cert", &certificate, "--key", &key]].concat())
        };
        assert_eq!(with("client"), "200", "{version:?}");
        for refused in [secure.status("api.test", version), with("stranger")] {
            assert!(refused.starts_with("curl: ("), "{version:?}: {refused}");
        }
    }
    secure.counts("keyward_tls_handshakes_failed_total{kind=\"client_certificate\"}", "4");
}

#[test]
fn other_files_are_taken_over_under_running_connections() {
    let secure = Secure::serve(ONE);
    let mut standing = secure.connect();
    assert_eq!(standing.ask(), 200);
    secure.write(&secure.authority.issue(&["api.test", "new.test"]), "server");
    secure.world.hears("other certificates are in force");
    assert_eq!(secure.status("new.test", &[]), "200");
    assert_eq!(standing.ask(), 200, "who stood there before is not touched");
    assert_eq!(secure.metric("keyward_tls_certificate_reloads_total{result=\"taken\"}"), "1");
}

#[test]
fn files_that_cannot_be_used_leave_the_old_ones_in_force() {
    let secure = Secure::serve(ONE);
    let (certificate, key) = (secure.file("server.pem"), secure.file("server.key"));
    let good = (std::fs::read_to_string(&certificate).unwrap(), std::fs::read_to_string(&key).unwrap());
    let other = secure.authority.issue(&["api.test"]);
    let broken = [
        ("server.pem holds no certificate", &certificate, "", 0o644),
        ("server.key is not the key of the certificate", &certificate, other.certificate.as_str(), 0o644),
        ("server.pem is not PEM", &certificate, "-----BEGIN CERTIFICATE-----\n!!!", 0o644),
        ("server.key holds no private key", &key, "secret-looking text", 0o600),
        ("server.key can be written by other users", &key, good.1.as_str(), 0o622),
    ];
    for (count, (said, path, text, mode)) in broken.into_iter().enumerate() {
        replace(path, text, mode);
        secure.world.hears(said);
        secure.world.hears("the certificates that were read before go on");
        assert_eq!(secure.status("api.test", &[]), "200", "{said}");
        let counted = format!("{}", count + 1);
        secure.counts("keyward_tls_certificate_reloads_total{result=\"refused\"}", &counted);
        let doctor = String::from_utf8(secure.world.run(&["doctor", "--json"]).stdout).unwrap();
        assert!(doctor.contains("tls-unusable") && doctor.contains(said), "{doctor}");
        let taken = secure.metric("keyward_tls_certificate_reloads_total{result=\"taken\"}");
        replace(&certificate, &good.0, 0o644);
        replace(&key, &good.1, 0o600);
        until("the good ones", || {
            (secure.metric("keyward_tls_certificate_reloads_total{result=\"taken\"}") != taken).then_some(())
        });
    }
    assert!(!secure.world.server().log().contains("secret-looking"), "what is in a file is not told");
    // Gone, and unreadable where this is not root.
    std::fs::remove_file(&key).unwrap();
    secure.world.hears("server.key cannot be read");
    assert_eq!(secure.status("api.test", &[]), "200");
}

#[test]
fn it_does_not_start_with_what_cannot_be_used() {
    let secure = Secure::new(ONE);
    let says = |text: &str| {
        let written = secure.world.try_start(&[]).err().unwrap();
        assert!(written.contains("server.tls: ") && written.contains(text), "{written}");
        assert!(!secure.world.data_dir().exists(), "nothing was made");
    };
    let key = secure.file("server.key");
    std::fs::copy(secure.file("other.key"), &key).unwrap();
    says("server.key is not the key of the certificate");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o666)).unwrap();
    says("server.key can be written by other users (mode 0666)");
    std::fs::remove_file(&key).unwrap();
    says("server.key cannot be read: No such file");
}

#[test]
fn a_key_that_everybody_can_read_and_an_old_certificate_are_told_of() {
    let secure = Secure::new(ONE);
    secure.write(&secure.authority.issue_until(&["api.test"], 2020), "server");
    replace(&secure.file("server.key"), &std::fs::read_to_string(secure.file("server.key")).unwrap(), 0o644);
    let found = secure.world.run(&["doctor", "--json"]).stdout;
    let found = String::from_utf8(found).unwrap();
    assert!(found.contains("tls-expired") && found.contains("tls-key-readable"), "{found}");
    let mut world = secure.world;
    world.start(&[]);
    world.hears("everybody on this machine can read");
}

#[test]
fn what_is_no_handshake_is_closed_and_counted() {
    let secure = Secure::serve(&format!("{ONE}}}, limits: {{header_timeout: 500ms"));
    let connect = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(secure.world.server().data).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(bytes).unwrap();
        stream
    };
    let mut garbage = connect(&[&[0x16_u8, 3, 1, 0, 200][..], &[0xff; 200]].concat());
    let mut answer = Vec::new();
    let _ = garbage.read_to_end(&mut answer);
    assert!(answer.len() < 16, "an alert at most: {answer:?}");
    secure.counts("keyward_tls_handshakes_failed_total{kind=\"protocol\"}", "1");
    drop(connect(&[0x16, 3, 1]));
    secure.counts("keyward_tls_handshakes_failed_total{kind=\"ended\"}", "1");
    // Half a handshake and then nothing, and nothing at all.
    for bytes in [&[0x16_u8, 3, 1, 1][..], &[]] {
        assert_eq!(connect(bytes).read(&mut [0; 16]).unwrap_or(0), 0, "closed in time");
    }
    secure.counts("keyward_tls_handshakes_failed_total{kind=\"late\"}", "1");
    let untrusting = secure.status("api.test", &["--cacert", "stranger.pem"]);
    assert!(untrusting.starts_with("curl: ("), "{untrusting}");
    secure.counts("keyward_tls_handshakes_failed_total{kind=\"refused_by_client\"}", "1");
    // Anything else is HTTP, or none.
    let mut clear = connect(b"\x15\x03\x01\r\n\r\n");
    assert_eq!(read_answer(&mut clear, false).unwrap().status, 400);
    assert_eq!(secure.status("api.test", &[]), "200");
}
