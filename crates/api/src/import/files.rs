//! Files in which others keep keys: CSV, variables as in `.env`, JSON. What stands in them is read into rows, and nothing is judged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::keys::NewKey;
use crate::sign_in::passwords::Password;

/// How a file is to be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "camelCase")]
pub enum Form {
    /// A line of names, then a line for each key ([`FIELDS`]).
    Csv,
    /// `NAME=VALUE` in each line; the keys are in these variables, comma-separated.
    Env {
        /// The variables.
        variables: Vec<String>,
    },
    /// A list of objects.
    Json {
        /// Which member has which of [`FIELDS`]; what is not named here is a member of its own name.
        members: BTreeMap<String, String>,
    },
}

/// What may be said of a key.
pub const FIELDS: [&str; 11] =
    ["name", "key", "hash", "begins", "owner", "account", "scopes", "mode", "expiresAt", "allowedIps", "externalId"];

/// What is known of a key itself.
pub(crate) enum Text {
    /// All of it.
    Plain(Password),
    /// A hash.
    Hash(Zeroizing<String>),
}

/// One entry of a file.
pub(crate) struct Row {
    /// Its line, or its number in a list, from 1.
    pub(crate) line: usize,
    /// What is said of the key. Its name may be empty.
    pub(crate) new: NewKey,
    /// The key or its hash; or why there is neither.
    pub(crate) text: Result<Text, &'static str>,
    /// What it begins with.
    pub(crate) begins: Option<String>,
}

type Fields = BTreeMap<&'static str, Zeroizing<String>>;

/// Reads a whole file.
///
/// # Errors
/// It is not of that form. Nothing of its text is repeated: it may be a key.
pub(crate) fn read(form: &Form, text: &str) -> Result<Vec<Row>, Failure> {
    match form {
        Form::Csv => read_csv(text),
        Form::Env { variables } => read_env(variables, text),
        Form::Json { members } => read_json(members, text),
    }
}

fn read_csv(text: &str) -> Result<Vec<Row>, Failure> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let unreadable = |_| Failure::invalid("the file is not CSV in UTF-8");
    let columns = reader.headers().map_err(unreadable)?.clone();
    let known: Vec<Option<&'static str>> = columns.iter().map(field).collect();
    if known.iter().any(Option::is_none) || columns.is_empty() {
        return Err(Failure::invalid(format!("the first line names the columns, out of {}", FIELDS.join(", "))));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            Failure::invalid(format!("line {line} does not have as many columns as the first, or is not UTF-8"))
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let fields = known.iter().zip(&record).filter(|(_, value)| !value.is_empty());
        let fields = fields.filter_map(|(name, value)| Some(((*name)?, Zeroizing::new(value.to_owned()))));
        rows.push(row(usize::try_from(line).unwrap_or(usize::MAX), fields.collect()));
    }
    Ok(rows)
}

/// A column by its name, in whatever case and with `_` or nothing between its words.
fn field(name: &str) -> Option<&'static str> {
    let plain = name.replace('_', "");
    FIELDS.into_iter().find(|field| field.eq_ignore_ascii_case(&plain))
}

fn read_env(variables: &[String], text: &str) -> Result<Vec<Row>, Failure> {
    if variables.is_empty() {
        return Err(Failure::invalid("say which variables hold keys: --keys NAME,NAME"));
    }
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim().strip_prefix("export ").unwrap_or(line.trim());
        let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else { continue };
        if !variables.iter().any(|variable| variable == name.trim()) {
            continue;
        }
        let value = unquoted(value.trim());
        for (number, key) in value.split(',').map(str::trim).filter(|key| !key.is_empty()).enumerate() {
            let fields = [("name", format!("{} {}", name.trim(), number + 1)), ("key", key.to_owned())];
            rows.push(row(index + 1, fields.map(|(field, value)| (field, Zeroizing::new(value))).into()));
        }
    }
    let missing = |name: &&String| !text.lines().any(|line| line.contains(&format!("{name}=")));
    match variables.iter().find(missing) {
        Some(name) => Err(Failure::invalid(format!("the file sets no {name}"))),
        None => Ok(rows),
    }
}

fn unquoted(value: &str) -> &str {
    let within = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    within('"').or_else(|| within('\'')).unwrap_or(value)
}

fn read_json(members: &BTreeMap<String, String>, text: &str) -> Result<Vec<Row>, Failure> {
    if let Some(name) = members.keys().find(|name| field(name).is_none()) {
        return Err(Failure::invalid(format!("{name:?} is none of {}", FIELDS.join(", "))));
    }
    let unreadable = || Failure::invalid("the file is not a JSON list of objects");
    let list: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(text).map_err(|_| unreadable())?;
    let named = |field: &'static str| members.get(field).map_or(field, String::as_str);
    let rows = list.iter().enumerate().map(|(index, entry)| {
        let fields = FIELDS.into_iter().filter_map(|field| {
            let text = match entry.get(named(field))? {
                serde_json::Value::String(text) => text.trim().to_owned(),
                serde_json::Value::Array(items) => words(items),
                serde_json::Value::Number(number) => number.to_string(),
                _ => return None,
            };
            (!text.is_empty()).then(|| (field, Zeroizing::new(text)))
        });
        row(index + 1, fields.collect())
    });
    Ok(rows.collect())
}

