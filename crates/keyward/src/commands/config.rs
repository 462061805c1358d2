//! `keyward config …`: checks, shows and describes the configuration.

use keyward_api::command::{Command, Reply};
use serde_json::Value;

use crate::backend;
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
            let what = match (loaded.file, loaded.config.preset) {
                (Some(file), _) => file.display().to_string(),
                (None, Some(preset)) => format!("no configuration file; the preset {preset}"),
                (None, None) => "no configuration file; the defaults".to_owned(),
            };
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

/// What runs, where a server does; else what would.
fn show(cli: &Cli) -> Result<()> {
    let loaded = Loaded::for_command(cli)?;
    let read = serde_json::to_value(loaded.config.show()).unwrap_or_default();
    let (running, values) = match backend::ask_running(&loaded, &Command::ShowConfiguration)? {
        Some(Reply::Configuration { running, values }) => (Some(running), values),
        Some(_) => return Err(backend::unexpected()),
        None => (None, read.clone()),
    };
    let differs = if loaded.stands_in { Vec::new() } else { differences(&values, &read) };
    if cli.json {
        terminal::json(&serde_json::json!({"running": running, "values": values, "differs": differs}));
        return Ok(());
    }
    let rows = list(&values).iter().map(|one| {
        vec![text(one, "path"), text(one, "origin"), one.get("value").map(Value::to_string).unwrap_or_default()]
    });
    terminal::line(&terminal::table(&["NAME", "FROM", "VALUE"], rows));
    match running {
        Some(running) => {
            let file = running.file.unwrap_or_else(|| "no file".to_owned());
            terminal::line(&format!(
                "\nrunning: version {} from {file}, in force since {}",
                running.version, running.since
            ));
        }
        None => terminal::line("\nno server runs on this data directory; one started now would go by these"),
    }
    if !differs.is_empty() {
        terminal::line(&format!(
            "what was read now is NOT what runs: {}. The server's stderr and `keyward audit list --subject configuration` say \
             why it was refused; SIGHUP makes the server read it again",
            differs.join(", ")
        ));
    }
    Ok(())
}

/// The names whose values differ; those that flags of the server set are its own affair.
pub fn differences(running: &Value, read: &Value) -> Vec<String> {
    let find = |all: &Value, path: &str| list(all).iter().find(|one| text(one, "path") == path).cloned();
    let mut names: Vec<String> = list(running).iter().chain(list(read)).map(|one| text(one, "path")).collect();
    names.sort();
    names.dedup();
    names.retain(|name| {
        let (runs, reads) = (find(running, name), find(read, name));
        let by_flag = runs.as_ref().is_some_and(|one| text(one, "origin").starts_with("--"));
        !by_flag && runs.and_then(|one| one.get("value").cloned()) != reads.and_then(|one| one.get("value").cloned())
    });
    names
}

fn list(values: &Value) -> &[Value] {
    values.as_array().map_or(&[], Vec::as_slice)
}

fn text(one: &Value, field: &str) -> String {
    one.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}
