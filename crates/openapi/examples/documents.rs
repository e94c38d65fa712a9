//! What documents cost: operations, tools, tokens, time.
//!
//! `cargo run --release -p vestibule-openapi --example documents -- [--warnings] [--definitions] [--output] FILE…` prints
//! one line for each document and says which schemas are not valid. `--definitions` prints what a model reads of each
//! tool, one JSON object per line, with our count of tokens in front: for comparison with a tokenizer.

use std::error::Error;
use std::time::Instant;
use std::{env, fs};

use openapi::{Document, Limits, Selection, Settings, Tools};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let (options, paths): (Vec<_>, Vec<_>) =
        env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let has = |option: &str| options.iter().any(|given| given == option);
    for path in paths {
        if let Err(error) = document(&fs::read(&path)?, &path, has) {
            println!("{path}: {error}");
        }
    }
    Ok(())
}

fn document(bytes: &[u8], path: &str, has: impl Fn(&str) -> bool) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let document = Document::parse(bytes, &Limits::default())?;
    let selection = Selection { include: vec!["*".to_owned()], deprecated: true, ..Selection::default() };
    let settings = Settings { selection, output_schemas: has("--output"), ..Settings::default() };
    let (tools, warnings) = Tools::compile(&document, &settings)?;
    let took = started.elapsed().as_millis();
    let (count, cost) = (tools.all().len(), tools.cost());
    let (tokens, unslimmed) = (cost.tokens, cost.unslimmed);
    if !has("--definitions") {
        println!(
            "{path}: {} bytes, {count} tools, {tokens} tokens, {unslimmed} unslimmed, {took} ms",
            bytes.len()
        );
    }
    if has("--warnings") {
        for warning in &warnings {
            println!("  {warning}");
        }
    }
    for tool in tools.all() {
        let definition = &tool.definition;
        if has("--definitions") {
            let (name, description) = (&definition.name, &definition.description);
            let read =
                json!({ "name": name, "description": description, "inputSchema": definition.input_schema });
            println!("{} {read}", tool.cost.tokens);
        }
        let options =
            jsonschema::draft202012::options().with_pattern_options(jsonschema::PatternOptions::regex());
        if let Err(error) = options.build(&definition.input_schema) {
            println!("  {}: {error}", definition.name);
        }
    }
    Ok(())
}
