//! Two tools in the place of many: one that finds tools, and one that calls what was found (S0.8).
//!
//! The ranking is BM25 over the words of name, path, title, description and parameters; words of the name count most.

use std::collections::HashMap;

use serde_json::{Map, json};

use crate::cost::of_json;
use crate::{Settings, Tool};

/// How soon more of the same word counts no more.
const SATURATION: f64 = 1.2;
/// How much longer descriptions are held against a tool.
const LENGTH: f64 = 0.6;
/// The weight of a word that only begins with a word of the query.
const BEGINNING: f64 = 0.3;
/// Words of a query that are looked at.
const QUERY_WORDS: usize = 32;

/// An index of tools.
#[derive(Debug, Clone)]
pub(super) struct Search {
    tools: [mcp::Tool; 2],
    tokens: usize,
    /// For every word the tools that have it, with its weight there.
    words: HashMap<String, Vec<(usize, f64)>>,
    /// The number of words of each tool.
    lengths: Vec<f64>,
    average: f64,
}

impl Search {
    pub(super) fn new(tools: &[Tool], settings: &Settings) -> Self {
        let mut words: HashMap<String, Vec<(usize, f64)>> = HashMap::new();
        let mut lengths = Vec::with_capacity(tools.len());
        for (at, tool) in tools.iter().enumerate() {
            let weights = weights(tool);
            lengths.push(weights.values().sum::<f64>());
            for (word, weight) in weights {
                words.entry(word).or_default().push((at, weight));
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a document has far fewer operations than 2^52")]
        let average = lengths.iter().sum::<f64>() / lengths.len().max(1) as f64;
        let tools = definitions(tools.len(), settings);
        let tokens = tools.iter().map(|tool| of_json(&json!(tool))).sum();
        Self { tools, tokens, words, lengths, average }
    }

    pub(super) fn tools(&self) -> impl Iterator<Item = &mcp::Tool> {
        self.tools.iter()
    }

    pub(super) fn tokens(&self) -> usize {
        self.tokens
    }

    pub(super) fn search_name(&self) -> &str {
        &self.tools[0].name
    }

    pub(super) fn call_name(&self) -> &str {
        &self.tools[1].name
    }

    /// The positions of the tools that fit best.
    pub(super) fn find(&self, query: &str, most: usize) -> Vec<usize> {
        let mut scores: HashMap<usize, f64> = HashMap::new();
        for word in words(query).take(QUERY_WORDS) {
            for (at, score) in self.scores(&word) {
                *scores.entry(at).or_default() += score;
            }
        }
        let mut ranked: Vec<_> = scores.into_iter().collect();
        ranked
            .sort_by(|(one, score), (other, other_score)| other_score.total_cmp(score).then(one.cmp(other)));
        ranked.into_iter().take(most).map(|(at, _)| at).collect()
    }

    fn scores(&self, word: &str) -> Vec<(usize, f64)> {
        if let Some(found) = self.words.get(word) {
            return self.weighted(found, 1.0);
        }
        let longer = self.words.iter().filter(|(known, _)| word.len() > 2 && known.starts_with(word));
        longer.flat_map(|(_, found)| self.weighted(found, BEGINNING)).collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "a document has far fewer operations than 2^52")]
    fn weighted(&self, found: &[(usize, f64)], factor: f64) -> Vec<(usize, f64)> {
        let (all, having) = (self.lengths.len() as f64, found.len() as f64);
        let rarity = ((all - having + 0.5) / (having + 0.5) + 1.0).ln();
        let score = |(at, weight): &(usize, f64)| {
            let length = 1.0 - LENGTH + LENGTH * self.lengths[*at] / self.average.max(1.0);
            (*at, factor * rarity * weight * (SATURATION + 1.0) / (weight + SATURATION * length))
        };
        found.iter().map(score).collect()
    }
}

/// The words of a tool. A word of its name says more than one of its description.
fn weights(tool: &Tool) -> HashMap<String, f64> {
    let definition = &tool.definition;
    let mut weights: HashMap<String, f64> = HashMap::new();
    let mut add = |text: &str, weight: f64| {
        for word in words(text) {
            *weights.entry(word).or_default() += weight;
        }
    };
    add(&definition.name, 3.0);
    add(definition.title.as_deref().unwrap_or_default(), 2.0);
    add(&tool.binding.path, 1.0);
    add(definition.description.as_deref().unwrap_or_default(), 1.0);
    for tag in &tool.tags {
        add(tag, 1.0);
    }
    for name in definition.input_schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name)
    {
        add(name, 0.5);
    }
    weights
}

/// Words in lower case and in the singular; `listPullRequests` has three.
fn words(text: &str) -> impl Iterator<Item = String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut before = ' ';
    for character in text.chars() {
        let begins = character.is_uppercase() && before.is_lowercase();
        if begins || !character.is_alphanumeric() {
            words.push(std::mem::take(&mut word));
        }
        if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        }
        before = character;
    }
    words.push(word);
    words.into_iter().filter(|word| !word.is_empty() && !is_filler(word)).map(singular)
}

fn is_filler(word: &str) -> bool {
    matches!(
        word,
        "a" | "an" | "and" | "by" | "for" | "from" | "in" | "of" | "on" | "or" | "the" | "to" | "with"
    )
}

fn singular(word: String) -> String {
    if word.len() > 4 && word.ends_with("ies") {
        return format!("{}y", &word[..word.len() - 3]);
    }
    if word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us") {
        return word[..word.len() - 1].to_owned();
    }
    word
}

fn definitions(count: usize, settings: &Settings) -> [mcp::Tool; 2] {
    let name = |name| settings.naming.name(&settings.target, name);
    let api = if settings.target.is_empty() { "this API" } else { &settings.target };
    let annotations = |is_safe: bool| {
        let annotations =
            json!({ "readOnlyHint": is_safe, "destructiveHint": !is_safe, "openWorldHint": !is_safe });
        Map::from_iter([("annotations".to_owned(), annotations)])
    };
    let search = mcp::Tool {
        name: name("search"),
        title: None,
        description: Some(format!(
            "Finds tools among the {count} of {api}. Answers with their names, descriptions and input schemas. Call one \
             with {}.",
            name("call")
        )),
        input_schema: json!({ "type": "object", "additionalProperties": false, "required": ["query"], "properties": {
            "query": { "type": "string", "description": "What is to be done, in a few words" },
            "limit": { "type": "integer", "minimum": 1, "maximum": 20, "default": 5 },
        } }),
        other: annotations(true),
    };
    let call = mcp::Tool {
        name: name("call"),
        title: None,
        description: Some(format!("Calls a tool that {} has found.", name("search"))),
        input_schema: json!({ "type": "object", "additionalProperties": false, "required": ["name"], "properties": {
            "name": { "type": "string", "description": "The name of the tool" },
            "arguments": { "type": "object", "description": "Its arguments, as its input schema says" },
        } }),
        other: annotations(false),
    };
    [search, call]
}
