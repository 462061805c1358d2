//! Tokens of other issuers: whose they claim to be, and which claims must hold (RFC 7519, RFC 9068, RFC 8725).
//!
//! The claim of an issuer selects whose keys are asked, and nothing else: what is read here is a stranger's until its signature
//! was checked by a key of that very issuer.

use std::collections::BTreeMap;
use std::fmt;

use http::Uri;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::address::AddressRules;
use crate::algorithm::Algorithm;
use crate::api_key::CredentialEntry;
use crate::compact::Compact;
use crate::plan::Counted;
use crate::principal::{Grants, Kind, Mode, Principal};
use crate::scope::{Scope, ScopeSet};
use crate::time::Timestamp;
use crate::token::{LEEWAY, TokenFault};
use crate::written::Written;

/// The most bytes of a subject.
const SUBJECT_BYTES: usize = 256;
/// Header parameters that change how the rest is to be read, or bring keys along (RFC 7515 §4.1, RFC 7797 §3). Others inform.
pub(crate) const REFUSED: [&str; 7] = ["crit", "jwk", "jku", "x5u", "x5c", "b64", "zip"];
/// The type of a token that names none.
pub(crate) const PLAIN: &str = "JWT";

/// Somebody else whose tokens count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// `iss` of its tokens, byte for byte.
    pub name: Box<str>,
    /// Whom they must be meant for.
    pub audience: Box<str>,
    /// The claim that holds scopes: a text with spaces, or a list.
    pub scope_claim: Box<str>,
    /// `typ` of the header, without case; `JWT` is also that of a token without one.
    pub types: Vec<Box<str>>,
}

/// What the header of another issuer's token says, as far as it is taken.
#[derive(Debug)]
pub struct ForeignHeader {
    /// Which key is said to have signed it.
    pub kid: String,
    /// How it is said to be signed.
    pub algorithm: Algorithm,
    /// What kind of token it is.
    pub typ: String,
}

impl ForeignHeader {
    /// Reads a header's text.
    ///
    /// # Errors
    /// [`TokenFault::ForeignHeader`]: it lacks something, or says what is not taken.
    pub fn read(text: &[u8]) -> Result<Self, TokenFault> {
        let header: Object = serde_json::from_slice(text).map_err(|_| TokenFault::ForeignHeader)?;
        if REFUSED.iter().any(|name| header.has(name)) {
            return Err(TokenFault::ForeignHeader);
        }
        let text = |name| header.text(name).map(str::to_owned).ok_or(TokenFault::ForeignHeader);
        // Whoever can check a symmetric signature can make one, and public keys are no secrets.
        let algorithm = Algorithm::parse(&text("alg")?).filter(|algorithm| *algorithm != Algorithm::Hs256);
        let typ = if header.has("typ") { text("typ")? } else { PLAIN.to_owned() };
        Ok(Self { kid: text("kid")?, algorithm: algorithm.ok_or(TokenFault::ForeignHeader)?, typ })
    }
}

/// A token that claims to be of one of the issuers, signature unchecked.
#[derive(Debug)]
pub struct Foreign<'a> {
    /// What was signed.
    pub message: &'a [u8],
    /// The signature.
    pub signature: Vec<u8>,
    /// Which key is said to have signed it.
    pub kid: String,
    /// How it is said to be signed. The key's own algorithm is what counts, and both must agree (RFC 8725 §3.1).
    pub algorithm: Algorithm,
    typ: String,
    claims: Object,
    issuer: &'a Issuer,
}

impl<'a> Foreign<'a> {
    /// Reads a token in compact form. `None`: it does not claim to be of one of these issuers.
    pub fn read(text: &'a [u8], issuers: &'a [Issuer]) -> Option<Result<Self, TokenFault>> {
        if issuers.is_empty() {
            return None;
        }
        let parts = Compact::of_objects(text).ok()?;
        let claims: Object = serde_json::from_slice(&parts.payload).ok()?;
        let name = claims.text("iss")?;
        let issuer = issuers.iter().find(|issuer| *issuer.name == *name)?;
        Some(Self::of(parts, claims, issuer))
    }

    fn of(parts: Compact<'a>, claims: Object, issuer: &'a Issuer) -> Result<Self, TokenFault> {
        let ForeignHeader { kid, algorithm, typ } = ForeignHeader::read(&parts.header)?;
        Ok(Self { message: parts.message, signature: parts.signature, kid, algorithm, typ, claims, issuer })
    }

