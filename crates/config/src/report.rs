//! Collects mistakes and warnings while a configuration is read, and turns them into text at the end.

use crate::mistake::{Excerpt, Mistake, Mistakes};
use crate::node::Node;
use crate::place::{Origin, Place, Span};

/// After so many mistakes the rest is left out.
pub(crate) const MAX_MISTAKES: usize = 100;

/// Characters of a line that are shown around the caret.
const SHOWN: usize = 120;

/// What was found so far.
#[derive(Default)]
pub(crate) struct Report {
    mistakes: Vec<Finding>,
    warnings: Vec<Finding>,
    /// Stretches whose text must never be shown.
    masks: Vec<Place>,
    /// Maps that lack a name only because its value was reported and taken out.
    forgiven: Vec<Place>,
}

struct Finding {
    place: Place,
    message: String,
    help: Vec<String>,
}

impl Report {
    /// Notes a mistake.
    pub(crate) fn mistake<H: Into<String>>(
        &mut self,
        place: &Place,
        message: impl Into<String>,
        help: impl IntoIterator<Item = H>,
    ) {
        self.mistakes.push(finding(place, message.into(), help));
    }

    /// Notes a warning.
    pub(crate) fn warning<H: Into<String>>(
        &mut self,
        place: &Place,
        message: impl Into<String>,
        help: impl IntoIterator<Item = H>,
    ) {
        self.warnings.push(finding(place, message.into(), help));
    }

    /// Blanks every value below a node, and every name that no configuration has, wherever its line is shown.
    pub(crate) fn mask(&mut self, node: &Node) {
        node.scalars(&mut Vec::new(), &mut |_, _, place| self.mask_place(place.clone()));
        let known = crate::schema::names();
        node.names(&mut Vec::new(), &mut |_, entry| {
            if !known.contains(&entry.key) {
                self.mask_place(entry.key_place.clone());
            }
        });
    }

    /// Blanks one stretch.
    pub(crate) fn mask_place(&mut self, place: Place) {
        self.masks.push(place);
    }

    /// Blanks a name from its nth character on.
    pub(crate) fn mask_name(&mut self, place: &Place, from: usize) {
        let mut rest = place.clone();
        if let Some(span) = &mut rest.span {
            span.start.column += from;
        }
        self.masks.push(rest);
    }

    /// From now on a map at this place may lack names.
    pub(crate) fn forgive(&mut self, place: Place) {
        self.forgiven.push(place);
    }

    /// Whether a map may lack names.
    pub(crate) fn is_forgiven(&self, place: &Place) -> bool {
        self.forgiven.contains(place)
    }

    /// Whether nothing is wrong so far.
    pub(crate) fn is_clean(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// Whether more mistakes would help nobody.
    pub(crate) fn is_full(&self) -> bool {
        self.mistakes.len() >= MAX_MISTAKES
    }

    /// The warnings in order, or all that is wrong; both with the lines they are about.
    pub(crate) fn finish(self, text: Option<&str>) -> Result<Vec<Mistake>, Mistakes> {
        if self.is_clean() { Ok(tell(self.warnings, &self.masks, text)) } else { Err(self.refuse(text)) }
    }

    /// All that is wrong.
    pub(crate) fn refuse(self, text: Option<&str>) -> Mistakes {
        let told = |findings| tell(findings, &self.masks, text);
        let full = self.is_full();
        let mut mistakes = told(self.mistakes);
        if let Some(last) = mistakes.last_mut().filter(|_| full) {
            last.help.push("further mistakes are left out".to_owned());
        }
        Mistakes { mistakes, warnings: told(self.warnings), data_dir: None }
    }
}

fn finding<H: Into<String>>(place: &Place, message: String, help: impl IntoIterator<Item = H>) -> Finding {
    Finding { place: place.clone(), message, help: help.into_iter().map(Into::into).collect() }
}

fn tell(mut findings: Vec<Finding>, masks: &[Place], text: Option<&str>) -> Vec<Mistake> {
    findings.sort_by(|a, b| a.place.cmp(&b.place));
    findings.dedup_by(|a, b| a.place == b.place && a.message == b.message);
    let lines: Vec<&str> = text.map(lines).unwrap_or_default();
    findings.into_iter().map(|finding| told(finding, masks, &lines)).collect()
}

fn told(finding: Finding, masks: &[Place], lines: &[&str]) -> Mistake {
    let Finding { place, message, help } = finding;
    let span = place.span.filter(|_| matches!(place.origin, Origin::File(_)));
    let excerpt = span.and_then(|span| {
        let line = lines.get(span.start.line - 1)?;
        let spans = masks.iter().filter(|mask| mask.origin == place.origin).filter_map(|mask| mask.span);
        Some(excerpt(line, span, &spans.collect::<Vec<_>>()))
    });
    let origin = match &place.origin {
        Origin::File(name) => name.to_string(),
        Origin::Preset(name) => format!("preset {name}"),
        _ => place.to_string(),
    };
    let (line, column) = (span.map(|span| span.start.line), span.map(|span| span.start.column));
    Mistake { origin, line, column, message, help, excerpt }
}

/// Lines as YAML counts them (YAML 1.2.2 §5.4): `\r\n`, `\n` and a lone `\r` end one.
pub(crate) fn lines(text: &str) -> Vec<&str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r')).collect()
}

