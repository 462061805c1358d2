//! `server`: spans and sizes with which no request would pass.

use super::Look;
use crate::place::at;

/// RFC 9112 §3: request lines of 8000 octets are to be supported.
const LEAST_HEAD: u64 = 8 * 1024;

pub(super) fn check(look: &mut Look<'_>) {
    let settings = look.settings;
    let limits = &settings.server.limits;
    if limits.header_bytes.0 < LEAST_HEAD {
        look.mistake(
            &at!["server", "limits", "header_bytes"],
            "too small for the head of a request",
            ["at least 8KiB: request lines alone may have 8000 bytes (RFC 9112 section 3)"],
        );
    }
    let spans = [
        (at!["server", "limits", "header_timeout"], limits.header_timeout),
        (at!["server", "limits", "idle_timeout"], limits.idle_timeout),
        (at!["server", "limits", "tunnel_timeout"], limits.tunnel_timeout),
    ];
    for (path, span) in spans {
        look.span(&path, span);
    }
    let (server, admin) = (&settings.server, &settings.admin);
    if server.socket.is_none() && server.port != 0 && server.port == admin.port && server.host == admin.host {
        let written = [at!["admin", "port"], at!["server", "port"]].into_iter().find(|at| !look.place(at).is_default());
        look.mistake(
            &written.unwrap_or(at!["admin", "host"]),
            "the admin port is the data port",
            ["operators and callers never share one port; write another"],
        );
    }
}
