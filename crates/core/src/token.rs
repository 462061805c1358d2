//! Tokens: how a JWT (RFC 7519, JWS compact form of RFC 7515) that Keyward issues is read, and which claims it must make.
//!
//! Signatures are not checked here: the machine asks for that. What is read here is a stranger's until the answer comes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::compact::Compact;
use crate::scope::ScopeSet;
use crate::time::Timestamp;

/// The longest text that is looked at as a token.
pub const MAX_BYTES: usize = 8 * 1024;

/// How far a clock may be behind that of the node which issued a token, in seconds.
pub(crate) const LEEWAY: i64 = 5;

/// Bytes of a signature by Ed25519 (RFC 8032 §5.1.6).
const SIGNATURE_BYTES: usize = 64;

/// What tokens say of who issued them and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRules {
    /// `iss`.
    pub issuer: Box<str>,
    /// `aud`.
    pub audience: Box<str>,
    /// `typ` of the header, `at+jwt` of RFC 9068 §2.1: other kinds of token are not taken for it.
    pub typ: Box<str>,
}

/// The most bytes of an id in a token: the ids that are made here are shorter.
const ID_BYTES: usize = 32;

impl TokenRules {
    /// Scheme and authority of the issuer, where it is a URL without query and fragment (RFC 8414 §2).
    pub fn origin(&self) -> Option<&str> {
        let rest = self.issuer.strip_prefix("https://").or_else(|| self.issuer.strip_prefix("http://"))?;
        let authority = rest.split('/').next().unwrap_or_default();
        let end = self.issuer.len() - rest.len() + authority.len();
        (!authority.is_empty() && !self.issuer.contains(['?', '#'])).then(|| self.issuer.get(..end)).flatten()
    }

    /// How many bytes of scopes fit into a token of these rules, so that it is read again ([`MAX_BYTES`]). They are plain
    /// text that JSON writes as it is.
    pub fn room_for_scopes(&self) -> usize {
        let id = || "x".repeat(ID_BYTES);
        let text = |text: &str| text.to_owned();
        let header = Header { alg: text("EdDSA"), typ: text(&self.typ), kid: id() };
        let claims = Claims {
            iss: text(&self.issuer),
            aud: text(&self.audience),
            sub: id(),
            sid: id(),
            jti: id(),
            scope: String::new(),
            exp: i64::MAX,
            iat: i64::MAX,
            nbf: i64::MAX,
        };
        let bare = assemble(&message(&header, &claims), &[0; SIGNATURE_BYTES]).len();
        // Three bytes become four letters; what is left of a group of three costs up to three more.
        (MAX_BYTES.saturating_sub(bare + 3) / 4) * 3
    }
}

/// What a token's header says. Anything else in it (`crit`, `jwk`, `jku`, `x5u`, `b64`, `zip`, …) is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The algorithm that the token claims; the key's own is what counts, and both must agree (RFC 8725 §3.1).
    pub alg: String,
    /// What kind of token it is.
    pub typ: String,
    /// Which key signed it.
    pub kid: String,
}

/// What a token says of its bearer: all of it is required, and nothing beyond it is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// For whom.
    pub aud: String,
    /// The user's id.
    pub sub: String,
    /// The session: the family of refresh tokens that it belongs to.
    pub sid: String,
    /// Its own id.
    pub jti: String,
    /// What it may do, joined by spaces (RFC 8693 §4.2).
    pub scope: String,
    /// From when on it no longer counts, in seconds since the Unix epoch.
    pub exp: i64,
    /// When it was issued.
    pub iat: i64,
    /// Before when it does not count.
    pub nbf: i64,
}

/// Why a text is no token that could count. The stranger is told only that it is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// It is longer than [`MAX_BYTES`].
    TooLong,
    /// It is not three parts of base64url, or these hold no JSON of the right form.
    Form,
    /// Its header says something that is not taken, or lacks something.
    Header,
    /// Its claims say something that is not taken, or lack something.
    Claims,
    /// It is some other kind of token.
    Type,
    /// The signature is not by the key that it names, or there is no such key.
    Signature,
    /// Somebody else issued it.
    Issuer,
    /// It is meant for somebody else.
    Audience,
    /// It does not count yet.
    Early,
    /// Another issuer's: its header says what is not understood here, or lacks something.
    ForeignHeader,
    /// Another issuer's: it lacks a claim, or has one of the wrong kind.
    ForeignClaims,
}

