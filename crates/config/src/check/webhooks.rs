//! `schemes` of kind `webhook`: a form, a secret that is one, and nothing that the form does not have.

use std::time::Duration;

use keyward_core::scheme::CredentialKind;
use keyward_core::webhook::WebhookSecret;
use secrecy::ExposeSecret;

use super::Look;
use super::basic_auth::{LONG_ENOUGH, USERNAME_HELP, is_username};
use crate::place::{Step, at};
use crate::settings::Scheme;
use crate::text::WebhookFormat;

/// The most secrets at once: each is tried on each delivery.
const SECRETS: usize = 4;
/// The longest tolerance: for as long every delivery is remembered.
const LONGEST: Duration = Duration::from_secs(3600);
/// The largest body that waits to be whole.
const LARGEST: u64 = 16 * 1024 * 1024;

/// What only some schemes have.
const PARTS: [&str; 8] =
    ["format", "username", "secret", "secrets", "timestamp_header", "prefix", "tolerance", "body_bytes"];

/// Checks one scheme, of whatever kind.
pub(super) fn check(look: &mut Look<'_>, name: &str, scheme: &Scheme) {
    if scheme.kind != CredentialKind::Webhook {
        for part in PARTS.into_iter().filter(|part| is_written(look, name, part)).collect::<Vec<_>>() {
            let message = format!("only schemes of kind webhook have {part}");
            look.mistake(&at!["schemes", name, part], message, ["remove it, or write kind: webhook"]);
        }
        return;
    }
    let Some(format) = scheme.format else {
        let help = ["write format: header, basic, jwt, hmac, stripe or standard"];
        look.mistake(&at!["schemes", name], format!("the webhook \"{name}\" has no format"), help);
        return;
    };
    let has_time = match format {
        WebhookFormat::Header | WebhookFormat::Basic | WebhookFormat::Jwt => false,
        WebhookFormat::Hmac => scheme.timestamp_header.is_some(),
        WebhookFormat::Stripe | WebhookFormat::Standard => true,
    };
    let takes_header = matches!(format, WebhookFormat::Header | WebhookFormat::Hmac);
    let signs_body = matches!(format, WebhookFormat::Hmac | WebhookFormat::Stripe | WebhookFormat::Standard);
    let idle = [
        ("header", !takes_header, "the format names its headers itself"),
        ("authorization", true, "the format says where the proof stands"),
        ("username", format != WebhookFormat::Basic, "only format: basic has one"),
        ("timestamp_header", format != WebhookFormat::Hmac, "only format: hmac has one"),
        ("prefix", format != WebhookFormat::Standard, "only format: standard has one"),
        ("tolerance", !has_time, "no time is signed"),
        ("body_bytes", !signs_body, "no body is signed"),
    ];
    for (part, is_idle, help) in idle {
        if is_idle && is_written(look, name, part) {
            look.mistake(&at!["schemes", name, part], format!("this webhook has no {part}"), [help]);
        }
    }
    if takes_header && scheme.header.is_none() {
        let help = ["write header: X-Signature-256, say"];
        look.mistake(&at!["schemes", name], format!("the webhook \"{name}\" names no header"), help);
    } else if format == WebhookFormat::Basic {
        username(look, name, scheme.username.as_deref());
    } else if scheme.form().is_none() {
        look.mistake(&at!["schemes", name, "prefix"], "this cannot begin the name of a header", ["as in prefix: svix"]);
    }
    if format == WebhookFormat::Hmac && !has_time {
        let message =
            format!("the webhook \"{name}\" signs no time: whoever records a delivery can send it again for ever");
        let help =
            ["write timestamp_header, if the sender signs <time>.<body>; or let the upstream refuse what it knows"];
        look.warning(&at!["schemes", name], message, help);
    }
    if has_time && !(Duration::from_secs(1)..=LONGEST).contains(&scheme.tolerance()) {
        let help = ["1s to 1h; senders expect 5m"];
        look.mistake(&at!["schemes", name, "tolerance"], "no tolerance that can be kept", help);
    }
    if !(1..=LARGEST).contains(&scheme.body_bytes()) {
        let help = ["1 byte to 16MiB: the whole body is held until its signature is checked"];
        look.mistake(&at!["schemes", name, "body_bytes"], "no size that can be kept", help);
    }
    secrets(look, name, (scheme, format));
}

