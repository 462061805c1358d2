//! Which crate may use which: the arrows of the house all point to `core`.

use std::collections::BTreeSet;

use super::Sources;
use crate::finding::Finding;
use crate::manifest::{self, Dependency, When};

/// Folder of the crate, and the folders that it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("engine", &["core"]),
    ("http", &["core"]),
    ("config", &["core", "http"]),
    ("store", &["core", "engine"]),
    ("api", &["core", "engine", "http"]),
    ("edge", &["core", "engine", "http"]),
    ("admin", &["core", "engine", "http", "api"]),
    ("console", &[]),
    ("keyward", &["core", "engine", "http", "config", "store", "api", "edge", "admin", "console"]),
    ("testkit", &["core", "engine", "http", "config", "store", "api", "edge", "admin"]),
    ("xtask", &[]),
];

/// These serve tests, so nothing that ships may use them.
const TESTS_ONLY: [&str; 2] = ["testkit", "xtask"];

const REMEDY: &str = "turn the arrow round with a port, or move the code to where both may reach it";

pub(super) fn check(sources: &Sources) -> Vec<Finding> {
    sources.tree.crates().iter().flat_map(|folder| one(sources, folder)).collect()
}

fn one(sources: &Sources, folder: &str) -> Vec<Finding> {
    let file = manifest::path(folder);
    let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == folder) else {
        let remedy = "say what it may use in crates/xtask/src/checks/arrows.rs, and in ARCHITECTURE.md";
        return vec![Finding::error(&file, 1, format!("the crate `{folder}` has no place in the house"), remedy)];
    };
    let dependencies = match manifest::dependencies(&sources.tree, folder) {
        Ok(dependencies) => dependencies,
        Err(error) => return vec![Finding::error(&file, 1, error, "mend the manifest")],
    };
    let crates = sources.tree.crates();
    let mut found = Vec::new();
    for Dependency { package, when, line } in dependencies {
        let Some(used) = folder_of(&crates, &package) else { continue };
        if when == When::Always && TESTS_ONLY.contains(&used) {
            let what = format!("`{folder}` ships `{used}`, which is for tests");
            found.push(Finding::error(&file, line, what, "move it to [dev-dependencies]"));
        } else if when == When::Always && !allowed.contains(&used) {
            found.push(Finding::error(&file, line, format!("`{folder}` may not use `{used}`"), REMEDY));
        }
    }
    found
}

/// The folder of a package of ours.
pub(super) fn folder_of<'a>(crates: &BTreeSet<&'a str>, package: &str) -> Option<&'a str> {
    let folder = package.strip_prefix("keyward-").unwrap_or(package);
    let ours = package == "keyward" || package.starts_with("keyward-");
    crates.get(folder).copied().filter(|_| ours)
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::check;

    const CORE: (&str, &str) = ("crates/core/Cargo.toml", "");
    const STORE: (&str, &str) = ("crates/store/Cargo.toml", "[dependencies]\nkeyward-core.workspace = true\n");
    const TESTKIT: (&str, &str) = ("crates/testkit/Cargo.toml", "[dependencies]\nkeyward-store.workspace = true\n");

    #[test]
    fn arrows_that_point_inwards_pass() {
        let engine =
            "[dependencies]\nkeyward-core.workspace = true\n[dev-dependencies]\nkeyward-testkit = { path = \"\" }\n";
        assert_eq!(said(check, &[CORE, STORE, TESTKIT, ("crates/engine/Cargo.toml", engine)]), [""; 0]);
    }

    #[test]
    fn an_arrow_that_points_outwards_fails() {
        let edge = "[dependencies]\nhyper = \"1\"\nkeyward-store.workspace = true\n";
        let said = said(check, &[CORE, STORE, ("crates/edge/Cargo.toml", edge)]);
        assert_eq!(said, ["crates/edge/Cargo.toml:3: `edge` may not use `store`"]);
    }

    #[test]
    fn a_test_crate_that_ships_fails() {
        let keyward = "[dependencies]\nkeyward-testkit.workspace = true\n";
        let said = said(check, &[CORE, STORE, TESTKIT, ("crates/keyward/Cargo.toml", keyward)]);
        assert_eq!(said, ["crates/keyward/Cargo.toml:2: `keyward` ships `testkit`, which is for tests"]);
    }

    #[test]
    fn a_crate_without_a_place_fails() {
        let said = said(check, &[("crates/attic/Cargo.toml", "")]);
        assert_eq!(said, ["crates/attic/Cargo.toml:1: the crate `attic` has no place in the house"]);
    }
}
