//! `keyward import …`: users and keys of other programs, from files in their forms.

use keyward_api::command::{Command, Reply};
use keyward_api::import::{Import as Users, Report};
use keyward_api::import_keys::{Form, KeysToImport};
use keyward_api::people_command::PeopleCommand;

use crate::cli::{Cli, Import};
use crate::exit::{Failed, Result};
use crate::settings::Loaded;
use crate::{backend, pages, secret_input, terminal};

/// The one form of users.
const HTPASSWD: &str = "htpasswd";

/// Looks at a file, and takes what is in it where that is asked for.
///
/// # Errors
/// The file cannot be read, or what the operation says.
pub fn run(cli: &Cli, flags: &Import) -> Result<()> {
    let loaded = Loaded::for_command(cli)?;
    match backend::run(&loaded, Command::People(translate(flags)?))? {
        Reply::Imported { report } if cli.json => terminal::json(&report),
        Reply::Imported { report } => terminal::line(&told(report)),
        _ => return Err(backend::unexpected()),
    }
    Ok(())
}

fn translate(flags: &Import) -> Result<PeopleCommand> {
    let words = |list: &Option<String>| list.as_deref().map(pages::words);
    if flags.form == HTPASSWD {
        let text = secret_input::whole(&flags.file)?;
        let (roles, account, apply) = (words(&flags.roles), flags.account.clone(), flags.apply);
        return Ok(PeopleCommand::Import { import: Users { text, roles, account, apply } });
    }
    let form = form(&flags.form)?;
    Ok(PeopleCommand::ImportKeys {
        import: KeysToImport {
            text: secret_input::whole(&flags.file)?,
            form,
            owner: flags.owner.clone(),
            account: flags.account.clone(),
            scopes: words(&flags.scopes),
            variables: words(&flags.variables).unwrap_or_default(),
            apply: flags.apply,
        },
    })
}

/// A form of keys by its name.
fn form(name: &str) -> Result<Form> {
    let Some((_, text)) = keyward_config::import_forms().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = keyward_config::import_forms().map(|(known, _)| known).chain([HTPASSWD]).collect();
        return Err(Failed::Refused(format!("there is no form {name:?}; there are {}", known.join(", "))));
    };
    serde_json::from_str(text).map_err(|error| Failed::Refused(format!("the form {name:?} cannot be read: {error}")))
}

fn told(report: Report) -> String {
    let taken = report.entries.iter().filter(|entry| entry.taken).count();
    let left = report.entries.len() - taken;
    let end = if report.applied {
        format!("{taken} taken, {left} left")
    } else {
        format!("{taken} would be taken, {left} left; nothing was changed: --apply takes them")
    };
    let rows = report.entries.into_iter().map(|entry| {
        let what = if entry.taken { "taken" } else { "left" };
        vec![entry.line.to_string(), entry.name.unwrap_or_else(|| "-".to_owned()), what.to_owned(), entry.why]
    });
    format!("{}\n{end}", terminal::table(&["LINE", "NAME", "", "WHY"], rows))
}
