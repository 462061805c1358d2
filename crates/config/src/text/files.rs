//! One file or several: a path, or a list of them.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{FromText, Leaf, Ready};

/// Files, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files(Vec<PathBuf>);

impl Files {
    /// Their paths.
    pub fn paths(&self) -> &[PathBuf] {
        &self.0
    }
}

pub(crate) struct WrittenFiles(Files);

impl Ready for Files {
    type Written = WrittenFiles;

    fn ready(written: WrittenFiles) -> Self {
        written.0
    }
}

impl<'de> Deserialize<'de> for WrittenFiles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Paths;
        impl<'de> Visitor<'de> for Paths {
            type Value = WrittenFiles;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path, or a list of paths")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<WrittenFiles, E> {
                PathBuf::from_text(text).map(|path| WrittenFiles(Files(vec![path]))).map_err(E::custom)
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<WrittenFiles, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<WrittenFiles, A::Error> {
                let mut paths = Vec::new();
                while let Some(path) = list.next_element::<Leaf<PathBuf>>()? {
                    paths.push(PathBuf::ready(path));
                }
                if paths.is_empty() {
                    return Err(A::Error::custom("names no file"));
                }
                Ok(WrittenFiles(Files(paths)))
            }
        }
        deserializer.deserialize_any(Paths)
    }
}

impl JsonSchema for WrittenFiles {
    fn schema_name() -> Cow<'static, str> {
        "Files".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = json_schema!({ "type": "string" });
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}
