//! Values that are written as text: how each is read, what is said when it does not fit, and its schema.

mod access;
mod basic_password;
mod caller;
mod color;
mod files;
mod header;
mod instant;
mod key;
mod maps;
mod refresh;
mod token_secret;
mod unit;
mod upstream;
mod webhook;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{DeserializeOwned, Error, Visitor};
use serde::{Deserialize, Deserializer, Serializer};

pub use basic_password::BasicPassword;
pub use color::Color;
pub use files::Files;
pub use key::Prefix;
pub use refresh::RefreshBy;
pub use token_secret::TokenSecret;
pub use unit::{Seconds, Size};
pub use upstream::{Balance, EndpointPath, HealthPath, HostSeen, StripPrefix, UpstreamUrl};
pub use webhook::WebhookFormat;

pub(crate) use header::is_token;

/// Reads one scalar.
pub(crate) trait FromText: Sized {
    /// The value, or how the sentence "VALUE …" goes on, then lines of help. Never repeats the text: it may be secret.
    fn from_text(text: &str) -> Result<Self, String>;

    /// The JSON Schema of the text.
    fn schema() -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// A scalar on its way through serde.
pub(crate) struct Leaf<T>(T);

impl<'de, T: FromText> Deserialize<'de> for Leaf<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<T>(PhantomData<T>);
        impl<T: FromText> Visitor<'_> for Text<T> {
            type Value = Leaf<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Leaf<T>, E> {
                T::from_text(text).map(Leaf).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text(PhantomData))
    }
}

impl<T: FromText> JsonSchema for Leaf<T> {
    fn schema_name() -> Cow<'static, str> {
        std::any::type_name::<T>().into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        T::schema()
    }
}

/// A ready value and the form it is written in.
pub(crate) trait Ready: Sized {
    type Written: DeserializeOwned + JsonSchema;

    fn ready(written: Self::Written) -> Self;
}

impl<T: FromText> Ready for T {
    type Written = Leaf<T>;

    fn ready(written: Leaf<T>) -> Self {
        written.0
    }
}

impl<T: Ready> Ready for Option<T> {
    type Written = Option<T::Written>;

    fn ready(written: Self::Written) -> Self {
        written.map(T::ready)
    }
}

impl<T: Ready> Ready for Vec<T> {
    type Written = Vec<T::Written>;

    fn ready(written: Self::Written) -> Self {
        written.into_iter().map(T::ready).collect()
    }
}

impl<T: Ready> Ready for BTreeMap<String, T> {
    type Written = BTreeMap<String, T::Written>;

    fn ready(written: Self::Written) -> Self {
        written.into_iter().map(|(name, value)| (name, T::ready(value))).collect()
    }
}

/// For `#[serde(with = "Written::<T>")]`: the field holds a `T`, its schema is that of the written form.
pub(crate) struct Written<T>(PhantomData<T>);

impl<T: Ready> Written<T> {
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        T::Written::deserialize(deserializer).map(T::ready)
    }
}

impl<T: Ready> Written<Option<T>> {
    /// For the schema: what an optional field has by default.
    pub(crate) fn serialize<S: Serializer>(_: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_none()
    }
}

impl<T: Ready> JsonSchema for Written<T> {
    fn schema_name() -> Cow<'static, str> {
        T::Written::schema_name()
    }

    fn inline_schema() -> bool {
        T::Written::inline_schema()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::Written::json_schema(generator)
    }
}

/// Reads a fixed set of words.
macro_rules! words {
    ($kind:ty: $($word:literal => $value:expr),+ $(,)?) => {
        impl $crate::text::FromText for $kind {
            fn from_text(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok($value),)+
                    other => Err($crate::text::no_word(other, &[$($word),+])),
                }
            }

            fn schema() -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($word),+] })
            }
        }
    };
}
pub(crate) use words;

pub(crate) fn no_word(text: &str, known: &[&str]) -> String {
    let mut lines = vec!["is not one of the words that stand here".to_owned()];
    lines.extend(crate::suggest::suggest(text, known.iter().copied()));
    lines.join("\n")
}
