//! Heads and chunks, good and bad, whole and in pieces.

use http::Method;
use proptest::prelude::*;

use super::chunked::{BadChunk, Chunks, Piece};
use super::lines::{LineFault, Lines, Most};
use super::request::{Request, RequestFault};
use super::response::Response;
use super::{Framing, write};

const MOST: Most = Most { bytes: 4096, fields: 100 };

fn read(text: &str) -> String {
    let mut lines = Lines::default();
    match lines.advance(text.as_bytes(), MOST) {
        Err(fault) => format!("{fault:?}"),
        Ok(None) => "more".to_owned(),
        Ok(Some(length)) => match Request::read(&lines, text.as_bytes()) {
            Err(fault) => format!("{fault:?}"),
            Ok(request) => {
                let keeps = if request.keep_alive { "" } else { " close" };
                let expects = if request.expects_continue { " expects" } else { "" };
                let rest = text.len() - length;
                format!("{} {} {:?}{keeps}{expects} +{rest}", request.method, request.target, request.framing)
            }
        },
    }
}

#[test]
fn request_table() {
    // A row is a request with \r and \n spelt, and what is read of it.
    for row in include_str!("../../tests/tables/requests.txt").lines() {
        if row.starts_with('#') || row.trim().is_empty() {
            continue;
        }
        let (text, expected) = row.rsplit_once(" => ").unwrap_or_else(|| panic!("two columns: {row}"));
        let text = text.replace("\\r", "\r").replace("\\n", "\n").replace("\\t", "\t").replace("\\0", "\0");
        assert_eq!(read(&text), expected, "{row}");
    }
}

#[test]
fn sizes_are_bounded() {
    let head = |fields: usize, length: usize| {
        format!("GET / HTTP/1.1\r\nHost: a\r\n{}X: {}\r\n\r\n", "a: b\r\n".repeat(fields), "x".repeat(length))
    };
    assert!(read(&head(98, 0)).starts_with("GET"));
    assert_eq!(read(&head(99, 0)), format!("{:?}", LineFault::TooMany));
    let fits = 4096 - head(0, 0).len();
    assert!(read(&head(0, fits)).starts_with("GET"));
    assert_eq!(read(&head(0, fits + 1)), format!("{:?}", LineFault::TooLarge));
    assert_eq!(read(&"x".repeat(4096)), format!("{:?}", LineFault::TooLarge));
}

#[test]
fn an_answer_is_read_as_far_as_it_has_one_reading() {
    let read = |text: &str, method: &Method| {
        let mut lines = Lines::default();
        let Ok(Some(_)) = lines.advance(text.as_bytes(), MOST) else { return "garbage".to_owned() };
        match Response::read(&lines, text.as_bytes(), method) {
            Err(_) => "garbage".to_owned(),
            Ok(answer) => {
                let keeps = if answer.keep_alive { "" } else { " close" };
                format!("{} {:?}{keeps}", answer.status.as_u16(), answer.framing)
            }
        }
    };
    let get = |text: &str| read(text, &Method::GET);
    for (text, expected) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "200 Length(2)"),
        ("HTTP/1.1 200\r\n\r\n", "200 UntilClose close"),
        ("HTTP/1.1 200 \r\nTransfer-Encoding: Chunked\r\n\r\n", "200 Chunked"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", "200 Chunked close"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "garbage"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", "200 Length(1)"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "garbage"),
        ("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", "garbage"),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "204 Empty"),
        ("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n", "304 Empty"),
        ("HTTP/1.1 100 Continue\r\n\r\n", "100 Empty"),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n", "200 Length(2) close"),
        ("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\n", "200 Length(2)"),
        ("HTTP/1.1 200 OK\r\nConnection: x, close\r\nContent-Length: 2\r\n\r\n", "200 Length(2) close"),
        ("HTTP/1.1 099 x\r\n\r\n", "garbage"),
        ("HTTP/1.1 600 x\r\n\r\n", "garbage"),
        ("HTTP/2.0 200 OK\r\n\r\n", "garbage"),
        ("HTTP/1.1  200 OK\r\n\r\n", "garbage"),
        ("SSH-2.0-OpenSSH\r\n\r\n", "garbage"),
        ("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", "garbage"),
        ("HTTP/1.1 200 OK\nX: a\n\n", "garbage"),
    ] {
        assert_eq!(get(text), expected, "{text:?}");
    }
    assert_eq!(read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", &Method::HEAD), "200 Empty");
}

