//! A schema with everything that it refers to, in itself.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::circles::circles;
use super::keyword::{Form, form};
use super::{Definition, MOST_LOSSES, Schemas, TooLarge};

/// A definition that is no larger than this is written where it is used, however often.
const SMALL: usize = 4;
/// Levels of a schema in which definitions are still written in place.
const DEPTH_IN_PLACE: usize = 16;
/// Levels that a schema may have. A message of MCP has at most 64, and the schema stands inside of one.
const DEPTH: usize = 48;

impl Schemas<'_> {
    /// Puts what the converted schema refers to into it.
    pub(crate) fn bundle(&mut self, schema: &Value) -> Result<Value, TooLarge> {
        let root = definition(schema.clone());
        let reached = self.reach(&root)?;
        let mut bundle = Bundle {
            uses: uses(&root, &reached),
            circles: circles(&reached, |definition| {
                definition.references.iter().map(String::as_str).collect()
            }),
            endless: circles(&reached, |definition| definition.in_place.iter().map(String::as_str).collect()),
            names: HashMap::new(),
            taken: HashSet::new(),
            numbers: HashMap::new(),
            left: self.document.limits().schema_values,
            waiting: Vec::new(),
            losses: Vec::new(),
            reached,
        };
        let mut bundled = bundle.embed(schema, Place { definition: None, depth: 0, of_the_same: true })?;
        let mut definitions = Map::new();
        while let Some(reference) = bundle.waiting.pop() {
            let definition = Rc::clone(&bundle.reached[&reference]);
            let place = Place { definition: Some(&reference), depth: 2, of_the_same: true };
            let embedded = bundle.embed(&definition.schema, place)?;
            definitions.insert(bundle.names[&reference].clone(), embedded);
        }
        if !definitions.is_empty() {
            bundled["$defs"] = Value::Object(definitions);
        }
        for loss in bundle.losses {
            self.lose(loss);
        }
        Ok(bundled)
    }

    /// Everything that can be reached, converted.
    fn reach(&mut self, root: &Definition) -> Result<HashMap<String, Rc<Definition>>, TooLarge> {
        let mut reached: HashMap<String, Rc<Definition>> = HashMap::new();
        let mut left = self.document.limits().schema_values;
        let mut waiting = root.references.clone();
        self.spend(root.values)?;
        while let Some(reference) = waiting.pop() {
            if reached.contains_key(&reference) {
                continue;
            }
            let definition = self.definition(&reference);
            self.spend(definition.values)?;
            left = left.checked_sub(definition.values).ok_or(TooLarge::Tool)?;
            waiting.extend(definition.references.iter().filter(|next| !reached.contains_key(*next)).cloned());
            reached.insert(reference, definition);
        }
        Ok(reached)
    }

    fn spend(&mut self, values: usize) -> Result<(), TooLarge> {
        self.left = self.left.checked_sub(values).ok_or(TooLarge::Document)?;
        Ok(())
    }

    fn definition(&mut self, reference: &str) -> Rc<Definition> {
        if let Some(known) = self.definitions.get(reference) {
            return Rc::clone(known);
        }
        let schema = self.document.at(reference).cloned().unwrap_or(Value::Bool(true));
        let made = Rc::new(definition(self.convert(&schema)));
        self.definitions.insert(reference.to_owned(), Rc::clone(&made));
        made
    }
}

fn definition(schema: Value) -> Definition {
    let (mut references, mut in_place, mut values) = (Vec::new(), HashSet::new(), 0);
    collect(&schema, true, &mut |reference, is_in_place| {
        values += 1;
        if let Some(reference) = reference {
            references.push(reference.to_owned());
            if is_in_place {
                in_place.insert(reference.to_owned());
            }
        }
    });
    Definition { schema, references, in_place, values }
}

/// Calls `see` for every value, with the reference when it is one, and whether that speaks of the same instance.
fn collect<'s>(schema: &'s Value, is_in_place: bool, see: &mut impl FnMut(Option<&'s str>, bool)) {
    see(None, is_in_place);
    let Some(members) = schema.as_object() else { return };
    for (keyword, value) in members {
        match (keyword.as_str(), value) {
            ("$ref", Value::String(reference)) => see(Some(reference), is_in_place),
            _ => match form(keyword) {
                Some(Form::Schema) => collect(value, false, see),
                Some(Form::InPlace) => collect(value, is_in_place, see),
                Some(Form::Schemas) => elements(value).for_each(|schema| collect(schema, false, see)),
                Some(Form::AllInPlace) => {
                    elements(value).for_each(|schema| collect(schema, is_in_place, see));
                }
                Some(Form::Members | Form::Patterns) => {
                    members_of(value).for_each(|schema| collect(schema, false, see));
                }
                Some(Form::Dependent) => {
                    members_of(value).for_each(|schema| collect(schema, is_in_place, see));
                }
                _ => elements(value).for_each(|_| see(None, false)),
            },
        }
    }
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn members_of(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_object().into_iter().flatten().map(|(_, schema)| schema)
}

/// How often each definition is used in what is reached.
fn uses(root: &Definition, reached: &HashMap<String, Rc<Definition>>) -> HashMap<String, usize> {
    let mut uses: HashMap<String, usize> = HashMap::new();
    let all = reached.values().flat_map(|definition| &definition.references);
    for reference in root.references.iter().chain(all) {
        *uses.entry(reference.clone()).or_default() += 1;
    }
    uses
}

/// One schema while its references are written.
struct Bundle {
    reached: HashMap<String, Rc<Definition>>,
    uses: HashMap<String, usize>,
    /// What leads to itself, and stays a reference.
    circles: HashSet<String>,
    /// What leads to itself without getting any further into the instance: it would never end.
    endless: HashSet<String>,
    /// The names in `$defs`, by reference.
    names: HashMap<String, String>,
    taken: HashSet<String>,
    /// How far counting went for each name.
    numbers: HashMap<String, usize>,
    /// Definitions whose content is still to be written.
    waiting: Vec<String>,
    left: usize,
    losses: Vec<String>,
}

/// Where in the bundled schema something stands.
#[derive(Clone, Copy)]
struct Place<'p> {
    /// The definition that it is in.
    definition: Option<&'p str>,
    depth: usize,
    /// Whether it speaks of the same instance as the definition.
    of_the_same: bool,
}