fn words(items: &[serde_json::Value]) -> String {
    items.iter().filter_map(serde_json::Value::as_str).collect::<Vec<_>>().join(" ")
}

fn row(line: usize, mut fields: Fields) -> Row {
    let mut take = |name| fields.remove(name);
    let mut text = |name| take(name).map(|text| text.to_string());
    let list = |text: String| text.split([' ', ',', ';']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let new = NewKey {
        name: text("name").unwrap_or_default(),
        owner: text("owner"),
        account: text("account"),
        scopes: text("scopes").map(list),
        mode: text("mode"),
        expires_at: text("expiresAt"),
        allowed_ips: text("allowedIps").map(list),
        external_id: text("externalId"),
        ..NewKey::default()
    };
    let begins = text("begins");
    let text = match (take("key"), take("hash")) {
        (Some(key), None) => Ok(Text::Plain(Password::from(key.to_string()))),
        (None, Some(hash)) => Ok(Text::Hash(hash)),
        (Some(_), Some(_)) => Err("it has a key and a hash; which of them counts?"),
        (None, None) => Err("it has neither a key nor a hash"),
    };
    Row { line, new, text, begins }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row in a line, as a table shows it.
    fn shown(form: &Form, text: &str) -> Vec<String> {
        let show = |row: Row| {
            let what = match &row.text {
                Ok(Text::Plain(key)) => format!("key {}", key.expose()),
                Ok(Text::Hash(hash)) => format!("hash {}", hash.as_str()),
                Err(why) => (*why).to_owned(),
            };
            let scopes = row.new.scopes.map(|scopes| scopes.join("+")).unwrap_or_default();
            format!("{} {:?} {:?} {what} {scopes} {:?}", row.line, row.new.name, row.new.owner, row.begins)
        };
        match read(form, text) {
            Ok(rows) => rows.into_iter().map(show).collect(),
            Err(failure) => vec![failure.message],
        }
    }

    #[test]
    fn rows_of_csv() {
        let text = "Name,KEY,hash,owner,scopes,begins\nci, k1 ,,ada,a:read b:write,\n\"x, y\",,sha256:00,,,sk_\nboth,k,h,,,\nnone,,,,,\n";
        let rows = [
            "2 \"ci\" Some(\"ada\") key k1 a:read+b:write None",
            "3 \"x, y\" None hash sha256:00  Some(\"sk_\")",
            "4 \"both\" None it has a key and a hash; which of them counts?  None",
            "5 \"none\" None it has neither a key nor a hash  None",
        ];
        assert_eq!(shown(&Form::Csv, text), rows);
        for (text, why) in [
            ("name,secret\na,b\n", "names the columns"),
            ("", "names the columns"),
            ("k1\nk2\n", "names the columns"),
            ("name,key\na,b,c\n", "line 2 does not have as many columns"),
        ] {
            let said = shown(&Form::Csv, text).remove(0);
            assert!(said.contains(why), "{text:?}: {said}");
            assert!(!said.contains("k1") && !said.contains("secret"), "what may be a key is repeated: {said}");
        }
    }

    #[test]
    fn keys_of_variables() {
        let env =
            |variables: &[&str]| Form::Env { variables: variables.iter().map(|name| (*name).to_owned()).collect() };
        let text = "# KEYS=no\nexport KEYS=\" one, two,,\"\nOTHER=x\nADMIN='three'\n";
        let rows = [
            "2 \"KEYS 1\" None key one  None",
            "2 \"KEYS 2\" None key two  None",
            "4 \"ADMIN 1\" None key three  None",
        ];
        assert_eq!(shown(&env(&["KEYS", "ADMIN"]), text), rows);
        assert_eq!(shown(&env(&["NONE"]), text), ["the file sets no NONE"]);
        assert!(shown(&env(&[]), text)[0].contains("--keys"));
    }

    #[test]
    fn members_by_other_names() {
        let members =
            [("hash", "keyHash"), ("owner", "userId")].map(|(field, member)| (field.to_owned(), member.to_owned()));
        let form = Form::Json { members: members.into() };
        let text = r#"[{"keyHash":"$2b$","userId":"u1"},{"key":"old"},{"scopes":["a","b"],"key":7,"hash":"not by this name"},{}]"#;
        let rows = [
            "1 \"\" Some(\"u1\") hash $2b$  None",
            "2 \"\" None key old  None",
            "3 \"\" None key 7 a+b None",
            "4 \"\" None it has neither a key nor a hash  None",
        ];
        assert_eq!(shown(&form, text), rows);
        for text in ["{}", "[1]", "", "[{\"key\":"] {
            assert_eq!(shown(&form, text), ["the file is not a JSON list of objects"], "{text}");
        }
        let unknown = Form::Json { members: BTreeMap::from([("secret".to_owned(), "x".to_owned())]) };
        assert!(shown(&unknown, "[]")[0].contains("none of name"));
    }
}
