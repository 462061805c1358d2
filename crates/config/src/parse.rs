//! YAML text to a tree. Stricter than YAML: names are texts and come once, no tags, one document, bounded depth and
//! aliases.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

use crate::node::{Entry, Node, Scalar, Style, Value};
use crate::place::{Origin, Place, Span};

/// Deeper than any configuration; keeps what walks the tree from exhausting the stack.
const MAX_DEPTH: usize = 32;
/// Nodes that aliases may stand for together: enough for repetition, too few for a bomb.
const MAX_ALIASED: usize = 10_000;

/// Why a text is no tree, and where.
pub(crate) struct SyntaxError {
    pub(crate) place: Place,
    pub(crate) message: String,
}

/// Reads one document. An empty text is an empty map.
pub(crate) fn parse(text: &str, origin: &Origin) -> Result<Node, SyntaxError> {
    let mut builder = Builder { origin, open: Vec::new(), anchors: HashMap::new(), aliased: 0, root: None };
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            let at = (*error.marker()).into();
            builder.error(Span { start: at, end: at }, error.info())
        })?;
        builder.take(event, span.into())?;
    }
    let empty = || Node::map(Place::of(origin.clone()), []);
    Ok(builder.root.filter(|root| !root.is_null()).unwrap_or_else(empty))
}

struct Builder<'a> {
    origin: &'a Origin,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    aliased: usize,
    root: Option<Node>,
}

/// A list or map whose end has not come yet.
struct Open {
    span: Span,
    anchor: usize,
    value: Value,
    /// The name whose value comes next.
    key: Option<(String, Place)>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), SyntaxError> {
        if let Event::Scalar(.., Some(tag)) | Event::SequenceStart(_, Some(tag)) | Event::MappingStart(_, Some(tag)) =
            &event
        {
            return Err(self.error(span, &format!("tags such as {tag} are not used here")));
        }
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let style = if style == ScalarStyle::Plain { Style::Plain } else { Style::Quoted };
                let scalar = Scalar { text: text.into_owned(), style, references: Vec::new() };
                self.finish(Value::Scalar(scalar), span, anchor)
            }
            Event::SequenceStart(anchor, _) => self.start(Value::List(Vec::new()), span, anchor),
            Event::MappingStart(anchor, _) => self.start(Value::Map(Vec::new()), span, anchor),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => self.finish(open.value, Span { start: open.span.start, end: span.end }, open.anchor),
                None => Ok(()),
            },
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::DocumentStart(_) if self.root.is_some() => Err(self.error(span, "one document per file")),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    fn start(&mut self, value: Value, span: Span, anchor: usize) -> Result<(), SyntaxError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(self.error(span, &format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.open.push(Open { span, anchor, value, key: None });
        Ok(())
    }

    fn finish(&mut self, value: Value, span: Span, anchor: usize) -> Result<(), SyntaxError> {
        let node = Node { value, place: self.place(span) };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.attach(node, span)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), SyntaxError> {
        // An anchor is known once its node has ended, so an alias cannot contain itself.
        let Some(mut node) = self.anchors.get(&anchor).cloned() else {
            return Err(self.error(span, "this alias stands inside its own anchor"));
        };
        self.aliased += size(&node);
        if self.aliased > MAX_ALIASED {
            return Err(self.error(span, &format!("aliases stand for more than {MAX_ALIASED} values")));
        }
        if self.open.len() + depth(&node) > MAX_DEPTH {
            return Err(self.error(span, &format!("nested deeper than {MAX_DEPTH} levels")));
        }
        node.place = self.place(span);
        self.attach(node, span)
    }

    fn attach(&mut self, node: Node, span: Span) -> Result<(), SyntaxError> {
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut parent.value {
            Value::List(items) => items.push(node),
            Value::Map(entries) => match parent.key.take() {
                Some((key, key_place)) => entries.push(Entry { key, key_place, node }),
                None => {
                    let Value::Scalar(Scalar { text: key, .. }) = node.value else {
                        return Err(self.error(span, "a name must be a text"));
                    };
                    if entries.iter().any(|entry| entry.key == key) {
                        return Err(self.error(span, "this name stands here twice"));
                    }
                    parent.key = Some((key, node.place));
                }
            },
            Value::Scalar(_) => {}
        }
        Ok(())
    }

    fn place(&self, span: Span) -> Place {
        Place { origin: self.origin.clone(), span: Some(span) }
    }

    fn error(&self, span: Span, message: &str) -> SyntaxError {
        SyntaxError { place: self.place(span), message: message.to_owned() }
    }
}

fn children(node: &Node) -> Box<dyn Iterator<Item = &Node> + '_> {
    match &node.value {
        Value::Scalar(_) => Box::new(std::iter::empty()),
        Value::List(items) => Box::new(items.iter()),
        Value::Map(entries) => Box::new(entries.iter().map(|entry| &entry.node)),
    }
}

fn size(node: &Node) -> usize {
    1 + children(node).map(size).sum::<usize>()
}

fn depth(node: &Node) -> usize {
    children(node).map(|child| 1 + depth(child)).max().unwrap_or_default()
}
