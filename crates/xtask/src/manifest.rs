//! What a `Cargo.toml` depends on, under the names of the packages.

use toml::{Table, Value};

use crate::tree::Tree;

/// When a dependency is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// In what is built, or while it is built.
    Always,
    /// In tests and benches alone.
    Tests,
}

/// One dependency of one crate.
#[derive(Debug)]
pub(crate) struct Dependency {
    /// The package, whatever name it is given here.
    pub(crate) package: String,
    pub(crate) when: When,
    pub(crate) line: usize,
}

/// The manifest of `crates/<folder>`.
pub(crate) fn path(folder: &str) -> String {
    format!("crates/{folder}/Cargo.toml")
}

/// All dependencies of `crates/<folder>`, those of one platform included; or why the manifest cannot be read.
pub(crate) fn dependencies(tree: &Tree, folder: &str) -> Result<Vec<Dependency>, String> {
    let text = tree.text(&path(folder)).unwrap_or_default();
    let manifest: Table = text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    let platforms = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let mut found = Vec::new();
    for table in std::iter::once(&manifest).chain(platforms.filter_map(Value::as_table)) {
        for (section, when) in
            [("dependencies", When::Always), ("build-dependencies", When::Always), ("dev-dependencies", When::Tests)]
        {
            let entries = table.get(section).and_then(Value::as_table).into_iter().flatten();
            found.extend(entries.map(|(name, entry)| Dependency {
                package: package(tree, name, entry),
                when,
                line: line_of(text, name),
            }));
        }
    }
    Ok(found)
}

/// The package behind a name: its own `package`, else the workspace's, else the name.
fn package(tree: &Tree, name: &str, entry: &Value) -> String {
    let inherited = entry.get("workspace").and_then(Value::as_bool) == Some(true);
    let of_workspace = || {
        let root: Table = tree.text("Cargo.toml")?.parse().ok()?;
        Some(root.get("workspace")?.get("dependencies")?.get(name)?.get("package")?.as_str()?.to_owned())
    };
    let own = || Some(entry.get("package")?.as_str()?.to_owned());
    own().or_else(|| if inherited { of_workspace() } else { None }).unwrap_or_else(|| name.to_owned())
}

fn line_of(text: &str, name: &str) -> usize {
    text.lines().position(|line| line.trim_start().starts_with(name)).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renamed_packages_keep_their_name() {
        let tree = Tree::of(&[
            ("Cargo.toml", "[workspace.dependencies]\ndatabase = { package = \"sqlx\", version = \"1\" }\n"),
            (
                "crates/a/Cargo.toml",
                "[dependencies]\ndatabase.workspace = true\n[target.'cfg(unix)'.dev-dependencies]\nx = { package = \"y\" }\n",
            ),
        ]);
        let found = dependencies(&tree, "a").unwrap();
        let names: Vec<_> = found.iter().map(|d| (d.package.as_str(), d.when, d.line)).collect();
        assert_eq!(names, [("sqlx", When::Always, 2), ("y", When::Tests, 4)]);
    }
}
