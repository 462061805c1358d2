//! The console's pages on the admin port: what is sent with them, and that the data port has none of it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::path::Path;

use keyward_testkit::client::{Answer, exchange};
use keyward_testkit::world::World;

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");
/// More than this, packed, nobody waits for at the first visit.
const FIRST_LOAD: usize = 400 * 1024;

fn get(world: &World, path: &str) -> Answer {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n");
    exchange(world.server().admin, request.as_bytes()).unwrap()
}

/// Whether npm has built it; a build without Node has only the page that says how to add it.
fn is_built() -> bool {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../console/dist/console/index.html")).is_file()
}

/// What a page names with `src` or `href`, relative to itself.
fn named(page: &str) -> Vec<&str> {
    let values = page.split('"').skip(1).step_by(2);
    values.filter_map(|value| value.strip_prefix("./")).collect()
}

#[test]
fn pages_come_with_a_strict_policy() {
    let world = World::new(BINARY).serve(&[]);
    for path in ["/", "/console"] {
        let answer = get(&world, path);
        assert_eq!((answer.status, answer.header("location")), (307, Some("/console/")), "{path}");
    }
    for (path, built) in [("/console/", 200), ("/console/nothing.js", 404), ("/console/../Cargo.toml", 404)] {
        let answer = get(&world, path);
        assert_eq!(answer.status, if is_built() { built } else { 404 }, "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; "), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{path}");
    }
    // Callers of the API find nothing of it.
    assert_eq!(world.send("GET", "/console/", &[], "").status, 401);
}

#[test]
fn the_first_visit_is_light_and_asks_nobody_else() {
    if !is_built() {
        return;
    }
    let world = World::new(BINARY).serve(&[]);
    let plain = b"GET /console/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let page = exchange(world.server().admin, plain).unwrap().text();
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<style"), "{page}");
    assert!(!page.replace("<script type=\"module\" crossorigin src=", "").contains("<script"), "{page}");
    let mut bytes = page.len();
    for file in named(&page) {
        let answer = get(&world, &format!("/console/{file}"));
        assert_eq!(answer.status, 200, "{file}");
        if file.starts_with("assets/") {
            assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"), "{file}");
        }
        bytes += answer.body.len();
    }
    let fonts = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../console/dist/console/assets"));
    let files = std::fs::read_dir(fonts).unwrap().map(|entry| entry.unwrap());
    let fonts = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "woff2"));
    bytes += fonts.map(|file| usize::try_from(file.metadata().unwrap().len()).unwrap()).sum::<usize>();
    assert!(bytes < FIRST_LOAD, "the first visit takes {bytes} bytes");
}