impl TokenFault {
    /// What is wrong, as the end of "the token …", for the operator.
    pub const fn text(self) -> &'static str {
        match self {
            Self::TooLong => "is too long",
            Self::Form => "is not three parts of base64url",
            Self::Header => "has a header with more or less than alg, typ and kid",
            Self::Claims => "has more or less claims than iss, aud, sub, sid, jti, scope, exp, iat and nbf",
            Self::Type => "is another type of token",
            Self::Signature => "was not signed by a key of this server",
            Self::Issuer => "was issued by somebody else",
            Self::Audience => "is meant for somebody else",
            Self::Early => "does not count yet",
            Self::ForeignHeader => {
                "has a header without kid, with an algorithm that is not taken, or with what is not understood"
            }
            Self::ForeignClaims => {
                "lacks sub, aud or exp, has one of the wrong kind, or is bound to a key of its holder"
            }
        }
    }
}

/// A token as it was read, signature unchecked.
#[derive(Debug)]
pub struct Unverified<'a> {
    /// What was signed: header and claims as they came (RFC 7515 §5.1).
    pub message: &'a [u8],
    /// The signature.
    pub signature: Vec<u8>,
    /// The header.
    pub header: Header,
    claims: Claims,
}

impl<'a> Unverified<'a> {
    /// Reads a token in compact form. One text has one reading: padding, stray bits and repeated members are refused.
    ///
    /// # Errors
    /// Which rule of its form it breaks.
    pub fn read(text: &'a [u8]) -> Result<Self, TokenFault> {
        let Compact { message, signature, header, payload } = Compact::of_objects(text)?;
        let header = serde_json::from_slice(&header).map_err(|_| TokenFault::Header)?;
        let claims = serde_json::from_slice(&payload).map_err(|_| TokenFault::Claims)?;
        Ok(Self { message, signature, header, claims })
    }

    /// The claims, once the signature is known to be right: issuer, audience, type and time are looked at here.
    ///
    /// # Errors
    /// The first of them that does not fit.
    pub fn verified(self, rules: &TokenRules, now: Timestamp) -> Result<Claims, TokenFault> {
        let claims = self.claims;
        if *self.header.typ != *rules.typ {
            return Err(TokenFault::Type);
        }
        if *claims.iss != *rules.issuer {
            return Err(TokenFault::Issuer);
        }
        if *claims.aud != *rules.audience {
            return Err(TokenFault::Audience);
        }
        let latest = now.as_millis().div_euclid(1000).saturating_add(LEEWAY);
        if claims.nbf > latest || claims.iat > latest {
            return Err(TokenFault::Early);
        }
        if claims.exp < claims.iat || claims.sub.is_empty() || claims.sid.is_empty() {
            return Err(TokenFault::Claims);
        }
        Ok(claims)
    }
}

impl Claims {
    /// From when on it counts (RFC 7519 §4.1.5), leeway included.
    pub fn begins_at(&self) -> Timestamp {
        Timestamp::from_millis(self.nbf.max(self.iat).saturating_sub(LEEWAY).saturating_mul(1000))
    }

    /// When the token ends.
    pub fn ends_at(&self) -> Timestamp {
        Timestamp::from_millis(self.exp.saturating_mul(1000))
    }

    /// Its scopes; what is no scope is left out.
    pub fn scopes(&self) -> ScopeSet {
        self.scope.split(' ').filter_map(|text| crate::scope::Scope::parse(text).ok()).collect()
    }
}

/// `typ` of the tokens that tell an upstream who calls: of another kind than any that lets somebody in (RFC 8725 §3.11).
pub const IDENTITY_TYPE: &str = "keyward-identity+jwt";

/// What such a token says: the facts that an upstream is told in headers, for itself alone and for a short time.
#[derive(Clone, Debug, Serialize)]
pub struct IdentityClaims<'a> {
    /// Who says so.
    pub iss: &'a str,
    /// To whom: the upstream's name.
    pub aud: &'a str,
    /// The owner's id; of a static key its name.
    pub sub: &'a str,
    /// The key's name or the username.
    pub name: &'a str,
    /// What was shown.
    pub kind: &'a str,
    /// The account, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<&'a str>,
    /// The credential's id.
    pub credential: &'a str,
    /// `live` or `test`.
    pub mode: &'a str,
    /// What it may do, joined by spaces.
    pub scope: &'a str,
    /// From when on it no longer counts, in seconds since the Unix epoch.
    pub exp: i64,
    /// When it was made.
    pub iat: i64,
    /// Before when it does not count.
    pub nbf: i64,
}

