//! A world in one line: the real binary on free ports over a data directory of its own, ended with the value.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::client::{Answer, exchange};
use crate::issued::Issued;

/// How long anything that is waited for may take. Only a bound for a test that would hang; nothing is measured by it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A data directory, a binary, and the server when one runs.
pub struct World {
    directory: tempfile::TempDir,
    data: PathBuf,
    binary: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    before: Option<String>,
    server: Option<Server>,
    /// The secrets that it gave out.
    pub issued: Issued,
}

/// A running server.
pub struct Server {
    child: Child,
    /// The data port.
    pub data: SocketAddr,
    /// The control plane's port.
    pub admin: SocketAddr,
    /// All that it wrote so far, both streams.
    pub written: Arc<Mutex<String>>,
}

impl World {
    /// An empty data directory for a binary (`env!("CARGO_BIN_EXE_keyward")`).
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let data = directory.path().join("data");
        Self {
            directory,
            data,
            binary: binary.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            before: None,
            server: None,
            issued: Issued::default(),
        }
    }

    /// Keeps the data in another folder of the world than `data`.
    pub fn data_in(mut self, folder: &str) -> Self {
        self.data = self.path(folder);
        self
    }

    /// Sets a variable for every command of this world.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs a line of shell before each server, in its process: such as `ulimit -n 256`.
    pub fn before(mut self, line: &str) -> Self {
        self.before = Some(line.to_owned());
        self
    }

    /// Writes a configuration file that every command of this world uses.
    pub fn config(mut self, yaml: &str) -> Self {
        let path = self.path("keyward.yaml");
        std::fs::write(&path, yaml).expect("a configuration file");
        self.arguments.extend(["--config".to_owned(), path.display().to_string()]);
        self
    }

    /// Starts the server with further flags and waits until it is ready.
    pub fn serve(mut self, flags: &[&str]) -> Self {
        self.start(flags);
        self
    }

    /// As [`World::serve`], on a world that is there.
    pub fn start(&mut self, flags: &[&str]) {
        self.start_at(0, flags);
    }

    /// As [`World::start`], on a data port that is named.
    pub fn start_at(&mut self, port: u16, flags: &[&str]) {
        let ready = self.try_start_at(&port.to_string(), flags);
        self.server = Some(ready.unwrap_or_else(|written| panic!("the server did not become ready:\n{written}")));
    }

    /// Starts the server; what it wrote where it ended instead.
    pub fn try_start(&self, flags: &[&str]) -> Result<Server, String> {
        self.try_start_at("0", flags)
    }

    /// As [`World::try_start`], on a data port that is named.
    pub fn try_start_at(&self, port: &str, flags: &[&str]) -> Result<Server, String> {
        let mut command = self.command(&["serve", "--port", port, "--admin-port", "0"]);
        command.args(flags);
        // One pipe for both streams: what was written before the banner is read before it.
        let (output, theirs) = std::io::pipe().expect("a pipe");
        let errors = theirs.try_clone().expect("a pipe");
        let mut child = self.after_shell(command).stdout(theirs).stderr(errors).spawn().expect("the binary starts");
        let written = Arc::new(Mutex::new(String::new()));
        self.issued.hear(&written);
        let (lines, heard) = channel();
        listen(output, &written, lines);
        match addresses(&heard) {
            Some((data, admin)) => Ok(Server { child, data, admin, written }),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                Err(written.lock().expect("not poisoned").clone())
            }
        }
    }

    /// The running server.
    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("a server runs")
    }

    /// Waits until the server has written a text.
    pub fn hears(&self, text: &str) {
        until(&format!("{text:?} from the server"), || self.server().log().contains(text).then_some(()));
    }

    /// Takes the server out, for tests that end it their own way.
    pub fn take_server(&mut self) -> Server {
        self.server.take().expect("a server runs")
    }

    /// A path inside the world's directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.data.clone()
    }

    /// The binary in this world with no flag but these, not started yet. Nothing of the caller's environment reaches it
    /// but PATH.
    #[expect(clippy::disallowed_methods, reason = "a child needs the PATH of its parent")]
    pub fn plain(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.directory.path()).args(arguments).stdin(Stdio::null());
        command
    }

    /// As [`World::plain`], on the data and the configuration of this world.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.plain(arguments);
        command.arg("--data-dir").arg(self.data_dir()).args(&self.arguments);
        command
    }

    /// The command behind the line of [`World::before`].
    fn after_shell(&self, command: Command) -> Command {
        let Some(before) = &self.before else { return command };
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("{before}\nexec \"$0\" \"$@\"")])
            .arg(command.get_program())
            .args(command.get_args());
        shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.current_dir(self.directory.path()).stdin(Stdio::null());
        shell
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary runs")
    }

    /// Runs a command with a text on its stdin.
    pub fn run_with_stdin(&self, arguments: &[&str], text: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        // A command may know enough before it has read all; what it makes of that is what the test looks at.
        let _ = child.stdin.take().expect("piped").write_all(text.as_bytes());
        child.wait_with_output().expect("the binary ends")
    }

    /// Runs a command that must succeed; its stdout, trimmed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?} failed: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
    }

    /// Runs a command that must succeed; the JSON on its stdout.
    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let text = self.ok(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("no JSON ({error}): {text}"))
    }

    /// Runs a command that must be refused: exit code 1, nothing on stdout; what it says on stderr.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?} was not refused: {said}");
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(told.is_empty(), "{arguments:?} was refused, and wrote to stdout: {told}");
        said
    }

    /// Ends the server as SIGTERM does, and waits.
    pub fn stop(&mut self) {
        assert!(self.take_server().stop(), "the server did not end well");
    }

    /// Makes a user who cannot sign in.
    pub fn user(&self, username: &str, roles: &[&str]) {
        self.ok(&["user", "add", username, "--no-password", "--roles", &roles.join(",")]);
    }

    /// Makes a key; its text.
    pub fn key(&self, name: &str, flags: &[&str]) -> String {
        let key = self.ok(&[&["key", "create", name], flags].concat());
        self.issued.note(&key);
        key
    }

    /// Makes a key; its JSON.
    pub fn key_json(&self, name: &str, flags: &[&str]) -> serde_json::Value {
        let key = self.json(&[&["key", "create", name], flags].concat());
        self.issued.note(&text(&key, "key"));
        key
    }

    /// Sends a request with header lines to the data port.
    pub fn send(&self, method: &str, target: &str, headers: &[&str], body: &str) -> Answer {
        self.send_to(self.server().data, (method, target), headers, body)
    }

    /// The same to one of the server's ports.
    pub fn send_to(&self, address: SocketAddr, (method, target): (&str, &str), headers: &[&str], body: &str) -> Answer {
        let mut request = format!("{method} {target} HTTP/1.1\r\nHost: {address}\r\n");
        for header in headers {
            request.push_str(header);
            request.push_str("\r\n");
        }
        if !body.is_empty() {
            request.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        request.push_str(&format!("Connection: close\r\n\r\n{body}"));
        let answer = exchange(address, request.as_bytes())
            .unwrap_or_else(|| panic!("no answer to {method} {target}; the server wrote:\n{}", self.server().log()));
        if answer.status >= 400 {
            self.issued.absent_from("a refusal", &answer.body);
        }
        answer
    }

    /// GET with a key.
    pub fn get(&self, target: &str, key: &str) -> Answer {
        self.send("GET", target, &[&format!("X-API-Key: {key}")], "")
    }

    /// Calls an endpoint of Keyward with a key and a JSON body, which may be empty.
    pub fn call(&self, method: &str, target: &str, key: &str, body: &str) -> Answer {
        let key = format!("X-API-Key: {key}");
        let json = ["Content-Type: application/json", key.as_str()];
        self.send(method, target, if body.is_empty() { &json[1..] } else { &json }, body)
    }
}

