//! One file as an answer: its type, how long it may be kept, and what a browser may do with it.

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName,
    IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use crate::File;

/// What a page may do: run and show what comes from this server as files, speak with this server, and nothing else. No text
/// becomes a script, not even by mistake of a script (Trusted Types), and no other page may hold this one in a frame.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; \
                          connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                          require-trusted-types-for 'script'; trusted-types 'none'";

const EVERYWHERE: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];

/// Of files whose name changes with what is in them.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Of all others: asked for each time, and sent only where it is another.
const ASK_AGAIN: &str = "no-cache";

const ABSENT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Keyward</title>\
<h1>This Keyward was built without its console</h1>\
<p>Everything else works, and <code>keyward --help</code> does all that the console can.</p>\
<p>To have it: <code>scripts/build-console</code> (it needs Node 20 and npm), then build Keyward again. \
<code>make run</code> does both.</p>";

/// The answer to a request for a file of a build; a path that is empty or ends with `/` means its `index.html`.
///
/// A build that is not there answers with how to make it; a file that is not there with 404.
pub fn answer(files: &'static [File], path: &str, asked: &HeaderMap) -> Response<Bytes> {
    if files.is_empty() {
        return dressed(StatusCode::NOT_FOUND, "text/html; charset=utf-8", ABSENT.as_bytes());
    }
    let index = || format!("{path}index.html");
    let path = if path.is_empty() || path.ends_with('/') { &index() } else { path };
    let found = files.binary_search_by(|file| file.path.cmp(path)).ok().and_then(|place| files.get(place));
    match found {
        Some(file) => sent(file, asked),
        None => dressed(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", b"404: no such file of the console\n"),
    }
}

fn sent(file: &'static File, asked: &HeaderMap) -> Response<Bytes> {
    let packed = file.gzip.filter(|_| takes_gzip(asked));
    let is_known = asked.get_all(IF_NONE_MATCH).iter().any(|tags| lists(tags, file.tag));
    let (status, body) = match (is_known, packed) {
        (true, _) => (StatusCode::NOT_MODIFIED, &[][..]),
        (false, Some(packed)) => (StatusCode::OK, packed),
        (false, None) => (StatusCode::OK, file.body),
    };
    let mut answer = dressed(status, kind_of(file.path), body);
    let headers = answer.headers_mut();
    headers.insert(ETAG, HeaderValue::from_static(file.tag));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if packed.is_some() && !is_known {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if file.path.starts_with("assets/") {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(FOR_EVER));
    }
    answer
}

fn dressed(status: StatusCode, kind: &'static str, body: &'static [u8]) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from_static(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    for (name, value) in EVERYWHERE {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(ASK_AGAIN));
    answer
}

/// Whether a client names gzip and does not refuse it (RFC 9110 §12.5.3).
fn takes_gzip(asked: &HeaderMap) -> bool {
    let texts = asked.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).any(|one| {
        let (coding, weight) = one.split_once(';').unwrap_or((one, ""));
        coding.trim().eq_ignore_ascii_case("gzip") && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

fn lists(tags: &HeaderValue, tag: &str) -> bool {
    let text = tags.to_str().unwrap_or_default();
    text.split(',').map(|one| one.trim().trim_start_matches("W/")).any(|one| one == tag || one == "*")
}

fn kind_of(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static BUILD: [File; 3] = [
        File { path: "assets/a-1.js", tag: "\"1\"", body: b"let a", gzip: Some(b"packed") },
        File { path: "index.html", tag: "\"2\"", body: b"<p>", gzip: None },
        File { path: "reference/index.html", tag: "\"3\"", body: b"<q>", gzip: None },
    ];

    fn asked(headers: &[(HeaderName, &'static str)]) -> HeaderMap {
        headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn what_is_asked_for_is_sent() {
        let none: &[(HeaderName, &str)] = &[];
        let gzip: &[(HeaderName, &str)] = &[(ACCEPT_ENCODING, "br, gzip;q=0.5")];
        let no_gzip: &[(HeaderName, &str)] = &[(ACCEPT_ENCODING, "gzip;q=0, br")];
        let knows: &[(HeaderName, &str)] = &[(IF_NONE_MATCH, "\"9\", W/\"1\"")];
        let knows_other: &[(HeaderName, &str)] = &[(IF_NONE_MATCH, "\"9\"")];
        for (path, headers, status, body, kept) in [
            ("", none, 200, "<p>", ASK_AGAIN),
            ("index.html", gzip, 200, "<p>", ASK_AGAIN),
            ("reference/", none, 200, "<q>", ASK_AGAIN),
            ("assets/a-1.js", none, 200, "let a", FOR_EVER),
            ("assets/a-1.js", gzip, 200, "packed", FOR_EVER),
            ("assets/a-1.js", no_gzip, 200, "let a", FOR_EVER),
            ("assets/a-1.js", knows, 304, "", FOR_EVER),
            ("assets/a-1.js", knows_other, 200, "let a", FOR_EVER),
            ("assets/", none, 404, "404: no such file of the console\n", ASK_AGAIN),
            ("../index.html", none, 404, "404: no such file of the console\n", ASK_AGAIN),
            ("reference", none, 404, "404: no such file of the console\n", ASK_AGAIN),
        ] {
            let answer = answer(&BUILD, path, &asked(headers));
            assert_eq!((answer.status().as_u16(), &answer.body()[..]), (status, body.as_bytes()), "{path} {headers:?}");
            assert_eq!(answer.headers()[CACHE_CONTROL], kept, "{path}");
            assert_eq!(answer.headers().contains_key(CONTENT_ENCODING), body == "packed", "{path}");
            for (name, value) in EVERYWHERE {
                assert_eq!(answer.headers()[&name], value, "{path} {name}");
            }
        }
    }

    #[test]
    fn a_binary_without_the_console_says_how_to_add_it() {
        let answer = answer(&[], "", &HeaderMap::new());
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        assert!(String::from_utf8_lossy(answer.body()).contains("scripts/build-console"));
        assert_eq!(answer.headers()[CONTENT_SECURITY_POLICY], POLICY);
    }

    #[test]
    fn the_policy_lets_no_text_become_a_script_and_no_page_hold_this_one() {
        for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'"] {
            assert!(POLICY.split("; ").any(|one| one == part), "{part}");
        }
        assert!(POLICY.contains("require-trusted-types-for 'script'"));
        for word in ["unsafe-inline", "unsafe-eval", "data:", "blob:", "https:", "*"] {
            assert!(!POLICY.contains(word), "{word}");
        }
    }
}
