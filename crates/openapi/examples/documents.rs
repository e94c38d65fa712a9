//! What documents cost: operations, tools, tokens, time. `cargo run --release -p vestibule-openapi --example documents --
//! FILE…` prints one line for each, and says which schemas are not valid.

use std::error::Error;
use std::time::Instant;
use std::{env, fs};

use openapi::{Document, Limits, Selection, Settings, Tools};

fn main() -> Result<(), Box<dyn Error>> {
    println!(
        "{:>9} {:>6} {:>6} {:>10} {:>10} {:>6} {:>6}  document",
        "bytes", "operat", "tools", "tokens", "unslimmed", "warned", "ms"
    );
    for path in env::args().skip(1) {
        let bytes = fs::read(&path)?;
        if let Err(error) = document(&bytes, &path) {
            println!("{path}: {error}");
        }
    }
    Ok(())
}

fn document(bytes: &[u8], path: &str) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let document = Document::parse(bytes, &Limits::default())?;
    let everything = Selection { include: vec!["*".to_owned()], deprecated: true, ..Selection::default() };
    let settings = Settings {
        selection: everything,
        output_schemas: env::var_os("OUTPUT").is_some(),
        ..Settings::default()
    };
    let (tools, warnings) = Tools::compile(&document, &settings)?;
    let took = started.elapsed().as_millis();
    let (operations, _) = document.operations()?;
    let cost = tools.cost();
    println!(
        "{:>9} {:>6} {:>6} {:>10} {:>10} {:>6} {took:>6}  {path}",
        bytes.len(),
        operations.len(),
        tools.all().len(),
        cost.tokens,
        cost.unslimmed,
        warnings.len(),
    );
    if env::var_os("WARNINGS").is_some() {
        warnings.iter().for_each(|warning| println!("  {warning}"));
    }
    for tool in tools.all() {
        if let Err(error) = jsonschema::draft202012::meta::validate(&tool.definition.input_schema) {
            println!("  {}: {error}", tool.definition.name);
        }
        if env::var_os("BUILD").is_some() {
            let options =
                jsonschema::draft202012::options().with_pattern_options(jsonschema::PatternOptions::regex());
            if let Err(error) = options.build(&tool.definition.input_schema) {
                println!("  {}: {error}", tool.definition.name);
            }
        }
        if env::var_os("SHOW").is_some_and(|name| name.to_str() == Some(tool.definition.name.as_str())) {
            println!("{}", serde_json::to_string_pretty(&tool.definition)?);
        }
    }
    Ok(())
}
