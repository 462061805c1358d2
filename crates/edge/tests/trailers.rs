//! What comes behind a body: through Keyward in both directions, and what only a head may say in neither.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod support;

use support::Setup;
use support::client::header;
use support::upstream::Upstream;

/// Trailer fields that pass nowhere, each an attempt.
const REFUSED: &str = "Content-Length: 3\r\nTransfer-Encoding: chunked\r\nHost: evil\r\nConnection: close\r\nTE: gzip\r\n\
    Authorization: ApiKey stolen\r\nAuthorization: Bearer x\r\nCookie: a=b\r\nSet-Cookie: a=b\r\nContent-Type: text/html\r\n\
    Keyward-Decision: forged\r\nX-Hop: 1\r\nTrailer: x\r\nUpgrade: h2c\r\nRateLimit: x\r\ncontent_length: 4\r\n";
/// And those that would make somebody else of a caller.
const OF_CALLERS: &str = "Keyward-Principal: root\r\nKEYWARD_SCOPES: admin\r\nX-Api-Key: stolen\r\nx_api_key: stolen\r\n\
    X-Inner-Key: other\r\nX-Forwarded-For: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\nX-Real-IP: 127.0.0.1\r\n";

/// An upstream that reads a body with a trailer and answers with these bytes.
fn reading(answer: String) -> Upstream {
    Upstream::scripted(move |peer| {
        let head = peer.wait_for("\r\n\r\n")?;
        let head_end = head.len();
        let all = if header(&head, "transfer-encoding").is_some() { peer.wait_for("end: 1\r\n\r\n")? } else { head };
        peer.bytes(all.len().max(head_end))?;
        peer.tell(&all);
        peer.send(&answer)
    })
}

#[test]
fn a_request_keeps_its_trailer_and_nothing_that_a_head_says() {
    let upstream = reading("HTTP/1.1 204 No Content\r\n\r\n".to_owned());
    let world = Setup::before(&upstream).start();
    for (route, credential) in
        [("public", ""), ("api", "X-Api-Key: $KEY\r\n"), ("keep", "Authorization: ApiKey $KEY\r\n")]
    {
        let credential = credential.replace("$KEY", &world.store.key);
        let trailer = format!("{REFUSED}{OF_CALLERS}X-Sum: 4\r\nX-Sum: 5\r\nend: 1\r\n");
        let request = format!(
            "POST /{route}/x HTTP/1.1\r\nHost: api\r\n{credential}Connection: x-hop, TE\r\nTE: gzip, trailers\r\n\
             Trailer: X-Sum, Keyward-Principal, X-Hop\r\nTransfer-Encoding: chunked\r\n\r\n\
             3\r\nabc\r\n0\r\n{trailer}\r\n"
        );
        assert_eq!(world.connect().ask(&request).status, 204);
        let seen = upstream.next();
        assert!(seen.ends_with("3\r\nabc\r\n0\r\nX-Sum: 4\r\nX-Sum: 5\r\nend: 1\r\n\r\n"), "{seen}");
        let (head, _) = seen.split_once("\r\n\r\n").unwrap();
        let told = ["te", "connection", "trailer"].map(|name| header(head, name));
        assert_eq!(told, [Some("trailers"), Some("TE"), Some("X-Sum")], "{head}");
    }
}

#[test]
fn an_answer_keeps_its_trailer_and_nothing_that_a_head_says() {
    let answer = format!(
        "HTTP/1.1 200 OK\r\nConnection: x-hop\r\nTrailer: grpc-status, Set-Cookie\r\nTransfer-Encoding: chunked\r\n\r\n\
         2\r\nok\r\n0\r\ngrpc-status: 0\r\n{REFUSED}Access-Control-Allow-Origin: *\r\ngrpc-message: fine\r\n\r\n"
    );
    let world = Setup::before(&reading(answer)).start();
    let mut connection = world.connect();
    connection.send("GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n");
    let expected = "2\r\nok\r\n0\r\ngrpc-status: 0\r\ngrpc-message: fine\r\n\r\n";
    let head = connection.answer(true);
    assert_eq!(header(&head.head, "trailer"), Some("grpc-status"), "{head:?}");
    assert_eq!(connection.bytes(expected.len()).unwrap(), expected);
    // Nobody who speaks HTTP/1.0 reads chunks.
    let mut old = world.connect();
    old.send("GET /public/x HTTP/1.0\r\n\r\n");
    assert_eq!(old.answer(false).body, "ok");
}

#[test]
fn who_did_not_say_so_reads_no_trailers() {
    let upstream = Upstream::ok();
    let world = Setup::before(&upstream).start();
    for (version, fields) in
        [("1.1", "TE: gzip"), ("1.1", "X: trailers"), ("1.0", "TE: trailers"), ("1.1", "Trailer: x")]
    {
        let answer = world.connect().ask(&format!("GET /public/x HTTP/{version}\r\nHost: api\r\n{fields}\r\n\r\n"));
        assert_eq!(answer.status, 200);
        let seen = upstream.next();
        for gone in ["te", "connection", "trailer"] {
            assert_eq!(header(&seen, gone), None, "{seen}");
        }
    }
}

#[test]
fn a_trailer_that_is_none_or_too_long_breaks_the_body() {
    let upstream = Upstream::scripted(|peer| {
        peer.wait_for_end();
        None
    });
    let world = Setup::before(&upstream).start();
    let (long, many) = (format!("X: {}\r\n", "x".repeat(17_000)), "X: 1\r\n".repeat(65));
    for trailer in [long.as_str(), &many, "no colon\r\n", "X : 1\r\n", "X: a\x01b\r\n", "X: 1\r\n folded\r\n", "X: 1\n"]
    {
        let request = format!(
            "POST /public/x HTTP/1.1\r\nHost: api\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n{trailer}\r\n"
        );
        world.connect().ask(&request).assert_problem(400, "Incomplete");
        assert_eq!(upstream.next(), "closed", "the upstream never sees its end");
    }
    let answer = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n{many}\r\n");
    let world = Setup::before(&reading(answer)).start();
    let mut connection = world.connect();
    connection.send("GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n");
    assert!(connection.try_answer(false).is_none());
}
