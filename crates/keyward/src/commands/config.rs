//! `keyward config …`: checks, shows and describes the configuration.

use crate::cli::{Cli, Config};
use crate::exit::{Failed, Result};
use crate::settings::Loaded;
use crate::terminal;

/// Carries out one of the configuration commands.
///
/// # Errors
/// Mistakes in the configuration.
pub fn run(cli: &Cli, command: &Config) -> Result<()> {
    match command {
        Config::Check => check(cli),
        Config::Schema => {
            terminal::json(&keyward_config::schema());
            Ok(())
        }
        Config::Show => show(cli),
    }
}

fn check(cli: &Cli) -> Result<()> {
    match Loaded::read(cli, None)? {
        Ok(loaded) if cli.json => {
            terminal::json(&serde_json::json!({"mistakes": [], "warnings": loaded.config.warnings}));
        }
        Ok(loaded) => {
            for warning in &loaded.config.warnings {
                terminal::line(warning.render_warning(false).trim_end());
            }
            let what =
                loaded.file.map_or("no configuration file; the defaults".to_owned(), |file| file.display().to_string());
            terminal::line(&format!("{what}: no mistakes"));
        }
        Err(mistakes) => {
            if cli.json {
                terminal::json(&mistakes);
            } else {
                terminal::line(mistakes.render(terminal::is_terminal()).trim_end());
                let count = mistakes.mistakes.len();
                let noun = if count == 1 { "mistake" } else { "mistakes" };
                terminal::line(&format!("\n{count} {noun}; a running server goes on with the configuration it has"));
            }
            return Err(Failed::Told);
        }
    }
    Ok(())
}

fn show(cli: &Cli) -> Result<()> {
    let loaded = Loaded::for_command(cli)?;
    let shown = loaded.config.show();
    if cli.json {
        terminal::json(&shown);
        return Ok(());
    }
    let rows = shown.iter().map(|one| vec![one.path.clone(), one.origin.to_string(), one.value.to_string()]);
    terminal::line(&terminal::table(&["NAME", "FROM", "VALUE"], rows));
    Ok(())
}
