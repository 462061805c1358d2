//! Which pages may call, by table: the origin as a whole, and what each answer says.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use keyward_http::cors::{AllowedOrigin, Cors, Policy};

fn policy(origins: &str) -> Policy {
    Policy {
        origins: origins.split_whitespace().map(|text| AllowedOrigin::parse(text).unwrap()).collect(),
        methods: vec![Method::GET, Method::POST],
        headers: vec![HeaderName::from_static("content-type"), HeaderName::from_static("x-api-key")],
        exposed: vec![HeaderName::from_static("x-total")],
        credentials: true,
        max_age: 600,
    }
}

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let lines =
        lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
    let mut headers = HeaderMap::new();
    lines.for_each(|(name, value)| _ = headers.append(name, value));
    headers
}

fn values(headers: &HeaderMap, name: &str) -> Vec<String> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

/// What an answer of a status says to a request's page, given what an upstream said.
fn marked(cors: &Cors, method: Method, asked: &HeaderMap, status: u16, said: &[(&'static str, &str)]) -> HeaderMap {
    let mut answer = Response::builder().status(status).body(()).unwrap();
    *answer.headers_mut() = headers(said);
    cors.mark(&mut answer, &cors.page(&method, asked));
    answer.headers().clone()
}

#[test]
fn origin_table() {
    for row in include_str!("tables/origins.txt").lines() {
        if row.starts_with('#') || row.trim().is_empty() {
            continue;
        }
        let [listed, origin, expected] = row.split(" | ").map(str::trim).collect::<Vec<_>>()[..] else {
            unreachable!("three columns: {row}")
        };
        let cors = Cors::new(&policy(listed));
        let lines: Vec<_> = origin.split(" / ").filter(|one| *one != "-").map(|one| ("origin", one)).collect();
        let got = values(&marked(&cors, Method::GET, &headers(&lines), 200, &[]), "access-control-allow-origin");
        assert_eq!(if got.is_empty() { "-".to_owned() } else { got.join(", ") }, expected, "{row}");
    }
}

#[test]
fn only_whole_origins_are_listed() {
    for (text, why) in [
        ("https://app.example.com/", "path"),
        ("https://app.example.com/x", "path"),
        ("https://*.example.com", "each one out"),
        ("https://*", "each one out"),
        ("app.example.com", "scheme and host"),
        ("//app.example.com", "scheme and host"),
        ("https://", "scheme and host"),
        ("https://u@app.example.com", "scheme and host"),
        ("https://app.example.com:x", "scheme and host"),
        ("https://app.example.com:", "scheme and host"),
        ("https://app.example.com:99999", "scheme and host"),
        ("https://[::1", "scheme and host"),
        ("https://bücher.example", "scheme and host"),
        ("", "scheme and host"),
        ("NULL", "scheme and host"),
    ] {
        let error = AllowedOrigin::parse(text).unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn a_preflight_is_told_what_is_allowed_and_nothing_that_it_asked() {
    let cors = Cors::new(&policy("https://a.example"));
    let long = "x-evil,".repeat(5000);
    let asked = headers(&[
        ("origin", "https://a.example"),
        ("access-control-request-method", "DELETE"),
        ("access-control-request-headers", &long),
    ]);
    let page = cors.page(&Method::OPTIONS, &asked);
    assert_eq!((page.preflight(), page.may_call()), (Some(&Method::DELETE), true));
    let told = marked(&cors, Method::OPTIONS, &asked, 204, &[]);
    let expected = headers(&[
        ("vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
        ("access-control-allow-origin", "https://a.example"),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-methods", "GET, POST"),
        ("access-control-allow-headers", "Content-Type, X-API-Key"),
        ("access-control-max-age", "600"),
    ]);
    assert_eq!(told, expected);
    // A page that may not call is told nothing but that others may be told more.
    let foreign = headers(&[("origin", "https://b.example"), ("access-control-request-method", "GET")]);
    assert!(!cors.page(&Method::OPTIONS, &foreign).may_call());
    assert_eq!(
        marked(&cors, Method::OPTIONS, &foreign, 403, &[]),
        headers(&[("vary", expected["vary"].to_str().unwrap())])
    );
}

#[test]
fn what_is_no_preflight() {
    let cors = Cors::new(&policy("https://a.example"));
    let (origin, method) = (("origin", "https://a.example"), ("access-control-request-method", "GET"));
    for (asked, lines) in [
        (Method::GET, &[origin, method][..]),
        (Method::OPTIONS, &[origin]),
        (Method::OPTIONS, &[method]),
        (Method::OPTIONS, &[origin, origin, method]),
        (Method::OPTIONS, &[origin, method, method]),
        (Method::OPTIONS, &[origin, ("access-control-request-method", "GET, POST")]),
        (Method::OPTIONS, &[origin, ("access-control-request-method", "")]),
    ] {
        assert_eq!(cors.page(&asked, &headers(lines)).preflight(), None, "{asked} {lines:?}");
    }
}

#[test]
fn an_upstream_has_no_say_and_vary_is_kept() {
    let cors = Cors::new(&policy("https://a.example"));
    let said = [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-private-network", "true"),
        ("access-control-max-age", "99"),
        ("vary", "Accept-Encoding"),
    ];
    let told = marked(&cors, Method::GET, &headers(&[("origin", "https://a.example")]), 401, &said);
    let expected = [
        ("vary", "Accept-Encoding"),
        ("vary", "Origin"),
        ("access-control-allow-origin", "https://a.example"),
        ("access-control-allow-credentials", "true"),
        ("access-control-expose-headers", "X-Total"),
    ];
    assert_eq!(told, headers(&expected));
    let foreign = marked(&cors, Method::GET, &headers(&[("origin", "https://b.example")]), 200, &said);
    assert_eq!(foreign, headers(&expected[..2]));
    for (vary, count) in [("origin", 1), ("Accept, ORIGIN ", 1), ("*", 1), ("Origin-Agent", 2)] {
        let told = marked(&cors, Method::GET, &HeaderMap::new(), 200, &[("vary", vary)]);
        assert_eq!(values(&told, "vary").len(), count, "{vary}");
    }
}

#[test]
fn everybody_is_never_trusted_with_credentials() {
    let cors = Cors::new(&policy("*"));
    for origin in ["https://a.example", "null", "nonsense"] {
        let told = marked(&cors, Method::GET, &headers(&[("origin", origin)]), 200, &[]);
        assert_eq!(
            told,
            headers(&[("access-control-allow-origin", "*"), ("access-control-expose-headers", "X-Total")])
        );
    }
}
