//! From the OpenAPI document of a server to the server.

use std::{fs, path::Path};

use anyhow::Context as _;
use gateway::{OpenApiServer, OpenApiSettings};
use openapi::{Document, Limits, Tools};
use outbound::Egress;

use crate::{cli::exit::Stop, config::server::OpenApi};

/// The document at `path`.
pub(crate) fn read(path: &Path) -> anyhow::Result<Document> {
    let bytes = fs::read(path).with_context(|| format!("the document {} cannot be read", path.display()))?;
    Ok(Document::parse(&bytes, &Limits::default()).map_err(|error| {
        Stop::failure(format!("{}: {error}", path.display()))
            .hint("`vestibule openapi import` checks a document and says what becomes of it")
    })?)
}

/// The server called `name`, made of its document. What is not as it should be is in the log.
pub(crate) fn server(name: &str, api: &OpenApi, egress: Egress) -> anyhow::Result<OpenApiServer> {
    let document = read(&api.document)?;
    let unusable = || format!("the document {} cannot be used", api.document.display());
    let (tools, told) = Tools::compile(&document, &api.settings).with_context(unusable)?;
    let (count, tokens) = (tools.all().len(), tools.listed_tokens());
    let settings = OpenApiSettings { document: &document, tools, base_url: api.base_url.clone(), egress };
    let (server, also_told) = OpenApiServer::new(settings).with_context(unusable)?;
    for warning in told.iter().chain(&also_told) {
        tracing::debug!(server = %name, %warning, "of an OpenAPI document");
    }
    let warnings = told.len() + also_told.len();
    tracing::info!(server = %name, tools = count, tokens, warnings, "an OpenAPI document was read");
    Ok(server)
}