/// The columns (from 0, end exclusive) that a span covers on a line.
fn columns(span: Span, line: usize) -> Option<(usize, usize)> {
    if line < span.start.line || line > span.end.line {
        return None;
    }
    let from = if line == span.start.line { span.start.column - 1 } else { 0 };
    let to = if line == span.end.line { span.end.column - 1 } else { usize::MAX };
    Some((from, to))
}

fn excerpt(line: &str, span: Span, masks: &[Span]) -> Excerpt {
    let blanked: Vec<(usize, usize)> = masks.iter().filter_map(|mask| columns(*mask, span.start.line)).collect();
    let (from, to) = columns(span, span.start.line).unwrap_or_default();
    let mut shown: Vec<char> = Vec::new();
    let mut indent = None;
    let mut width = 0;
    let mut in_mask = false;
    // A comment can hold a secret that was commented out. Before the end of the span, # is part of a text.
    let text_end = if to == usize::MAX { from } else { to };
    let comment = |(column, character): &(usize, char)| *character == '#' && *column >= text_end;
    for (column, character) in line.chars().enumerate().take_while(|one| !comment(one)) {
        if column >= from {
            indent.get_or_insert(shown.len());
        }
        let masked = blanked.iter().any(|(start, end)| (*start..*end).contains(&column));
        if masked && in_mask {
            continue;
        }
        in_mask = masked;
        shown.push(if masked { '…' } else { character });
        width += usize::from((from..to).contains(&column));
    }
    let indent = indent.unwrap_or(shown.len());
    let skipped = indent.saturating_sub(SHOWN / 2).min(shown.len().saturating_sub(SHOWN));
    let text: String = shown.into_iter().skip(skipped).take(SHOWN).collect();
    let room = SHOWN.saturating_sub(indent - skipped);
    Excerpt { text: text.trim_end().to_owned(), indent: indent - skipped, width: width.clamp(1, room.max(1)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Position;

    fn span(from: usize, to: usize) -> Span {
        Span { start: Position { line: 1, column: from }, end: Position { line: 1, column: to } }
    }

    #[test]
    fn a_mask_leaves_one_character_and_moves_the_caret() {
        let shown = excerpt("key: hunter2, nmae: x", span(15, 19), &[span(6, 13)]);
        assert_eq!(shown, Excerpt { text: "key: …, nmae: x".to_owned(), indent: 8, width: 4 });
    }

    #[test]
    fn a_caret_on_a_mask_is_one_wide() {
        let shown = excerpt("key: hunter2", span(6, 13), &[span(6, 13)]);
        assert_eq!(shown, Excerpt { text: "key: …".to_owned(), indent: 5, width: 1 });
    }

    #[test]
    fn a_comment_is_not_shown() {
        let shown = excerpt("a: \"#1\" # was hunter2", span(4, 8), &[]);
        assert_eq!(shown, Excerpt { text: "a: \"#1\"".to_owned(), indent: 3, width: 4 });
    }

    #[test]
    fn a_long_line_is_cut_around_the_caret() {
        let shown = excerpt(&"a".repeat(1000), span(501, 900), &[]);
        assert_eq!((shown.text.len(), shown.indent, shown.width), (SHOWN, SHOWN / 2, SHOWN / 2));
    }
}
