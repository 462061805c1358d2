//! A template: JSON with fields in it. What it may hold is known when it is compiled, and making an answer of it cannot fail.

use std::fmt;

use serde_json::{Map, Value};

use super::names::{Field, Kind};

/// The name in a map that stands for one item after another of a list.
const EACH: &str = "$each";
/// What becomes of each of them.
const ITEM: &str = "item";

/// A compiled template.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// The same in every answer.
    Fixed(Value),
    /// The value of a field, of whatever type it has; null where it is not there.
    Field(Place),
    /// How many items a field's list has.
    Count(Place),
    /// An item for each one of a field's list.
    Each(Place, Box<Tree>),
    /// A list.
    List(Vec<Tree>),
    /// Names with values.
    Map(Vec<(String, Tree)>),
}

/// Where a field stands in what is told: a name, or names within names.
type Place = Box<[Box<str>]>;

/// A step from a part of a template to one within it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the value of a name.
    Name(String),
    /// To an item of a list, counted from 0.
    Item(usize),
}

/// What is wrong with a template, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The way to the part at fault.
    pub path: Vec<Step>,
    /// What is wrong with it.
    pub what: Wrong,
}

/// What a part of a template cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A field that is not told here; those that are.
    Unknown(String, Vec<&'static str>),
    /// A reference to a secret.
    Secret,
    /// A field with text around it, or `${` without an end.
    Mixed,
    /// A name of a map that is no plain text.
    Name,
    /// `$each` without `item`, or beside other names.
    Each,
    /// `$each` of what is no list; the lists that are told here.
    NoList(String, Vec<&'static str>),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name, _) => write!(f, "there is no field \"{name}\" here"),
            Self::Secret => f.write_str("this would tell callers what ${env:…} and ${file:…} stand for: a secret"),
            Self::Mixed => f.write_str("a field stands alone, as in \"${field}\""),
            Self::Name => f.write_str("this name is not taken as it is written"),
            Self::Each => f.write_str("$each stands with item and nothing else"),
            Self::NoList(name, _) => write!(f, "there is no list \"{name}\" here"),
        }
    }
}

impl Tree {
    /// Compiles a template in which these fields are told.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn compile(written: &Value, fields: &[Field]) -> Result<Self, Vec<Mistake>> {
        let mut compiler = Compiler { path: Vec::new(), mistakes: Vec::new() };
        let tree = compiler.part(written, fields);
        if compiler.mistakes.is_empty() { Ok(tree) } else { Err(compiler.mistakes) }
    }

    /// The answer that it makes of what is told.
    pub fn make(&self, told: &Value) -> Value {
        match self {
            Self::Fixed(value) => value.clone(),
            Self::Field(place) => find(told, place).cloned().unwrap_or_default(),
            Self::Count(place) => find(told, place).and_then(Value::as_array).map_or(0, Vec::len).into(),
            Self::Each(place, item) => {
                let list = find(told, place).and_then(Value::as_array);
                list.into_iter().flatten().map(|one| item.make(one)).collect()
            }
            Self::List(items) => items.iter().map(|item| item.make(told)).collect(),
            Self::Map(entries) => entries.iter().map(|(name, value)| (name.clone(), value.make(told))).collect(),
        }
    }

    /// The texts that are the same in every answer.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Self::Fixed(value) => texts(value),
            Self::Field(_) | Self::Count(_) => Vec::new(),
            Self::Each(_, item) => item.texts(),
            Self::List(items) => items.iter().flat_map(Self::texts).collect(),
            Self::Map(entries) => {
                entries.iter().flat_map(|(name, value)| std::iter::once(name.as_str()).chain(value.texts())).collect()
            }
        }
    }
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, value)| std::iter::once(name.as_str()).chain(texts(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

fn find<'a>(told: &'a Value, place: &Place) -> Option<&'a Value> {
    place.iter().try_fold(told, |value, name| value.get(&**name))
}

struct Compiler {
    path: Vec<Step>,
    mistakes: Vec<Mistake>,
}

impl Compiler {
    /// What stands for a part that is wrong.
    fn wrong(&mut self, what: Wrong) -> Tree {
        self.mistakes.push(Mistake { path: self.path.clone(), what });
        Tree::Fixed(Value::Null)
    }

    fn within(&mut self, step: Step, written: &Value, fields: &[Field]) -> Tree {
        self.path.push(step);
        let tree = self.part(written, fields);
        self.path.pop();
        tree
    }

    fn part(&mut self, written: &Value, fields: &[Field]) -> Tree {
        match written {
            Value::String(text) => self.text(text, fields),
            Value::Array(items) => {
                let items: Vec<Tree> = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| self.within(Step::Item(index), item, fields))
                    .collect();
                if items.iter().all(is_fixed) { Tree::Fixed(written.clone()) } else { Tree::List(items) }
            }
            Value::Object(entries) if entries.contains_key(EACH) => self.each(entries, fields),
            Value::Object(entries) => {
                let entries: Vec<(String, Tree)> =
                    entries.iter().map(|(name, value)| (name.clone(), self.entry(name, value, fields))).collect();
                let fixed = entries.iter().all(|(_, value)| is_fixed(value));
                if fixed { Tree::Fixed(written.clone()) } else { Tree::Map(entries) }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Tree::Fixed(written.clone()),
        }
    }

    fn entry(&mut self, name: &str, value: &Value, fields: &[Field]) -> Tree {
        if name.starts_with('$') || name.contains("${") {
            self.path.push(Step::Name(name.to_owned()));
            let wrong = self.wrong(Wrong::Name);
            self.path.pop();
            return wrong;
        }
        self.within(Step::Name(name.to_owned()), value, fields)
    }

