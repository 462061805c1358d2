//! Which layer wins, where each value is said to come from, and that no text breaks the loader or shows a secret.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::World;
use keyward_config::{Flags, Loaded};
use proptest::prelude::*;

const KEY: &str = "correct-horse-battery-staple-0123";

fn shown(loaded: &Loaded, path: &str) -> (String, String) {
    let found = loaded.show().iter().find(|shown| shown.path == path).unwrap_or_else(|| panic!("no {path}"));
    (found.value.to_string(), found.origin.to_string())
}

#[test]
fn the_later_layer_wins_and_is_named() {
    let file = Some("server: {host: 127.0.0.2, port: 1}\nadmin: {port: 2}\n");
    let mut world = World::default();
    let origin = |world: &World, file, path| shown(&world.load(file).unwrap(), path);
    assert_eq!(origin(&world, None, "server.port"), ("8080".into(), "default".into()));
    assert_eq!(origin(&world, file, "server.port"), ("1".into(), "keyward.yaml:1".into()));
    world.env.insert("KEYWARD_PORT".into(), "3".into());
    assert_eq!(origin(&world, file, "server.port"), ("3".into(), "KEYWARD_PORT".into()));
    world.flags.port = Some("4".into());
    assert_eq!(origin(&world, file, "server.port"), ("4".into(), "--port".into()));
    assert_eq!(origin(&world, file, "server.host"), ("\"127.0.0.2\"".into(), "keyward.yaml:1".into()));
    assert_eq!(origin(&world, file, "admin.port"), ("2".into(), "keyward.yaml:2".into()));
    let settings = world.load(file).unwrap().settings;
    assert_eq!((settings.server.port, settings.admin.port), (4, 2));
}

#[test]
fn every_variable_and_flag_arrives() {
    let world = World::of_case(
        "#! env KEYWARD_HOST=0.0.0.0\n#! env KEYWARD_PORT=1\n#! env KEYWARD_UPSTREAM=http://a:2\n\
         #! env KEYWARD_PUBLIC=/docs/**, /\n#! env KEYWARD_DATA_DIR=/d\n#! env KEYWARD_ADMIN_HOST=::1\n\
         #! env KEYWARD_ADMIN_PORT=3\n#! env KEYWARD_API_KEY=0123456789abcdef0123456789abcdef",
    );
    let loaded = world.load(None).unwrap();
    assert!(loaded.warnings.is_empty());
    let settings = loaded.settings;
    assert_eq!(settings.server.host.to_string(), "0.0.0.0");
    assert_eq!(settings.upstream.url.unwrap().to_string(), "http://a:2");
    assert_eq!(settings.data.dir.to_str(), Some("/d"));
    assert_eq!((settings.admin.host.to_string(), settings.admin.port), ("::1".to_owned(), 3));
    let names: Vec<_> = settings.routes.iter().map(|route| (&*route.name, route.path.as_str(), route.public)).collect();
    assert_eq!(names, [("public-1", "/docs/**", true), ("public-2", "/", true), ("all", "/**", false)]);
    assert_eq!(settings.security.api_keys.static_keys[0].name, "api-key");

    let flags = World::of_case(
        "#! flag --host=0.0.0.0\n#! flag --port=1\n#! flag --upstream=http://a:2\n#! flag --public=/x\n\
         #! flag --data-dir=/d\n#! flag --admin-host=::1\n#! flag --admin-port=3\n#! flag --api-key=b",
    );
    let flags = World { flags: flags.flags, ..world };
    let loaded = flags.load(None).unwrap();
    assert_eq!(loaded.settings.routes.len(), 2, "the flag takes the variable's place");
    assert_eq!(loaded.settings.security.api_keys.static_keys.len(), 1);
    assert_eq!(shown(&loaded, "routes[0].path"), ("\"/x\"".into(), "--public".into()));
    assert_eq!(shown(&loaded, "security.api_keys.static[0].key"), ("\"(secret)\"".into(), "--api-key".into()));
}

#[test]
fn secrets_are_shown_by_where_they_come_from() {
    let world = World::of_case(&format!("#! env CI={KEY}\n#! file inner.txt={KEY}\\n"));
    let loaded = world
        .load(Some(&format!(
            "upstream: {{headers: {{X-A: \"Bearer ${{file:inner.txt}}\", X-B: {KEY}}}}}\n\
             security: {{api_keys: {{static: [{{name: ci, key: \"${{env:CI}}\", scopes: [a]}}]}}}}"
        )))
        .unwrap();
    assert_eq!(shown(&loaded, "upstream.headers.X-A").0, "\"(from ${file:inner.txt})\"");
    assert_eq!(shown(&loaded, "upstream.headers.X-B").0, "\"(secret)\"");
    assert_eq!(shown(&loaded, "security.api_keys.static[0].key").0, "\"(from ${env:CI})\"");
    assert_eq!(loaded.settings.upstream.headers["x-a"], format!("Bearer {KEY}"), "one trailing newline is cut");
    for text in [format!("{loaded:?}"), serde_json::to_string(loaded.show()).unwrap()] {
        assert!(!text.contains(KEY), "{text}");
    }
}

#[test]
fn a_reference_is_found_beside_the_configuration() {
    let text = "upstream: {headers: {X-A: \"${file:secrets/a.txt}\"}}".to_owned();
    let loaded = keyward_config::load(keyward_config::Input {
        file: Some(("/etc/keyward/keyward.yaml".into(), text)),
        env: &|_| None,
        flags: Flags::default(),
        read_file: &|path| Ok(path.display().to_string()),
    });
    assert_eq!(loaded.unwrap().settings.upstream.headers["x-a"], "/etc/keyward/secrets/a.txt");
}

