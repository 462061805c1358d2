//! What `keyward serve` says when it is ready: where it is, what it guards, and what to try.

use std::net::SocketAddr;
use std::time::Duration;

use http::Method;
use keyward_config::{Settings, UpstreamUrl};
use keyward_core::route::{Access, Destination, Match, Reading, Routes};
use keyward_core::rules::Rules;
use keyward_core::scheme::{Carrier, CredentialKind};
use keyward_edge::Place;
use keyward_http::names::display_name;

use crate::first_start::FirstPassword;
use crate::terminal::quoted;

/// How long the upstream has to take a connection before the banner says that it does not answer.
const PROBE: Duration = Duration::from_millis(200);
/// A path to try.
const PATH: &str = "/orders";

/// What the banner tells of.
pub struct Facts<'a> {
    /// The configuration.
    pub settings: &'a Settings,
    /// The rules that it compiles to.
    pub rules: &'a Rules,
    /// Where callers come, as bound.
    pub data: &'a Place,
    /// The control plane's port as bound.
    pub admin: SocketAddr,
    /// Whether the store was made by this start.
    pub is_new: bool,
    /// Where the first user's password can be learnt, if this start set it.
    pub first_password: Option<&'a FirstPassword>,
}

/// The banner. Says of the upstream whether it takes connections.
pub async fn text(facts: &Facts<'_>) -> String {
    let (api, url) = api(facts);
    let directory = facts.settings.data.dir.display().to_string();
    let flag =
        if directory == "./keyward-data" { String::new() } else { format!(" --data-dir {}", quoted(&directory)) };
    let age = if facts.is_new { " (new)" } else { "" };
    let with_key = shows_key(facts.rules).map(|header| {
        format!("    KEY=$(keyward key create first-customer{flag})\n    curl -i -H \"{header}\" {url}{PATH}\n")
    });
    format!(
        "Keyward {version} is ready\n\n\
        \x20 API        {api}\n\
        \x20 control    http://{admin} (console, health, ready and metrics)\n\
        \x20 console    http://{admin}/console/\n\
        \x20 upstream   {upstream}\n\
        \x20 data       {directory}{age}\n\
        \x20 rule       {rule}\n{password}\n\
        \x20 Callers must not be able to reach the upstream itself: whoever can walks around Keyward.\n\n\
        \x20 Try:\n\
        \x20   curl -i {url}{PATH}\n{with_key}",
        with_key = with_key.unwrap_or_default(),
        version = env!("CARGO_PKG_VERSION"),
        admin = facts.admin,
        upstream = upstream(facts.settings).await,
        rule = rule(&facts.rules.routes),
        password = facts.first_password.map(first_password).unwrap_or_default(),
    )
}

/// The header that shows a key on the path to try; none where nobody asks for one there, or for something else.
fn shows_key(rules: &Rules) -> Option<String> {
    let Match::Route(id) = rules.routes.find(PATH, Reading::Raw, &Method::GET) else { return None };
    let (schemes, _) = rules.routes.get(id)?.access.reads()?;
    let keys = || schemes.iter().filter_map(|id| rules.scheme(*id)).filter(|one| one.kind == CredentialKind::ApiKey);
    let of_its_own = keys().find(|one| matches!(one.carrier, Carrier::Header(_)));
    let scheme = of_its_own.or_else(|| keys().next())?;
    Some(match scheme.carrier.word() {
        Some(word) => format!("Authorization: {word} $KEY"),
        None => format!("{}: $KEY", display_name(scheme.carrier.header().as_str())),
    })
}

/// Where the API is, and what curl takes to get there.
fn api(facts: &Facts<'_>) -> (String, String) {
    match facts.data {
        Place::Tcp(address) => {
            let scheme = if facts.settings.server.tls.enabled { "https" } else { "http" };
            let url = format!("{scheme}://{address}");
            (url.clone(), url)
        }
        Place::Unix(path) => {
            let path = path.display().to_string();
            (format!("unix:{path}"), format!("--unix-socket {} http://localhost", quoted(&path)))
        }
    }
}

/// The line about the first user.
fn first_password(password: &FirstPassword) -> String {
    let text = match password {
        FirstPassword::Given => "user admin, with the password from KEYWARD_ADMIN_PASSWORD".to_owned(),
        FirstPassword::Shown(text) => {
            format!("user admin, password {text} (shown once; `keyward user passwd admin` changes it)")
        }
        FirstPassword::Written(file) => format!("user admin, password in {}", quoted(&file.display().to_string())),
    };
    format!("  sign in    {text}\n")
}

async fn upstream(settings: &Settings) -> String {
    let mut told = Vec::new();
    for (name, upstream) in settings.upstreams() {
        let named = if told.is_empty() { String::new() } else { format!("{name}: ") };
        if upstream.addresses().next().is_none() {
            told.push(format!("{named}a built-in demo; --upstream URL puts your API here"));
        }
        for url in upstream.addresses() {
            let answers = tokio::time::timeout(PROBE, connect(url)).await;
            let state = if matches!(answers, Ok(Ok(()))) { "takes connections" } else { "does not answer yet" };
            told.push(format!("{named}{url} ({state})"));
        }
    }
    told.join("\n             ")
}

async fn connect(url: &UpstreamUrl) -> std::io::Result<()> {
    match (url, url.host_and_port()) {
        (UpstreamUrl::Unix(path), _) => tokio::net::UnixStream::connect(path).await.map(drop),
        (_, Some(place)) => tokio::net::TcpStream::connect(place).await.map(drop),
        (_, None) => Ok(()),
    }
}

/// The rule in one line, from the routes themselves.
fn rule(routes: &Routes) -> String {
    let theirs = || routes.iter().filter(|(_, route)| matches!(route.destination, Destination::Upstream(_)));
    let public: Vec<&str> = theirs()
        .filter(|(_, route)| matches!(route.access, Access::Public))
        .map(|(_, route)| route.pattern.as_str())
        .collect();
    let guarded = theirs().any(|(_, route)| matches!(route.access, Access::Credential { .. }));
    match (public.as_slice(), guarded) {
        ([], _) => "every path needs a credential".to_owned(),
        (public, true) => format!("every path needs a credential, except {}", public.join(" ")),
        (_, false) => "EVERY PATH IS OPEN: no credential is asked for".to_owned(),
    }
}
