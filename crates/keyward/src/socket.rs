//! The socket in the data directory by which commands reach a running server.

use std::fs::{File, Permissions};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::process::umask;

const NAME: &str = "keyward.sock";
/// `sun_path` holds 108 bytes on Linux, 104 elsewhere, with a NUL at the end (unix(7)).
const LONGEST: usize = 100;

/// A path short enough for a socket address, and the open directory that it may go through.
struct Address {
    path: PathBuf,
    _through: Option<File>,
}

/// A long path is spelt through an open handle of its directory, which is short whatever the path is.
fn address(data_dir: &Path) -> std::io::Result<Address> {
    let plain = data_dir.join(NAME);
    if plain.as_os_str().len() <= LONGEST {
        return Ok(Address { path: plain, _through: None });
    }
    let handle = File::open(data_dir)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}/{NAME}", handle.as_raw_fd()));
    Ok(Address { path, _through: Some(handle) })
}

/// Listens on the socket, readable and writable by this user alone. The caller holds the data directory, so that a
/// socket found there is left over from a process that is gone.
pub fn listen(data_dir: &Path) -> std::io::Result<UnixListener> {
    match std::fs::remove_file(data_dir.join(NAME)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = bind(&address(data_dir)?)?;
    std::fs::set_permissions(data_dir.join(NAME), Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Binds so that nobody else can reach the socket from its first moment on: its mode comes from the process's mask, which
/// other threads meanwhile feel as files that are more private than they asked for, if at all.
fn bind(address: &Address) -> std::io::Result<UnixListener> {
    let before = umask(Mode::RWXG | Mode::RWXO);
    let listener = UnixListener::bind(&address.path);
    umask(before);
    listener
}

/// Reaches the server behind the socket.
pub fn connect(data_dir: &Path) -> std::io::Result<UnixStream> {
    let stream = UnixStream::connect(address(data_dir)?.path)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_reaches_it_before_its_mode_is_set() {
        let folder = tempfile::tempdir().unwrap();
        let before = umask(Mode::empty());
        let bound = address(folder.path()).and_then(|address| bind(&address));
        umask(before);
        bound.unwrap();
        let mode = folder.path().join(NAME).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }
}
