//! The configuration as it runs: its values with their origins, its schema, and whether another one would do.

use http::StatusCode;
use keyward_api::failure::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{self, Reply};
use crate::call::Call;
use crate::operation::{Access, Given, Operation, Sent, Verb, shape};

const READ: Access = Access::Scope("keyward:config:read");

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation {
        id: "config.show",
        path: "/config",
        access: READ,
        summary: "The configuration that runs, each value with where it comes from; secrets are masked",
        given: Given::Json(StatusCode::OK, shape::<Configuration>),
        run: |call| Box::pin(show(call)),
        ..Operation::NEW
    },
    Operation {
        id: "config.schema",
        path: "/config/schema",
        access: READ,
        summary: "The JSON Schema of a configuration file",
        given: Given::Document,
        run: |call| Box::pin(async { Ok(answer::ok(&(call.control.configuration.schema)())) }),
        ..Operation::NEW
    },
    Operation {
        id: "config.check",
        verb: Verb::Post,
        path: "/config/check",
        access: Access::Scope("keyward:config:write"),
        summary: "Every mistake in a configuration file; nothing is changed, and files that it names are not read",
        sent: Sent::Text("text/yaml"),
        given: Given::Json(StatusCode::OK, shape::<Checked>),
        body: 1024 * 1024,
        run: |call| Box::pin(check(call)),
        ..Operation::NEW
    },
    Operation {
        id: "limits.list",
        path: "/limits",
        access: READ,
        summary: "The named limits of routes",
        given: Given::Json(StatusCode::OK, shape::<keyward_api::view::Listing<NamedLimit>>),
        run: |call| Box::pin(async { Ok(limits(call)) }),
        ..Operation::NEW
    },
];

/// The configuration that runs.
#[derive(Serialize, JsonSchema)]
struct Configuration {
    /// Its number: 1 at the start of the process.
    version: u64,
    /// Since when it is in force.
    since: String,
    /// The file it came from.
    file: Option<String>,
    /// All values.
    values: Vec<ValueView>,
}

/// One value.
#[derive(Serialize, Deserialize, JsonSchema)]
struct ValueView {
    /// Its name, such as `server.port` or `routes[0].path`.
    #[serde(alias = "path")]
    name: String,
    /// What it is; a secret is masked.
    value: Value,
    /// `default`, `preset`, a line of the file, a variable or a flag.
    origin: String,
}

async fn show(call: &Call) -> Result<Reply, Failure> {
    let configuration = call.service().configuration();
    let view = configuration.view();
    // They were written from this very form.
    let values = serde_json::from_value(configuration.values.clone()).unwrap_or_default();
    Ok(answer::ok(&Configuration { version: view.version, since: view.since, file: view.file, values }))
}

/// What is wrong with a configuration.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Checked {
    /// Nothing is.
    pub ok: bool,
    /// Why it would be refused.
    pub mistakes: Vec<Mistake>,
    /// What is doubtful and would be taken.
    pub warnings: Vec<Mistake>,
}

/// One mistake.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Mistake {
    /// The line, from 1; null where it is not in the text.
    pub line: Option<usize>,
    /// The column in characters, from 1.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to write, and why it is refused.
    pub help: Vec<String>,
}

async fn check(call: &Call) -> Result<Reply, Failure> {
    call.media("text/yaml", "send the file as it is, with Content-Type: text/yaml")?;
    let text = std::str::from_utf8(&call.body).map_err(|_| Failure::invalid("the file is not UTF-8"))?;
    Ok(answer::ok(&(call.control.configuration.check)(text)))
}

/// A limit that routes name.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NamedLimit {
    /// Its name.
    name: String,
    /// Whom it counts apart: `address`, `key`, `principal`, `account` or `route`.
    per: &'static str,
    /// How many requests it admits in a window.
    requests: u32,
    /// The window.
    window_seconds: f64,
    /// Of a rate, how many at once; null: a quota.
    burst: Option<u32>,
    /// The routes that name it.
    routes: Vec<String>,
}

fn limits(call: &Call) -> Reply {
    let configuration = call.service().configuration();
    let rules = &configuration.rules;
    let named = rules.limits.iter().enumerate().filter(|(_, limit)| !limit.is_of_a_plan());
    let view = |(place, limit): (usize, &keyward_core::limit::Limit)| NamedLimit {
        name: limit.name().to_owned(),
        per: limit.per().as_str(),
        requests: limit.requests(),
        window_seconds: limit.window().as_secs_f64(),
        burst: (!limit.is_quota()).then(|| limit.at_once()),
        routes: rules
            .routes
            .iter()
            .filter(|(_, route)| route.limits.iter().any(|id| id.0 == place))
            .map(|(_, route)| route.name.to_string())
            .collect(),
    };
    answer::ok(&keyward_api::view::Listing { data: named.map(view).collect(), next_cursor: None })
}