/// All data of a body in chunks, fed in pieces of a size; and what is left behind its end.
fn unchunk(text: &[u8], size: usize) -> Result<(Vec<u8>, usize), BadChunk> {
    let (mut chunks, mut data, mut at) = (Chunks::default(), Vec::new(), 0);
    while at < text.len() && !chunks.is_at_end() {
        let piece = &text[at..(at + size).min(text.len())];
        at += match chunks.take(piece)? {
            Piece::Framing(count) | Piece::Trailer(count) | Piece::End(count) => count,
            Piece::Data(count) => {
                data.extend_from_slice(&piece[..count]);
                count
            }
        };
    }
    if chunks.is_at_end() { Ok((data, text.len() - at)) } else { Err(BadChunk) }
}

#[test]
fn chunk_table() {
    for (text, expected) in [
        ("0\r\n\r\n", Some("")),
        ("3\r\nabc\r\n0\r\n\r\n", Some("abc")),
        ("3;ext=\"x y\"\r\nabc\r\n00\r\nTrailer: x\r\n\r\n", Some("abc")),
        ("00000000A\r\n0123456789\r\n0\r\n\r\nrest", Some("0123456789")),
        ("3\nabc\r\n0\r\n\r\n", None),
        ("3\r\nabc\n0\r\n\r\n", None),
        ("3\r\nabcd\r\n0\r\n\r\n", None),
        ("3 \r\nabc\r\n0\r\n\r\n", None),
        ("3 ;x\r\nabc\r\n0\r\n\r\n", None),
        ("+3\r\nabc\r\n0\r\n\r\n", None),
        ("-1\r\n\r\n", None),
        ("0x3\r\nabc\r\n0\r\n\r\n", None),
        ("\r\n0\r\n\r\n", None),
        ("1234567890123456\r\n", None),
        ("0\r\n x: folded\r\n\r\n", None),
        ("0\r\nx\n\r\n", None),
        ("3;a\nb\r\nabc\r\n0\r\n\r\n", None),
        ("3;a\rb\r\nabc\r\n0\r\n\r\n", None),
        ("3;a;b=c;d=\"e;\\\"f\"\r\nabc\r\n0;g\r\n\r\n", Some("abc")),
        ("3;\r\nabc\r\n0\r\n\r\n", None),
        ("3;;a\r\nabc\r\n0\r\n\r\n", None),
        ("3;=a\r\nabc\r\n0\r\n\r\n", None),
        ("3; a\r\nabc\r\n0\r\n\r\n", None),
        ("3;a =b\r\nabc\r\n0\r\n\r\n", None),
        ("3;a=\"b\r\nabc\r\n0\r\n\r\n", None),
        ("3;a=\"b\\\"\r\nabc\r\n0\r\n\r\n", None),
        ("3;a=\"\n\"\r\nabc\r\n0\r\n\r\n", None),
        ("3;a\0\r\nabc\r\n0\r\n\r\n", None),
    ] {
        for size in [1, 2, 7, 1000] {
            let got = unchunk(text.as_bytes(), size).ok().map(|(data, _)| String::from_utf8(data).unwrap());
            assert_eq!(got.as_deref(), expected, "{text:?} in pieces of {size}");
        }
    }
    let endless = format!("0\r\nX: {}\r\n\r\n", "x".repeat(70_000));
    assert!(unchunk(endless.as_bytes(), 4096).is_err(), "a trailer is bounded");
}

