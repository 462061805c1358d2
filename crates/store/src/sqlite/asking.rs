//! Statements of which only the asked-for conditions are part: their texts are this program's, and what people ask for is bound.

use sqlx::{AssertSqlSafe, query};

use super::transaction::Statement;

/// A statement that grows, with a `?` in its text for each value.
#[derive(Debug, Default)]
pub(super) struct Asking {
    text: String,
    values: Vec<Value>,
    conditions: usize,
}

/// What is bound.
#[derive(Debug)]
pub(super) enum Value {
    Text(Box<str>),
    Number(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl Asking {
    /// Begins with a text up to its WHERE.
    pub(super) fn begin(text: &'static str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    /// More text.
    #[must_use]
    pub(super) fn text(mut self, text: &'static str) -> Self {
        self.text.push_str(text);
        self
    }

    /// One more condition, without a value.
    #[must_use]
    pub(super) fn holds(mut self, condition: &'static str) -> Self {
        self.text.push_str(if self.conditions == 0 { " WHERE (" } else { " AND (" });
        self.text.push_str(condition);
        self.text.push(')');
        self.conditions += 1;
        self
    }

    /// One more condition, where there is a value for it.
    #[must_use]
    pub(super) fn given<V: Into<Value>>(self, condition: &'static str, value: Option<V>) -> Self {
        match value {
            Some(value) => self.holds(condition).value(value),
            None => self,
        }
    }

    /// The value of the next `?`.
    #[must_use]
    pub(super) fn value(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// The statement.
    pub(super) fn statement(self) -> Statement {
        // Texts of this program and question marks.
        let statement = query(AssertSqlSafe(self.text));
        self.values.into_iter().fold(statement, |statement, value| match value {
            Value::Text(text) => statement.bind(String::from(text)),
            Value::Number(number) => statement.bind(number),
        })
    }
}

/// What `LIKE … ESCAPE '\'` takes for a text that stands anywhere: no character of it stands for others.
pub(super) fn anywhere(text: &str) -> String {
    if text.contains('\0') {
        // SQLite ends a pattern there; nothing that is looked through holds one, or is empty.
        return String::new();
    }
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::anywhere;

    #[test]
    fn what_stands_for_others_is_escaped() {
        for (text, pattern) in [("a", "%a%"), ("50%", r"%50\%%"), ("_", r"%\_%"), (r"\", r"%\\%"), ("'; --", "%'; --%")]
        {
            assert_eq!(anywhere(text), pattern, "{text}");
        }
    }
}
