//! A tool that is ready to be called: what can be made before the first call is made once.

use http::Request;
use serde_json::value::RawValue;

use crate::arguments::{Arguments, InvalidArguments, Validator};
use crate::request::{BaseUrl, Template, Uncallable};
use crate::response::{Answered, Answers};
use crate::{CredentialPlaces, Tool};

/// How one tool is called.
///
/// 1. [`Call::request`] holds the arguments against the input schema, and writes the request.
/// 2. Somebody sends it, with a credential in it, within limits and without following redirects.
/// 3. [`Call::result`] makes the tool's result of the answer.
#[derive(Debug)]
pub struct Call {
    validator: Validator,
    template: Template,
    answers: Answers,
}

impl Call {
    /// Makes ready. `base` is where the operator says that the API is; nothing else decides where requests go (OA-06).
    ///
    /// # Errors
    /// [`Uncallable`] when no request could be made safely, whatever the arguments are.
    pub fn compile(tool: &Tool, base: &BaseUrl, credentials: &CredentialPlaces) -> Result<Self, Uncallable> {
        Ok(Self {
            validator: Validator::compile(&tool.definition.input_schema)?,
            template: Template::compile(tool, base, credentials)?,
            answers: Answers::of(tool),
        })
    }

    /// The request for these arguments, without a credential. `arguments` is an object that has passed
    /// [`mcp::json::check`], or nothing for a tool without arguments.
    ///
    /// # Errors
    /// [`InvalidArguments`], which a model can read to do better.
    pub fn request(&self, arguments: Option<&RawValue>) -> Result<Request<Vec<u8>>, InvalidArguments> {
        let arguments = Arguments::read(arguments)?;
        self.validator.validate(&arguments)?;
        self.template.request(&arguments)
    }

    /// The result of the tool for an answer of the API.
    pub fn result(&self, answered: &Answered<'_>) -> mcp::CallToolResult {
        self.answers.result(answered)
    }
}
