//! Requests to OAuth 2.0 endpoints: their parameters, and which client shows itself in them (RFC 6749 §2.3.1, §3.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyward_core::fields::Fields;
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// What stood in `Authorization`, for endpoints that read clients by it themselves. Never printed.
#[derive(Clone, Default)]
pub enum Shown {
    /// Nothing.
    #[default]
    Nothing,
    /// The header came more than once.
    Twice,
    /// This.
    Value(Zeroizing<Vec<u8>>),
}

impl Shown {
    /// Out of a request's fields.
    pub fn of(fields: Fields<'_>) -> Self {
        let mut values = fields.values(http::header::AUTHORIZATION.as_str());
        match (values.next(), values.next()) {
            (None, _) => Self::Nothing,
            (Some(value), None) => Self::Value(Zeroizing::new(value.to_vec())),
            (Some(_), Some(_)) => Self::Twice,
        }
    }
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown(…)")
    }
}

/// What is wrong with a request: `invalid_request` (RFC 6749 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The body is no JSON object.
    Json,
    /// A parameter came more than once.
    Repeated,
    /// A parameter is no text.
    NotText,
    /// The client showed itself in more than one way, or as two clients.
    TwoClients,
    /// `Authorization: Basic` is not what its grammar says.
    Basic,
}

impl Fault {
    /// What is wrong, for whoever sent it. It repeats nothing of the request.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Json => "The body is no JSON object.",
            Self::Repeated => "A parameter came more than once.",
            Self::NotText => "A parameter is no text.",
            Self::TwoClients => {
                "The client shows itself in more than one way; use Authorization: Basic, or client_id and client_secret in the body."
            }
            Self::Basic => "Authorization: Basic is not base64 of client_id:client_secret.",
        }
    }
}

/// Parameters of a request. Secrets are among them: never printed, zeroed when dropped.
pub struct Parameters(Vec<(String, Parameter)>);

enum Parameter {
    Text(Zeroizing<String>),
    /// Whoever asks for it learns that it does not fit.
    Other,
}

impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parameters(…)")
    }
}

impl Parameters {
    /// Out of `application/x-www-form-urlencoded`, as the RFC has it.
    ///
    /// # Errors
    /// A parameter that came twice (RFC 6749 §3.2).
    pub fn of_form(body: &[u8]) -> Result<Self, Fault> {
        let pairs = form_urlencoded::parse(body);
        Self::of(pairs.map(|(name, value)| (name.into_owned(), Parameter::Text(Zeroizing::new(value.into_owned())))))
    }

    /// Out of a JSON object, whose members `read` gives the names that are known here.
    ///
    /// # Errors
    /// It is none, or holds a name twice.
    pub fn of_json(body: &[u8], read: impl FnOnce(Map<String, Value>) -> Map<String, Value>) -> Result<Self, Fault> {
        let Members(members) = serde_json::from_slice(body).map_err(|_| Fault::Json)?;
        let count = members.len();
        let members = Map::from_iter(members);
        if members.len() < count {
            return Err(Fault::Repeated);
        }
        Self::of(read(members).into_iter().filter_map(|(name, value)| match value {
            Value::Null => None,
            Value::String(text) => Some((name, Parameter::Text(Zeroizing::new(text)))),
            _ => Some((name, Parameter::Other)),
        }))
    }

    fn of(all: impl Iterator<Item = (String, Parameter)>) -> Result<Self, Fault> {
        let mut kept: Vec<(String, Parameter)> = Vec::new();
        for (name, parameter) in all {
            if kept.iter().any(|(other, _)| *other == name) {
                return Err(Fault::Repeated);
            }
            kept.push((name, parameter));
        }
        Ok(Self(kept))
    }

    /// One of them. What has no value counts as not sent (RFC 6749 §3.2).
    ///
    /// # Errors
    /// It is no text.
    pub fn get(&self, name: &str) -> Result<Option<&str>, Fault> {
        match self.0.iter().find(|(other, _)| other == name) {
            Some((_, Parameter::Text(text))) if text.is_empty() => Ok(None),
            Some((_, Parameter::Text(text))) => Ok(Some(text)),
            Some((_, Parameter::Other)) => Err(Fault::NotText),
            None => Ok(None),
        }
    }
}

/// All members of an object, in order: those that come twice as well.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

/// A client's id and secret as they were shown.
pub struct Client {
    /// `client_id`: the key of a pair.
    pub id: Zeroizing<String>,
    /// `client_secret`; absent where the client says who it is and does not prove it.
    pub secret: Option<Zeroizing<String>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client(…)")
    }
}

