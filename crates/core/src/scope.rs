//! Scopes (RFC 6749 §3.3) and sets of them: what a set grants, and when one set lies within another.

use std::fmt;

/// The namespace of Keyward's own administration. No wildcard reaches into it; its scopes are held by name only.
pub const RESERVED: &str = "keyward:";

/// The namespace of a caller's own affairs (own keys, own usage).
pub const SELF: &str = "self:";

/// A scope token: `1*( %x21 / %x23-5B / %x5D-7E )` (RFC 6749 §3.3). In a grant, a last segment `*` stands for everything below.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(Box<str>);

/// Why a text is not a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeError {
    /// It is empty.
    Empty,
    /// It is longer than [`Scope::MAX_BYTES`].
    TooLong,
    /// It holds a character outside RFC 6749 §3.3.
    Character(char),
    /// `*` may stand only alone or as the last segment, after a colon.
    Wildcard,
    /// A wildcard into the reserved namespace.
    Reserved,
}

impl fmt::Display for ScopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a scope must not be empty"),
            Self::TooLong => write!(f, "a scope has at most {} bytes", Scope::MAX_BYTES),
            Self::Character(c) => {
                write!(f, "{c:?} cannot stand in a scope (visible ASCII except \" and \\, RFC 6749 section 3.3)")
            }
            Self::Wildcard => f.write_str("* stands alone or as the last segment, as in orders:*"),
            Self::Reserved => f.write_str("no wildcard reaches into keyward:; name each scope of it in full"),
        }
    }
}

impl std::error::Error for ScopeError {}

impl Scope {
    /// The longest scope taken.
    pub const MAX_BYTES: usize = 128;