    fn text(&mut self, text: &str, fields: &[Field]) -> Tree {
        if !text.contains("${") {
            return Tree::Fixed(text.into());
        }
        let name = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        let Some(name) = name.filter(|name| !name.contains(['$', '{', '}'])) else {
            return self.wrong(if is_reference(text) { Wrong::Secret } else { Wrong::Mixed });
        };
        match fields.iter().find(|field| field.name == name) {
            Some(Field { at, kind: Kind::Count, .. }) => Tree::Count(place(at)),
            Some(Field { at, .. }) => Tree::Field(place(at)),
            None if is_reference(text) => self.wrong(Wrong::Secret),
            None => self.wrong(Wrong::Unknown(name.to_owned(), fields.iter().map(|field| field.name).collect())),
        }
    }

    fn each(&mut self, entries: &Map<String, Value>, fields: &[Field]) -> Tree {
        let (Some(Value::String(list)), Some(item), 2) = (entries.get(EACH), entries.get(ITEM), entries.len()) else {
            return self.wrong(Wrong::Each);
        };
        let found = fields.iter().find(|field| field.name == list);
        let Some(Field { at, kind: Kind::Many(of_item), .. }) = found else {
            let lists = fields.iter().filter(|field| matches!(field.kind, Kind::Many(_))).map(|field| field.name);
            let wrong = Wrong::NoList(list.clone(), lists.collect());
            self.path.push(Step::Name(EACH.to_owned()));
            let tree = self.wrong(wrong);
            self.path.pop();
            return tree;
        };
        let item = self.within(Step::Name(ITEM.to_owned()), item, of_item);
        Tree::Each(place(at), Box::new(item))
    }
}

fn is_fixed(tree: &Tree) -> bool {
    matches!(tree, Tree::Fixed(_))
}

/// Whether a text refers to what is outside.
fn is_reference(text: &str) -> bool {
    text.contains("${env:") || text.contains("${file:")
}

fn place(at: &str) -> Place {
    at.split('.').map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::names::{count, many, one, renamed};
    use super::*;

    const ITEM_FIELDS: &[Field] = &[one("id"), one("n")];
    const FIELDS: &[Field] = &[
        one("text"),
        one("number"),
        renamed("user.name", "user.username"),
        many("keys", "data", ITEM_FIELDS),
        count("count", "data"),
    ];

    #[test]
    fn what_is_made_of_what() {
        let told = json!({
            "text": "a \"quoted\" </script> ${number}", "number": 7, "user": {"username": "ada"},
            "data": [{"id": "a", "n": null}, {"id": "b", "n": 2}], "secret": "never",
        });
        let rows = [
            (json!("plain"), json!("plain")),
            (json!(null), json!(null)),
            (json!("${text}"), json!("a \"quoted\" </script> ${number}")),
            (json!("${number}"), json!(7)),
            (json!({"a": ["${user.name}", true, {}]}), json!({"a": ["ada", true, {}]})),
            (json!("${count}"), json!(2)),
            (json!("${keys}"), json!([{"id": "a", "n": null}, {"id": "b", "n": 2}])),
            (
                json!({"all": {"$each": "keys", "item": {"k": "${id}", "n": "${n}"}}}),
                json!({"all": [{"k": "a", "n": null}, {"k": "b", "n": 2}]}),
            ),
        ];
        for (written, made) in rows {
            let tree = Tree::compile(&written, FIELDS).expect("a template");
            assert_eq!(tree.make(&told), made, "{written}");
            tree.make(&json!(null));
            tree.make(&json!({"data": 7, "user": []}));
        }
    }

    #[test]
    fn what_is_no_template() {
        let rows = [
            (json!("${secret}"), "", "there is no field \"secret\" here"),
            (json!({"a": ["x", "${id}"]}), "a.1", "there is no field \"id\" here"),
            (json!("${env:INNER}"), "", "this would tell callers what ${env:…} and ${file:…} stand for: a secret"),
            (json!("Bearer ${file:a}"), "", "this would tell callers what ${env:…} and ${file:…} stand for: a secret"),
            (json!("no. ${number}"), "", "a field stands alone, as in \"${field}\""),
            (json!("${number}${number}"), "", "a field stands alone, as in \"${field}\""),
            (json!("${number"), "", "a field stands alone, as in \"${field}\""),
            (json!({"${text}": 1}), "${text}", "this name is not taken as it is written"),
            (json!({"$if": 1}), "$if", "this name is not taken as it is written"),
            (json!({"$each": "keys"}), "", "$each stands with item and nothing else"),
            (json!({"$each": "keys", "item": 1, "x": 2}), "", "$each stands with item and nothing else"),
            (json!({"$each": "text", "item": 1}), "$each", "there is no list \"text\" here"),
            (json!({"$each": "keys", "item": "${text}"}), "item", "there is no field \"text\" here"),
        ];
        for (written, at, what) in rows {
            let mistakes = Tree::compile(&written, FIELDS).expect_err("a mistake");
            let [Mistake { path, what: found }] = &mistakes[..] else { unreachable!("one: {mistakes:?}") };
            let path: Vec<String> = path
                .iter()
                .map(|step| match step {
                    Step::Name(name) => name.clone(),
                    Step::Item(index) => index.to_string(),
                })
                .collect();
            assert_eq!((path.join("."), found.to_string()), (at.to_owned(), what.to_owned()), "{written}");
        }
    }
}
