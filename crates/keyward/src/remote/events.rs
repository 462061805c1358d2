//! Server-sent events that come in pieces: the data of each, once it is whole.

/// The longest event, in bytes; nothing of ours is nearly as long.
const LONGEST: usize = 1024 * 1024;

/// What has come and is not whole yet.
#[derive(Debug, Default)]
pub struct Events {
    line: Vec<u8>,
    data: String,
}

impl Events {
    /// Takes a piece. `false`: it is no stream of events, or one that is longer than any of ours.
    pub fn take(&mut self, piece: &[u8], mut each: impl FnMut(&str)) -> bool {
        for &byte in piece {
            if byte != b'\n' {
                self.line.push(byte);
                if self.line.len() + self.data.len() > LONGEST {
                    return false;
                }
                continue;
            }
            let Ok(line) = std::str::from_utf8(&self.line) else { return false };
            let line = line.trim_end_matches('\r');
            match line.strip_prefix("data:") {
                Some(data) => self.data.push_str(data.strip_prefix(' ').unwrap_or(data)),
                None if line.is_empty() && !self.data.is_empty() => {
                    each(&self.data);
                    self.data.clear();
                }
                // An id, which the data has as well, or a sign of life.
                None => {}
            }
            self.line.clear();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_told_once_it_is_whole_however_it_is_cut() {
        let text = "id: 1\ndata: {\"a\":1}\n\n:\n\nid: 2\r\ndata:{\"b\":\"é\"}\r\n\r\ndata: cut off";
        for size in 1..text.len() {
            let (mut events, mut told) = (Events::default(), Vec::new());
            for piece in text.as_bytes().chunks(size) {
                assert!(events.take(piece, |data| told.push(data.to_owned())));
            }
            assert_eq!(told, ["{\"a\":1}", "{\"b\":\"é\"}"], "in pieces of {size}");
        }
    }

    #[test]
    fn what_never_ends_is_given_up() {
        let mut events = Events::default();
        let piece = vec![b'x'; LONGEST / 2 + 1];
        assert!(events.take(&piece, |_| {}));
        assert!(!events.take(&piece, |_| {}));
        assert!(!Events::default().take(b"data: \xff\n", |_| {}));
    }
}