    /// Whose it claims to be.
    pub fn issuer(&self) -> &'a Issuer {
        self.issuer
    }

    /// Whom it speaks for, once its signature is known to be right.
    ///
    /// # Errors
    /// The first claim that does not hold. Its end is judged like that of every credential.
    pub fn verified(&self, now: Timestamp) -> Result<CredentialEntry, TokenFault> {
        let Self { issuer, claims, .. } = self;
        // RFC 7515 §4.1.9: "application/" may be left out.
        let typ = self.typ.strip_prefix("application/").unwrap_or(&self.typ);
        if !issuer.types.iter().any(|one| one.eq_ignore_ascii_case(typ)) {
            return Err(TokenFault::Type);
        }
        if !claims.texts("aud").ok_or(TokenFault::ForeignClaims)?.contains(&&*issuer.audience) {
            return Err(TokenFault::Audience);
        }
        let is_subject = |sub: &&str| (1..=SUBJECT_BYTES).contains(&sub.len()) && !sub.chars().any(char::is_control);
        let sub = claims.text("sub").filter(is_subject).ok_or(TokenFault::ForeignClaims)?;
        let exp = claims.second("exp")?.ok_or(TokenFault::ForeignClaims)?;
        let (nbf, iat) = (claims.second("nbf")?, claims.second("iat")?);
        // Whoever shows it must also show a key that it is bound to (RFC 7800 §3.1), and nobody here asks for that.
        if claims.has("cnf") || iat.is_some_and(|iat| exp < iat) {
            return Err(TokenFault::ForeignClaims);
        }
        let begins = nbf.max(iat);
        let latest = now.as_millis().div_euclid(1000).saturating_add(LEEWAY);
        if begins.is_some_and(|begins| begins > latest) {
            return Err(TokenFault::Early);
        }
        let millis = |second: i64| Timestamp::from_millis(second.saturating_mul(1000));
        let id = format!("{}#{sub}", issuer.name);
        Ok(CredentialEntry {
            principal: Principal {
                id: id.as_str().into(),
                name: sub.into(),
                kind: Kind::Foreign,
                account: None,
                credential: id.into(),
                mode: Mode::Live,
                grants: Grants::Inherited(self.scopes()?),
            },
            line: None,
            // Which plan it is on is for the rules to say.
            counted: Counted::default(),
            addresses: AddressRules::default(),
            account_addresses: Vec::new(),
            ends_at: Some(millis(exp)),
            source_ends_at: None,
            renew_at: None,
            csrf: None,
            plane: None,
            begins_at: begins.map(|begins| millis(begins.saturating_sub(LEEWAY))),
            disabled: false,
            revoked: false,
            is_half: false,
            replaced: false,
            written: Written::default(),
        })
    }

    /// Scopes as they are named: none of Keyward's own, and no wildcard, which is nothing but a letter to others.
    fn scopes(&self) -> Result<ScopeSet, TokenFault> {
        let name = &*self.issuer.scope_claim;
        if !self.claims.has(name) {
            return Ok(ScopeSet::default());
        }
        let texts = self.claims.texts(name).ok_or(TokenFault::ForeignClaims)?;
        let words = texts.into_iter().flat_map(|text| text.split(' '));
        let plain = words.filter(|word| !word.contains('*')).filter_map(|word| Scope::parse(word).ok());
        Ok(plain.collect::<ScopeSet>().inheritable())
    }
}

/// The members of a JSON object, each of them once (RFC 7515 §4: repeated ones are refused).
#[derive(Debug, Default)]
pub(crate) struct Object(BTreeMap<String, Value>);

impl Object {
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A text, or a list of texts.
    fn texts(&self, name: &str) -> Option<Vec<&str>> {
        match self.0.get(name)? {
            Value::String(text) => Some(vec![text]),
            Value::Array(items) => items.iter().map(Value::as_str).collect(),
            _ => None,
        }
    }