#[test]
fn a_key_of_ours_takes_the_place_of_a_variable_s() {
    let yaml =
        "env: {INNER_KEY: {adds: security.api_keys.static, each: {name: api-key, key: \"${value}\", scopes: []}}}";
    let world = World::of_case(&format!("#! env INNER_KEY={KEY}"));
    let origin = |world: &World| shown(&world.load(Some(yaml)).unwrap(), "security.api_keys.static[0].key").1;
    assert_eq!(origin(&world), "INNER_KEY");
    let flags = Flags { api_key: Some(format!("{KEY}-of-the-flag")), ..Flags::default() };
    let both = World { flags, ..world };
    assert_eq!(origin(&both), "--api-key");
    assert_eq!(both.load(Some(yaml)).unwrap().settings.security.api_keys.static_keys.len(), 1);
}

#[test]
fn every_preset_is_a_configuration_between_defaults_and_file() {
    for (name, text) in keyward_config::presets() {
        assert!(text.starts_with("# "), "{name} begins with what it is for");
        // It stands on its own, and as a file.
        let mut world = World::default();
        let as_file = world.load(Some(text)).unwrap();
        world.flags.preset = Some(name.to_owned());
        let loaded = world.load(None).unwrap();
        let values =
            |loaded: &Loaded| loaded.show().iter().map(|one| (one.path.clone(), one.value.clone())).collect::<Vec<_>>();
        assert_eq!(values(&loaded), values(&as_file), "{name}");
        assert_eq!((loaded.preset, &*shown(&loaded, "server.port").1), (Some(name), "preset"));
        // A file goes on top, and variables on top of that.
        world.env.insert("KEYWARD_HOST".into(), "127.0.0.7".into());
        let over = world.load(Some("server: {port: 1}")).unwrap();
        assert_eq!((over.settings.server.port, over.settings.server.host.to_string()), (1, "127.0.0.7".into()));
    }
    assert!(keyward_config::presets().count() > 1);
}

/// Pieces that configurations, right and wrong, are made of.
fn piece() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "server", "port", "routes", "path", "schemes", "static", "key", "security", "api_keys", "upstream", "headers",
        "url", "null", "true", "/**", "${env:A}", "${", "8080", "X-A", "kind", "api_key", "jwt", "name", "scopes", "é",
    ]);
    let mark = prop::sample::select(vec![
        ": ", ":", "\n", "\n  ", "- ", "{", "}", "[", "]", ", ", "\"", "'", "&a ", "*a", "!", "|\n", ">", "#", "? ",
        "\r", "\t", "%", "---\n", "<<: ",
    ]);
    prop_oneof![word.prop_map(str::to_owned), mark.prop_map(str::to_owned), any::<char>().prop_map(String::from)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_text_panics(pieces in prop::collection::vec(piece(), 0..40)) {
        let text = pieces.concat();
        if let Err(mistakes) = World::default().load(Some(&text)) {
            prop_assert!(!mistakes.mistakes.is_empty());
            mistakes.render(true);
        }
    }

    #[test]
    fn the_last_layer_that_speaks_wins(file in any::<Option<u16>>(), env in any::<Option<u16>>(), flag in any::<Option<u16>>()) {
        let mut world = World::default();
        world.env.extend(env.map(|port| ("KEYWARD_PORT".to_owned(), port.to_string())));
        world.flags.port = flag.map(|port| port.to_string());
        let text = file.map(|port| format!("server: {{port: {port}}}\nadmin: {{host: 127.0.0.9}}"));
        let loaded = world.load(text.as_deref()).unwrap();
        prop_assert_eq!(loaded.settings.server.port, flag.or(env).or(file).unwrap_or(8080));
    }

    /// A secret in its place, a mistake anywhere around it: what is printed does not hold the secret.
    #[test]
    fn no_secret_is_printed(before in piece(), after in piece(), form in 0..7, misplaced in 0..3) {
        let line = match form {
            0 => format!("{before}[{{name: ci, key: {KEY}, scopes: [a]}}]{after}"),
            1 => format!("[{{name: ci, {before}key: \"{KEY}\"{after}, scopes: [a]}}]"),
            2 => format!("[{{name: ci, key: '{KEY}', {before}, scopes: [a]}}]"),
            3 => format!("[{{name: ci, key:{KEY}, scopes: [a], {after}: 1}}]"),
            4 => format!("[[{KEY}{after}]]"),
            5 => format!("\n      - name: {before}\n        key: |\n          {KEY}\n        scoops: {after}"),
            _ => format!("{{{before}: {KEY}{after}}}"),
        };
        let text = match misplaced {
            0 => format!("security:\n  api_keys:\n    static: {line}\n"),
            1 => format!("security:\n  api_keys:\n    statics: {line}\n"),
            _ => format!("upstream:\n  headers: {{X-A: {KEY}, X-B: {before}}}\nx: {line}\n"),
        };
        let printed = match World::default().load(Some(&text)) {
            Err(mistakes) => mistakes.render(false) + &serde_json::to_string(&mistakes).unwrap(),
            Ok(loaded) => format!("{loaded:?}"),
        };
        prop_assert!(!printed.contains(KEY), "{}\n{}", text, printed);
    }
}
