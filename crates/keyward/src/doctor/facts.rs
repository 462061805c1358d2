//! What the doctor looks at, gathered before anything is judged: the configuration, the data directory, and the records in
//! it. Nothing is changed by looking.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use keyward_api::audit::AuditReport;
use keyward_api::command::{Command, Reply};
use keyward_api::keys::KeyQuestion;
use keyward_api::people::accounts::{AccountQuestion, AccountView};
use keyward_api::people::command::PeopleCommand;
use keyward_api::people::users::{UserQuestion, UserView};
use keyward_api::view::KeyView;
use keyward_config::{Mistake, Settings};
use keyward_engine::ports::Clock as _;
use serde_json::Value;

use crate::certificates::Files;
use crate::cli::Cli;
use crate::commands::config::{differences, is_own_affair, list, text};
use crate::exit::Result;
use crate::given::as_given;
use crate::settings::Loaded;
use crate::system::SystemClock;
use crate::{backend, first_start, master_key, pages};

/// All of it.
#[derive(Default)]
pub struct Facts {
    /// What is wrong with the configuration.
    pub mistakes: Vec<Mistake>,
    /// What is doubtful in it.
    pub warnings: Vec<Mistake>,
    /// Its values; none where it has mistakes.
    pub settings: Option<Settings>,
    /// Where each value comes from, by its path.
    pub origins: BTreeMap<String, String>,
    /// The files of TLS; none where it is off.
    pub tls: Option<Tls>,
    /// The data directory.
    pub data: Data,
    /// Nobody knows where the records are, because the configuration has mistakes.
    pub skipped: bool,
    /// Why the records could not be looked at.
    pub unreachable: Option<String>,
    /// Keys that can be used.
    pub keys: Vec<KeyView>,
    /// Users.
    pub users: Vec<UserView>,
    /// Accounts.
    pub accounts: Vec<AccountView>,
    /// What the audit log says of itself.
    pub audit: Option<AuditReport>,
    /// The values of a running server that are not those of the file.
    pub differs: Vec<String>,
}

/// What the files of `server.tls` hold.
#[derive(Default)]
pub struct Tls {
    /// Why they cannot be used.
    pub fault: Option<String>,
    /// Keys that everybody on this machine can read, with the modes of their files.
    pub readable: Vec<(String, u32)>,
    /// Each certificate, with how many seconds it is still valid.
    pub ends: Vec<(String, i64)>,
}

impl Tls {
    fn look(files: &Files) -> Self {
        let now = SystemClock::new().now().wall.as_millis() / 1000;
        let (fault, ends) = match files.read() {
            Ok(prepared) => (None, prepared.ends),
            Err(why) => (Some(why), Vec::new()),
        };
        let names = files.pairs.iter().map(|(chain, _)| chain.display().to_string());
        let left = ends.into_iter().map(|end| i64::try_from(end).unwrap_or(i64::MAX).saturating_sub(now));
        Self { fault, readable: files.readable_keys(), ends: names.zip(left).collect() }
    }
}

/// What is in the data directory.
#[derive(Default)]
pub struct Data {
    /// Where it is.
    pub dir: String,
    /// Whether there is a store.
    pub exists: bool,
    /// Files and the directory itself that others can read, with their modes.
    pub readable: Vec<(String, u32)>,
    /// The first password still lies there.
    pub initial_password: bool,
    /// The master key lies beside what it seals.
    pub master_key_beside: bool,
    /// Decisions that could not be read and were set aside.
    pub set_aside: Vec<String>,
}

