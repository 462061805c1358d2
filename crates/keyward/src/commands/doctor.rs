//! `keyward doctor`: looks at everything and says what an operator should know. Exit code 1 where something is wrong.

use crate::cli::Cli;
use crate::doctor::facts::Facts;
use crate::doctor::{Finding, Kind, rules};
use crate::exit::{Failed, Result};
use crate::{remote, terminal};

/// Examines and tells.
///
/// # Errors
/// Something is wrong, or the configuration cannot be read at all.
pub fn run(cli: &Cli) -> Result<()> {
    if remote::named(cli).is_some() {
        return Err(remote::only_there());
    }
    let findings = rules::examine(&Facts::gather(cli)?);
    if cli.json {
        terminal::json(&serde_json::json!({ "findings": findings }));
    } else {
        tell(&findings);
    }
    if findings.iter().any(|finding| finding.kind == Kind::Wrong) { Err(Failed::Told) } else { Ok(()) }
}

fn tell(findings: &[Finding]) {
    for kind in Kind::ALL {
        for finding in findings.iter().filter(|finding| finding.kind == kind) {
            terminal::line(&format!(
                "{:<5}  {}: {}\n       {}\n       what to do: {}\n",
                kind.as_str(),
                finding.code,
                terminal::printable(&finding.place),
                terminal::printable(&finding.what),
                terminal::printable(&finding.advice)
            ));
        }
    }
    let count = |kind: Kind| findings.iter().filter(|finding| finding.kind == kind).count();
    let [wrong, open, weak] = Kind::ALL.map(count);
    terminal::line(&format!("{wrong} wrong, {open} open, {weak} weak"));
}
