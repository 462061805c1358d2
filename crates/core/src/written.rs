//! How upstreams are told of a credential, as bytes that a door makes once: they are the same with every request.

use std::borrow::Cow;
use std::sync::OnceLock;

/// What a door wrote by one version of the configuration. It says nothing that the credential does not, so it is equal to any
/// other, and a copy begins without it.
#[derive(Default)]
pub struct Written(OnceLock<(u64, Box<[u8]>)>);

impl Written {
    /// What `write` gives, kept by the first version that asks. Another version names things otherwise: it gets its own, and
    /// nothing of it is kept.
    pub fn by(&self, version: u64, write: impl Fn() -> Box<[u8]>) -> Cow<'_, [u8]> {
        match self.0.get_or_init(|| (version, write())) {
            (by, bytes) if *by == version => Cow::Borrowed(bytes),
            _ => Cow::Owned(write().into()),
        }
    }
}

impl Clone for Written {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Written {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Written {}

impl std::fmt::Debug for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Written")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_gets_its_own() {
        let written = Written::default();
        let bytes = |text: &str| text.as_bytes().into();
        assert_eq!(&*written.by(1, || bytes("one")), b"one");
        assert_eq!(&*written.by(1, || bytes("other")), b"one", "kept");
        assert_eq!(&*written.by(2, || bytes("two")), b"two");
        assert_eq!(&*written.by(1, || bytes("other")), b"one");
        assert_eq!(&*written.clone().by(2, || bytes("three")), b"three", "a copy begins without");
    }
}