impl Client {
    /// The client that a request shows: by Basic or in its body, never both. `None`: none.
    ///
    /// # Errors
    /// It shows two, or what it shows is not well formed.
    pub fn of(shown: &Shown, parameters: &Parameters) -> Result<Option<Self>, Fault> {
        let (id, secret) = (parameters.get("client_id")?, parameters.get("client_secret")?);
        let owned = |text: &str| Zeroizing::new(text.to_owned());
        match basic(shown)? {
            None => Ok(id.map(|id| Self { id: owned(id), secret: secret.map(owned) })),
            // Some clients name themselves in the body as well, which proves nothing and does no harm.
            Some(client) if secret.is_none() && id.is_none_or(|id| id == client.id.as_str()) => Ok(Some(client)),
            Some(_) => Err(Fault::TwoClients),
        }
    }
}

/// `Basic` (RFC 7617 §2) of an id and a secret, each of them form-encoded before (RFC 6749 §2.3.1). Another scheme shows no
/// client.
fn basic(shown: &Shown) -> Result<Option<Client>, Fault> {
    let value = match shown {
        Shown::Nothing => return Ok(None),
        Shown::Twice => return Err(Fault::TwoClients),
        Shown::Value(value) => value.trim_ascii(),
    };
    let end = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
    let (scheme, rest) = value.split_at(end);
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return Ok(None);
    }
    let decoded = STANDARD.decode(rest.trim_ascii_start()).map(Zeroizing::new).map_err(|_| Fault::Basic)?;
    let colon = decoded.iter().position(|byte| *byte == b':').ok_or(Fault::Basic)?;
    let (id, secret) = decoded.split_at(colon);
    let decode = |part: &[u8]| {
        let spaced: Zeroizing<Vec<u8>> =
            Zeroizing::new(part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect());
        let text = percent_encoding::percent_decode(&spaced).decode_utf8().map_err(|_| Fault::Basic)?;
        Ok(Zeroizing::new(text.into_owned()))
    };
    let secret = decode(secret.get(1..).unwrap_or_default())?;
    Ok(Some(Client { id: decode(id)?, secret: Some(secret) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> Shown {
        Shown::Value(Zeroizing::new(text.as_bytes().to_vec()))
    }

    fn read(shown: &Shown, body: &str) -> String {
        let parameters = match body.starts_with('{') {
            true => Parameters::of_json(body.as_bytes(), |members| members),
            false => Parameters::of_form(body.as_bytes()),
        };
        match parameters.and_then(|parameters| Client::of(shown, &parameters)) {
            Ok(None) => "none".to_owned(),
            Ok(Some(client)) => {
                format!("{} {}", *client.id, client.secret.map_or("-".to_owned(), |one| one.to_string()))
            }
            Err(fault) => format!("{fault:?}"),
        }
    }

    #[test]
    fn clients_table() {
        let basic = |text: &str| header(&format!("Basic {}", STANDARD.encode(text)));
        let none = Shown::Nothing;
        for (shown, body, read_as) in [
            (&none, "grant_type=client_credentials", "none"),
            (&none, "client_id=a&client_secret=b", "a b"),
            (&none, "client_id=a", "a -"),
            (&none, "client_id=&client_secret=b", "none"),
            (&none, "client_id=a%2Bb+c&client_secret=%C3%A9", "a+b c é"),
            (&none, "client_id=a&client_id=a", "Repeated"),
            (&none, r#"{"client_id":"a","client_secret":"b","more":[1]}"#, "a b"),
            (&none, r#"{"client_id":"a","client_id":"b"}"#, "Repeated"),
            (&none, r#"{"client_id":7}"#, "NotText"),
            (&none, r#"{"client_id":null}"#, "none"),
            (&none, "{", "Json"),
            (&basic("a:b"), "", "a b"),
            (&header("bAsIc  YTpi"), "", "a b"),
            (&basic("a%3Ab%5F+c:d:e%25"), "", "a:b_ c d:e%"),
            (&basic(":"), "", " "),
            (&basic("a:b"), "client_id=a", "a b"),
            (&basic("a:b"), "client_id=c", "TwoClients"),
            (&basic("a:b"), "client_id=a&client_secret=b", "TwoClients"),
            (&basic("a:b"), "client_secret=b", "TwoClients"),
            (&basic("ab"), "", "Basic"),
            (&basic("%ff:b"), "", "Basic"),
            (&header("Basic YTpi="), "", "Basic"),
            (&header("Basic"), "", "Basic"),
            (&header("Bearer x"), "client_id=a", "a -"),
            (&Shown::Twice, "client_id=a", "TwoClients"),
        ] {
            assert_eq!(read(shown, body), read_as, "{body}");
        }
    }

    #[test]
    fn no_secret_is_printed() {
        let parameters = Parameters::of_form(b"client_id=hidden&client_secret=hidden").unwrap();
        let client = Client::of(&Shown::Nothing, &parameters).unwrap();
        let printed = format!("{parameters:?} {client:?} {:?}", header("Basic hidden"));
        assert!(!printed.contains("hidden"), "{printed}");
    }
}
