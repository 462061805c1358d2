//! Nothing outside `core`'s conclude makes a `Permit` (invariant 2).

use super::Sources;
use crate::finding::Finding;

/// Where permits are made, and by which function.
const MAKER: (&str, &str) = ("crates/core/src/machine.rs", "conclude");
const REMEDY: &str = "ask for a decision; only `conclude` in crates/core/src/machine.rs makes a permit";

/// Traits that would make one out of nothing.
const CONJURERS: [&str; 2] = ["Default", "Deserialize"];

pub(super) fn check(sources: &Sources) -> Vec<Finding> {
    let mut found = Vec::new();
    // Programs under tests/ui are there to be refused by the compiler for just this.
    for (path, code) in sources.code.iter().filter(|(path, _)| !path.contains("/tests/ui/")) {
        for made in code.constructions.iter().filter(|made| made.name == "Permit") {
            if (path.as_str(), made.function.as_str()) != MAKER {
                found.push(Finding::error(path, made.line, "a `Permit` is made here", REMEDY));
            }
        }
        for derived in &code.derives {
            if derived.of == "Permit" && CONJURERS.contains(&derived.name.as_str()) {
                let what = format!("`{}` makes a `Permit` out of nothing", derived.name);
                found.push(Finding::error(path, derived.line, what, REMEDY));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::check;

    const CORE: &str = "struct Permit { route: u8 }
        fn conclude() -> Permit { Permit { route: 1 } }";

    #[test]
    fn conclude_may() {
        let elsewhere = "fn f(p: Permit) -> Permit { let Permit { route } = p; g() }";
        assert_eq!(
            said(check, &[("crates/core/src/machine.rs", CORE), ("crates/core/src/rules.rs", elsewhere)]),
            [""; 0]
        );
    }

    #[test]
    fn others_may_not() {
        let said = said(
            check,
            &[
                (
                    "crates/core/src/machine.rs",
                    "fn shortcut() { Permit { route: 1 } }\nimpl Permit { fn new() -> Self { Self { route: 1 } } }",
                ),
                (
                    "crates/edge/src/lib.rs",
                    "fn conclude() {\n    f(vec![keyward_core::machine::Permit { route: 1 }]) }",
                ),
                (
                    "crates/core/src/other.rs",
                    "#[derive(Clone, Default)]\nstruct Permit {}\nimpl serde::Deserialize<'_> for Permit {}",
                ),
            ],
        );
        assert_eq!(
            said,
            [
                "crates/core/src/machine.rs:1: a `Permit` is made here",
                "crates/core/src/machine.rs:2: a `Permit` is made here",
                "crates/core/src/other.rs:1: `Default` makes a `Permit` out of nothing",
                "crates/core/src/other.rs:3: `Deserialize` makes a `Permit` out of nothing",
                "crates/edge/src/lib.rs:2: a `Permit` is made here",
            ]
        );
    }
}