impl Drop for World {
    /// Whatever a test was about: no secret lies where none may be.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let processes: Vec<u32> = self.server.iter().map(Server::id).collect();
            self.issued.search(&self.data, &processes);
        }
    }
}

impl Server {
    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends the process at once, as `kill -9` does.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end (SIGTERM) and waits; whether it ended well.
    pub fn stop(mut self) -> bool {
        let told = Command::new("kill").arg("-TERM").arg(self.id().to_string()).status();
        told.is_ok_and(|status| status.success()) && self.child.wait().is_ok_and(|status| status.success())
    }

    /// Waits until it ends by itself; whether it ended well.
    pub fn ends(mut self) -> bool {
        self.child.wait().is_ok_and(|status| status.success())
    }

    /// All that it wrote so far.
    pub fn log(&self) -> String {
        self.written.lock().expect("not poisoned").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(stream: impl Read + Send + 'static, written: &Arc<Mutex<String>>, lines: std::sync::mpsc::Sender<String>) {
    let written = Arc::clone(written);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut written = written.lock().expect("not poisoned");
            written.push_str(&line);
            written.push('\n');
            drop(written);
            let _ = lines.send(line);
        }
    });
}

/// The addresses in the banner; `None` when both streams end without one.
fn addresses(heard: &Receiver<String>) -> Option<(SocketAddr, SocketAddr)> {
    let (mut data, mut admin, mut is_trying) = (None, None, false);
    loop {
        let line = heard.recv_timeout(PATIENCE).ok()?;
        let address = line.split_once("://").and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
        match line.split_whitespace().next() {
            // A socket file has no address; tests that use one know where it is.
            Some("API") if line.contains("unix:") => data = Some(SocketAddr::from(([0, 0, 0, 0], 0))),
            Some("API") => data = address,
            Some("control") => admin = address,
            Some("Try:") => is_trying = true,
            _ => {}
        }
        // Behind what is to be tried there is an empty line: by then the banner is whole.
        if is_trying && line.is_empty() {
            return Some((data?, admin?));
        }
    }
}

/// A text field of a JSON answer.
pub fn text(answer: &serde_json::Value, field: &str) -> String {
    answer[field].as_str().unwrap_or_else(|| panic!("no {field} in {answer}")).to_owned()
}

/// Looks again and again until there is something to see; `what` is it that never came.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..PATIENCE.as_millis() / 10 {
        if let Some(seen) = look() {
            return seen;
        }
        // Nobody unparks this thread: it gives the machine to those that are waited for.
        std::thread::park_timeout(Duration::from_millis(10));
    }
    panic!("never came: {what}")
}

/// Whether a file or directory can be used by its owner alone.
pub fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 == 0)
}
