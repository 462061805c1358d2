//! `keyward config …`: checks, shows and describes the configuration.

use keyward_api::command::{Command, Reply};
use serde_json::Value;

use crate::backend::{self, Reach};
use crate::cli::{Cli, Config};
use crate::exit::{Failed, Result};
use crate::given::as_given;
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
    let loaded = Loaded::read(cli, None)?;
    if let Ok(loaded) = &loaded {
        loaded.tell_of_unread();
    }
    match loaded {
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
    let reach = Reach::of(cli)?;
    let shown = |loaded: &Loaded| serde_json::to_value(loaded.config.show()).unwrap_or_default();
    let (running, values) = match (reach.ask_running(&Command::ShowConfiguration)?, &reach) {
        (Some(Reply::Configuration { running, values }), _) => (Some(running), values),
        (None, Reach::Here(loaded)) => (None, shown(loaded)),
        _ => return Err(backend::unexpected()),
    };
    let differs = match reach {
        // What its file says is to be seen there alone.
        Reach::There(_) => Vec::new(),
        Reach::Here(loaded) => {
            let read = running.as_ref().and_then(|_| as_given(cli, &values)).unwrap_or(*loaded);
            if read.stands_in { Vec::new() } else { differences(&values, &shown(&read)) }
        }
    };
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

/// The names whose values differ; those that flags and variables of the server set are its own affair.
pub fn differences(running: &Value, read: &Value) -> Vec<String> {
    let find = |all: &Value, path: &str| list(all).iter().find(|one| text(one, "path") == path).cloned();
    let own: Vec<String> =
        list(running).iter().filter(|one| is_own_affair(&text(one, "origin"))).map(|one| text(one, "path")).collect();
    // A list that is empty here is one name, and there one for each part of its items.
    let is_own = |name: &str| {
        own.iter().any(|path| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('[')))
    };
    let mut names: Vec<String> = list(running).iter().chain(list(read)).map(|one| text(one, "path")).collect();
    names.sort();
    names.dedup();
    names.retain(|name| {
        let value = |all| find(all, name).and_then(|one| one.get("value").cloned());
        !is_own(name) && value(running) != value(read)
    });
    names
}

/// Whether a value came by a flag or a variable, and not by a file or with Keyward: another process need not have it.
pub fn is_own_affair(origin: &str) -> bool {
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    origin.starts_with("--") || (is_name(origin) && !["default", "preset", ""].contains(&origin))
}

/// The values of an answer.
pub fn list(values: &Value) -> &[Value] {
    values.as_array().map_or(&[], Vec::as_slice)
}

/// A text in one of them.
pub fn text(one: &Value, field: &str) -> String {
    one.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}