/// What is signed: header and claims in base64url, joined by a dot.
pub fn message(header: &Header, claims: &impl Serialize) -> String {
    // Plain texts and numbers: writing them as JSON cannot fail.
    let encode = |json: serde_json::Result<Vec<u8>>| URL_SAFE_NO_PAD.encode(json.unwrap_or_default());
    format!("{}.{}", encode(serde_json::to_vec(header)), encode(serde_json::to_vec(claims)))
}

/// The token: what was signed, and the signature.
pub fn assemble(message: &str, signature: &[u8]) -> String {
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn rules() -> TokenRules {
        TokenRules { issuer: "keyward".into(), audience: "api".into(), typ: "at+jwt".into() }
    }

    fn encode(text: &str) -> String {
        URL_SAFE_NO_PAD.encode(text)
    }

    const HEADER: &str = r#"{"alg":"EdDSA","typ":"at+jwt","kid":"k"}"#;
    const CLAIMS: &str = r#"{"iss":"keyward","aud":"api","sub":"u","sid":"s","jti":"j","scope":"a b:*","exp":1700000900,"iat":1700000000,"nbf":1700000000}"#;

    fn verdict(header: &str, claims: &str) -> Result<Claims, TokenFault> {
        let text = format!("{}.{}.c2ln", encode(header), encode(claims));
        Unverified::read(text.as_bytes())?.verified(&rules(), Timestamp::from_millis(NOW * 1000))
    }

    #[test]
    fn what_is_assembled_is_read_back() {
        let claims = verdict(HEADER, CLAIMS).unwrap();
        let header = Header { alg: "EdDSA".into(), typ: "at+jwt".into(), kid: "k".into() };
        let message = message(&header, &claims);
        let text = assemble(&message, b"signature");
        let read = Unverified::read(text.as_bytes()).unwrap();
        assert_eq!((read.message, &*read.signature, &read.header), (message.as_bytes(), &b"signature"[..], &header));
        assert_eq!(read.verified(&rules(), Timestamp::from_millis(NOW * 1000)).unwrap(), claims);
        assert_eq!(claims.scopes(), ScopeSet::parse(["a", "b:*"]).unwrap());
        assert_eq!(claims.ends_at(), Timestamp::from_millis(1_700_000_900_000));
    }

    #[test]
    fn an_issuer_that_is_a_url_has_an_origin() {
        for (issuer, origin) in [
            ("https://api.example", Some("https://api.example")),
            ("https://api.example:8443/a/b", Some("https://api.example:8443")),
            ("http://127.0.0.1:8080/", Some("http://127.0.0.1:8080")),
            ("keyward", None),
            ("https://", None),
            ("https:///a", None),
            ("https://api.example/?a", None),
            ("https://api.example/#a", None),
            ("ftp://api.example", None),
        ] {
            assert_eq!(TokenRules { issuer: issuer.into(), ..rules() }.origin(), origin, "{issuer}");
        }
    }

    #[test]
    fn what_there_is_room_for_is_read_again() {
        let rules = rules();
        let room = rules.room_for_scopes();
        assert!((5000..6144).contains(&room), "{room}");
        let made = |scope: usize| {
            let claims = Claims { scope: "s".repeat(scope), ..verdict(HEADER, CLAIMS).unwrap() };
            let claims = Claims { sub: "u".repeat(32), sid: "s".repeat(32), jti: "j".repeat(32), ..claims };
            let header = Header { alg: "EdDSA".into(), typ: "at+jwt".into(), kid: "k".repeat(32) };
            assemble(&message(&header, &claims), &[7; SIGNATURE_BYTES])
        };
        assert!(Unverified::read(made(room).as_bytes()).is_ok());
        assert_eq!(Unverified::read(made(room + 100).as_bytes()).unwrap_err(), TokenFault::TooLong);
        let endless = TokenRules { issuer: "x".repeat(MAX_BYTES).into(), ..rules };
        assert_eq!(endless.room_for_scopes(), 0);
    }

    #[test]
    fn headers_table() {
        use TokenFault::{Form, Header, Type};
        for (header, fault) in [
            (r#"{"alg":"EdDSA","typ":"JWT","kid":"k"}"#, Type),
            (r#"{"alg":"EdDSA","typ":"at+jwt"}"#, Header),
            (r#"{"typ":"at+jwt","kid":"k"}"#, Header),
            (r#"{"alg":"EdDSA","kid":"k"}"#, Header),
            (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"k","crit":["x"],"x":1}"#, Header),
            (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"k","b64":false}"#, Header),
            (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"k","zip":"DEF"}"#, Header),
            (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"k","cty":"JWT"}"#, Header),
            (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"k","jku":"http://x"}"#, Header),
            (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"k","kid":"l"}"#, Header),
            (r#"{"alg":["EdDSA"],"typ":"at+jwt","kid":"k"}"#, Header),
            (r#"["EdDSA","at+jwt","k"]"#, Form),
            ("", Form),
        ] {
            assert_eq!(verdict(header, CLAIMS), Err(fault), "{header}");
        }
    }

    #[test]
    fn claims_table() {
        use TokenFault::{Audience, Claims, Early, Form, Issuer};
        // what is replaced | by what | the fault
        for (old, new, fault) in [
            (r#""iss":"keyward","#, "", Claims),
            (r#""aud":"api","#, "", Claims),
            (r#""sub":"u","#, "", Claims),
            (r#""sid":"s","#, "", Claims),
            (r#""nbf":1700000000"#, r#""nbf":null"#, Claims),
            (r#","nbf":1700000000"#, "", Claims),
            (r#""iss":"keyward""#, r#""iss":"other""#, Issuer),
            (r#""iss":"keyward""#, r#""iss":["keyward"]"#, Claims),
            (r#""aud":"api""#, r#""aud":"other""#, Audience),
            (r#""aud":"api""#, r#""aud":["api"]"#, Claims),
            (r#""nbf":1700000000"#, r#""nbf":1700000006"#, Early),
            (r#""iat":1700000000"#, r#""iat":1700000006"#, Early),
            (r#""nbf":1700000000"#, r#""nbf":"1700000000""#, Claims),
            (r#""exp":1700000900"#, r#""exp":"1700000900""#, Claims),
            (r#""exp":1700000900"#, r#""exp":1699999999"#, Claims),
            (r#""exp":1700000900"#, r#""exp":1e30"#, Claims),
            (r#""sub":"u""#, r#""sub":"""#, Claims),
            (r#""sub":"u""#, r#""sub":"u","sub":"v""#, Claims),
            (r#""sub":"u""#, r#""sub":"u","admin":true"#, Claims),
            (CLAIMS, "[]", Form),
            (CLAIMS, "null", Form),
        ] {
            let claims = CLAIMS.replacen(old, new, 1);
            assert_ne!(claims, CLAIMS);
            assert_eq!(verdict(HEADER, &claims), Err(fault), "{claims}");
        }
        // Within the leeway.
        assert!(verdict(HEADER, &CLAIMS.replace(r#""nbf":1700000000"#, r#""nbf":1700000005"#)).is_ok());
    }

    #[test]
    fn one_token_has_one_text() {
        let good = format!("{}.{}.{}", encode(HEADER), encode(CLAIMS), URL_SAFE_NO_PAD.encode([7; 64]));
        assert!(Unverified::read(good.as_bytes()).is_ok());
        let dots = ".".repeat(MAX_BYTES);
        let long = format!("{good}{}", "A".repeat(MAX_BYTES));
        let texts = [
            format!("{good}="),
            format!("{good}=="),
            format!(" {good}"),
            format!("{good}\n"),
            format!("{good}.{good}"),
            format!("x.{good}"),
            good.replace('.', ""),
            good.replacen('.', "..", 1),
            // The last character of 64 bytes carries four bits that no byte needs.
            format!("{}x", &good[..good.len() - 1]),
            dots,
            long,
            String::new(),
        ];
        for text in &texts {
            assert!(Unverified::read(text.as_bytes()).is_err(), "{:?}", text.get(..60));
        }
    }
}
