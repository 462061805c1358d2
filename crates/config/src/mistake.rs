//! Mistakes and warnings as they are told: where, what, the line with a caret, and what to write instead.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// One mistake or warning. Holds no secret: values in secret places are blanked in `message` and in the shown line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// The file, variable or flag at fault.
    pub origin: String,
    /// The line in a file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to write, and why it is refused.
    pub help: Vec<String>,
    #[serde(skip)]
    pub(crate) excerpt: Option<Excerpt>,
}

/// The line of a mistake, secrets blanked, and the characters that the caret points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excerpt {
    pub(crate) text: String,
    /// Characters before the caret.
    pub(crate) indent: usize,
    /// Carets, at least one.
    pub(crate) width: usize,
}

/// All that is wrong with a configuration, in the order of the file, and what was only doubtful.
#[derive(Clone, Debug, Serialize)]
pub struct Mistakes {
    /// Why it is refused; never empty.
    pub mistakes: Vec<Mistake>,
    /// What would have been said had it passed.
    pub warnings: Vec<Mistake>,
    /// The data directory that it names, where that could be read in spite of them.
    #[serde(skip)]
    pub data_dir: Option<PathBuf>,
}

impl std::error::Error for Mistakes {}

impl fmt::Display for Mistakes {
    /// Every mistake, then every warning, without colour.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl Mistakes {
    /// Every mistake, then every warning, as text for people.
    pub fn render(&self, colour: bool) -> String {
        let mistakes = self.mistakes.iter().map(|mistake| mistake.render("", colour));
        let warnings = self.warnings.iter().map(|warning| warning.render("warning: ", colour));
        mistakes.chain(warnings).collect::<Vec<_>>().join("\n")
    }
}

impl Mistake {
    /// The text of a warning, as [`Mistakes::render`] has it.
    pub fn render_warning(&self, colour: bool) -> String {
        self.render("warning: ", colour)
    }

    fn render(&self, label: &str, colour: bool) -> String {
        let paint =
            |code: &str, text: &str| if colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() };
        let tone = if label.is_empty() { "1;31" } else { "1;33" };
        let mut place = self.origin.clone();
        for number in [self.line, self.column].into_iter().flatten() {
            place.push_str(&format!(":{number}"));
        }
        let mut text =
            format!("{}: {}{}\n", paint("1", &printable(&place)), paint(tone, label), printable(&self.message));
        let mut margin = String::from("  ");
        if let (Some(excerpt), Some(line)) = (&self.excerpt, self.line) {
            let number = line.to_string();
            margin = " ".repeat(number.len() + 1);
            let caret = format!("{}{}", " ".repeat(excerpt.indent), paint(tone, &"^".repeat(excerpt.width)));
            let bar = paint("34", "|");
            text.push_str(&format!("{number} {bar} {}\n{margin}{bar} {caret}\n", printable(&excerpt.text)));
        }
        for help in &self.help {
            text.push_str(&format!("{margin}{} {}\n", paint("34", "="), printable(help)));
        }
        text
    }
}

/// One character for one: what a file holds must not reach a terminal as an escape sequence, nor shift the caret.
fn printable(text: &str) -> String {
    let plain = |c: char| match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    text.chars().map(plain).collect()
}
