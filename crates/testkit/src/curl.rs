//! curl as a client of HTTP/2: one of others' making, that sends targets as they are.

use std::net::SocketAddr;
use std::process::Command;

use crate::client::Answer;

/// Sends a request over HTTP/2 by prior knowledge; `None` when its stream is reset without an answer.
pub fn over_h2(address: SocketAddr, method: &str, target: &str, headers: &[&str]) -> Option<Answer> {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--http2-prior-knowledge", "--path-as-is", "--globoff", "--include", "--max-time", "20"]);
    match method {
        "HEAD" => curl.arg("--head"),
        method => curl.args(["--request", method]),
    };
    for header in headers {
        // curl takes an empty value for a wish to leave the field out, unless it is written like this.
        let header = match header.trim_end().strip_suffix(':') {
            Some(name) => format!("{name};"),
            None => (*header).to_owned(),
        };
        curl.args(["--header", &header]);
    }
    let output = curl.args(["--request-target", target, &format!("http://{address}/")]).output().expect("curl runs");
    if !output.status.success() {
        return None;
    }
    let end = output.stdout.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&output.stdout[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let start = lines.next()?;
    assert!(start.starts_with("HTTP/2 "), "{start}");
    let status = start.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Some(Answer { status, headers, body: output.stdout[end + 4..].to_vec() })
}
