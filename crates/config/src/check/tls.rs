//! `server.tls` and `server.socket`: what would be less closed than it looks, and what excludes each other.

use super::Look;
use crate::place::at;
use crate::text::Files;

pub(super) fn check(look: &mut Look<'_>) {
    let tls = &look.settings.server.tls;
    let count = |files: &Option<Files>| files.as_ref().map_or(0, |files| files.paths().len());
    let (certificates, keys) = (count(&tls.cert_file), count(&tls.key_file));
    if tls.enabled {
        enabled(look, certificates, keys);
    } else {
        disabled(look);
    }
    if look.settings.server.socket.is_some() {
        socket(look);
    }
}

fn enabled(look: &mut Look<'_>, certificates: usize, keys: usize) {
    if certificates == 0 || keys == 0 {
        let what = if certificates == 0 { "TLS without a certificate" } else { "TLS without a private key" };
        look.mistake(
            &at!["server", "tls", "enabled"],
            what,
            ["name both, as in cert_file: server.pem and key_file: server.key"],
        );
    } else if certificates != keys {
        let what = format!("{certificates} certificates and {keys} keys");
        look.mistake(&at!["server", "tls", "key_file"], what, ["name one key for each certificate, in the same order"]);
    }
}

fn disabled(look: &mut Look<'_>) {
    let tls = &look.settings.server.tls;
    const HELP: [&str; 1] = ["write enabled: true, or take this away"];
    if tls.require {
        let what = "TLS is required and not enabled: everybody would be refused, or nobody";
        look.mistake(&at!["server", "tls", "require"], what, HELP);
    }
    if tls.client_ca_file.is_some() {
        let what = "clients' certificates are not asked for as long as TLS is not enabled";
        look.mistake(&at!["server", "tls", "client_ca_file"], what, HELP);
    }
    if tls.cert_file.is_some() {
        look.warning(&at!["server", "tls", "cert_file"], "TLS is not enabled", HELP);
    }
}

fn socket(look: &mut Look<'_>) {
    if look.settings.server.tls.enabled {
        let help = ["whoever connects there is on this machine; take one of the two away"];
        look.mistake(&at!["server", "tls", "enabled"], "no TLS is spoken on a socket file", help);
    }
    for name in ["host", "port"] {
        if !look.place(&at!["server", name]).is_default() {
            let help = ["take one of the two away"];
            look.warning(&at!["server", name], "says nothing beside server.socket", help);
        }
    }
}
