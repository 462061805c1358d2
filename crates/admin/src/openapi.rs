//! The document of all operations (OpenAPI 3.1), made from the table of them.

use http::StatusCode;
use schemars::generate::SchemaSettings;
use schemars::{SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::operation::{Access, Given, Operation, Sent, Shape};
use crate::table::OPERATIONS;

/// Refusals of any operation: what cannot be read, too many wrong credentials, nothing to be found out now.
const ANY: [u16; 3] = [400, 429, 503];
/// Of those that want a credential.
const GUARDED: [u16; 2] = [401, 403];
/// Of those that read a body.
const SENT: [u16; 3] = [408, 413, 415];

/// The document.
pub fn document() -> Value {
    let mut writer = Writer::new();
    let mut paths = Map::new();
    for operation in OPERATIONS.iter() {
        let path = paths.entry(operation.full_path()).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(path) = path {
            let verb = operation.verb.method().as_str().to_ascii_lowercase();
            path.insert(verb, writer.operation(operation));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Keyward admin API",
            "version": "1",
            "description": "What operators do: keys, users, accounts, sessions, decisions, the audit log. \
                Served on the operators' port alone. Mistakes and refusals are problem documents (RFC 9457); `decision` leads \
                to what was decided and why.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": writer.schemas(),
            "securitySchemes": {
                "keyHeader": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key with the scopes that an operation wants."},
                "bearer": {"type": "http", "scheme": "bearer", "description": "The same key."},
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-keyward-console", "description": "The console's session, on this machine called `keyward-console`. What changes something needs `Keyward-CSRF`, too."},
            },
        },
    })
}

