//! Runs every rule over the repository and puts the findings in order.

use std::path::Path;
use std::{fmt, io};

use crate::checks::{self, Sources};
use crate::finding::Finding;
use crate::tree::Tree;

/// All findings, by file and line.
#[derive(Debug)]
pub(crate) struct Report {
    findings: Vec<Finding>,
    files: usize,
}

/// Checks the repository below `root`.
pub(crate) fn run(root: &Path) -> io::Result<Report> {
    let (sources, mut findings) = Sources::of(Tree::read(root)?);
    findings.extend(checks::ALL.iter().flat_map(|check| check(&sources)));
    findings.sort();
    findings.dedup();
    Ok(Report { findings, files: sources.code.len() })
}

impl Report {
    /// Whether a rule is broken.
    pub(crate) fn failed(&self) -> bool {
        self.findings.iter().any(|finding| !finding.warning)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            write!(f, "{finding}")?;
        }
        let warnings = self.findings.iter().filter(|finding| finding.warning).count();
        let errors = self.findings.len() - warnings;
        writeln!(f, "tidy: {} Rust files, {errors} errors, {warnings} warnings", self.files)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Writes a small repository that keeps every rule, with one file replaced.
    fn report(path: &str, text: &str) -> Report {
        let root = tempfile::tempdir().unwrap();
        let files = [
            ("ARCHITECTURE.md", "| crate |\n|---|\n| `core` |\n"),
            ("crates/core/Cargo.toml", "[package]\nname = \"keyward-core\"\n"),
            ("crates/core/src/lib.rs", "//! Rules.\n"),
            ("crates/xtask/reference-systems.toml", "names = [\"oldsys\"]\n"),
            ("docs/attacks.md", ""),
            ("docs/contracts/oldsys.md", ""),
            (path, text),
        ];
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        run(root.path()).unwrap()
    }

    #[test]
    fn a_tidy_repository_passes() {
        let report = report("README.md", "");
        assert!(!report.failed());
        assert_eq!(report.to_string(), "tidy: 1 Rust files, 0 errors, 0 warnings\n");
    }

    #[test]
    fn a_broken_rule_fails_and_says_where_and_what_to_do() {
        let report = report("crates/core/src/lib.rs", "//! Rules.\n\nuse std::fs;\n");
        assert!(report.failed());
        assert_eq!(
            report.to_string(),
            "crates/core/src/lib.rs:3: error: `std::fs` is IO, and `core` has none\n    \
             let it come in as a value or a port, from `engine` or further out\n\
             tidy: 1 Rust files, 1 errors, 0 warnings\n"
        );
    }

    #[test]
    fn a_file_that_is_no_rust_fails() {
        assert!(report("crates/core/src/lib.rs", "//! Rules.\nfn {\n").failed());
    }

    #[test]
    fn a_warning_alone_passes() {
        let text = format!("//! Rules.\nfn f() {{\n{}}}\n", "    g();\n".repeat(90));
        let report = report("crates/core/src/lib.rs", &text);
        assert!(!report.failed());
        assert!(report.to_string().ends_with("0 errors, 1 warnings\n"));
    }
}
