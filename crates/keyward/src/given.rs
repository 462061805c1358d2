//! What a running server was given by flags and variables: whoever asks what runs, or whether it is well, need not have them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cli::Cli;
use crate::commands::config::{is_own_affair, list, text};
use crate::settings::{Loaded, variable};

/// The configuration as a server's flags and variables make it; `None` where it was given nothing, or something that no process
/// but it can make sense of.
pub fn as_given(cli: &Cli, values: &Value) -> Option<Loaded> {
    let given = Given::of(values);
    let env = |name: &str| given.value(name).map(Into::into).or_else(|| variable(name));
    if given.0.is_empty() { None } else { Loaded::read_with(cli, None, &env).ok()?.ok() }
}

/// The variables by which another process would come to the same values, with something else in place of secrets.
#[derive(Default)]
struct Given(BTreeMap<String, Vec<String>>);

impl Given {
    /// Reads them off the values that a server goes by.
    fn of(values: &Value) -> Self {
        let mut given = Self::default();
        for one in list(values) {
            let (path, origin) = (text(one, "path"), text(one, "origin"));
            // Of what was added to a list, the key or the path of each item makes the rest.
            let makes = !path.contains('[') || path.ends_with(".key") || path.ends_with(".path");
            // The directory is where the answer came from.
            if is_own_affair(&origin) && makes && path != "data.dir" {
                given.add(&variable_of(&origin), one.get("value"));
            }
        }
        given
    }

    fn add(&mut self, name: &str, value: Option<&Value>) {
        let texts = self.0.entry(name.to_owned()).or_default();
        let items = match value {
            Some(Value::Array(items)) => items.as_slice(),
            other => other.map(std::slice::from_ref).unwrap_or_default(),
        };
        for item in items {
            match item {
                // Long enough for every secret, and another one each time.
                Value::String(text) if text == "(secret)" => {
                    texts.push(format!("stands-in-for-a-secret-of-the-server-{name}-{}", texts.len()));
                }
                Value::String(text) => texts.push(text.clone()),
                Value::Null => {}
                other => texts.push(other.to_string()),
            }
        }
    }

    /// What stands in a variable, where the server was given it.
    fn value(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|texts| !texts.is_empty()).map(|texts| texts.join(","))
    }
}

/// The variable that says what a flag says; what lies in a file is said by the other one.
fn variable_of(origin: &str) -> String {
    let name = match origin.strip_prefix("--") {
        Some(flag) => format!("KEYWARD_{}", flag.replace('-', "_").to_ascii_uppercase()),
        None => origin.to_owned(),
    };
    if name == "KEYWARD_API_KEY_FILE" { "KEYWARD_API_KEY".to_owned() } else { name }
}
