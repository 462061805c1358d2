//! The server elsewhere: where it is, the key that opens it, and one call sent to it.

use std::ffi::OsString;
use std::net::IpAddr;
use std::time::Duration;

use http::{Method, StatusCode, Uri};
use keyward_api::command::{Command, Reply};
use keyward_edge::{Letter, Taking, Unheard, follow, send};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::cli::Cli;
use crate::exit::{Failed, Result};
use crate::secret_input;
use crate::settings::variable;

use super::call::Call;
use super::table::call;

/// How long an answer may take: a change says where it is felt after about four seconds at most.
const DEADLINE: Duration = Duration::from_secs(30);
/// The longest answer that is read: a page of 500 records.
const LONGEST: usize = 16 * 1024 * 1024;
/// How long nothing may come of an answer that is taken as it comes: a stream of events says every 15 s that it lives.
const SILENCE: Duration = Duration::from_secs(60);
/// Where its operations are.
const PREFIX: &str = "/admin/v1";

/// A server elsewhere.
pub struct Server {
    /// Scheme and authority.
    url: String,
    key: Zeroizing<String>,
}

impl Server {
    /// Its scheme and authority.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The one that the flags or the environment name, if any.
    ///
    /// # Errors
    /// It is no place that a key may be sent to, or there is no key.
    pub fn named(cli: &Cli) -> Result<Option<Self>> {
        let Some(url) = named(cli) else { return Ok(None) };
        let url = url.into_string().map_err(|_| Failed::Refused("the URL of the server is not UTF-8".to_owned()))?;
        let url = place(&url)?;
        Ok(Some(Self { url, key: key(cli)? }))
    }

    /// Carries out a command there.
    ///
    /// # Errors
    /// It is nothing that can be done from elsewhere, nobody answers, or the server refuses.
    pub async fn run(&self, command: Command) -> Result<Reply> {
        let Some(call) = call(command) else { return Err(only_there()) };
        let answer = tokio::time::timeout(DEADLINE, self.send(&call)).await;
        let (status, body) = answer.map_err(|_| self.silent())??;
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        if !status.is_success() {
            return Err(self.refused(status, &answer));
        }
        (call.read)(answer).ok_or_else(|| {
            Failed::Refused(format!(
                "{} answered something else than it was asked; it may be of another version",
                self.url
            ))
        })
    }

    /// Asks for what is long, or goes on until one side ends it, and takes it as it comes. Why it broke off, if it did.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn follow(&self, target: &str, fields: &[(&str, &[u8])], each: Taking<'_>) -> Result<Option<Unheard>> {
        let url = format!("{}{PREFIX}{target}", self.url);
        let key: (&str, &[u8]) = ("x-api-key", self.key.as_bytes());
        let fields = [&[key][..], fields].concat();
        let letter = Letter { url: &url, method: Method::GET, fields: &fields, body: None, largest: LONGEST };
        match follow(&letter, SILENCE, each).await {
            Err(unheard) => Ok(Some(unheard)),
            Ok((status, _)) if status.is_success() => Ok(None),
            Ok((status, body)) => Err(self.refused(status, &serde_json::from_slice(&body).unwrap_or_default())),
        }
    }

    /// Nothing that counts came back.
    pub fn unheard(&self, why: Unheard) -> Failed {
        Failed::Refused(format!("cannot ask {}: {why}", self.url))
    }

    async fn send(&self, call: &Call) -> Result<(StatusCode, Vec<u8>)> {
        let url = format!("{}{PREFIX}{}", self.url, call.target);
        let body = call.body.as_ref().map(|body| Zeroizing::new(body.to_string()));
        let key: (&str, &[u8]) = ("x-api-key", self.key.as_bytes());
        // A command says all of what is to be, whatever is there (RFC 9110 §13.1.1).
        let whatever: (&str, &[u8]) = ("if-match", b"*");
        let letter = Letter {
            url: &url,
            method: call.method.clone(),
            fields: if call.method == Method::PATCH { &[key, whatever] } else { &[key] },
            body: body.as_ref().map(|body| body.as_bytes()),
            largest: LONGEST,
        };
        send(&letter).await.map_err(|unheard| {
            let unsure = match unheard {
                Unheard::Garbage if call.method != Method::GET => {
                    "; the change may have been made: look at the state before you repeat this"
                }
                _ => "",
            };
            Failed::Refused(format!("cannot ask {}: {unheard}{unsure}", self.url))
        })
    }

    fn silent(&self) -> Failed {
        Failed::Refused(format!(
            "{} did not answer within {} s; the change may have been made: look at the state before you repeat this",
            self.url,
            DEADLINE.as_secs()
        ))
    }

    /// What the problem document says (RFC 9457), with the id to ask about.
    fn refused(&self, status: StatusCode, answer: &Value) -> Failed {
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let detail = text("detail").or(text("title"));
        let decision = text("decision").map(|id| format!(" (decision {id})")).unwrap_or_default();
        Failed::Refused(match (status, detail) {
            (StatusCode::UNAUTHORIZED, _) => {
                format!("{} does not take the key in KEYWARD_TOKEN or --token-file{decision}", self.url)
            }
            (_, Some(detail)) => format!("{detail}{decision}"),
            (_, None) => format!("{} answered {status}, and is perhaps no control plane of Keyward", self.url),
        })
    }
}

