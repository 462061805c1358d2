//! The console in a browser: every test under `console/e2e`, in Debian's Chromium against this binary. `ONLY=keys` runs some of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test, which is told by its environment what to run"
)]

use std::path::Path;
use std::process::Command;

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

#[test]
fn people_do_in_a_browser_what_the_console_promises() {
    let console = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../console");
    let mut run = Command::new(console.join("node_modules/.bin/playwright"));
    run.current_dir(&console).arg("test").args(std::env::var("ONLY").ok()).env("KEYWARD_BINARY", BINARY);
    let output = run.output().expect("scripts/setup-tests and scripts/build-console install what this needs");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
}
