//! Schemathesis tries the OpenAPI document of the admin API against a server, with an operator's key and with nothing: whatever is
//! sent is answered as the document says, and never with a 500. `scripts/setup-schemathesis` installs it.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::process::Command;

use keyward_testkit::world::World;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Tries everything but what answers until it is hung up, and shows what did not fit.
fn tried(world: &World, header: Option<&str>) {
    let address = format!("http://{}", world.server().admin);
    let mut command = Command::new(format!("{ROOT}/target/schemathesis/bin/schemathesis"));
    command.args(["--config-file", &format!("{ROOT}/tests/schemathesis.toml"), "run"]);
    command.args([&format!("{address}/admin/v1/openapi.json"), "--url", &address, "--checks", "all", "--no-color"]);
    command.args(["--phases", "examples,coverage,fuzzing", "--max-examples", "10", "--seed", "1", "--max-time", "60"]);
    command.args([
        "--exclude-path-regex",
        "/decisions/tail$",
        "--generation-database",
        "none",
        "--continue-on-failure",
    ]);
    command.args(header.iter().flat_map(|header| ["--header", header]));
    // What it wrote down of this server is nobody's business afterwards.
    let output = command.current_dir(world.data_dir().parent().unwrap()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_document_holds_for_an_operator_and_for_nobody() {
    let world = World::new(env!("CARGO_BIN_EXE_keyward")).config("security: {throttle: {enabled: false}}").serve(&[]);
    tried(&world, None);
    let key = world.operator_key();
    tried(&world, Some(&format!("X-API-Key: {key}")));
}