fn is_written(look: &Look<'_>, name: &str, part: &str) -> bool {
    look.tree.at(&at!["schemes", name, part]).is_some_and(|node| !node.is_null())
}

fn username(look: &mut Look<'_>, name: &str, username: Option<&str>) {
    match username {
        None => {
            let help = ["write username: beside the secret, which is its password"];
            look.mistake(&at!["schemes", name], format!("the webhook \"{name}\" has no username"), help);
        }
        Some(text) if !is_username(text) => {
            let message = "this cannot be a username of Basic";
            look.mistake(&at!["schemes", name, "username"], message, [USERNAME_HELP]);
        }
        Some(_) => {}
    }
}

fn secrets(look: &mut Look<'_>, name: &str, (scheme, format): (&Scheme, WebhookFormat)) {
    let here = at!["schemes", name];
    // What was written and cannot be read is told where it stands.
    let is_unread = scheme.secret.is_none() && is_written(look, name, "secret");
    match (&scheme.secret, scheme.secrets.as_ref().map(Vec::len)) {
        (None, None | Some(0)) if !is_unread => {
            let help = ["write secret: ${env:NAME}; without one anybody could send, so that nothing passes"];
            look.mistake(&here, format!("the webhook \"{name}\" has no secret"), help);
        }
        (Some(_), Some(_)) => {
            look.mistake(&here, format!("the webhook \"{name}\" has both secret and secrets"), ["write one of them"]);
        }
        (None, Some(count)) if count > SECRETS => {
            let help = ["four at most: each is tried on each delivery"];
            look.mistake(&at!["schemes", name, "secrets"], "more secrets than a rotation needs", help);
        }
        _ => {}
    }
    let single = scheme.secret.iter().map(|secret| (at!["schemes", name, "secret"].to_vec(), secret));
    let several = scheme.secrets.iter().flatten().enumerate();
    let several = several.map(|(index, secret)| (at!["schemes", name, "secrets", index].to_vec(), secret));
    for (path, secret) in single.chain(several) {
        length(look, &path, secret.expose_secret(), format);
    }
}

fn length(look: &mut Look<'_>, path: &[Step], secret: &str, format: WebhookFormat) {
    let is_short = secret.len() < WebhookSecret::MIN_BYTES;
    match format {
        WebhookFormat::Standard if WebhookSecret::standard(secret).is_none() => look.mistake(
            path,
            "this is no secret of Standard Webhooks",
            ["whsec_ and 24 to 64 bytes in base64, as the sender shows it"],
        ),
        WebhookFormat::Stripe | WebhookFormat::Hmac | WebhookFormat::Jwt if is_short => look.mistake(
            path,
            format!("shorter than {} bytes", WebhookSecret::MIN_BYTES),
            ["whoever guesses it can sign; make one with: openssl rand -hex 32"],
        ),
        WebhookFormat::Jwt if signs_for_users(look, secret) => look.mistake(
            path,
            "this secret signs the tokens of users, too",
            ["who sends webhooks could sign in as anybody; make another with: openssl rand -hex 32"],
        ),
        WebhookFormat::Basic if secret.chars().count() < LONG_ENOUGH => look.warning(
            path,
            format!("the password is shorter than {LONG_ENOUGH} characters"),
            ["short passwords can be guessed; make one with: openssl rand -base64 32"],
        ),
        WebhookFormat::Header if is_short => look.warning(
            path,
            format!("shorter than {} bytes", WebhookSecret::MIN_BYTES),
            ["short secrets can be guessed; make one with: openssl rand -hex 32"],
        ),
        _ => {}
    }
}

/// Whether tokens of users are signed with the same text.
fn signs_for_users(look: &Look<'_>, secret: &str) -> bool {
    look.settings.security.jwt.secret.as_ref().is_some_and(|own| own.expose_secret() == secret)
}
