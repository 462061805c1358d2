//! `security.sessions`: spans in which somebody can work, and browsers that keep the cookie.

use std::time::Duration;

use keyward_core::page::is_own_machine;

use super::Look;
use crate::place::at;

/// When a session was last used is exact to a minute; one that is in use must not end.
const SHORTEST: Duration = Duration::from_secs(120);

pub(super) fn check(look: &mut Look<'_>) {
    let sessions = &look.settings.security.sessions;
    let (idle, absolute) = (sessions.idle, sessions.absolute);
    if idle < SHORTEST {
        look.mistake(
            &at!["security", "sessions", "idle"],
            "sessions that are in use could end",
            ["at least 2m: when one was last used is exact to a minute"],
        );
    }
    if absolute < idle {
        look.mistake(&at!["security", "sessions", "absolute"], "shorter than idle", ["write 12h, for example"]);
    }
    let settings = look.settings;
    let is_read = settings.routes.iter().any(|route| {
        let is_session = |name: &String| {
            settings
                .schemes
                .get(name)
                .is_some_and(|scheme| scheme.kind == keyward_core::scheme::CredentialKind::Session)
        };
        !route.public && route.schemes.iter().any(is_session)
    });
    let is_read = is_read || settings.portal.path.is_some();
    let server = &settings.server;
    let is_clear = !server.tls.enabled && server.trusted_proxies.is_empty() && server.socket.is_none();
    if is_read && is_clear && !is_own_machine(server.host) {
        look.warning(
            &at!["server", "host"],
            "browsers keep the cookie of a session only over TLS",
            ["enable TLS, or put a proxy that does before Keyward and list it under server.trusted_proxies"],
        );
    }
}
