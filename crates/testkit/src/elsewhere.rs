//! A machine elsewhere: no data directory, only the URL of a world's server and a key for it.

use std::process::{Command, Output};

use serde_json::Value;

use crate::world::World;

/// One of them.
pub struct Elsewhere<'a> {
    /// Where the server is.
    pub world: &'a World,
    /// The key.
    pub key: String,
}

impl Elsewhere<'_> {
    /// A command there, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let url = format!("http://{}", self.world.server().admin);
        let mut command = self.world.plain(arguments);
        command.env("KEYWARD_SERVER", url).env("KEYWARD_TOKEN", &self.key);
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command prints that succeeds. It never tells its key.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        assert!(!said.contains(&self.key));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The same as JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// What a command says that is refused.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?} was not refused");
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        assert!(!said.contains(&self.key), "{said}");
        said
    }
}
