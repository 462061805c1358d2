//! Listening sockets that go from one process to the next, so that nobody who connects meanwhile is refused.

use std::io;
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;

use socket2::{SockAddr, Socket};

use crate::bind::{Bound, listen};
use crate::place::Place;
use crate::socket_file::SocketFile;

impl Bound {
    /// Takes listening sockets over if they listen where `wanted` says; port 0 is any. `None`: they do not.
    ///
    /// Sockets that were for more cores are all kept, because connections wait in each; for fewer, some are added.
    ///
    /// # Errors
    /// What the system says of them.
    pub fn take_over(sockets: Vec<OwnedFd>, wanted: &Place, cores: NonZeroUsize) -> io::Result<Option<Self>> {
        let mut listeners: Vec<Socket> = sockets.into_iter().map(Socket::from).collect();
        let Some(first) = listeners.first() else { return Ok(None) };
        let at = first.local_addr()?;
        for socket in &listeners {
            if !socket.is_listener()? || socket.local_addr()? != at {
                return Ok(None);
            }
            socket.set_nonblocking(true)?;
        }
        let Some(place) = fitting(&at, wanted) else { return Ok(None) };
        while listeners.len() < cores.get() {
            let more = match &place {
                Place::Tcp(address) => Some(listen(*address)?),
                Place::Unix(_) => listeners.first().map(Socket::try_clone).transpose()?,
            };
            listeners.extend(more);
        }
        Ok(Some(Self { listeners, place, file: None }))
    }

    /// From now on the place is ours alone: a socket file that was taken over is removed at the end.
    #[must_use]
    pub fn settled(mut self) -> Self {
        if let (Place::Unix(path), None) = (&self.place, &self.file) {
            self.file = SocketFile::adopt(path).ok();
        }
        self
    }

    /// The sockets once more, for another process. As long as they are there, connections wait at the place.
    ///
    /// # Errors
    /// No more files may be open.
    pub fn duplicates(&self) -> io::Result<Vec<OwnedFd>> {
        self.listeners.iter().map(|socket| socket.try_clone().map(OwnedFd::from)).collect()
    }
}

/// Where a socket listens, if that is where it is wanted.
fn fitting(at: &SockAddr, wanted: &Place) -> Option<Place> {
    match wanted {
        Place::Tcp(wanted) => {
            let at = at.as_socket()?;
            let fits = at.ip() == wanted.ip() && (wanted.port() == 0 || wanted.port() == at.port());
            fits.then_some(Place::Tcp(at))
        }
        Place::Unix(path) => {
            // The same words may name another file, where the two processes work in different folders.
            let is_there = path.symlink_metadata().is_ok_and(|found| FileTypeExt::is_socket(&found.file_type()));
            (is_there && at.as_pathname() == Some(path)).then(|| wanted.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cores(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    #[test]
    fn sockets_are_taken_where_they_are_wanted() {
        let bound = Bound::bind("127.0.0.1:0".parse().unwrap(), cores(2)).unwrap();
        let Place::Tcp(at) = *bound.place() else { panic!("an address") };
        let other = if at.port() == 1024 { 1025 } else { 1024 };
        // wanted, cores | taken
        for (wanted, count, taken) in [
            (at, 2, Some(2)),
            (at, 1, Some(2)),
            (at, 3, Some(3)),
            ("127.0.0.1:0".parse().unwrap(), 2, Some(2)),
            ("0.0.0.0:0".parse().unwrap(), 2, None),
            (([127, 0, 0, 1], other).into(), 2, None),
        ] {
            let sockets = bound.duplicates().unwrap();
            let found = Bound::take_over(sockets, &Place::Tcp(wanted), cores(count)).unwrap();
            assert_eq!(found.as_ref().map(Bound::cores), taken, "{wanted} {count}");
            assert!(found.is_none_or(|found| found.place() == bound.place()));
        }
        let file = Place::Unix("k.sock".into());
        assert!(Bound::take_over(bound.duplicates().unwrap(), &file, cores(2)).unwrap().is_none());
        assert!(Bound::take_over(Vec::new(), bound.place(), cores(2)).unwrap().is_none());
    }

    #[test]
    fn what_does_not_listen_is_not_taken() {
        let socket = Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
        let wanted = Place::Tcp("127.0.0.1:0".parse().unwrap());
        assert!(Bound::take_over(vec![socket.into()], &wanted, cores(1)).unwrap().is_none());
    }

    #[test]
    fn a_socket_file_is_taken_where_it_is_the_same_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.sock");
        let bound = Bound::bind_file(&path, cores(2)).unwrap();
        let sockets = || bound.duplicates().unwrap();
        let taken = Bound::take_over(sockets(), bound.place(), cores(2)).unwrap().unwrap();
        assert_eq!(taken.place(), bound.place());
        drop(taken);
        assert!(path.exists(), "it was not ours yet");
        let elsewhere = Place::Unix(folder.path().join("other.sock"));
        assert!(Bound::take_over(sockets(), &elsewhere, cores(2)).unwrap().is_none());
        let taken = Bound::take_over(sockets(), bound.place(), cores(2)).unwrap().unwrap();
        drop(taken.settled());
        assert!(!path.exists(), "it was ours");
        assert!(Bound::take_over(sockets(), bound.place(), cores(2)).unwrap().is_none(), "nobody could connect there");
    }
}