proptest! {
    /// However a head comes, the same is read of it, and no byte is looked at more than twice.
    #[test]
    fn pieces_change_nothing(
        text in "(GET|POST) /[a-z]{0,9} HTTP/1\\.[01]\r\n(Host: a\r\n){0,2}([A-Za-z -]{0,3}: ?[ -~\t]{0,9}\r?\n){0,4}(Content-Length: [0-9]{1,3}\r\n){0,2}\r\n.{0,9}",
        cuts in proptest::collection::vec(0..200_usize, 0..9),
    ) {
        let bytes = text.as_bytes();
        let mut whole = Lines::default();
        let expected = whole.advance(bytes, MOST);
        let mut lines = Lines::default();
        let mut sizes: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).chain([bytes.len()]).collect();
        sizes.sort_unstable();
        let mut got = Ok(None);
        for size in sizes {
            got = lines.advance(&bytes[..size], MOST);
            if got != Ok(None) {
                break;
            }
        }
        prop_assert_eq!(got, expected);
        if let Ok(Some(_)) = expected {
            let read = |lines: &Lines| Request::read(lines, bytes).map(|one| (one.target.to_owned(), one.framing)).map_err(|fault| format!("{fault:?}"));
            prop_assert_eq!(read(&lines), read(&whole));
        }
    }

    /// No bytes make any of the readers panic.
    #[test]
    fn anything_can_come(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut lines = Lines::default();
        if let Ok(Some(_)) = lines.advance(&bytes, MOST) {
            let _ = Request::read(&lines, &bytes);
            let _ = Response::read(&lines, &bytes, &Method::GET);
        }
        let _ = unchunk(&bytes, 3);
    }

    /// Whatever is changed in a good request: what passes is, written anew, the same to another parser.
    #[test]
    fn what_passes_reads_the_same_elsewhere(
        text in "(GET|POST) (http://a)?/[a-z?=%;]{0,5} HTTP/1\\.[01]\r\nHost: a(:80)?\r\n(x[-_a-z]{0,3}: ?[ -~\t\u{e9}]{0,9}\r\n){0,3}((Content-Length: [0-9]|Transfer-Encoding: chunked)\r\n)?\r\n[a-z]{0,9}",
        changes in proptest::collection::vec((any::<prop::sample::Index>(), 0..4_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..3),
    ) {
        let mut bytes = text.into_bytes();
        for (at, kind, which, from) in changes {
            let byte = *which.get(b"\r\n\0\t :;,#@/?\\[]\x7f\x80\xff0aG_-");
            let (at, from) = (at.index(bytes.len()), from.index(bytes.len()));
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.remove(at)),
                _ => drop(bytes.splice(at..at, bytes[from..].to_vec()).count()),
            }
        }
        let mut lines = Lines::default();
        if let Ok(Some(length)) = lines.advance(&bytes, MOST) && let Ok(request) = Request::read(&lines, &bytes) {
            let mut out = format!("{} {} HTTP/1.1\r\n", request.method, request.target).into_bytes();
            request.fields.iter().for_each(|(name, value)| write::field(&mut out, name.as_bytes(), value));
            out.extend_from_slice(b"\r\n");
            for (bytes, length) in [(&out, out.len()), (&bytes, length)] {
                let mut fields = [httparse::EMPTY_HEADER; 200];
                let mut other = httparse::Request::new(&mut fields);
                prop_assert_eq!(other.parse(bytes), Ok(httparse::Status::Complete(length)), "{}", bytes.escape_ascii());
                let read: Vec<_> = other.headers.iter().map(|field| (field.name.as_bytes(), field.value)).collect();
                let judged = request.fields.iter().map(|(name, value)| (name.as_bytes(), value));
                prop_assert_eq!(read, judged.collect::<Vec<_>>());
                prop_assert_eq!(other.method, Some(request.method.as_str()));
                prop_assert!(other.path.is_some_and(|path| path.ends_with(request.target)));
            }
        }
    }

    /// What is cut into chunks is read as it was.
    #[test]
    fn chunks_are_read_as_written(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..50), 0..9), size in 1..60_usize) {
        let mut text = Vec::new();
        for piece in &pieces {
            write::chunk_size(&mut text, piece.len());
            text.extend_from_slice(piece);
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(b"0\r\n\r\nnext");
        let (data, left) = unchunk(&text, size).unwrap();
        prop_assert_eq!(data, pieces.concat());
        prop_assert_eq!(left, 4);
    }

    #[test]
    fn numbers_are_written_in_decimal(number in any::<u64>()) {
        let mut text = Vec::new();
        write::number(&mut text, number);
        prop_assert_eq!(String::from_utf8(text).unwrap(), number.to_string());
    }
}

#[test]
fn faults_have_words() {
    assert!(RequestFault::TwoHosts.text().ends_with('.') && Framing::Length(0).is_empty());
}