/// What names a server, if anything does.
pub fn named(cli: &Cli) -> Option<OsString> {
    cli.server.clone().map(OsString::from).or_else(|| variable("KEYWARD_SERVER"))
}

/// What can only be done where the data directory is.
pub fn only_there() -> Failed {
    Failed::Refused(
        "this is done on the machine of the data directory alone; leave out --server and KEYWARD_SERVER".to_owned(),
    )
}

fn key(cli: &Cli) -> Result<Zeroizing<String>> {
    let file = cli.token_file.clone().or_else(|| variable("KEYWARD_TOKEN_FILE")?.into_string().ok());
    let text = match file {
        Some(file) => secret_input::line(&file)?.expose().to_owned(),
        None => variable("KEYWARD_TOKEN").and_then(|text| text.into_string().ok()).unwrap_or_default(),
    };
    let key = Zeroizing::new(text);
    let trimmed = key.trim();
    if trimmed.is_empty() {
        return Err(Failed::Refused(
            "--server wants a key: in KEYWARD_TOKEN, or in a file with --token-file. Its operator makes one with \
             `keyward key create NAME --scopes keyward:keys:read,keyward:keys:write`"
                .to_owned(),
        ));
    }
    Ok(Zeroizing::new(trimmed.to_owned()))
}

/// Scheme and authority of a URL that a key may be sent to.
fn place(text: &str) -> Result<String> {
    let refused = |why: &str| Failed::Refused(format!("the server {text:?} {why}"));
    let uri: Uri =
        text.trim_end_matches('/').parse().map_err(|_| refused("is no URL, such as https://keyward.example:9470"))?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(refused("is no URL, such as https://keyward.example:9470"));
    };
    if uri.path().len() > 1 || uri.query().is_some() || authority.as_str().contains('@') {
        return Err(refused("has more than a scheme, a host and a port"));
    }
    match scheme {
        "https" => {}
        "http" if is_loopback(authority.host()) => {}
        "http" => {
            return Err(refused(
                "would be sent the key in the clear; use https:, or a tunnel that ends on this machine",
            ));
        }
        _ => return Err(refused("is neither https: nor http:")),
    }
    Ok(format!("{scheme}://{authority}"))
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_over_tls_or_stays_on_this_machine() {
        for (text, taken) in [
            ("https://keyward.example", Some("https://keyward.example")),
            ("https://keyward.example:9470/", Some("https://keyward.example:9470")),
            ("http://127.0.0.1:9470", Some("http://127.0.0.1:9470")),
            ("http://[::1]:9470", Some("http://[::1]:9470")),
            ("http://localhost:9470", Some("http://localhost:9470")),
            ("http://127.0.0.1.example:9470", None),
            ("http://keyward.example", None),
            ("http://10.0.0.1:9470", None),
            ("https://user:secret@keyward.example", None),
            ("https://keyward.example/admin/v1", None),
            ("https://keyward.example/?x", None),
            ("ftp://keyward.example", None),
            ("keyward.example:9470", None),
            ("", None),
        ] {
            assert_eq!(place(text).ok().as_deref(), taken, "{text}");
        }
    }
}
