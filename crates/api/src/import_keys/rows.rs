//! Files with keys of other programs as rows: a JSON list, comma-separated values with a line of names, or variables.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::passwords::Password;

/// Where in a file what stands: the names of members or columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// What kind of file it is.
    pub rows: Kind,
    /// The hash of the key.
    pub hash: Option<String>,
    /// The key itself.
    pub key: Option<String>,
    /// The user that owns it, by name, id or an operator's own reference.
    pub owner: Option<String>,
    /// What people call it.
    pub name: Option<String>,
}

/// Kinds of files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A list of objects.
    #[default]
    Json,
    /// Comma-separated values; the first line has the names.
    Csv,
    /// NAME=value, a line each; values are lists.
    Env,
}

/// One entry.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// Its line, or its place in a list, from 1.
    pub(super) line: usize,
    pub(super) name: Option<String>,
    pub(super) key: Option<Password>,
    pub(super) hash: Option<String>,
    pub(super) owner: Option<String>,
}

/// The entries of a file.
///
/// # Errors
/// It is not of its form; nothing of it is repeated.
pub(super) fn read(form: &Form, text: &str, variables: &[String]) -> Result<Vec<Row>, Failure> {
    match form.rows {
        Kind::Json => json(form, text),
        Kind::Csv => csv(form, text),
        Kind::Env => env(text, variables),
    }
}

impl Form {
    fn row(&self, line: usize, field: impl Fn(&str) -> Option<String>) -> Row {
        let of = |name: &Option<String>| name.as_deref().and_then(&field).filter(|text| !text.is_empty());
        Row {
            line,
            name: of(&self.name),
            key: of(&self.key).map(Password::from),
            hash: of(&self.hash),
            owner: of(&self.owner),
        }
    }
}

fn json(form: &Form, text: &str) -> Result<Vec<Row>, Failure> {
    let rows: Vec<Map<String, Value>> =
        serde_json::from_str(text).map_err(|_| Failure::invalid("the file is no JSON list of objects"))?;
    let field = |row: &Map<String, Value>, name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(rows.iter().enumerate().map(|(place, row)| form.row(place + 1, |name| field(row, name))).collect())
}

fn csv(form: &Form, text: &str) -> Result<Vec<Row>, Failure> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let Some((_, head)) = lines.next() else { return Ok(Vec::new()) };
    let names = cells(head);
    let known = [&form.hash, &form.key].into_iter().flatten().any(|name| names.contains(name));
    if !known {
        return Err(Failure::invalid("the first line names the columns: one of them is `key` or `hash`"));
    }
    let row = |(place, line): (usize, &str)| {
        let cells = cells(line);
        let field = |name: &str| cells.get(names.iter().position(|one| one == name)?).cloned();
        form.row(place + 1, field)
    };
    Ok(lines.map(row).collect())
}

/// The cells of one line (RFC 4180, without line breaks in cells).
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                cell.push('"');
                characters.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(std::mem::take(&mut cell).trim().to_owned()),
            other => cell.push(other),
        }
    }
    cells.push(cell.trim().to_owned());
    cells
}

fn env(text: &str, variables: &[String]) -> Result<Vec<Row>, Failure> {
    if variables.is_empty() {
        return Err(Failure::invalid("--variables names those that hold keys"));
    }
    let mut rows = Vec::new();
    for (place, line) in text.lines().enumerate() {
        let line = line.trim().trim_start_matches("export ");
        let Some((variable, value)) = line.split_once('=') else { continue };
        if !variables.iter().any(|name| name == variable.trim()) {
            continue;
        }
        let value = value.trim().trim_matches(['"', '\'']);
        for (index, key) in value.split(',').map(str::trim).filter(|key| !key.is_empty()).enumerate() {
            let name = format!("{}-{index}", variable.trim().to_lowercase());
            rows.push(Row { line: place + 1, name: Some(name), key: Some(key.to_owned().into()), ..Row::default() });
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(kind: Kind, text: &str) -> Vec<(usize, String, String)> {
        let name = |text: &str| Some(text.to_owned());
        let form = Form { rows: kind, hash: name("hash"), key: name("key"), owner: name("owner"), name: name("name") };
        let read = read(&form, text, &["KEYS".to_owned()]).unwrap();
        let shown = |row: Row| {
            let key = row.key.map(|key| key.expose().to_owned()).or(row.hash).unwrap_or_default();
            (row.line, row.name.unwrap_or_default(), key)
        };
        read.into_iter().map(shown).collect()
    }

    #[test]
    fn each_kind_of_file_is_read() {
        let row = |line: usize, name: &str, key: &str| (line, name.to_owned(), key.to_owned());
        assert_eq!(
            rows(Kind::Json, r#"[{"key": "a", "name": "one", "more": 1}, {"hash": "b", "key": ""}]"#),
            [row(1, "one", "a"), row(2, "", "b")]
        );
        assert_eq!(
            rows(Kind::Csv, "name, key,\"x\"\n\"o,\"\"ne\",a\n\ntwo,b,c,d\n"),
            [row(2, "o,\"ne", "a"), row(4, "two", "b")]
        );
        assert_eq!(
            rows(Kind::Env, "# KEYS\nOTHER=x\nexport KEYS=\" a ,, b,\"\nKEYS=c"),
            [row(3, "keys-0", "a"), row(3, "keys-1", "b"), row(4, "keys-0", "c")]
        );
    }

    #[test]
    fn what_is_of_no_form_is_refused_and_not_repeated() {
        for (kind, text) in [(Kind::Json, "{\"key\": \"s3cret\"}"), (Kind::Csv, "a,b\ns3cret,x")] {
            let form = Form { rows: kind, key: Some("key".to_owned()), ..Form::default() };
            assert!(!read(&form, text, &[]).unwrap_err().message.contains("s3cret"));
        }
        assert!(read(&Form { rows: Kind::Env, ..Form::default() }, "KEYS=a", &[]).is_err());
    }
}
