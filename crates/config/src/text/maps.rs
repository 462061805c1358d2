//! Maps whose names have a grammar of their own: headers with values, scopes by method.

use std::borrow::Cow;
use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use keyward_core::route::ScopeRules;
use keyward_core::scope::{Scope, ScopeSet};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{FromText, Leaf, Ready};

pub(crate) struct WrittenHeaders(HeaderMap);

impl Ready for HeaderMap {
    type Written = WrittenHeaders;

    fn ready(written: WrittenHeaders) -> Self {
        written.0
    }
}

impl<'de> Deserialize<'de> for WrittenHeaders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Headers;
        impl<'de> Visitor<'de> for Headers {
            type Value = WrittenHeaders;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("headers with their values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WrittenHeaders, A::Error> {
                let mut headers = HeaderMap::new();
                while let Some(name) = map.next_key::<Leaf<HeaderName>>()? {
                    let (name, value) = (HeaderName::ready(name), HeaderValue::ready(map.next_value()?));
                    if headers.contains_key(&name) {
                        return Err(A::Error::custom(format!("names the header {name} twice, in different case")));
                    }
                    headers.try_append(name, value).map_err(|_| A::Error::custom("holds too many headers"))?;
                }
                Ok(WrittenHeaders(headers))
            }
        }
        deserializer.deserialize_map(Headers)
    }
}

impl JsonSchema for WrittenHeaders {
    fn schema_name() -> Cow<'static, str> {
        "Headers".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": { "type": "string" } })
    }
}

/// A name in a map of scopes: a method, or `*` for all others.
enum MethodOrRest {
    Method(Method),
    Rest,
}

impl FromText for MethodOrRest {
    fn from_text(text: &str) -> Result<Self, String> {
        if text == "*" { Ok(Self::Rest) } else { Method::from_text(text).map(Self::Method) }
    }
}

pub(crate) struct WrittenScopes(ScopeRules);

impl Ready for ScopeRules {
    type Written = WrittenScopes;

    fn ready(written: WrittenScopes) -> Self {
        written.0
    }
}

impl<'de> Deserialize<'de> for WrittenScopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scopes;
        impl<'de> Visitor<'de> for Scopes {
            type Value = WrittenScopes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of scopes, or lists by method as in {GET: [orders:read], \"*\": [orders:write]}")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<WrittenScopes, A::Error> {
                let mut scopes = Vec::new();
                while let Some(scope) = list.next_element::<Leaf<Scope>>()? {
                    scopes.push(Scope::ready(scope));
                }
                Ok(WrittenScopes(ScopeRules { by_method: Vec::new(), otherwise: scopes.into_iter().collect() }))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WrittenScopes, A::Error> {
                let mut rules = ScopeRules::default();
                while let Some(name) = map.next_key::<Leaf<MethodOrRest>>()? {
                    let scopes = ScopeSet::ready(map.next_value()?);
                    match MethodOrRest::ready(name) {
                        MethodOrRest::Method(method) => rules.by_method.push((method, scopes)),
                        MethodOrRest::Rest => rules.otherwise = scopes,
                    }
                }
                // The first entry that covers a method counts, and GET covers HEAD: what is said of HEAD goes first.
                rules.by_method.sort_by_key(|(method, _)| *method != Method::HEAD);
                Ok(WrittenScopes(rules))
            }

            fn visit_unit<E: Error>(self) -> Result<WrittenScopes, E> {
                Err(E::custom("is nothing\nwrite [] where no scope is needed"))
            }
        }
        deserializer.deserialize_any(Scopes)
    }
}

impl JsonSchema for WrittenScopes {
    fn schema_name() -> Cow<'static, str> {
        "Scopes".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let list = json_schema!({ "type": "array", "items": { "type": "string" } });
        json_schema!({ "anyOf": [list, { "type": "object", "additionalProperties": list }] })
    }
}
