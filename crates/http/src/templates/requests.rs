//! What the members of a request's body are called: by other names where an operator's clients know others.

use std::collections::HashMap;

use keyward_core::route::Endpoint;
use serde_json::{Map, Value};

use super::names;

/// The members that each endpoint reads from a body.
pub const MEMBERS: &[(&str, &[&str])] = &[
    ("login", &["username", "password", "code"]),
    ("refresh", &["refresh_token"]),
    ("token", &["grant_type", "client_id", "client_secret", "refresh_token", "scope"]),
    ("exchange", &["grant_type", "client_id", "client_secret", "refresh_token", "scope"]),
    ("revoke", &["token", "refresh_token", "client_id", "client_secret"]),
    ("introspect", &["token", "client_id", "client_secret"]),
    (
        "api_keys",
        &[
            "name",
            "expiresAt",
            "scopes",
            "mode",
            "allowedIps",
            "externalId",
            "pair",
            "disabled",
            "overlap",
            "untilQuiet",
        ],
    ),
];

/// Members under other names, by endpoint.
#[derive(Clone, Debug, Default)]
pub struct Requests(HashMap<Box<str>, Vec<Member>>);

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// As Keyward reads it.
    pub ours: Box<str>,
    /// As it stands in the body.
    pub theirs: Box<str>,
}

impl FromIterator<(Box<str>, Vec<Member>)> for Requests {
    fn from_iter<T: IntoIterator<Item = (Box<str>, Vec<Member>)>>(all: T) -> Self {
        Self(all.into_iter().collect())
    }
}

impl Requests {
    /// Whether an endpoint's members have other names.
    pub fn rename(&self, endpoint: Endpoint) -> bool {
        self.0.contains_key(names::name(endpoint))
    }

    /// A body with the names that Keyward reads. A member that has another name is not read by its own: one name each.
    pub fn read(&self, endpoint: Endpoint, mut body: Map<String, Value>) -> Map<String, Value> {
        let members = self.0.get(names::name(endpoint)).map(Vec::as_slice).unwrap_or_default();
        let values: Vec<Option<Value>> = members.iter().map(|member| body.shift_remove(&*member.theirs)).collect();
        for member in members {
            body.shift_remove(&*member.ours);
        }
        for (member, value) in members.iter().zip(values) {
            if let Some(value) = value {
                body.insert(member.ours.to_string(), value);
            }
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_name_each() {
        let member = |ours: &str, theirs: &str| Member { ours: ours.into(), theirs: theirs.into() };
        let swapped = vec![member("username", "password"), member("password", "username")];
        let renamed = vec![member("username", "user")];
        let rows = [
            (&renamed, json!({"user": "a", "password": "b"}), json!({"username": "a", "password": "b"})),
            (&renamed, json!({"username": "x", "user": "a"}), json!({"username": "a"})),
            (&renamed, json!({"username": "x"}), json!({})),
            (&swapped, json!({"username": "a", "password": "b"}), json!({"username": "b", "password": "a"})),
        ];
        for (members, body, read) in rows {
            let requests = Requests::from_iter([("login".into(), members.clone())]);
            let Value::Object(body) = body else { unreachable!() };
            assert_eq!(Value::Object(requests.read(Endpoint::Login, body.clone())), read);
            assert_eq!(requests.read(Endpoint::Refresh, body.clone()), body, "another endpoint");
        }
    }
}
