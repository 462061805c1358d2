//! A port that cannot be had: nothing was made, nothing goes on.

use std::net::{SocketAddr, TcpListener};

use keyward_testkit::ports::free_port;

use super::{assert_ready, assert_says, files, serve_refused, world};

#[test]
fn a_port_that_another_program_has() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let other = free_port().to_string();
    for (data, admin, flags) in [(&port, &other, "--host and --port"), (&other, &port, "--admin-host and --admin-port")]
    {
        let world = world();
        let text = serve_refused(&world, &["--port", data, "--admin-port", admin]);
        let address = format!("cannot listen on 127.0.0.1:{port}: another program uses this port");
        assert_says(&text, &[&address, &format!("{flags} name another")]);
        assert_eq!(files(&world.path("")).len(), 0, "something was made");
    }
    // What was taken before the mistake was noticed is free again.
    TcpListener::bind(format!("127.0.0.1:{other}")).unwrap();
}

#[test]
fn a_port_that_another_server_has() {
    let first = world().serve(&[]);
    let port = first.server().data.port().to_string();
    let second = world();
    let text = serve_refused(&second, &["--port", &port, "--admin-port", "0"]);
    assert_says(&text, &["another program uses this port"]);
    assert_eq!(files(&second.path("")).len(), 0, "something was made");
    assert_ready(&first);
}

#[test]
fn both_ports_at_one_address() {
    let port = free_port().to_string();
    let world = world();
    let text = serve_refused(&world, &["--port", &port, "--admin-port", &port]);
    assert_says(&text, &["--admin-port", "the admin port is the data port"]);
    assert_eq!(files(&world.path("")).len(), 0, "something was made");
}

#[test]
fn an_address_of_another_machine() {
    // TEST-NET-1 (RFC 5737) is nobody's.
    let foreign: SocketAddr = "192.0.2.1:8080".parse().unwrap();
    for flag in ["--host", "--admin-host"] {
        let world = world();
        let text = serve_refused(&world, &[flag, &foreign.ip().to_string()]);
        assert_says(&text, &["cannot listen on 192.0.2.1:", "this machine has no such address", flag]);
        assert_eq!(files(&world.path("")).len(), 0, "something was made");
    }
}
