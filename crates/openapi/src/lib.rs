//! `OpenAPI` documents as MCP tools. Pure: no I/O, no clock.
//!
//! How a document becomes tools:
//! 1. [`Document::parse`] reads JSON or YAML within [`Limits`], makes Swagger 2 look like `OpenAPI` 3, and refuses every
//!    `$ref` that leaves the document.
//! 2. [`Document::operations`] lists what can be called: [`Operation`].
//! 3. A selection says which operations are offered, a naming what they are called, a tuning what a model sees of each.
//! 4. Compiling makes a [`Tool`] of each: the definition that a model reads, and the [`Binding`] that says how its
//!    arguments become a request.
//! 5. Each tool is made ready as a [`Call`]: arguments become a request, and the answer a result.

mod arguments;
mod call;
mod cost;
mod document;
mod glob;
pub mod import;
mod limits;
mod naming;
mod operation;
mod prompt;
mod request;
mod response;
mod schema;
mod selection;
mod settings;
mod text;
mod tool;
mod tools;
mod tuning;
mod warning;

pub use arguments::InvalidArguments;
pub use call::Call;
pub use cost::Cost;
pub use document::{
    ApiKeyLocation, Document, DocumentError, Flow, SecurityRequirement, SecurityScheme, Server, Variable,
};
pub use limits::Limits;
pub use naming::{LONGEST_NAME, Naming};
pub use operation::{Encoding, Location, MediaType, Operation, Parameter, RequestBody, Style};
pub use prompt::{Prompt, PromptArgument, PromptError};
pub use request::{BaseUrl, CredentialPlaces, InvalidBaseUrl, Uncallable};
pub use response::{Answered, missing_scope};
pub use selection::Selection;
pub use settings::{Mode, Settings};
pub use text::Slimming;
pub use tool::{Binding, BoundBody, BoundParameter, Source, Tool};
pub use tools::{ADVISED_TOOLS, Tools};
pub use tuning::Tuning;
pub use warning::Warning;
