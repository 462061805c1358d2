//! Settings to how credentials of people are guarded.

use keyward_core::basic::BasicRules;
use keyward_core::digest::MacKey;
use keyward_core::guarding::Guarding;
use keyward_core::page::is_own_machine;
use keyward_core::plan::Planned;
use keyward_core::plane::Plane;
use keyward_core::session::SessionRules;
use keyward_core::throttle::ThrottleRules;
use secrecy::ExposeSecret as _;

use crate::settings::Settings;

/// `secret` is of this process and configuration alone: what it digests is remembered no longer than these.
/// Whoever the configuration itself lets in is on `plan`.
pub(crate) fn of(settings: &Settings, secret: &MacKey, plan: Planned) -> Guarding {
    let basic = &settings.security.basic_auth;
    let rules = || match (&basic.username, &basic.password) {
        (Some(username), Some(password)) => {
            BasicRules::of_one(secret.clone(), username, password.expose_secret()).on_plan(plan)
        }
        _ => BasicRules::of_users(secret.clone()),
    };
    let (server, sessions) = (&settings.server, &settings.security.sessions);
    // A proxy that speaks TLS may stand before a server on its own machine; whoever lists one has one.
    let is_behind = !server.trusted_proxies.is_empty() || server.socket.is_some();
    let is_plain = !server.tls.enabled && !is_behind && is_own_machine(server.host);
    let of_plane =
        |plane, is_secure| SessionRules { plane, idle: sessions.idle, absolute: sessions.absolute, is_secure };
    let throttle = &settings.security.throttle;
    let throttled = ThrottleRules {
        window: throttle.window,
        per_address: throttle.per_address.get(),
        per_subject: throttle.per_subject.get(),
    };
    Guarding {
        basic: basic.enabled.then(rules),
        sessions: of_plane(Plane::Data, !is_plain),
        console: of_plane(Plane::Control, !is_own_machine(settings.admin.host)),
        throttle: throttle.enabled.then_some(throttled),
        disclose: settings.security.disclose,
        adopting_until: settings.security.api_keys.adopt.as_ref().map(|adopt| adopt.until),
    }
}