/// Collects schemas while it writes.
struct Writer {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Writer {
    fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            })
        };
        Self { read: settings().for_deserialize().into(), written: settings().for_serialize().into() }
    }

    fn schemas(&mut self) -> Map<String, Value> {
        let mut all = self.read.take_definitions(true);
        all.extend(self.written.take_definitions(true));
        all.insert("Problem".to_owned(), problem());
        let mut sorted: Vec<_> = all.into_iter().collect();
        sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
        sorted.into_iter().collect()
    }

    fn operation(&mut self, operation: &Operation) -> Value {
        let tag = operation.id.split('.').next().unwrap_or_default();
        let mut written = Map::new();
        let mut say = |name: &str, value: Value| written.insert(name.to_owned(), value);
        say("operationId", operation.id.into());
        say("summary", operation.summary.into());
        say("tags", json!([tag]));
        if let Access::Scope(scope) = operation.access {
            say("description", format!("Needs the scope `{scope}`.").into());
        }
        let mut parameters: Vec<Value> = operation.parameters().map(segment).collect();
        if let Some(query) = operation.query {
            parameters.extend(self.query(query));
        }
        if operation.is_conditional {
            parameters.push(header(
                "If-Match",
                true,
                "The `ETag` of what was read, or `*`.",
                json!({"type": "string"}),
            ));
        }
        if operation.is_once {
            let text =
                "A random text, such as a UUID: a call that comes again under it within a day is answered as before.";
            let schema = json!({"type": "string", "minLength": 16, "maxLength": 255, "pattern": "^[!-~]+$"});
            parameters.push(header("Idempotency-Key", false, text, schema));
        }
        if !parameters.is_empty() {
            say("parameters", parameters.into());
        }
        let body = match operation.sent {
            Sent::Nothing => None,
            Sent::Json(shape) => Some((true, "application/json", json!(shape(&mut self.read)))),
            Sent::Maybe(shape) => Some((false, "application/json", json!(shape(&mut self.read)))),
            Sent::Text(media) => Some((true, media, json!({}))),
        };
        if let Some((required, media, schema)) = body {
            say("requestBody", json!({"required": required, "content": {(media): {"schema": schema}}}));
        }
        say("responses", self.responses(operation));
        let security = match operation.access {
            Access::Public => json!([]),
            Access::Session => json!([{"session": []}]),
            Access::Anyone | Access::Scope(_) => json!([{"keyHeader": []}, {"bearer": []}, {"session": []}]),
        };
        say("security", security);
        Value::Object(written)
    }

    /// The members of a query, each as a parameter.
    fn query(&mut self, shape: Shape) -> Vec<Value> {
        let schema = shape(&mut self.read);
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
        let whole = name.and_then(|name| self.read.definitions_mut().remove(name)).unwrap_or_default();
        let required: Vec<&str> =
            whole.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let members = whole.get("properties").and_then(Value::as_object).into_iter().flatten();
        let parameter = |(name, schema): (&String, &Value)| {
            let mut schema = schema.clone();
            let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            never_null(&mut schema);
            let is_required = required.contains(&name.as_str());
            json!({
                "name": name,
                "in": "query",
                "description": description.unwrap_or_default(),
                "required": is_required,
                "schema": schema,
            })
        };
        members.map(parameter).collect()
    }

    fn responses(&mut self, operation: &Operation) -> Value {
        let mut all = Map::new();
        let (status, answer) = match operation.given {
            Given::Nothing => (StatusCode::NO_CONTENT, json!({"description": "Done."})),
            Given::Json(status, shape) => (status, content("Done.", json!(shape(&mut self.written)))),
            Given::Document => (StatusCode::OK, content("The document.", json!({"type": "object"}))),
            Given::Text(kinds) => {
                let kinds = kinds.iter().map(|kind| ((*kind).to_owned(), json!({"schema": {"type": "string"}})));
                (StatusCode::OK, json!({"description": "Done.", "content": kinds.collect::<Map<_, _>>()}))
            }
        };
        all.insert(status.as_u16().to_string(), answer);
        let guarded: &[u16] = if operation.access == Access::Public { &[] } else { &GUARDED };
        let sent: &[u16] = if matches!(operation.sent, Sent::Nothing) { &[] } else { &SENT };
        let conditional: &[u16] = if operation.is_conditional { &[412, 428] } else { &[] };
        let once: &[u16] = if operation.is_once { &[409, 422] } else { &[] };
        let mut refuses: Vec<u16> = [&ANY[..], guarded, sent, conditional, once, operation.refuses].concat();
        refuses.sort_unstable();
        refuses.dedup();
        for status in refuses {
            let title = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
            let problem = json!({"$ref": "#/components/schemas/Problem"});
            let refusal = json!({
                "description": title.unwrap_or_default(),
                "content": {"application/problem+json": {"schema": problem}},
            });
            all.insert(status.to_string(), refusal);
        }
        Value::Object(all)
    }
}

fn content(description: &str, schema: Value) -> Value {
    json!({"description": description, "content": {"application/json": {"schema": schema}}})
}

fn header(name: &str, required: bool, description: &str, schema: Value) -> Value {
    json!({"name": name, "in": "header", "required": required, "description": description, "schema": schema})
}

fn segment(name: &str) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": {"type": "string", "minLength": 1}})
}

/// In a query nothing is null: it is there or it is not.
fn never_null(schema: &mut Value) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|one| one != "null");
        if let [one] = &types[..] {
            let one = one.clone();
            schema.as_object_mut().map(|schema| schema.insert("type".to_owned(), one));
        }
    }
}

/// What a problem document has.
fn problem() -> Value {
    json_schema!({
        "type": "object",
        "description": "A mistake or a refusal (RFC 9457).",
        "required": ["type", "title", "status", "detail", "reason", "decision", "server"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "What is wrong and what to do, for people."},
            "reason": {"type": "string", "description": "The same in one word, for programs."},
            "decision": {"type": "string", "description": "The decision's id."},
            "server": {"type": "string"}
        }
    })
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_types_share_a_name() {
        let mut writer = Writer::new();
        for operation in OPERATIONS.iter() {
            writer.operation(operation);
        }
        let written = writer.written.take_definitions(true);
        for (name, schema) in writer.read.take_definitions(true) {
            assert!(written.get(&name).is_none_or(|other| *other == schema), "two types are called {name}");
        }
    }
}
