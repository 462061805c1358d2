//! The decision table of mistakes: each `cases/NAME.yaml` is answered as `cases/NAME.txt` says. `UPDATE=1` rewrites the
//! answers; read the difference before committing it.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod common;

use std::fs;

use common::World;

fn answer(text: &str) -> String {
    let world = World::of_case(text);
    match world.load(Some(text)) {
        Err(mistakes) => mistakes.render(false),
        Ok(loaded) if loaded.warnings.is_empty() => "ok\n".to_owned(),
        Ok(loaded) => {
            let told: Vec<String> = loaded.warnings.iter().map(|warning| warning.render_warning(false)).collect();
            format!("ok, with warnings\n\n{}", told.join("\n"))
        }
    }
}

#[test]
#[allow(clippy::disallowed_methods, reason = "UPDATE is for the person at the keyboard")]
fn every_case_is_answered_as_written() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        count += 1;
        let got = answer(&fs::read_to_string(&path).unwrap());
        let expected = path.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&expected, &got).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != got {
            wrong.push(format!("{}:\n{got}", path.display()));
        }
    }
    assert!(count > 20, "the cases are gone");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