    /// A time in whole seconds, if it is there.
    pub(crate) fn second(&self, name: &str) -> Result<Option<i64>, TokenFault> {
        self.0.get(name).map(|value| value.as_i64().ok_or(TokenFault::ForeignClaims)).transpose()
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<Object, M::Error> {
                let mut object = Object::default();
                while let Some((name, value)) = members.next_entry::<String, Value>()? {
                    if object.0.insert(name, value).is_some() {
                        return Err(M::Error::custom("a member comes twice"));
                    }
                }
                Ok(object)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// Whether a document is asked for at an address: over TLS, or in the clear on this machine.
pub fn is_fetchable(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let Some(authority) = uri.authority() else { return false };
    let is_here = matches!(authority.host(), "127.0.0.1" | "[::1]" | "localhost");
    let is_plain = !authority.as_str().contains('@') && !authority.host().is_empty();
    is_plain
        && !url.contains('#')
        && (uri.scheme_str() == Some("https") || (uri.scheme_str() == Some("http") && is_here))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    const NOW: i64 = 1_700_000_000;
    const HEADER: &str = r#"{"alg":"RS256","typ":"at+jwt","kid":"k"}"#;
    const CLAIMS: &str = r#"{"iss":"https://idp.example","aud":"api","sub":"ada","scope":"orders:read a","exp":1700000900,"iat":1700000000}"#;

    fn issuers() -> Vec<Issuer> {
        let issuer = |name: &str, scope_claim: &str| Issuer {
            name: name.into(),
            audience: "api".into(),
            scope_claim: scope_claim.into(),
            types: vec!["at+jwt".into(), "JWT".into()],
        };
        vec![issuer("https://other.example", "scope"), issuer("https://idp.example", "scope")]
    }

    /// `None`: of none of the issuers.
    fn verdict(header: &str, claims: &str) -> Option<Result<CredentialEntry, TokenFault>> {
        let text = format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let issuers = issuers();
        let read = Foreign::read(text.as_bytes(), &issuers)?;
        Some(read.and_then(|token| token.verified(Timestamp::from_millis(NOW * 1000))))
    }

    fn names(entry: &CredentialEntry) -> Vec<String> {
        entry.principal.grants.scopes().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn whom_a_token_speaks_for() {
        let entry = verdict(HEADER, CLAIMS).unwrap().unwrap();
        assert_eq!((&*entry.principal.id, &*entry.principal.name), ("https://idp.example#ada", "ada"));
        assert_eq!(names(&entry).len(), 2);
        assert_eq!(entry.ends_at, Some(Timestamp::from_millis(1_700_000_900_000)));
        assert_eq!(entry.begins_at, Some(Timestamp::from_millis(1_699_999_995_000)));
    }

    #[test]
    fn scopes_of_others_stay_below_ours() {
        for (claim, expected) in [
            (r#""scope":"orders:read""#, vec!["orders:read"]),
            (r#""scope":["orders:read","a b"]"#, vec!["a", "b", "orders:read"]),
            (r#""scope":"* orders:* keyward:keys:write self:keys:write self:* x""#, vec!["x"]),
            (r#""scope":"""#, vec![]),
            (r#""scp":"orders:read""#, vec![]),
        ] {
            let entry = verdict(HEADER, &CLAIMS.replace(r#""scope":"orders:read a""#, claim)).unwrap().unwrap();
            assert_eq!(names(&entry), expected, "{claim}");
            for ours in ["keyward:keys:write", "self:keys:write"] {
                assert!(!entry.principal.grants.grant(&Scope::parse(ours).unwrap()), "{claim}: {ours}");
            }
        }
    }

    #[test]
    fn headers_table() {
        use TokenFault::{ForeignHeader, Type};
        for (header, fault) in [
            (r#"{"alg":"RS256","typ":"JWT","kid":"k"}"#, None),
            (r#"{"alg":"ES256","typ":"application/AT+JWT","kid":"k","x5t":"a","cty":"x"}"#, None),
            (r#"{"alg":"EdDSA","kid":"k"}"#, None),
            (r#"{"alg":"RS256","typ":"dpop+jwt","kid":"k"}"#, Some(Type)),
            (r#"{"alg":"RS256","typ":"","kid":"k"}"#, Some(Type)),
            (r#"{"alg":"RS256","typ":["JWT"],"kid":"k"}"#, Some(ForeignHeader)),
            (r#"{"alg":"RS256","typ":"JWT"}"#, Some(ForeignHeader)),
            (r#"{"alg":"none","typ":"JWT","kid":"k"}"#, Some(ForeignHeader)),
            (r#"{"alg":"HS256","typ":"JWT","kid":"k"}"#, Some(ForeignHeader)),
            (r#"{"alg":"rs256","typ":"JWT","kid":"k"}"#, Some(ForeignHeader)),
            (r#"{"alg":"PS256","typ":"JWT","kid":"k"}"#, Some(ForeignHeader)),
            (r#"{"alg":"RS256","kid":"k","kid":"l"}"#, Some(ForeignHeader)),
            (r#"{"alg":"RS256","kid":"k","crit":["x"],"x":1}"#, Some(ForeignHeader)),
            (r#"{"alg":"RS256","kid":"k","jwk":{}}"#, Some(ForeignHeader)),
            (r#"{"alg":"RS256","kid":"k","jku":"https://evil.example"}"#, Some(ForeignHeader)),
            (r#"{"alg":"RS256","kid":"k","x5u":"https://evil.example"}"#, Some(ForeignHeader)),
            (r#"{"alg":"RS256","kid":"k","x5c":[]}"#, Some(ForeignHeader)),
            (r#"{"alg":"RS256","kid":"k","b64":false}"#, Some(ForeignHeader)),
            (r#"{"alg":"RS256","kid":"k","zip":"DEF"}"#, Some(ForeignHeader)),
        ] {
            assert_eq!(verdict(header, CLAIMS).unwrap().err(), fault, "{header}");
        }
    }

    #[test]
    fn claims_table() {
        use TokenFault::{Audience, Early, ForeignClaims};
        for (old, new, fault) in [
            (r#""aud":"api""#, r#""aud":["other","api"]"#, None),
            (r#""iat":1700000000"#, r#""nbf":1700000005"#, None),
            (r#""iat":1700000000"#, r#""admin":true"#, None),
            (r#""aud":"api""#, r#""aud":"apis""#, Some(Audience)),
            (r#""aud":"api""#, r#""aud":[]"#, Some(Audience)),
            (r#""aud":"api""#, r#""aud":["api",1]"#, Some(ForeignClaims)),
            (r#""aud":"api","#, "", Some(ForeignClaims)),
            (r#""sub":"ada","#, "", Some(ForeignClaims)),
            (r#""sub":"ada""#, r#""sub":"""#, Some(ForeignClaims)),
            (r#""sub":"ada""#, r#""sub":7"#, Some(ForeignClaims)),
            (r#""sub":"ada""#, r#""sub":"a\nb""#, Some(ForeignClaims)),
            (r#""exp":1700000900,"#, "", Some(ForeignClaims)),
            (r#""exp":1700000900"#, r#""exp":"1700000900""#, Some(ForeignClaims)),
            (r#""exp":1700000900"#, r#""exp":1e30"#, Some(ForeignClaims)),
            (r#""exp":1700000900"#, r#""exp":1699999999"#, Some(ForeignClaims)),
            (r#""iat":1700000000"#, r#""iat":1700000006"#, Some(Early)),
            (r#""iat":1700000000"#, r#""nbf":1700000006"#, Some(Early)),
            (r#""iat":1700000000"#, r#""nbf":null"#, Some(ForeignClaims)),
            (r#""iat":1700000000"#, r#""cnf":{"jkt":"x"}"#, Some(ForeignClaims)),
            (r#""scope":"orders:read a""#, r#""scope":{"a":1}"#, Some(ForeignClaims)),
        ] {
            let claims = CLAIMS.replacen(old, new, 1);
            assert_ne!(claims, CLAIMS);
            assert_eq!(verdict(HEADER, &claims).unwrap().err(), fault, "{claims}");
        }
        for (old, new) in [
            (r#""iss":"https://idp.example""#, r#""iss":"https://idp.example/""#),
            (r#""iss":"https://idp.example""#, r#""iss":["https://idp.example"]"#),
            (r#""iss":"https://idp.example""#, r#""iss":"https://idp.example","iss":"https://other.example""#),
            (r#""iss":"https://idp.example","#, ""),
        ] {
            assert!(verdict(HEADER, &CLAIMS.replacen(old, new, 1)).is_none(), "{new}");
        }
    }

    #[test]
    fn addresses_of_documents() {
        for (url, expected) in [
            ("https://idp.example", true),
            ("https://idp.example:8443/jwks.json", true),
            ("http://127.0.0.1:9000/jwks", true),
            ("http://localhost:9000", true),
            ("http://[::1]:9000", true),
            ("http://idp.example/jwks", false),
            ("http://127.0.0.1.evil.example", false),
            ("https://user:word@idp.example", false),
            ("https://idp.example/keys?p=a", true),
            ("https://idp.example/#a", false),
            ("ftp://idp.example", false),
            ("file:///etc/passwd", false),
            ("/jwks", false),
            ("", false),
        ] {
            assert_eq!(is_fetchable(url), expected, "{url}");
        }
    }
}
