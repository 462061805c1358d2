//! What a check has to say about one line of one file.

use std::fmt;

/// Something that breaks a rule, or is worth a look.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) file: String,
    pub(crate) line: usize,
    /// What is wrong.
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) remedy: String,
    /// A warning fails nothing.
    pub(crate) warning: bool,
}

impl Finding {
    pub(crate) fn error(file: &str, line: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { file: file.into(), line, what: what.into(), remedy: remedy.into(), warning: false }
    }

    pub(crate) fn warning(file: &str, line: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { warning: true, ..Self::error(file, line, what, remedy) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = if self.warning { "warning" } else { "error" };
        writeln!(f, "{}:{}: {level}: {}", self.file, self.line, self.what)?;
        writeln!(f, "    {}", self.remedy)
    }
}