impl Facts {
    /// Gathers them.
    ///
    /// # Errors
    /// The configuration cannot be read at all.
    pub fn gather(cli: &Cli) -> Result<Self> {
        let loaded = match Loaded::read(cli, None)? {
            Ok(loaded) => loaded,
            Err(mistakes) => {
                let running = Loaded::of_running(cli, &mistakes);
                let mut facts = Self { mistakes: mistakes.mistakes, warnings: mistakes.warnings, ..Self::default() };
                facts.look_at_data(running.as_ref());
                return Ok(facts);
            }
        };
        let running = running(&loaded);
        let loaded = running.as_ref().and_then(|values| as_given(cli, values)).unwrap_or(loaded);
        let origin = |one: &keyward_config::Shown| (one.path.clone(), one.origin.to_string());
        let mut facts = Self {
            warnings: loaded.config.warnings.clone(),
            settings: Some(loaded.settings().clone()),
            tls: Files::of(loaded.settings()).as_ref().map(Tls::look),
            origins: loaded.config.show().iter().map(origin).collect(),
            ..Self::default()
        };
        facts.look_at_data(Some(&loaded));
        if let Some(values) = running {
            let read = serde_json::to_value(loaded.config.show()).unwrap_or_default();
            facts.differs = differences(&values, &read);
            let own = |one: &&Value| is_own_affair(&text(one, "origin"));
            facts.origins.extend(list(&values).iter().filter(own).map(|one| (text(one, "path"), text(one, "origin"))));
        }
        Ok(facts)
    }

    fn look_at_data(&mut self, loaded: Option<&Loaded>) {
        let Some(loaded) = loaded else {
            self.skipped = true;
            return;
        };
        self.data = Data::look(loaded.data_dir());
        if self.data.exists
            && let Err(error) = self.look_at_records(loaded)
        {
            self.unreachable = Some(error.to_string());
        }
    }

    fn look_at_records(&mut self, loaded: &Loaded) -> Result<()> {
        let keys = pages::all(0, None, |cursor, limit| {
            match backend::run(loaded, Command::ListKeys { question: KeyQuestion::default(), cursor, limit })? {
                Reply::Keys { listing } => Ok(listing),
                _ => Err(backend::unexpected()),
            }
        })?;
        self.keys = keys.data.into_iter().filter(|key| key.status == "active").collect();
        let users = pages::all(0, None, |cursor, limit| {
            match backend::run(
                loaded,
                Command::People(PeopleCommand::ListUsers { question: UserQuestion::default(), cursor, limit }),
            )? {
                Reply::Users { listing } => Ok(listing),
                _ => Err(backend::unexpected()),
            }
        })?;
        self.users = users.data;
        let accounts = pages::all(0, None, |cursor, limit| {
            match backend::run(
                loaded,
                Command::People(PeopleCommand::ListAccounts { question: AccountQuestion::default(), cursor, limit }),
            )? {
                Reply::Accounts { listing } => Ok(listing),
                _ => Err(backend::unexpected()),
            }
        })?;
        self.accounts = accounts.data;
        if let Reply::AuditVerified { report } = backend::run(loaded, Command::VerifyAudit { head: None })? {
            self.audit = Some(report);
        }
        Ok(())
    }

    /// A value's place for people: its name, and where it comes from.
    pub fn place(&self, path: &str) -> String {
        // A list or map as a whole has no origin of its own; that of its first part will do.
        let origin = self
            .origins
            .get(path)
            .or_else(|| self.origins.iter().find(|(name, _)| name.starts_with(path)).map(|(_, origin)| origin));
        origin.map_or_else(|| path.to_owned(), |origin| format!("{path} ({origin})"))
    }
}

/// The values that a server on this data directory goes by, where one runs.
fn running(loaded: &Loaded) -> Option<Value> {
    match backend::ask_running(loaded, &Command::ShowConfiguration) {
        Ok(Some(Reply::Configuration { values, .. })) => Some(values),
        // That it does not answer is told where the records are looked at.
        Ok(_) | Err(_) => None,
    }
}

impl Data {
    fn look(dir: &Path) -> Self {
        let there = |name: &str| dir.join(name).exists();
        let mut all: Vec<_> =
            std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        all.sort();
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let set_aside = all.iter().map(|path| name(path)).filter(|name| {
            name.starts_with(&format!("{}.damaged-", keyward_store::DECISIONS_FILE_NAME)) && !name.contains("-wal")
        });
        let set_aside = set_aside.collect();
        all.push(dir.to_owned());
        let readable = all.iter().filter_map(|path| {
            let mode = path.symlink_metadata().ok()?.mode() & 0o777;
            (mode & 0o077 != 0).then(|| (path.display().to_string(), mode))
        });
        Self {
            dir: dir.display().to_string(),
            exists: there(keyward_store::FILE_NAME),
            readable: readable.collect(),
            initial_password: there(first_start::FILE),
            master_key_beside: there(master_key::NAME),
            set_aside,
        }
    }
}
