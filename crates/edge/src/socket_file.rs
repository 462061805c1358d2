//! A socket file: made for its user and group, put in the place of one that nobody listens on any more, and removed at the end.

use std::fs::{Metadata, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

/// Who may connect: the user that Keyward runs as, and its group.
const MODE: u32 = 0o660;

/// A socket file that is ours. Removed when it is dropped, unless another one stands there by then.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    id: (u64, u64),
}

impl SocketFile {
    /// The file of a socket that another process handed over.
    pub(crate) fn adopt(path: &Path) -> io::Result<Self> {
        let found = path.symlink_metadata()?;
        if !found.file_type().is_socket() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Self { path: path.to_owned(), id: id(&found) })
    }

    /// Leaves it to whoever listens there now.
    pub(crate) fn leave(mut self) {
        // A path that is none: nothing is removed there.
        self.path = PathBuf::new();
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.path.symlink_metadata().is_ok_and(|now| id(&now) == self.id) {
            // Left behind, it is replaced by the next start.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn id(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Listens on a new socket file.
pub(crate) fn listen(path: &Path, backlog: i32) -> io::Result<(Socket, SocketFile)> {
    clear(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let file = SocketFile { path: path.to_owned(), id: id(&path.symlink_metadata()?) };
    // Nobody can connect before it listens, so that nobody came while it had another mode.
    std::fs::set_permissions(path, Permissions::from_mode(MODE))?;
    socket.listen(backlog)?;
    Ok((socket, file))
}

/// Removes a socket that nobody listens on. Whatever else is there stays.
fn clear(path: &Path) -> io::Result<()> {
    let found = match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.file_type().is_socket() {
        return Err(io::Error::other("there is a file that is no socket; it is left as it is"));
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_replaced_and_what_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.sock");
        let (live, file) = listen(&path, 1).unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o660);
        assert_eq!(listen(&path, 1).unwrap_err().kind(), io::ErrorKind::AddrInUse, "somebody listens");
        UnixStream::connect(&path).unwrap();
        // As after kill -9: the file stays and nobody listens.
        let _stays = std::mem::ManuallyDrop::new(file);
        drop(live);
        let (live, file) = listen(&path, 1).unwrap();
        drop(file);
        assert!(!path.exists(), "removed at the end");
        drop(live);
        std::fs::write(&path, "mine").unwrap();
        assert!(listen(&path, 1).unwrap_err().to_string().contains("no socket"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), &path).unwrap();
        assert!(listen(&path, 1).unwrap_err().to_string().contains("no socket"));
    }

    #[test]
    fn another_ones_file_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.sock");
        let (_live, file) = listen(&path, 1).unwrap();
        std::fs::rename(&path, folder.path().join("moved")).unwrap();
        let (_other, others) = listen(&path, 1).unwrap();
        drop(file);
        assert!(path.exists());
        drop(others);
        assert!(!path.exists());
    }
}