impl Place<'_> {
    fn deeper(self, of_the_same: bool) -> Self {
        Self { depth: self.depth + 1, of_the_same: self.of_the_same && of_the_same, ..self }
    }
}

impl Bundle {
    fn embed(&mut self, schema: &Value, place: Place<'_>) -> Result<Value, TooLarge> {
        self.left = self.left.checked_sub(1).ok_or(TooLarge::Tool)?;
        let Some(members) = schema.as_object() else { return Ok(schema.clone()) };
        if place.depth > DEPTH {
            self.lose(format!("what lies deeper than {DEPTH} levels is not described"));
            return Ok(Value::Bool(true));
        }
        let mut embedded = Map::new();
        if let Some(Value::String(reference)) = members.get("$ref") {
            match self.reference(reference, place)? {
                Value::Object(target) => embedded = target,
                // Anything is allowed, or nothing: what stands beside it says no more.
                other => return Ok(other),
            }
        }
        for (keyword, value) in members.iter().filter(|(keyword, _)| *keyword != "$ref") {
            let value = self.keyword(keyword, value, place)?;
            embedded.insert(keyword.clone(), value);
        }
        Ok(Value::Object(embedded))
    }

    fn keyword(&mut self, keyword: &str, value: &Value, place: Place<'_>) -> Result<Value, TooLarge> {
        let (inside, in_place) = (place.deeper(false).deeper(false), place.deeper(true));
        match (form(keyword), value) {
            (Some(Form::Schema), _) => self.embed(value, place.deeper(false)),
            (Some(Form::InPlace), _) => self.embed(value, in_place),
            (Some(Form::Schemas), Value::Array(schemas)) => {
                schemas.iter().map(|schema| self.embed(schema, inside)).collect()
            }
            (Some(Form::AllInPlace), Value::Array(schemas)) => {
                schemas.iter().map(|schema| self.embed(schema, in_place.deeper(true))).collect()
            }
            (Some(Form::Members | Form::Patterns), Value::Object(schemas)) => self.named(schemas, inside),
            (Some(Form::Dependent), Value::Object(schemas)) => self.named(schemas, in_place.deeper(true)),
            _ => Ok(value.clone()),
        }
    }

    fn named(&mut self, schemas: &Map<String, Value>, place: Place<'_>) -> Result<Value, TooLarge> {
        let embedded = schemas.iter().map(|(name, schema)| Ok((name.clone(), self.embed(schema, place)?)));
        Ok(Value::Object(embedded.collect::<Result<_, _>>()?))
    }

    /// What stands in the place of a reference: the definition, or a reference into `$defs`.
    fn reference(&mut self, reference: &str, place: Place<'_>) -> Result<Value, TooLarge> {
        let from_endless = place.definition.is_some_and(|definition| self.endless.contains(definition));
        if place.of_the_same && from_endless && self.endless.contains(reference) {
            self.lose(format!(
                "`{reference}` refers to itself without end, so that anything is taken in its place"
            ));
            return Ok(Value::Bool(true));
        }
        let definition = Rc::clone(&self.reached[reference]);
        let is_worth_it = self.uses.get(reference) == Some(&1) || definition.values <= SMALL;
        if is_worth_it && !self.circles.contains(reference) && place.depth < DEPTH_IN_PLACE {
            return self.embed(&definition.schema, place);
        }
        if !self.names.contains_key(reference) {
            let name = self.name(reference);
            self.names.insert(reference.to_owned(), name);
            self.waiting.push(reference.to_owned());
        }
        Ok(json!({ "$ref": format!("#/$defs/{}", self.names[reference]) }))
    }

    /// The last part of the reference, in letters that need no escaping.
    fn name(&mut self, reference: &str) -> String {
        let last = reference.rsplit('/').next().unwrap_or_default();
        let plain: String =
            last.chars()
                .map(|character| {
                    if character.is_ascii_alphanumeric() || "_.-".contains(character) {
                        character
                    } else {
                        '_'
                    }
                })
                .take(64)
                .collect();
        let number = self.numbers.entry(plain.clone()).or_insert(0);
        loop {
            *number += 1;
            let name = if *number == 1 { plain.clone() } else { format!("{plain}_{number}") };
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }

    fn lose(&mut self, what: String) {
        if self.losses.len() < MOST_LOSSES && !self.losses.contains(&what) {
            self.losses.push(what);
        }
    }
}
