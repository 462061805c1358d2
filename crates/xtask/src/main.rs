//! `cargo xtask`: the repository's own rules. `cargo xtask tidy` checks them all.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command for a terminal")]
mod checks;
mod code;
mod finding;
mod manifest;
mod tidy;
mod tree;

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask tidy [DIRECTORY]";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
        (Some("tidy"), directory, None) => tidy(&directory.map_or_else(repository, PathBuf::from)),
        (Some("help" | "--help" | "-h"), None, None) => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Prints what is wrong, like a compiler; fails if anything but a warning was found.
fn tidy(root: &std::path::Path) -> ExitCode {
    match tidy::run(root) {
        Ok(report) => {
            print!("{report}");
            ExitCode::from(u8::from(report.failed()))
        }
        Err(error) => {
            eprintln!("cargo xtask tidy: {}: {error}", root.display());
            ExitCode::FAILURE
        }
    }
}

/// The repository that this program was built from.
fn repository() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
