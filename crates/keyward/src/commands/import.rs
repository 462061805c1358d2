//! `keyward import …`: users of other programs with their passwords, from files in their forms.

use keyward_api::command::{Command, Reply};
use keyward_api::import::{Import as Asked, Report};
use keyward_api::people_command::PeopleCommand;

use crate::cli::{Cli, Import};
use crate::exit::Result;
use crate::settings::Loaded;
use crate::{backend, pages, secret_input, terminal};

/// Looks at a file, and takes what is in it where that is asked for.
///
/// # Errors
/// The file cannot be read, or what the operation says.
pub fn run(cli: &Cli, form: &Import) -> Result<()> {
    let loaded = Loaded::for_command(cli)?;
    let Import::Htpasswd { file, roles, account, apply } = form;
    let import = Asked {
        text: secret_input::whole(file)?,
        roles: roles.as_deref().map(pages::words),
        account: account.clone(),
        apply: *apply,
    };
    match backend::run(&loaded, Command::People(PeopleCommand::Import { import }))? {
        Reply::Imported { report } if cli.json => terminal::json(&report),
        Reply::Imported { report } => terminal::line(&told(report)),
        _ => return Err(backend::unexpected()),
    }
    Ok(())
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
