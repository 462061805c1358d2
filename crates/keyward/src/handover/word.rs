//! The words of a handover: a byte each, some with a file descriptor (`SCM_RIGHTS`).

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::cmsg_space;
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

/// A word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Word {
    /// The new process asks for the sockets.
    Send = b's',
    /// A socket of the data port.
    Data = b'd',
    /// The socket of the admin port.
    Admin = b'a',
    /// The socket of commands.
    Control = b'c',
    /// There are no more.
    All = b'.',
    /// The new process goes on at the place of the data port.
    Agreed = b'k',
    /// The new process goes on at another.
    Moved = b'm',
    /// The data directory.
    Lock = b'l',
    /// The new process answers.
    Serving = b'r',
}

const WORDS: [Word; 9] = [
    Word::Send,
    Word::Data,
    Word::Admin,
    Word::Control,
    Word::All,
    Word::Agreed,
    Word::Moved,
    Word::Lock,
    Word::Serving,
];

/// Says a word. Whoever hung up is an error, and no signal (Rust's runtime ignores SIGPIPE).
pub fn say(stream: &UnixStream, word: Word, with: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let byte = [word as u8];
    let fds: Vec<BorrowedFd<'_>> = with.into_iter().collect();
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    sendmsg(stream, &[IoSlice::new(&byte)], &mut control, SendFlags::empty())?;
    Ok(())
}

/// Hears the next word. What is none is an error, as is the end.
pub fn hear(stream: &UnixStream) -> io::Result<(Word, Option<OwnedFd>)> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let heard = recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::empty())?;
    if heard.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let fds = control.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => fds.collect::<Vec<_>>(),
        _ => Vec::new(),
    });
    let with = fds.collect::<Vec<_>>().pop();
    if let Some(fd) = &with {
        fcntl_setfd(fd, FdFlags::CLOEXEC)?;
    }
    let word = WORDS.into_iter().find(|word| *word as u8 == byte[0]).ok_or(io::ErrorKind::InvalidData)?;
    Ok((word, with))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::fd::AsFd as _;

    use super::*;

    #[test]
    fn words_come_one_by_one_with_what_belongs_to_them() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (mut one, other) = UnixStream::pair().unwrap();
        say(&ours, Word::Send, None).unwrap();
        say(&ours, Word::Data, Some(other.as_fd())).unwrap();
        say(&ours, Word::All, None).unwrap();
        drop(other);
        assert!(matches!(hear(&theirs), Ok((Word::Send, None))));
        let Ok((Word::Data, Some(fd))) = hear(&theirs) else { panic!("a socket") };
        assert!(matches!(hear(&theirs), Ok((Word::All, None))));
        UnixStream::from(fd).write_all(b"x").unwrap();
        let mut heard = String::new();
        one.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "x");
        (&ours).write_all(b"?").unwrap();
        assert_eq!(hear(&theirs).unwrap_err().kind(), io::ErrorKind::InvalidData);
        drop(ours);
        assert_eq!(hear(&theirs).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(say(&theirs, Word::Send, None).is_err());
    }
}
