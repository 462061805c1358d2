//! Handed over while callers ask: over each transport no request fails, and what was decided adds up to what was asked.

use keyward_testkit::certificates::Authority;
use keyward_testkit::decided::{decisions, usage};
use keyward_testkit::ports::free_port;
use keyward_testkit::world::{World, text, until};

use super::load::{Load, Way, add_up, trusting};
use super::{hand_over, world};

/// Hands over so often while callers come this way, and counts.
fn survives(mut world: World, way: &Way, times: usize) {
    let made = world.key_json("made", &["--scopes", "self:usage:read"]);
    let load = Load::start(way, world.server().data, "/x", &text(&made, "key"));
    for _ in 0..times {
        load.goes_on();
        hand_over(&mut world);
    }
    load.goes_on();
    let asked = load.end();
    add_up(&world, &text(&made, "id"), asked);
    until("all of the usage", || (usage(&world, &text(&made, "key"), "all") == asked).then_some(()));
}

/// A world with a certificate for `api.test`.
fn secure(authority: &Authority) -> World {
    let yaml = "server: {tls: {enabled: true, cert_file: server.pem, key_file: server.key}}\n\
        routes: [{name: all, path: /**}]\n";
    let world = world(yaml);
    authority.issue(&["api.test"]).write(&world.path(""), "server");
    world.serve(&[])
}

#[test]
fn in_the_clear() {
    // Folded at once, and each on its own.
    for rate in [1, 1_000_000] {
        let yaml = format!("decisions: {{fold_above_per_second: {rate}}}\nroutes: [{{name: all, path: /**}}]\n");
        survives(world(&yaml).serve(&[]), &Way::Plain, 3);
    }
}

#[test]
fn over_tls() {
    let authority = Authority::new("test");
    survives(secure(&authority), &Way::Tls(trusting(&authority, b"http/1.1")), 2);
}

#[test]
fn in_streams_of_http2() {
    survives(world("routes: [{name: all, path: /**}]\n").serve(&[]), &Way::H2c, 2);
}

#[test]
fn in_streams_of_http2_over_tls() {
    let authority = Authority::new("test");
    survives(secure(&authority), &Way::H2(trusting(&authority, b"h2")), 2);
}

#[test]
fn behind_a_proxy_that_tells_who_calls() {
    let yaml = "server: {trusted_proxies: [127.0.0.1], client_address: proxy-protocol}\n\
        routes: [{name: all, path: /**}]\n";
    let mut world = world(yaml).serve(&[]);
    let made = world.key_json("made", &[]);
    let load = Load::start(&Way::Proxied, world.server().data, "/x", &text(&made, "key"));
    for _ in 0..2 {
        load.goes_on();
        hand_over(&mut world);
    }
    load.goes_on();
    let asked = load.end();
    add_up(&world, &text(&made, "id"), asked);
    // Whoever was asked after the handover came from there as well.
    let from = decisions(&world, &["--credential", &text(&made, "id")]);
    assert!(from.iter().all(|one| one["client"] == "192.0.2.9" || one["client"].is_null()), "{from:?}");
}

#[test]
fn to_another_port() {
    let mut world = world("routes: [{name: all, path: /**}]\n").serve(&[]);
    let made = world.key_json("made", &[]);
    let load = Load::start(&Way::Plain, world.server().data, "/x", &text(&made, "key"));
    load.goes_on();
    let old = world.take_server();
    load.may_move();
    let next = world.try_start_at(&free_port().to_string(), &["--take-over"]).unwrap_or_else(|said| panic!("{said}"));
    load.moves_to(next.data);
    let left = old.data;
    assert!(old.ends());
    assert!(std::net::TcpStream::connect(left).is_err(), "nobody is left there");
    load.goes_on();
    let asked = load.end();
    add_up(&world, &text(&made, "id"), asked);
    assert!(next.stop());
}

#[test]
fn nothing_is_lost_by_those_who_cannot_start() {
    let world = world("routes: [{name: all, path: /**}]\n").serve(&[]);
    let made = world.key_json("made", &[]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let write = |name: &str, yaml: &str| {
        std::fs::write(world.path(name), yaml).unwrap();
        world.path(name).display().to_string()
    };
    let bad = write("bad.yaml", "server: {prot: 1}\n");
    let certificate = write("tls.yaml", "server: {tls: {enabled: true, cert_file: no.pem, key_file: no.key}}\n");
    let load = Load::start(&Way::Plain, world.server().data, "/x", &text(&made, "key"));
    for (arguments, said) in [
        (vec!["--config", bad.as_str(), "--port", "0", "--admin-port", "0"], "prot"),
        (vec!["--config", certificate.as_str(), "--port", "0", "--admin-port", "0"], "no.pem"),
        (vec!["--port", "0", "--admin-port", port.as_str()], "another program uses this port"),
        (vec!["--port", port.as_str(), "--admin-port", "0"], "another program uses this port"),
    ] {
        let mut command = world.plain(&["serve", "--take-over", "--data-dir"]);
        let output = command.arg(world.data_dir()).args(&arguments).output().unwrap();
        let written = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && written.contains(said), "{arguments:?}: {written}");
        load.goes_on();
        world.key("another", &[]);
    }
    let asked = load.end();
    add_up(&world, &text(&made, "id"), asked);
}
