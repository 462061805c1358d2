//! `keyward import …`: users and keys of other programs, from files in their forms.

use std::collections::BTreeMap;

use keyward_api::command::{Command, Reply};
use keyward_api::import::files::Form;
use keyward_api::import::keys::KeyImport;
use keyward_api::import::{Import as Users, Report};
use keyward_api::people::command::{PeopleCommand, PeopleReply};

use crate::cli::{Cli, Import};
use crate::exit::{Failed, Result};
use crate::settings::Loaded;
use crate::{backend, pages, secret_input, terminal};

/// Looks at a file, and takes what is in it where that is asked for.
///
/// # Errors
/// The file cannot be read, or what the operation says.
pub fn run(cli: &Cli, form: &Import) -> Result<()> {
    let loaded = Loaded::for_command(cli)?;
    match backend::run(&loaded, Command::People(asked(form)?))? {
        Reply::People(PeopleReply::Imported { report }) if cli.json => terminal::json(&report),
        Reply::People(PeopleReply::Imported { report }) => terminal::line(&told(report)),
        _ => return Err(backend::unexpected()),
    }
    Ok(())
}

fn asked(asked: &Import) -> Result<PeopleCommand> {
    let form = match asked.form.as_str() {
        "htpasswd" => return users(asked),
        "csv" => Form::Csv,
        "env" => Form::Env { variables: pages::words(asked.variables.as_deref().unwrap_or_default()) },
        "json" => Form::Json { members: members(asked.map.as_deref().unwrap_or_default())? },
        preset => Form::Json {
            members: keyward_config::import_members(preset).ok_or_else(|| {
                Failed::Refused(format!(
                    "{preset:?} is no form of files: htpasswd, csv, env, json, or a preset whose program keeps its keys in one"
                ))
            })?,
        },
    };
    let misplaced = [
        ("--roles", asked.roles.is_some()),
        ("--account", asked.account.is_some()),
        ("--keys", asked.variables.is_some() && asked.form != "env"),
        ("--map", asked.map.is_some() && asked.form != "json"),
    ];
    fits(asked, &misplaced)?;
    let import = KeyImport {
        text: secret_input::whole(&asked.file)?,
        form,
        owner: asked.owner.clone(),
        make_users: asked.make_users,
        pepper: asked.pepper_file.as_deref().map(secret_input::line).transpose()?,
        apply: asked.apply,
    };
    Ok(PeopleCommand::ImportKeys { import })
}

fn users(asked: &Import) -> Result<PeopleCommand> {
    let misplaced = [
        ("--keys", asked.variables.is_some()),
        ("--map", asked.map.is_some()),
        ("--owner", asked.owner.is_some()),
        ("--make-users", asked.make_users),
        ("--pepper-file", asked.pepper_file.is_some()),
    ];
    fits(asked, &misplaced)?;
    let import = Users {
        text: secret_input::whole(&asked.file)?,
        roles: asked.roles.as_deref().map(pages::words),
        account: asked.account.clone(),
        apply: asked.apply,
    };
    Ok(PeopleCommand::Import { import })
}

/// That no flag was given that means nothing for this form.
fn fits(asked: &Import, misplaced: &[(&str, bool)]) -> Result<()> {
    match misplaced.iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) => Err(Failed::Refused(format!("{flag} means nothing for {:?}", asked.form))),
        None => Ok(()),
    }
}

fn members(map: &str) -> Result<BTreeMap<String, String>> {
    let pair = |word: &String| {
        let pair = word.split_once('=').filter(|(field, member)| !field.is_empty() && !member.is_empty());
        let (field, member) =
            pair.ok_or_else(|| Failed::Refused("--map takes FIELD=MEMBER, comma-separated".to_owned()))?;
        Ok((field.to_owned(), member.to_owned()))
    };
    pages::words(map).iter().map(pair).collect()
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
