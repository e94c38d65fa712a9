//! Queries: exactly the names that the document declares (OA-02).

use std::collections::BTreeSet;
use std::fmt::{Display, Write};

use serde_json::value::RawValue;

use super::encoding::{encoded, encoded_but_reserved, encoded_name};
use super::style::Shape;
use crate::arguments::{Exact, InvalidArguments, compact, shown, written};
use crate::{Parameter, Style};

/// The longest name with brackets, in bytes: it stands before every value inside of it.
const LONGEST_NAME: usize = 1024;

/// Which names an object may bring whose members are written apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Names {
    /// Those that its schema lists.
    Listed(BTreeSet<String>),
    /// Any but these, which belong to other parameters and to credentials.
    AllBut(BTreeSet<String>),
}

impl Names {
    fn has(&self, name: &str) -> bool {
        match self {
            _ if name.is_empty() => false,
            Self::Listed(names) => names.contains(name),
            Self::AllBut(names) => !names.iter().any(|taken| folded(taken) == folded(name)),
        }
    }
}

/// The name that a lenient reader takes it for: `limit[]`, `LIMIT` and `limit` are one to some, `api.key` and `api_key` to
/// others.
fn folded(name: &str) -> String {
    let name = name.trim().split(['[', '\0']).next().unwrap_or_default();
    name.replace(['.', ' ', '-'], "_").to_lowercase()
}

/// A parameter as it is written.
pub(super) struct Written<'p> {
    pub(super) parameter: &'p Parameter,
    /// What the argument is called.
    pub(super) name: &'p str,
    /// Which names an exploded object may bring.
    pub(super) names: &'p Names,
}

/// Pairs, one after the other.
#[derive(Debug)]
pub(super) struct Query {
    text: String,
    /// Bytes after which nothing more is written: the whole is too long to be sent, and a few arguments can make very many.
    most: usize,
}

impl Query {
    /// One of not much more than `most` bytes; whoever sends it looks at its length.
    pub(super) fn up_to(most: usize) -> Self {
        Self { text: String::new(), most }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    fn is_full(&self) -> bool {
        self.text.len() > self.most
    }

    fn push(&mut self, name: &str, value: impl Display) {
        if self.is_full() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push('&');
        }
        write!(self.text, "{name}={value}").expect("a string takes everything");
    }

    /// Appends a parameter; nothing for `null` and for what is empty.
    pub(super) fn put(&mut self, written: &Written<'_>, given: &RawValue) -> Result<(), InvalidArguments> {
        let parameter = written.parameter;
        let name = encoded_name(&parameter.name);
        if parameter.content.is_some() {
            self.push(&name, encoded(&compact(given.get())));
            return Ok(());
        }
        if parameter.style == Style::DeepObject {
            return self.put_deep(&name, written.name, given);
        }
        let Some(shape) = Shape::of(given) else { return Ok(()) };
        let value = |text: &str| {
            if parameter.allow_reserved {
                encoded_but_reserved(text).to_string()
            } else {
                encoded(text).to_string()
            }
        };
        match &shape {
            Shape::Scalar(text) => self.push(&name, value(text)),
            Shape::List(elements) if parameter.explode => {
                for element in elements {
                    self.push(&name, value(element));
                }
            }
            Shape::Members(members) if parameter.explode && parameter.style == Style::Form => {
                for (key, member) in members {
                    if !written.names.has(key) {
                        return Err(InvalidArguments::of(
                            written.name,
                            format_args!("it has no member {:?}", shown(key)),
                        ));
                    }
                    self.push(&encoded_name(key), value(member));
                }
            }
            shape => self.put_joined(&name, parameter.style, shape),
        }
        Ok(())
    }

    /// The parts in one pair. What stands between them is nothing that a part can have.
    fn put_joined(&mut self, name: &str, style: Style, shape: &Shape<'_>) {
        let parts: Vec<_> = shape.parts().into_iter().map(|part| encoded(part).to_string()).collect();
        let between = match style {
            Style::SpaceDelimited => "%20",
            Style::PipeDelimited => "%7C",
            Style::TabDelimited => "%09",
            _ => ",",
        };
        if !parts.is_empty() {
            self.push(name, parts.join(between));
        }
    }

    /// `name[member]=value`. The standard ends at one level; deeper ones, and elements by their position, are written as
    /// those read them who read brackets at all.
    pub(super) fn put_deep(
        &mut self,
        name: &str,
        argument: &str,
        given: &RawValue,
    ) -> Result<(), InvalidArguments> {
        if name.len() > LONGEST_NAME {
            return Err(InvalidArguments::of(argument, "the names of its members are too long"));
        }
        match Exact::read(given) {
            _ if self.is_full() => {}
            Exact::Null => {}
            Exact::Scalar(text) => self.push(name, encoded(&text)),
            Exact::List(elements) => {
                for (at, element) in elements.into_iter().enumerate() {
                    self.put_deep(&format!("{name}%5B{at}%5D"), argument, element)?;
                }
            }
            Exact::Members(members) => {
                for (key, value) in members.iter() {
                    if key.is_empty() || key.contains(['[', ']']) {
                        return Err(InvalidArguments::of(
                            argument,
                            "names of members must not be empty, or have brackets",
                        ));
                    }
                    self.put_deep(&format!("{name}%5B{}%5D", encoded(key)), argument, value)?;
                }
            }
        }
        Ok(())
    }

    /// A list of a form in one pair.
    pub(super) fn put_list(&mut self, name: &str, style: Style, given: &RawValue) {
        if let Some(shape) = Shape::of(given) {
            self.put_joined(name, style, &shape);
        }
    }

    /// A pair of a form whose value is written as JSON where it is no scalar.
    pub(super) fn put_text(&mut self, name: &str, given: &RawValue) {
        if !self.is_full() {
            self.push(&encoded_name(name), encoded(&written(given)));
        }
    }
}
