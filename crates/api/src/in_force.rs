//! The configuration in force, as operations see it: replaced as a whole while they run.

use std::sync::{Arc, PoisonError, RwLock};

use keyward_core::principal::Mode;
use keyward_core::rules::Rules;
use keyward_core::time::Timestamp;
use keyward_http::templates::Responses;
use serde::{Deserialize, Serialize};

use crate::fields::rfc3339;
use crate::portal::Portal;
use crate::sessions::tokens::Issuing;

/// How new keys begin, by mode.
#[derive(Clone, Debug)]
pub struct Prefixes {
    /// Such as `kw_live_`.
    pub live: String,
    /// Such as `kw_test_`.
    pub test: String,
}

impl Prefixes {
    /// The prefix of a new key of a mode.
    pub fn of(&self, mode: Mode) -> &str {
        match mode {
            Mode::Live => &self.live,
            Mode::Test => &self.test,
        }
    }
}

/// One version of the configuration.
#[derive(Clone)]
pub struct Configuration {
    /// Its number: 1 at the start of the process.
    pub version: u64,
    /// Since when it is in force.
    pub since: Timestamp,
    /// The file it came from.
    pub file: Option<String>,
    /// Each value with its origin, secrets masked, as `config show` shows it.
    pub values: serde_json::Value,
    /// The rules.
    pub rules: Arc<Rules>,
    /// In which words requests are answered.
    pub responses: Arc<Responses>,
    /// The account of users who are made without one, by its name.
    pub default_account: Option<Box<str>>,
    /// How new keys begin.
    pub prefixes: Prefixes,
    /// How the secrets of new pairs begin.
    pub pair_prefixes: Prefixes,
    /// Who is asked about keys that nobody here knows.
    pub adopting: Option<Adopting>,
    /// The customer portal, where it is on.
    pub portal: Option<Portal>,
    /// How tokens are issued.
    pub issuing: Issuing,
}

/// Who is asked about keys that nobody here knows, and whose they become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopting {
    /// What is asked.
    pub url: Box<str>,
    /// Which header has the key.
    pub header: Box<str>,
    /// Their owner, by name; `None`: the first administrator.
    pub owner: Option<String>,
    /// What they may do; `None`: their owner's.
    pub scopes: Option<Vec<String>>,
}

/// What runs, for people and programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningView {
    /// Its number: 1 at the start of the process.
    pub version: u64,
    /// Since when it is in force.
    pub since: String,
    /// The file it came from.
    pub file: Option<String>,
}

/// Holds the one that is in force.
pub struct InForce(RwLock<Arc<Configuration>>);

impl InForce {
    /// From the first.
    pub fn new(first: Configuration) -> Self {
        Self(RwLock::new(Arc::new(first)))
    }

    /// The one in force now. An operation asks once and goes by it to its end.
    pub fn now(&self) -> Arc<Configuration> {
        // A panic elsewhere leaves it whole: it is replaced by one assignment.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another in force.
    pub fn replace(&self, configuration: Configuration) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(configuration);
    }
}

impl Configuration {
    /// What runs, for people and programs.
    pub fn view(&self) -> RunningView {
        RunningView { version: self.version, since: rfc3339(self.since), file: self.file.clone() }
    }
}
