//! Header fields of a request, wherever a door keeps them: in a map, or as places in the bytes that came.

use http::{HeaderMap, header};

/// Where one field stands in the bytes of a head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// First byte of the name.
    pub name: u32,
    /// First byte after the name.
    pub name_end: u32,
    /// First byte of the value.
    pub value: u32,
    /// First byte after the value.
    pub value_end: u32,
}

/// A field's name as it was spelt: a token. It stays bytes, because it is compared for every field of every request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name<'a>(&'a [u8]);

impl<'a> Name<'a> {
    /// The name's bytes.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Whether it is this name, whatever their case (RFC 9110 §5.1).
    #[inline]
    pub fn is(self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other.as_bytes())
    }
}

impl<'a> From<&'a str> for Name<'a> {
    fn from(text: &'a str) -> Self {
        Self(text.as_bytes())
    }
}

impl std::fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&String::from_utf8_lossy(self.0), f)
    }
}

/// Header fields, in the order in which they came. Names are compared without case (RFC 9110 §5.1).
#[derive(Clone, Copy)]
pub enum Fields<'a> {
    /// In a map.
    Map(&'a HeaderMap),
    /// In the bytes of a head. Names were found to be tokens.
    Places(&'a [u8], &'a [Place]),
}

impl std::fmt::Debug for Fields<'_> {
    /// Names alone: credentials stand in values.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

impl<'a> From<&'a HeaderMap> for Fields<'a> {
    fn from(map: &'a HeaderMap) -> Self {
        Self::Map(map)
    }
}

impl<'a> Fields<'a> {
    /// All fields: name and value.
    pub fn iter(self) -> Iter<'a> {
        match self {
            Self::Map(map) => Iter::Map(map.iter()),
            Self::Places(bytes, places) => Iter::Places(bytes, places.iter()),
        }
    }

    /// The values of the fields of a name.
    pub fn values(self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |(one, _)| one.is(name)).map(|(_, value)| value)
    }

    /// Whether there is a field of a name.
    pub fn contain(self, name: &str) -> bool {
        self.values(name).next().is_some()
    }
}

/// All fields of a request.
pub enum Iter<'a> {
    /// In a map.
    Map(header::Iter<'a, header::HeaderValue>),
    /// In the bytes of a head.
    Places(&'a [u8], std::slice::Iter<'a, Place>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Name<'a>, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Map(map) => map.next().map(|(name, value)| (Name::from(name.as_str()), value.as_bytes())),
            Self::Places(bytes, places) => places.next().map(|place| {
                let part = |from: u32, to: u32| bytes.get(from as usize..to as usize).unwrap_or_default();
                (Name(part(place.name, place.name_end)), part(place.value, place.value_end))
            }),
        }
    }
}
