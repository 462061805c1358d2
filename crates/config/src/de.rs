//! Reads the tree into types by serde. What a scalar is depends on what is asked for, never on how it looks; an error
//! knows the path to the node at fault.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

use crate::node::{Entry, Node, Scalar, Style, Value};
use crate::place::Step;
use crate::show::{Json, plain};

/// Why a tree does not fit a type.
#[derive(Debug)]
pub(crate) struct Error {
    /// From the innermost step outwards.
    steps: Vec<Step>,
    /// Whether the last step's name is at fault, not its value.
    pub(crate) on_key: bool,
    pub(crate) fault: Fault,
}

/// What does not fit.
#[derive(Debug)]
pub(crate) enum Fault {
    /// A name that the map does not take.
    Unknown { name: String, known: &'static [&'static str] },
    /// A name that the map needs.
    Missing(&'static str),
    /// Null where a value belongs.
    Nothing,
    /// A value of another shape: what belongs there.
    Shape(&'static str),
    /// A value: how the sentence that it begins goes on, then lines of help.
    Value(String),
}

impl Error {
    fn new(fault: Fault) -> Self {
        Self { steps: Vec::new(), on_key: false, fault }
    }

    fn under(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// The path to the node at fault, from the root.
    pub(crate) fn path(&self) -> Vec<Step> {
        self.steps.iter().rev().cloned().collect()
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.fault)
    }
}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Fault::Value(message.to_string()))
    }

    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format!("is not {expected}"))
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format!("is not {expected}"))
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        Self::new(Fault::Unknown { name: name.to_owned(), known })
    }

    fn missing_field(name: &'static str) -> Self {
        Self::new(Fault::Missing(name))
    }
}

/// Reads one node.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a Node);

impl<'a> Reader<'a> {
    fn scalar(self, expected: &'static str) -> Result<&'a Scalar, Error> {
        match self.0.scalar() {
            Some(scalar) if scalar.is_null() => Err(Error::new(Fault::Nothing)),
            Some(scalar) => Ok(scalar),
            None => Err(Error::new(Fault::Shape(expected))),
        }
    }

    fn number<T: std::str::FromStr>(self, expected: &'static str) -> Result<T, Error> {
        let scalar = self.scalar("a number")?;
        let number = scalar.text.parse();
        match number {
            Ok(_) if scalar.style == Style::Quoted => {
                Err(de::Error::custom("is a text where a number belongs\nwrite it without quotes"))
            }
            Ok(number) => Ok(number),
            Err(_) => Err(de::Error::custom(expected)),
        }
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $kind:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let range = const { concat!("is not a whole number that fits ", stringify!($kind)) };
            visitor.$visit(self.number::<$kind>(range)?)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Reader<'_> {
    type Error = Error;

    numbers! {
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_u8 visit_u8 u8, deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64, deserialize_f32 visit_f32 f32, deserialize_f64 visit_f64 f64
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_u16(self.number("is not a whole number from 0 to 65535")?)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let scalar = self.scalar("true or false")?;
        match scalar.text.as_str() {
            "true" | "false" if scalar.style == Style::Quoted => {
                Err(de::Error::custom("is a text where true or false belongs\nwrite it without quotes"))
            }
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            _ => Err(de::Error::custom("is neither true nor false")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(&self.scalar("a text")?.text)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.0.value {
            Value::List(items) => visitor.visit_seq(Items { rest: items.iter().enumerate() }),
            _ => Err(Error::new(Fault::Shape("a list, as in [a, b]"))),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.0.value {
            Value::Map(entries) => visitor.visit_map(Entries { rest: entries.iter(), current: None }),
            _ => Err(Error::new(Fault::Shape("names with values, as in {name: value}"))),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.0.value {
            Value::List(_) => self.deserialize_seq(visitor),
            Value::Map(_) => self.deserialize_map(visitor),
            Value::Scalar(scalar) => match plain(scalar) {
                Json::Null => visitor.visit_unit(),
                Json::Bool(is) => visitor.visit_bool(is),
                // What is not spelt like a number any more, such as 007, is a text.
                Json::Number(number) if number.to_string() == scalar.text => {
                    visitor.visit_u64(number.as_u64().unwrap_or_default())
                }
                _ => visitor.visit_str(&scalar.text),
            },
        }
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct enum identifier ignored_any
    }
}

struct Items<'a> {
    rest: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some((index, item)) = self.rest.next() else { return Ok(None) };
        seed.deserialize(Reader(item)).map(Some).map_err(|error| error.under(index.into()))
    }
}

struct Entries<'a> {
    rest: std::slice::Iter<'a, Entry>,
    current: Option<&'a Entry>,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.current = self.rest.next();
        let Some(entry) = self.current else { return Ok(None) };
        let name: StrDeserializer<'_, Error> = entry.key.as_str().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|mut error| {
            error.on_key = true;
            error.under(entry.key.as_str().into())
        })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some(entry) = self.current else { return Err(de::Error::custom("has no name")) };
        seed.deserialize(Reader(&entry.node)).map_err(|error| error.under(entry.key.as_str().into()))
    }
}
