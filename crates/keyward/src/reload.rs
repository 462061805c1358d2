//! Another configuration for a running server: read, checked, compared, recorded, and then put in force on every core; or
//! refused as a whole, and the old one goes on.

use std::sync::Arc;
use std::time::Duration;

use keyward_api::origin::Origin;
use keyward_api::service::Service;
use keyward_config::Changed;
use keyward_edge::Setups;
use keyward_engine::audit::{Action, AuditEvent};
use keyward_engine::node::Node;

use crate::cli::{Cli, Serve};
use crate::file_watch::FileWatch;
use crate::issuers::Issuers;
use crate::settings::Loaded;
use crate::{terminal, wire};

/// How long cores have to take a configuration over; each does before its next request, or within a quarter of a second.
const TAKEN_WITHIN: Duration = Duration::from_secs(5);
const ASK_EVERY: Duration = Duration::from_millis(5);
/// The most characters of what changed that the audit log takes.
const LONGEST_DETAIL: usize = 4000;

/// What takes a restart: ports, places and sizes that are fixed when the process starts.
const FIXED: &[&str] = &[
    "server.host",
    "server.port",
    "server.socket",
    // What the files hold is read again by itself.
    "server.tls",
    "server.limits",
    "admin.",
    "data.",
    "decisions.",
    "audit.",
    // The key that signs is opened or made at start, with every core told of it before the first token.
    "security.jwt.algorithm",
    "security.jwt.secret",
];

/// Why the configuration is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// SIGHUP.
    Signal,
    /// The file is another one than before.
    File,
}

/// The configuration of a running server.
pub struct Reloader<'a> {
    cli: &'a Cli,
    flags: &'a Serve,
    loaded: &'a Loaded,
    newer: Option<Loaded>,
    version: u64,
    /// What stands in the file now was refused.
    refused: bool,
    service: Arc<Service>,
    node: Arc<Node>,
    setups: Arc<Setups>,
    issuers: Issuers,
    file: FileWatch,
}

impl<'a> Reloader<'a> {
    /// For a server that started with `loaded` as version 1.
    pub fn new(
        (cli, flags, loaded): (&'a Cli, &'a Serve, &'a Loaded),
        service: &Arc<Service>,
        node: &Arc<Node>,
        setups: &Arc<Setups>,
        issuers: Issuers,
    ) -> Self {
        Self {
            cli,
            flags,
            loaded,
            newer: None,
            version: 1,
            refused: false,
            service: Arc::clone(service),
            node: Arc::clone(node),
            setups: Arc::clone(setups),
            issuers,
            file: FileWatch::new(loaded.file.iter().cloned().zip([loaded.stamp])),
        }
    }

    /// The configuration that is in force, where it is another than the first.
    pub fn newer(self) -> Option<Loaded> {
        self.newer
    }

    /// Waits until the file is another one. Cancelling it loses nothing.
    pub async fn file_changed(&mut self) {
        self.file.changed().await;
    }

    /// Reads the configuration again, and says on stderr what came of it.
    pub async fn reload(&mut self, cause: Cause) {
        match self.try_reload().await {
            Ok(None) if self.refused => {
                self.refused = false;
                self.say(&format!("it is again what version {} goes by; nothing changed", self.version));
            }
            Ok(None) if cause == Cause::File => {}
            Ok(None) => self.say("nothing in it changed"),
            Ok(Some(changes)) => {
                self.refused = false;
                let count = changes.len();
                let noun = if count == 1 { "value" } else { "values" };
                let version = self.version;
                self.say(&format!("version {version} is in force, {count} {noun} changed:\n{}", lines(&changes)));
            }
            Err(why) => {
                self.refused = true;
                let event = self.event(Action::ConfigRefused, vec![("why", shortened(&why))]);
                // Whether this can be recorded or not, nothing was changed.
                let _ = self.service.store.record_event(&event).await;
                self.say(&format!("refused, version {} goes on:\n{why}", self.version));
            }
        }
    }

    async fn try_reload(&mut self) -> Result<Option<Vec<Changed>>, String> {
        let read = Loaded::read(self.cli, Some(self.flags)).map_err(|error| error.to_string())?;
        let next = read.map_err(|mistakes| mistakes.render(false).trim_end().to_owned())?;
        let old = self.newer.as_ref().unwrap_or(self.loaded);
        let changes = next.config.changes_since(&old.config);
        if changes.is_empty() {
            return Ok(None);
        }
        let fixed: Vec<&str> =
            changes.iter().map(|change| change.path.as_str()).filter(|path| is_fixed(path)).collect();
        if !fixed.is_empty() {
            return Err(format!("{}: takes a restart; put it back, or restart the server", fixed.join(", ")));
        }
        let version = self.version + 1;
        let setup = wire::setup(next.settings(), version, Some(&self.service)).map_err(|error| error.to_string())?;
        let configuration = wire::configuration(&next, version, self.service.now().wall);
        // Recorded first: a change of who may do what, of which nobody can be told, does not come about.
        let detail = vec![("version", version.to_string().into()), ("changes", shortened(&lines(&changes)))];
        let event = self.event(Action::ConfigChanged, detail);
        let recorded = self.service.store.record_event(&event).await;
        recorded.map_err(|error| format!("the change cannot be recorded in the audit log: {error}"))?;
        let rules = Arc::clone(&configuration.rules);
        self.setups.add(setup);
        self.service.in_force.replace(configuration);
        self.issuers.configure(next.settings());
        self.node.configure(version, &rules);
        for warning in &next.config.warnings {
            terminal::warn_line(warning.render_warning(false).trim_end());
        }
        self.version = version;
        self.newer = Some(next);
        self.wait_for_cores(version).await;
        Ok(Some(changes))
    }

    async fn wait_for_cores(&self, version: u64) {
        let shared = self.node.shared();
        let taken = async {
            while shared.configured() < version {
                tokio::time::sleep(ASK_EVERY).await;
            }
        };
        if tokio::time::timeout(TAKEN_WITHIN, taken).await.is_err() {
            self.say("a core does not answer; it takes the new configuration before its next request");
        }
    }

    fn event(&self, action: Action, detail: Vec<(&'static str, Box<str>)>) -> AuditEvent {
        AuditEvent { detail, ..Origin::operator(&self.service).event(action, "configuration") }
    }

    fn say(&self, what: &str) {
        let file = self.loaded.file.as_deref().map_or("configuration".to_owned(), |file| file.display().to_string());
        terminal::warn_line(&format!("keyward: {file}: {what}"));
    }
}

fn is_fixed(path: &str) -> bool {
    FIXED.iter().any(|fixed| path.starts_with(fixed))
}

fn lines(changes: &[Changed]) -> String {
    changes.iter().map(|change| format!("  {change}")).collect::<Vec<_>>().join("\n")
}

fn shortened(text: &str) -> Box<str> {
    text.chars().take(LONGEST_DETAIL).collect::<String>().into()
}
