//! Only `store` knows which database it is (invariant 8), and `edge` cannot reach it (invariant 11).

use std::collections::BTreeSet;

use super::Sources;
use super::arrows::folder_of;
use crate::finding::Finding;
use crate::manifest::{self, When};

/// Crates that speak to a database.
const DRIVERS: [&str; 5] = ["sqlx", "rusqlite", "libsqlite3-sys", "redis", "tokio-postgres"];
const REMEDY: &str = "ask through a port of `engine`; the SQL goes to crates/store";

pub(super) fn check(sources: &Sources) -> Vec<Finding> {
    let mut found = named(sources);
    found.extend(depended_on(sources));
    found.extend(within_reach_of_edge(sources));
    found
}

fn is_driver(package: &str) -> bool {
    DRIVERS.contains(&package) || package.starts_with("sqlx-")
}

fn named(sources: &Sources) -> Vec<Finding> {
    let outside = sources.code.iter().filter(|(path, _)| !path.starts_with("crates/store/"));
    let mentions = outside.flat_map(|(path, code)| code.mentions.iter().map(move |mention| (path, mention)));
    mentions
        .filter(|(_, mention)| mention.path.first().is_some_and(|first| is_driver(first)))
        .map(|(path, mention)| {
            Finding::error(path, mention.line, format!("`{}` outside `store`", mention.path.join("::")), REMEDY)
        })
        .collect()
}

fn depended_on(sources: &Sources) -> Vec<Finding> {
    let mut found = Vec::new();
    for folder in sources.tree.crates().into_iter().filter(|folder| *folder != "store") {
        for dependency in manifest::dependencies(&sources.tree, folder).unwrap_or_default() {
            if is_driver(&dependency.package) {
                let what = format!("`{folder}` depends on `{}`", dependency.package);
                found.push(Finding::error(&manifest::path(folder), dependency.line, what, REMEDY));
            }
        }
    }
    found
}

/// Follows the crates of the workspace from `edge` on.
fn within_reach_of_edge(sources: &Sources) -> Option<Finding> {
    let crates = sources.tree.crates();
    let mut reached: BTreeSet<&str> = crates.get("edge").copied().into_iter().collect();
    let mut waiting: Vec<&str> = reached.iter().copied().collect();
    while let Some(folder) = waiting.pop() {
        for dependency in manifest::dependencies(&sources.tree, folder).unwrap_or_default() {
            if dependency.when != When::Always {
                continue;
            }
            if is_driver(&dependency.package) {
                let what = format!("`edge` reaches `{}` by way of `{folder}`", dependency.package);
                let remedy = "nothing on a data-plane thread may block on a disk: keep the database behind a port";
                return Some(Finding::error(&manifest::path(folder), dependency.line, what, remedy));
            }
            waiting.extend(folder_of(&crates, &dependency.package).filter(|next| reached.insert(next)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::check;

    const STORE: (&str, &str) = ("crates/store/Cargo.toml", "[dependencies]\nsqlx.workspace = true\n");

    #[test]
    fn the_store_may() {
        assert_eq!(said(check, &[STORE, ("crates/store/src/lib.rs", "use sqlx::query;")]), [""; 0]);
    }

    #[test]
    fn others_may_not() {
        let said = said(
            check,
            &[
                STORE,
                ("crates/api/Cargo.toml", "[dependencies]\nsqlx.workspace = true\n"),
                ("crates/api/src/lib.rs", "// sqlx\nfn f(x: sqlx::Pool) {}\n"),
            ],
        );
        assert_eq!(
            said,
            [
                "crates/api/src/lib.rs:2: `sqlx::Pool` outside `store`",
                "crates/api/Cargo.toml:2: `api` depends on `sqlx`"
            ]
        );
    }

    #[test]
    fn edge_does_not_reach_it_by_a_detour() {
        let said = said(
            check,
            &[
                STORE,
                ("crates/edge/Cargo.toml", "[dependencies]\nkeyward-engine.workspace = true\n"),
                ("crates/engine/Cargo.toml", "[dependencies]\nkeyward-store.workspace = true\n"),
            ],
        );
        assert_eq!(said, ["crates/store/Cargo.toml:2: `edge` reaches `sqlx` by way of `store`"]);
    }
}