    /// Checks the grammar. Wildcards pass: `*`, `orders:*`; not `ord*`, and not `keyward:*`.
    ///
    /// # Errors
    /// [`ScopeError`] names the first rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        if text.is_empty() {
            return Err(ScopeError::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(ScopeError::TooLong);
        }
        if let Some(c) = text.chars().find(|c| !matches!(c, '\x21' | '\x23'..='\x5B' | '\x5D'..='\x7E')) {
            return Err(ScopeError::Character(c));
        }
        if let Some(stem) = text.strip_suffix('*') {
            let segment_starts = stem.is_empty() || stem.ends_with(':');
            if stem.contains('*') || !segment_starts {
                return Err(ScopeError::Wildcard);
            }
            if stem.starts_with(RESERVED) {
                return Err(ScopeError::Reserved);
            }
        } else if text.contains('*') {
            return Err(ScopeError::Wildcard);
        }
        Ok(Self(text.into()))
    }

    /// The token as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the scope is in Keyward's own namespace.
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with(RESERVED)
    }

    /// Whether this one, held, grants `other` (itself a scope or a wildcard).
    pub fn covers(&self, other: &Self) -> bool {
        if self.0 == other.0 {
            return true;
        }
        // A wildcard grants what lies below it, never the reserved namespace.
        match self.0.strip_suffix('*') {
            Some(stem) => !other.is_reserved() && other.0.starts_with(stem),
            None => false,
        }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A set of held scopes, sorted and without duplicates.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct ScopeSet {
    members: Vec<Scope>,
    /// As upstreams are told them with every request.
    list: Box<str>,
}

impl ScopeSet {
    /// A caller's own affairs, all of them.
    pub fn own_affairs() -> Self {
        Scope::parse("self:*").into_iter().collect()
    }

    /// Reads scopes from texts.
    ///
    /// # Errors
    /// The first text that is no scope, with why.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, (String, ScopeError)> {
        texts.into_iter().map(|text| Scope::parse(text).map_err(|error| (text.to_owned(), error))).collect()
    }

    /// Whether the set grants one scope.
    pub fn grants(&self, required: &Scope) -> bool {
        self.members.iter().any(|held| held.covers(required))
    }

    /// The members that `outer` does not grant: what a maker may not give.
    pub fn beyond<'a>(&'a self, outer: &'a Self) -> impl Iterator<Item = &'a Scope> {
        self.members.iter().filter(|scope| !outer.grants(scope))
    }

    /// What both sets grant: the effective scopes along a lineage.
    pub fn intersection(&self, other: &Self) -> Self {
        let one_way =
            |a: &Self, b: &Self| -> Vec<Scope> { a.members.iter().filter(|scope| b.grants(scope)).cloned().collect() };
        one_way(self, other).into_iter().chain(one_way(other, self)).collect()
    }

    /// The members that are neither `self:` nor `keyward:`: what a key made without scopes has of its owner's.
    /// A bare `*` stays; [`ScopeSet::grants_inherited`] is the rule that keeps `self:` out of it.
    pub fn inheritable(&self) -> Self {
        self.members.iter().filter(|scope| !scope.is_reserved() && !scope.0.starts_with(SELF)).cloned().collect()
    }

    /// Whether an inherited set grants a scope: as [`ScopeSet::grants`], but never `self:` or `keyward:`.
    pub fn grants_inherited(&self, required: &Scope) -> bool {
        !required.is_reserved() && !required.0.starts_with(SELF) && self.grants(required)
    }

    /// The members in order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.members.iter()
    }

    /// The members joined by spaces, as RFC 6749 §3.3 writes a list of scopes.
    pub fn as_list(&self) -> &str {
        &self.list
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let mut members: Vec<Scope> = scopes.into_iter().collect();
        members.sort();
        members.dedup();
        let list = members.iter().map(Scope::as_str).collect::<Vec<_>>().join(" ").into();
        Self { members, list }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> ScopeSet {
        ScopeSet::parse(text.split_whitespace()).unwrap()
    }

    #[test]
    fn grants_table() {
        // held | required | granted
        for row in [
            "*             | orders:read    | yes",
            "*             | self:keys:read | yes",
            "*             | keyward:admin  | no",
            "*             | *              | yes",
            "orders:*      | orders:read    | yes",
            "orders:*      | orders:a:b     | yes",
            "orders:*      | orders:*       | yes",
            "orders:*      | orders         | no",
            "orders:*      | ordersx:read   | no",
            "orders:*      | *              | no",
            "orders:read   | orders:read    | yes",
            "orders:read   | orders:*       | no",
            "orders:read   | Orders:read    | no",
            "workflows:*   | workflows:run  | yes",
            "workflows:*   | workflows:a:*  | yes",
            "workflows:a:* | workflows:*    | no",
            "workflows:a:* | workflows:a    | no",
            "workflows:a:* | workflows:ab:c | no",
            "workflows:*   | keyward:a      | no",
            "self:*        | self:keys:read | yes",
            "self:*        | keyward:a      | no",
            "*             | keyward:       | no",
            "*             | keyward:a:b    | no",
            "*             | keywards:a     | yes",
            "keyward:a     | keyward:a      | yes",
            "keyward:a     | keyward:a:b    | no",
        ] {
            let [held, required, granted] = row.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
                unreachable!("three columns: {row}")
            };
            let got = set(held).grants(&Scope::parse(required).unwrap());
            assert_eq!(got, granted == "yes", "{row}");
        }
    }

    #[test]
    fn refuses_what_is_no_scope() {
        for text in [
            "",
            "a b",
            "a\"b",
            "a\\b",
            "ord*",
            "a:*:b",
            "**",
            "é",
            "keyward:*",
            "keyward:keys:*",
            "keyward:keys:a:*",
            "k*",
            "*:a",
            ":**",
        ] {
            assert!(Scope::parse(text).is_err(), "{text:?} passed");
        }
        assert!(Scope::parse(&"a".repeat(129)).is_err());
    }

    proptest::proptest! {
        /// Whatever is held, a scope of Keyward's own is granted by its name alone.
        #[test]
        fn no_wildcard_reaches_into_keyward(held in proptest::collection::vec("(keyward|self|a|\\*)(:(keys|a|\\*)){0,2}", 0..5), asked in "keyward:[a-z:]{0,8}") {
            let held: Vec<Scope> = held.iter().filter_map(|text| Scope::parse(text).ok()).collect();
            if let Ok(asked) = Scope::parse(&asked) {
                let by_name = held.contains(&asked);
                proptest::prop_assert_eq!(held.into_iter().collect::<ScopeSet>().grants(&asked), by_name);
            }
        }
    }

    #[test]
    fn a_lineage_has_what_both_have() {
        assert_eq!(set("orders:read self:keys").intersection(&set("*")), set("orders:read self:keys"));
        assert_eq!(set("orders:*").intersection(&set("orders:read billing:read")), set("orders:read"));
        assert_eq!(set("a").intersection(&set("b")), ScopeSet::default());
        assert_eq!(set("*").intersection(&set("* keyward:keys:write")), set("*"));
    }

    #[test]
    fn an_inherited_star_reaches_neither_self_nor_keyward() {
        let inherited = set("* self:* keyward:keys:write").inheritable();
        assert_eq!(inherited, set("*"));
        assert!(inherited.grants_inherited(&Scope::parse("orders:read").unwrap()));
        assert!(!inherited.grants_inherited(&Scope::parse("self:keys:read").unwrap()));
        assert!(!inherited.grants_inherited(&Scope::parse("keyward:keys:write").unwrap()));
    }
}
