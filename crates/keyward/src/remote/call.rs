//! One call of the admin API, and how its answer becomes a reply.

use http::Method;
use keyward_api::command::Reply;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// All but the unreserved characters (RFC 3986 §2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What becomes of an answer; `None` where it is another than was expected.
pub type Read = Box<dyn FnOnce(Value) -> Option<Reply>>;

/// One call.
pub struct Call {
    /// The method.
    pub method: Method,
    /// The path below `/admin/v1`, and the query.
    pub target: String,
    /// JSON to send along.
    pub body: Option<Value>,
    /// What becomes of the answer.
    pub read: Read,
}

impl Call {
    /// Asks for something.
    pub fn get<T: DeserializeOwned + 'static>(target: String, reply: fn(T) -> Reply) -> Self {
        Self { method: Method::GET, target, body: None, read: whole(reply) }
    }

    /// Does something.
    pub fn post<T: DeserializeOwned + 'static>(target: String, body: Option<Value>, reply: fn(T) -> Reply) -> Self {
        Self { method: Method::POST, target, body, read: whole(reply) }
    }

    /// Changes something: the answer has it as it is now under a name, beside the receipt.
    pub fn change<T: DeserializeOwned + 'static>(
        target: String,
        body: Option<Value>,
        name: &'static str,
        reply: fn(T) -> Reply,
    ) -> Self {
        let read = move |answer| Some(reply(serde_json::from_value(flat(answer, name)?).ok()?));
        Self { method: Method::POST, target, body, read: Box::new(read) }
    }

    /// The same by another method.
    #[must_use]
    pub fn by(self, method: Method) -> Self {
        Self { method, ..self }
    }
}

fn whole<T: DeserializeOwned + 'static>(reply: fn(T) -> Reply) -> Read {
    Box::new(move |answer| serde_json::from_value(answer).ok().map(reply))
}

/// What was changed and its receipt in one object, as commands show them.
fn flat(answer: Value, name: &str) -> Option<Value> {
    let Value::Object(mut fields) = answer else { return None };
    let Some(Value::Object(mut changed)) = fields.remove(name) else { return Some(Value::Object(fields)) };
    changed.extend(fields);
    Some(Value::Object(changed))
}

/// A path with ids or names in it, each a segment of its own.
pub fn path(parts: &[&str]) -> String {
    parts.iter().map(|part| format!("/{}", utf8_percent_encode(part, RESERVED))).collect()
}

/// A path with a query of whatever of the question is not null.
pub fn asked(parts: &[&str], question: &impl Serialize, more: &[(&str, Option<String>)]) -> String {
    let mut fields = match serde_json::to_value(question) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    fields
        .extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone().map_or(Value::Null, Value::from))));
    let pairs = fields.into_iter().filter_map(|(name, value)| {
        let text = match value {
            Value::Null => return None,
            Value::String(text) => text,
            other => other.to_string(),
        };
        Some(format!("{name}={}", utf8_percent_encode(&text, RESERVED)))
    });
    let query = pairs.collect::<Vec<_>>().join("&");
    if query.is_empty() { path(parts) } else { format!("{}?{query}", path(parts)) }
}

/// A value as JSON, without what it does not say.
pub fn body(value: &impl Serialize) -> Option<Value> {
    let mut value = serde_json::to_value(value).ok()?;
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_named_stays_one_segment_and_what_is_not_said_is_left_out() {
        assert_eq!(path(&["users", "a/b ?#%é"]), "/users/a%2Fb%20%3F%23%25%C3%A9");
        let question = json!({"owner": "a&b=c", "unused": null, "limit": 5});
        assert_eq!(asked(&["keys"], &question, &[("cursor", None)]), "/keys?owner=a%26b%3Dc&limit=5");
        assert_eq!(asked(&["keys"], &json!({}), &[]), "/keys");
        assert_eq!(body(&json!({"a": null, "b": 1})), Some(json!({"b": 1})));
    }

    #[test]
    fn what_was_changed_and_its_receipt_are_one() {
        let nested = json!({"key": {"id": "key_1"}, "receipt": {"nodes": []}});
        let together = json!({"id": "key_1", "receipt": {"nodes": []}});
        assert_eq!(flat(nested, "key"), Some(together.clone()));
        assert_eq!(flat(together.clone(), "key"), Some(together));
        assert_eq!(flat(json!([]), "key"), None);
    }
}
