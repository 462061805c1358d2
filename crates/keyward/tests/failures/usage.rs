//! Wrong usage is exit code 2 with the nearest name; a configuration with mistakes is 1, with all of them at once.

use super::{assert_says, ended, files, said, world};

#[test]
fn an_unknown_flag_or_command() {
    let world = world();
    for (line, unknown, nearest) in [
        ("serv", "'serv'", "'serve'"),
        ("key creat bot", "'creat'", "'create'"),
        ("config chek", "'chek'", "'check'"),
        ("serve --porrt 1", "'--porrt'", "'--port'"),
        ("key create bot --scope x", "'--scope'", "'--scopes'"),
        ("key revoke key_1 --reson x", "'--reson'", "'--reason'"),
    ] {
        let output = ended(world.plain(&line.split(' ').collect::<Vec<_>>()));
        assert_eq!(output.status.code(), Some(2), "{line}: {}", said(&output));
        assert!(output.stdout.is_empty(), "{line}: {}", said(&output));
        assert_says(&said(&output), &[unknown, nearest, "Usage:", "--help"]);
        assert_eq!(files(&world.path("")).len(), 0, "{line} made something");
    }
}

#[test]
fn what_is_not_in_this_version_is_unknown() {
    let world = world();
    let output = ended(world.plain(&["node", "list"]));
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

#[test]
fn every_mistake_in_the_configuration_at_once() {
    let yaml = "server: {limitz: {}}\nupstream:\n  url: ftp://x\nroutes:\n  - {path: nope, pubic: true}\nusers: {}\n";
    let world = world().config(yaml);
    let before = files(&world.path(""));
    let mistakes = [
        ":1:10: unknown name \"limitz\"",
        "did you mean \"limits\"?",
        ":3:8: ",
        ":5:12: \"nope\" is not a path pattern",
        "a path pattern starts with /",
        ":5:18: unknown name \"pubic\"",
        "did you mean \"public\"?",
        ":6:1: ",
        "^^^^^",
    ];
    for line in ["serve --port 0 --admin-port 0", "init", "key list", "explain --path /x", "config check"] {
        let output = ended(world.command(&line.split(' ').collect::<Vec<_>>()));
        assert_eq!(output.status.code(), Some(1), "{line}: {}", said(&output));
        assert_says(&said(&output), &mistakes);
        assert_eq!(said(&output).matches("keyward.yaml:").count(), 5, "{line}: {}", said(&output));
    }
    assert_eq!(files(&world.path("")), before, "a refused configuration left something behind");
}

#[test]
fn a_configuration_that_cannot_be_read() {
    let world = world();
    for (line, words) in [
        ("serve --config nowhere.yaml", &["nowhere.yaml", "No such file"][..]),
        ("serve --host localhost", &["--host", "\"localhost\"", "127.0.0.1"]),
        ("serve --port 99999", &["--port", "99999"]),
        ("serve --public docs", &["--public", "starts with /"]),
    ] {
        let output = ended(world.plain(&line.split(' ').collect::<Vec<_>>()));
        assert_eq!(output.status.code(), Some(1), "{line}: {}", said(&output));
        assert_says(&said(&output), words);
    }
    let output = ended(world.env("KEYWARD_UPSTREAM", "").plain(&["serve"]));
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_says(&said(&output), &["KEYWARD_UPSTREAM", "set but empty", "unset it"]);
}
