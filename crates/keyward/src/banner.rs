//! What `keyward serve` says when it is ready: where it is, what it guards, and what to try.

use std::net::SocketAddr;
use std::time::Duration;

use keyward_config::{Settings, UpstreamUrl};
use keyward_core::route::{Access, Destination, Routes};

use crate::first_start::FirstPassword;
use crate::terminal::quoted;

/// How long the upstream has to take a connection before the banner says that it does not answer.
const PROBE: Duration = Duration::from_millis(200);

/// What the banner tells of.
pub struct Facts<'a> {
    /// The configuration.
    pub settings: &'a Settings,
    /// The routes.
    pub routes: &'a Routes,
    /// The data port as bound.
    pub data: SocketAddr,
    /// The control plane's port as bound.
    pub admin: SocketAddr,
    /// Whether the store was made by this start.
    pub is_new: bool,
    /// Where the first user's password can be learnt, if this start set it.
    pub first_password: Option<&'a FirstPassword>,
}

/// The banner. Says of the upstream whether it takes connections.
pub async fn text(facts: &Facts<'_>) -> String {
    let url = format!("http://{}", facts.data);
    let directory = facts.settings.data.dir.display().to_string();
    let flag =
        if directory == "./keyward-data" { String::new() } else { format!(" --data-dir {}", quoted(&directory)) };
    let age = if facts.is_new { " (new)" } else { "" };
    let path = "/orders";
    format!(
        "Keyward {version} is ready\n\n\
        \x20 API        {url}\n\
        \x20 control    http://{admin} (health, ready and metrics)\n\
        \x20 upstream   {upstream}\n\
        \x20 data       {directory}{age}\n\
        \x20 rule       {rule}\n{password}\n\
        \x20 Callers must not be able to reach the upstream itself: whoever can walks around Keyward.\n\n\
        \x20 Try:\n\
        \x20   curl -i {url}{path}\n\
        \x20   KEY=$(keyward key create first-customer{flag})\n\
        \x20   curl -i -H \"X-API-Key: $KEY\" {url}{path}\n",
        version = env!("CARGO_PKG_VERSION"),
        admin = facts.admin,
        upstream = upstream(facts.settings).await,
        rule = rule(facts.routes),
        password = facts.first_password.map(first_password).unwrap_or_default(),
    )
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
            let answers = tokio::time::timeout(PROBE, tokio::net::TcpStream::connect(place(url))).await;
            let state = if matches!(answers, Ok(Ok(_))) { "takes connections" } else { "does not answer yet" };
            told.push(format!("{named}{url} ({state})"));
        }
    }
    told.join("\n             ")
}

/// Where to connect: with the port that is not written, and without the brackets of an IPv6 address.
fn place(url: &UpstreamUrl) -> (&str, u16) {
    (url.host().trim_start_matches('[').trim_end_matches(']'), url.port())
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

#[cfg(test)]
mod tests {
    use keyward_config::{Flags, Input};

    use super::place;

    #[test]
    fn where_the_probe_goes() {
        for (url, host, port) in [
            ("http://localhost", "localhost", 80),
            ("http://localhost:3000", "localhost", 3000),
            ("http://[::1]", "::1", 80),
            ("http://[::1]:3000", "::1", 3000),
        ] {
            let loaded = keyward_config::load(Input {
                file: None,
                env: &|_| None,
                flags: Flags { upstream: Some(url.to_owned()), ..Flags::default() },
                read_file: &|_| Err(std::io::ErrorKind::NotFound.into()),
            });
            let url = loaded.unwrap_or_else(|_| panic!("{url}")).settings.upstream.url.unwrap();
            assert_eq!(place(&url), (host, port));
        }
    }
}
