//! The scheme of signatures over a body.

use std::time::Duration;

use http::HeaderName;
use keyward_core::scheme::{Carrier, CredentialKind, Scheme};
use keyward_core::webhook::{Form, Webhook, WebhookSecret};

/// A scheme of signatures over the body, as GitHub's are.
pub fn scheme() -> Scheme {
    let form = Form::Hmac { header: HeaderName::from_static("x-hub-signature-256"), timestamp: None };
    let secrets = vec![WebhookSecret::of("a secret of thirty-two bytes or more")];
    let webhook = Webhook::new("hub", form, secrets, Duration::from_secs(300), 1024);
    Scheme { name: "hub".into(), carrier: Carrier::Webhook(Box::new(webhook)), kind: CredentialKind::Webhook }
}
