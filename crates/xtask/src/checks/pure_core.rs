//! `core` has no async, IO, clock, randomness, global or log line (invariant 1), outside its tests.

use super::Sources;
use crate::code::Mention;
use crate::finding::Finding;
use crate::manifest::{self, When};

/// Beginnings of paths, and what they are.
const BEGINNINGS: &[(&[&str], &str)] = &[
    (&["std", "fs"], "IO"),
    (&["std", "io"], "IO"),
    (&["std", "os"], "IO"),
    (&["std", "process"], "IO"),
    (&["std", "env"], "a global"),
    (&["std", "thread"], "a thread"),
    (&["std", "task"], "async"),
    (&["std", "future"], "async"),
];

/// Names that are enough wherever they stand in a path. `OnceLock` is none: as a global it would be `static`, and in a value it
/// keeps what the value says already.
const NAMES: &[(&str, &str)] = &[
    ("async", "async"),
    ("await", "async"),
    ("static", "a global"),
    ("thread_local", "a global"),
    ("LazyLock", "a global"),
    ("SystemTime", "a clock"),
    ("Instant", "a clock"),
    ("RandomState", "randomness"),
    ("TcpStream", "IO"),
    ("TcpListener", "IO"),
    ("UdpSocket", "IO"),
    ("ToSocketAddrs", "IO"),
    ("print", "a log line"),
    ("println", "a log line"),
    ("eprint", "a log line"),
    ("eprintln", "a log line"),
    ("dbg", "a log line"),
];

/// Crates that `core` may neither name nor depend on.
const CRATES: &[(&str, &str)] = &[
    ("tokio", "async"),
    ("futures", "async"),
    ("futures_util", "async"),
    ("async_trait", "async"),
    ("hyper", "IO"),
    ("socket2", "IO"),
    ("rustix", "IO"),
    ("sqlx", "IO"),
    ("jiff", "a clock"),
    ("chrono", "a clock"),
    ("time", "a clock"),
    ("rand", "randomness"),
    ("fastrand", "randomness"),
    ("getrandom", "randomness"),
    ("uuid", "randomness"),
    ("lazy_static", "a global"),
    ("once_cell", "a global"),
    ("tracing", "a log line"),
    ("log", "a log line"),
];

const REMEDY: &str = "let it come in as a value or a port, from `engine` or further out";

pub(super) fn check(sources: &Sources) -> Vec<Finding> {
    let mut found = Vec::new();
    let of_core = |path: &str| path.starts_with("crates/core/src/") && !path.ends_with("/tests.rs");
    for (path, code) in sources.code.iter().filter(|(path, _)| of_core(path)) {
        for mention in &code.mentions {
            if let Some(kind) = forbidden(mention) {
                let what = format!("`{}` is {kind}, and `core` has none", mention.path.join("::"));
                found.push(Finding::error(path, mention.line, what, REMEDY));
            }
        }
    }
    for dependency in manifest::dependencies(&sources.tree, "core").unwrap_or_default() {
        let name = dependency.package.replace('-', "_");
        if let (When::Always, Some((_, kind))) = (dependency.when, CRATES.iter().find(|(bad, _)| *bad == name)) {
            let what = format!("`{}` is {kind}, and `core` has none", dependency.package);
            found.push(Finding::error(&manifest::path("core"), dependency.line, what, REMEDY));
        }
    }
    found
}

fn forbidden(mention: &Mention) -> Option<&'static str> {
    let path: Vec<&str> = mention.path.iter().map(String::as_str).collect();
    let first = path.first()?;
    let beginning = BEGINNINGS.iter().find(|(bad, _)| path.starts_with(bad)).map(|(_, kind)| *kind);
    let name = || NAMES.iter().find(|(bad, _)| path.contains(bad)).map(|(_, kind)| *kind);
    // A name alone may be a variable; a crate is the beginning of a longer path.
    let package = || CRATES.iter().find(|(bad, _)| bad == first && path.len() > 1).map(|(_, kind)| *kind);
    beginning.or_else(name).or_else(package)
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::check;

    /// Each line breaks the rule by itself.
    const BAD: &str = "async fn f() {}
        use std::{collections::HashMap, fs};
        fn f() { let now = std::time::Instant::now(); }
        fn f() { let now = SystemTime::now(); }
        use rand::Rng;
        fn f() { getrandom::fill(x); }
        static X: u8 = 1;
        static X: OnceLock<u8> = OnceLock::new();
        static mut X: u8 = 1;
        fn f() { println!(\"x\"); }
        fn f() { tracing::info!(\"x\"); }
        fn f() { if let Some(x) = log::max_level() {} }
        use tokio::sync::Mutex;
        thread_local!(static X: u8 = 1);
        fn f(x: std::net::TcpStream) {}
        fn f() { assert!(matches!(std::env::var(x), Ok(_))); }";

    #[test]
    fn every_forbidden_word_is_found() {
        for line in BAD.lines() {
            assert_ne!(said(check, &[("crates/core/src/lib.rs", line)]), [""; 0], "{line}");
        }
    }

    #[test]
    fn words_that_only_look_like_it_pass() {
        let good = "//! No clock: SystemTime::now, println!.
            fn f(log: &'static str, time: std::net::IpAddr) -> std::time::Duration { log.rand(\"tokio::spawn\"); log }
            #[cfg(test)]
            mod tests { use std::fs; }";
        assert_eq!(said(check, &[("crates/core/src/lib.rs", good), ("crates/api/src/lib.rs", BAD)]), [""; 0]);
    }

    #[test]
    fn a_forbidden_dependency_fails() {
        let manifest = "[dependencies]\nhttp = \"1\"\ntokio = \"1\"\n[dev-dependencies]\nrand = \"1\"\n";
        let said = said(check, &[("crates/core/Cargo.toml", manifest)]);
        assert_eq!(said, ["crates/core/Cargo.toml:3: `tokio` is async, and `core` has none"]);
    }
}
