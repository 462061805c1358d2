//! What operators keep beside a key: a few names and values of their own. No decision looks at them, and owners are not told of them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use keyward_engine::audit::Detail;
use keyward_engine::ports::Metadata;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::actor::Actor;
use crate::failure::Failure;
use crate::fields::is_hidden;

/// The most names.
const NAMES: usize = 32;
/// The longest name, in characters.
const NAME_CHARACTERS: usize = 64;
/// The longest value, in characters.
const VALUE_CHARACTERS: usize = 512;
/// The most bytes of all of it, as JSON.
const BYTES: usize = 4 * 1024;

/// As people and programs write it.
pub type Written = BTreeMap<String, String>;

/// Reads it.
///
/// # Errors
/// What is wrong with it; no value is repeated.
pub fn read(written: &Written) -> Result<Metadata, Failure> {
    if written.len() > NAMES {
        return Err(Failure::invalid(format!("metadata has at most {NAMES} names")));
    }
    for (name, value) in written {
        if name.is_empty() || name.chars().count() > NAME_CHARACTERS || name.trim() != name || name.contains('=') {
            return Err(Failure::invalid(format!(
                "a name in metadata has 1 to {NAME_CHARACTERS} characters, no blank at its ends and no ="
            )));
        }
        if value.chars().count() > VALUE_CHARACTERS {
            return Err(Failure::invalid(format!("metadata {name:?} has at most {VALUE_CHARACTERS} characters")));
        }
        if name.chars().chain(value.chars()).any(is_hidden) {
            return Err(Failure::invalid("metadata holds a control or invisible character"));
        }
    }
    if serde_json::to_string(written).map_or(true, |text| text.len() > BYTES) {
        return Err(Failure::invalid(format!("metadata has at most {} KiB as JSON", BYTES / 1024)));
    }
    Ok(written.iter().map(|(name, value)| (name.as_str().into(), value.as_str().into())).collect())
}

/// That of a new key, which only operators may give.
pub(crate) fn of_new_key(actor: Actor<'_>, written: Option<&Written>) -> Result<Metadata, Failure> {
    match written {
        None => Ok(Metadata::new()),
        Some(_) if !actor.is_operator() => Err(Failure::invalid("\"metadata\" is for operators")),
        Some(written) => read(written),
    }
}

/// As operators see it.
pub(crate) fn view(metadata: &Metadata) -> Written {
    metadata.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

/// What the audit log says of it: the names.
pub(crate) fn said(metadata: &Metadata) -> Option<Detail> {
    let names: Vec<&str> = metadata.keys().map(AsRef::as_ref).collect();
    (!names.is_empty()).then(|| ("metadata", names.join(", ").into()))
}

/// What may be sent, for documents.
#[derive(Debug)]
pub struct Sent;

impl JsonSchema for Sent {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Metadata".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "maxProperties": NAMES,
            "propertyNames": {"minLength": 1, "maxLength": NAME_CHARACTERS, "pattern": "^[^=]*$"},
            "additionalProperties": {"type": "string", "maxLength": VALUE_CHARACTERS},
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_small_and_plain() {
        let one = |name: &str, value: &str| Written::from([(name.to_owned(), value.to_owned())]);
        let many = |count: usize, length: usize| {
            (0..count).map(|number| (format!("n{number}"), "x".repeat(length))).collect::<Written>()
        };
        for (written, taken) in [
            (Written::new(), true),
            (one("team", "billing"), true),
            (one("team", ""), true),
            (one("ü名", "a=b, \"c\" <script>"), true),
            (one(&"n".repeat(64), &"ü".repeat(512)), true),
            (many(32, 100), true),
            (one("", "x"), false),
            (one(" team", "x"), false),
            (one("a=b", "x"), false),
            (one(&"n".repeat(65), "x"), false),
            (one("team", &"x".repeat(513)), false),
            (one("team\n", "x"), false),
            (one("te\u{0}am", "x"), false),
            (one("team", "a\nb"), false),
            (one("team", "\u{202e}gnillib"), false),
            (many(33, 1), false),
            (many(8, 510), false),
        ] {
            assert_eq!(read(&written).is_ok(), taken, "{written:?}");
        }
        assert_eq!(view(&read(&one("a", "b")).unwrap()), one("a", "b"));
    }

    #[test]
    fn the_audit_log_is_told_of_names_alone() {
        let metadata = read(&Written::from([("a".into(), "secret".into()), ("b".into(), "other".into())])).unwrap();
        assert_eq!(said(&metadata), Some(("metadata", "a, b".into())));
        assert_eq!(said(&Metadata::new()), None);
    }
}
