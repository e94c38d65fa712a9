//! One operation becomes one tool.

use mcp::ParameterHeaders;
use serde_json::{Map, Value, json};

use super::arguments::{Arguments, Context};
use super::overrides::Spoken;
use super::reserved::{Credentials, is_reserved_header};
use super::{Chosen, body, description};
use crate::cost::{Cost, of_json};
use crate::schema::{Direction, Schemas, TooLarge};
use crate::{Binding, Document, MediaType, Operation, Settings, Tool, Warning};

/// What all tools of a document have in common.
pub(super) struct Compiler<'c> {
    document: &'c Document,
    settings: &'c Settings,
    requests: Schemas<'c>,
    responses: Schemas<'c>,
    credentials: Credentials,
    spoken: Spoken<'c>,
}

impl<'c> Compiler<'c> {
    pub(super) fn new(document: &'c Document, settings: &'c Settings) -> Self {
        Self {
            document,
            settings,
            requests: Schemas::new(document, settings.slimming, Direction::Request),
            responses: Schemas::new(document, settings.slimming, Direction::Response),
            credentials: Credentials::of(document),
            spoken: Spoken::default(),
        }
    }

    /// Settings of parameters that none of the tools has they were meant for.
    pub(super) fn unused(&self) -> impl Iterator<Item = Warning> {
        self.spoken.unused()
    }

    /// The tool, or why there is none.
    pub(super) fn compile(
        &mut self,
        chosen: &Chosen<'c>,
        warnings: &mut Vec<Warning>,
    ) -> Result<Tool, String> {
        let operation = chosen.operation;
        if operation.path.contains('?') {
            return Err("its path has a query in it".to_owned());
        }
        let (input_schema, binding) = self.inputs(chosen, warnings)?;
        let mut other = description::annotations(&operation.method);
        if let Some(schema) = self.output_schema(chosen)? {
            other.insert("outputSchema".to_owned(), schema);
        }
        let losses = self.requests.take_losses().into_iter().chain(self.responses.take_losses());
        warnings.extend(losses.map(|what| Warning::Schema { operation: operation.place(), what }));
        let definition = mcp::Tool {
            name: chosen.name.clone(),
            title: description::title(operation),
            description: Some(description::description(chosen, &self.settings.slimming)),
            input_schema,
            other,
        };
        let cost = Cost { tokens: tokens(&definition), unslimmed: self.unslimmed(operation) };
        Ok(Tool {
            definition,
            place: operation.place(),
            binding,
            security: operation.security.clone(),
            tags: operation.tags.clone(),
            cost,
        })
    }

    fn inputs(
        &mut self,
        chosen: &Chosen<'c>,
        warnings: &mut Vec<Warning>,
    ) -> Result<(Value, Binding), String> {
        let operation = chosen.operation;
        let mut context = Context {
            schemas: &mut self.requests,
            credentials: &self.credentials,
            slimming: &self.settings.slimming,
            warnings,
        };
        let mut arguments = Arguments::default();
        let parameters = arguments.bind(chosen, &mut context)?;
        let body = body::bind(&mut arguments, chosen, self.document, &mut context)?;
        self.spoken.note(&chosen.overrides, &arguments.known);
        let schema = self.requests.bundle(&arguments.into_schema()).map_err(too_large)?;
        check_headers(&schema)?;
        let accept = accepted(&operation.response);
        // Some documents tell operations of one path apart by a fragment, which is never sent.
        let path = operation.path.split('#').next().unwrap_or_default().to_owned();
        let binding = Binding { method: operation.method.clone(), path, parameters, body, accept };
        Ok((schema, binding))
    }

    /// What the answer looks like, when it is a JSON object and somebody asked for it.
    fn output_schema(&mut self, chosen: &Chosen<'_>) -> Result<Option<Value>, String> {
        if !chosen.tuning.output_schema.unwrap_or(self.settings.output_schemas) {
            return Ok(None);
        }
        let is_json = |media_type: &&MediaType| is_json(&media_type.name);
        let Some(schema) =
            chosen.operation.response.iter().find(is_json).and_then(|found| found.schema.as_ref())
        else {
            return Ok(None);
        };
        let schema = self.document.resolve(schema).unwrap_or(schema);
        let converted = self.responses.convert(schema);
        if converted.get("type") != Some(&json!("object")) {
            return Ok(None);
        }
        self.responses.bundle(&converted).map(Some).map_err(too_large)
    }

    /// Tokens of the same, as the document has it.
    fn unslimmed(&mut self, operation: &Operation) -> usize {
        let mut properties = Map::new();
        for parameter in &operation.parameters {
            let mut schema = parameter.schema.clone();
            if let (Some(members), Some(description)) = (schema.as_object_mut(), &parameter.description) {
                members.insert("description".to_owned(), description.as_str().into());
            }
            properties.insert(parameter.name.clone(), schema);
        }
        let body = operation.body.as_ref().and_then(|body| body.content.first()?.schema.clone());
        properties.extend(body.map(|schema| ("body".to_owned(), schema)));
        let required = operation.parameters.iter().filter(|parameter| parameter.required);
        let required: Vec<_> = required.map(|parameter| parameter.name.as_str()).collect();
        self.requests.unslimmed(&json!({
            "name": operation.operation_id,
            "description": [&operation.summary, &operation.description],
            "inputSchema": { "type": "object", "properties": properties, "required": required },
        }))
    }
}

/// `x-mcp-header` of the document (2026-07-28, Streamable HTTP): what is not valid spoils the tool (OA-14).
fn check_headers(schema: &Value) -> Result<(), String> {
    ParameterHeaders::of(schema).map_err(|_| "an x-mcp-header of it is not valid".to_owned())?;
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let mut names = properties.filter_map(|(_, parameter)| parameter.get("x-mcp-header")?.as_str());
    match names.find(|name| is_reserved_header(name)) {
        Some(name) => Err(format!("an x-mcp-header of it is {name}, which is reserved")),
        None => Ok(()),
    }
}

fn too_large(error: TooLarge) -> String {
    match error {
        TooLarge::Tool => "its schema is larger than a tool may be".to_owned(),
        TooLarge::Document => "the schemas of all tools are larger than a document may be".to_owned(),
    }
}

fn is_json(media_type: &str) -> bool {
    media_type == "application/json" || media_type.ends_with("+json")
}

/// Media types of answers, JSON first.
fn accepted(response: &[MediaType]) -> Vec<String> {
    let mut names: Vec<_> = response.iter().map(|media_type| media_type.name.clone()).collect();
    names.sort_by_key(|name| !is_json(name));
    names.dedup();
    names
}

/// Tokens of what a model reads of a tool. Annotations and output schema are for the client.
fn tokens(definition: &mcp::Tool) -> usize {
    of_json(&json!({
        "name": definition.name,
        "description": definition.description,
        "inputSchema": definition.input_schema,
    }))
}
