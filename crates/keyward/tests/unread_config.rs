//! A configuration file that lies where a server is started and that nobody named.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use keyward_testkit::world::World;

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

#[test]
fn a_configuration_file_that_nobody_named_is_said_not_to_be_read() {
    let mut world = World::new(BINARY);
    std::fs::write(world.path("keyward.yaml"), "server: {prot: 80}\n").unwrap();
    let hint = "keyward: there is a keyward.yaml here, and it was not read; `--config keyward.yaml` reads it";
    let said = |arguments: &[&str]| String::from_utf8(world.run(arguments).stderr).unwrap();
    assert_eq!(said(&["config", "check"]).trim(), hint);
    let named = ["config", "check", "--config", "keyward.yaml"];
    assert_eq!((said(&named).contains(hint), world.run(&named).status.code()), (false, Some(1)));
    world.start(&[]);
    assert!(world.server().log().contains(hint));
}
