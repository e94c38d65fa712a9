//! Paths: a template with values in its segments.

use std::fmt::Write;

use serde_json::value::RawValue;

use super::Uncallable;
use super::encoding::{encoded, encoded_literal, is_dots, unsafe_segment};
use super::style::Shape;
use crate::arguments::{InvalidArguments, compact};
use crate::{Parameter, Style};

/// The longest path, in bytes.
const LONGEST: usize = 32 * 1024;

/// A path template, taken apart.
#[derive(Debug)]
pub(super) struct Path(Vec<Vec<Piece>>);

/// A part of a segment.
#[derive(Debug)]
enum Piece {
    /// Encoded text.
    Literal(String),
    /// The value of the parameter at this place.
    Value(usize),
}

impl Path {
    /// Takes a template apart. `place` finds a path parameter by its name.
    pub(super) fn compile(template: &str, place: impl Fn(&str) -> Option<usize>) -> Result<Self, Uncallable> {
        let path = template.strip_prefix('/').ok_or(Uncallable::Path("does not begin with a slash"))?;
        let mut segments = vec![Vec::new()];
        let mut rest = path;
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, after) =
                behind.split_once('}').ok_or(Uncallable::Path("has a brace that is not closed"))?;
            literals(before, &mut segments);
            let at = place(name).ok_or(Uncallable::Path("has a parameter that is not described"))?;
            segments.last_mut().expect("there is always one").push(Piece::Value(at));
            rest = after;
        }
        literals(rest, &mut segments);
        let has_dots = |segment: &Vec<Piece>| match segment.as_slice() {
            [Piece::Literal(text)] => is_dots(text) || unsafe_segment(text).is_some(),
            _ => false,
        };
        if segments.iter().any(has_dots) {
            return Err(Uncallable::Path("has a segment that leads elsewhere"));
        }
        Ok(Self(segments))
    }

    /// The path with its values. `value` gives the parameter at a place with its argument.
    pub(super) fn write<'v>(
        &self,
        value: impl Fn(usize) -> (&'v Parameter, &'v str, Option<&'v RawValue>),
    ) -> Result<String, InvalidArguments> {
        let mut path = String::with_capacity(64);
        for segment in &self.0 {
            path.push('/');
            let begin = path.len();
            let mut named = None;
            for piece in segment {
                match piece {
                    Piece::Literal(text) => path.push_str(text),
                    Piece::Value(at) => {
                        let (parameter, name, given) = value(*at);
                        let given = given.ok_or_else(|| InvalidArguments::of(name, "it is required"))?;
                        put(&mut path, parameter, name, given)?;
                        named = Some(name);
                    }
                }
            }
            if path.len() > LONGEST {
                return Err(InvalidArguments::of(named.unwrap_or("path"), "it is too long for a path"));
            }
            if let Some(name) = named
                && let Some(what) = unsafe_segment(&path[begin..])
            {
                return Err(InvalidArguments::of(name, what));
            }
        }
        Ok(path)
    }
}

/// The slashes of literal text begin segments.
fn literals(text: &str, segments: &mut Vec<Vec<Piece>>) {
    for (at, part) in text.split('/').enumerate() {
        if at > 0 {
            segments.push(Vec::new());
        }
        if !part.is_empty() {
            segments.last_mut().expect("there is always one").push(Piece::Literal(encoded_literal(part)));
        }
    }
}

/// Appends a value (RFC 6570 §3.2.2, §3.2.5, §3.2.7): whatever could separate is encoded.
fn put(
    path: &mut String,
    parameter: &Parameter,
    name: &str,
    given: &RawValue,
) -> Result<(), InvalidArguments> {
    let empty = || InvalidArguments::of(name, "it must not be empty");
    if parameter.content.is_some() {
        put_encoded(path, &compact(given.get()));
        return Ok(());
    }
    let shape = Shape::of(given).ok_or_else(empty)?;
    if shape.is_empty() {
        return Err(empty());
    }
    let (before, between) = match (parameter.style, parameter.explode) {
        (Style::Label, true) => (".", "."),
        (Style::Label, false) => (".", ","),
        (Style::Matrix, true) => (";", ";"),
        (Style::Matrix, false) => (";", ","),
        _ => ("", ","),
    };
    let is_matrix = parameter.style == Style::Matrix;
    path.push_str(before);
    if is_matrix && (!parameter.explode || matches!(shape, Shape::Scalar(_))) {
        put_name(path, &parameter.name);
    }
    match &shape {
        Shape::Scalar(text) => put_encoded(path, text),
        Shape::Members(members) if parameter.explode => {
            put_each(path, between, members, |path, (key, value)| {
                put_name(path, key);
                put_encoded(path, value);
            });
        }
        Shape::List(elements) if is_matrix && parameter.explode => {
            put_each(path, between, elements, |path, value| {
                put_name(path, &parameter.name);
                put_encoded(path, value);
            });
        }
        shape => put_each(path, between, shape.parts(), put_encoded),
    }
    Ok(())
}

fn put_each<P>(
    path: &mut String,
    between: &str,
    parts: impl IntoIterator<Item = P>,
    put: impl Fn(&mut String, P),
) {
    for (at, part) in parts.into_iter().enumerate() {
        if at > 0 {
            path.push_str(between);
        }
        put(path, part);
    }
}

fn put_name(path: &mut String, name: &str) {
    put_encoded(path, name);
    path.push('=');
}

fn put_encoded(path: &mut String, text: &str) {
    write!(path, "{}", encoded(text)).expect("a string takes everything");
}
