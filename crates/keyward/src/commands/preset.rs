//! `keyward preset …`: the presets in the binary, as the configuration files that they are.

use crate::cli::{Cli, Preset};
use crate::exit::{Failed, Result};
use crate::terminal;

/// Lists the presets, or prints one.
///
/// # Errors
/// No preset has that name.
pub fn run(cli: &Cli, command: &Preset) -> Result<()> {
    match command {
        Preset::List if cli.json => {
            let named = |(name, text)| serde_json::json!({"name": name, "about": about(text)});
            terminal::json(
                &serde_json::json!({"data": keyward_config::presets().map(named).collect::<Vec<_>>(), "nextCursor": null}),
            );
        }
        Preset::List => {
            let rows = keyward_config::presets().map(|(name, text)| vec![name.to_owned(), about(text)]);
            terminal::line(&terminal::table(&["NAME", "ABOUT"], rows));
        }
        Preset::Show { name } => {
            let (_, text) = keyward_config::presets().find(|(known, _)| known == name).ok_or_else(|| {
                Failed::Refused(format!("there is no preset {name:?}; `keyward preset list` lists them"))
            })?;
            terminal::line(text.trim_end());
        }
    }
    Ok(())
}

/// The sentence that a preset begins with.
fn about(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_start_matches('#').trim().to_owned()
}
