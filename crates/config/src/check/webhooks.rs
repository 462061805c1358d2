//! `schemes` of kind `webhook`: a form, a secret that is one, and nothing that the form does not have.

use std::time::Duration;

use keyward_core::scheme::CredentialKind;
use keyward_core::webhook::WebhookSecret;
use secrecy::ExposeSecret;

use super::Look;
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
const PARTS: [&str; 7] = ["format", "secret", "secrets", "timestamp_header", "prefix", "tolerance", "body_bytes"];

/// Checks one scheme, of whatever kind.
pub(super) fn check(look: &mut Look<'_>, name: &str, scheme: &Scheme) {
    let written =
        |look: &Look<'_>, part: &str| look.tree.at(&at!["schemes", name, part]).is_some_and(|node| !node.is_null());
    if scheme.kind != CredentialKind::Webhook {
        for part in PARTS.into_iter().filter(|part| written(look, part)).collect::<Vec<_>>() {
            let message = format!("only schemes of kind webhook have {part}");
            look.mistake(&at!["schemes", name, part], message, ["remove it, or write kind: webhook"]);
        }
        return;
    }
    let Some(format) = scheme.format else {
        let help = ["write format: header, hmac, stripe or standard"];
        look.mistake(&at!["schemes", name], format!("the webhook \"{name}\" has no format"), help);
        return;
    };
    let has_time = match format {
        WebhookFormat::Header => false,
        WebhookFormat::Hmac => scheme.timestamp_header.is_some(),
        WebhookFormat::Stripe | WebhookFormat::Standard => true,
    };
    let takes_header = matches!(format, WebhookFormat::Header | WebhookFormat::Hmac);
    let idle = [
        ("header", !takes_header, "the format names its headers itself"),
        ("authorization", true, "a webhook's proof stands in a header of its own"),
        ("timestamp_header", format != WebhookFormat::Hmac, "only format: hmac has one"),
        ("prefix", format != WebhookFormat::Standard, "only format: standard has one"),
        ("tolerance", !has_time, "no time is signed"),
        ("body_bytes", format == WebhookFormat::Header, "no body is signed"),
    ];
    for (part, is_idle, help) in idle {
        if is_idle && written(look, part) {
            look.mistake(&at!["schemes", name, part], format!("this webhook has no {part}"), [help]);
        }
    }
    if takes_header && scheme.header.is_none() {
        let help = ["write header: X-Signature-256, say"];
        look.mistake(&at!["schemes", name], format!("the webhook \"{name}\" names no header"), help);
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

fn secrets(look: &mut Look<'_>, name: &str, (scheme, format): (&Scheme, WebhookFormat)) {
    let here = at!["schemes", name];
    match (&scheme.secret, scheme.secrets.as_ref().map(Vec::len)) {
        (None, None | Some(0)) => {
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
        WebhookFormat::Stripe | WebhookFormat::Hmac if is_short => look.mistake(
            path,
            format!("shorter than {} bytes", WebhookSecret::MIN_BYTES),
            ["whoever guesses it can sign; make one with: openssl rand -hex 32"],
        ),
        WebhookFormat::Header if is_short => look.warning(
            path,
            format!("shorter than {} bytes", WebhookSecret::MIN_BYTES),
            ["short secrets can be guessed; make one with: openssl rand -hex 32"],
        ),
        _ => {}
    }
}
