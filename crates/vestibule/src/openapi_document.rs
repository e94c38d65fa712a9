//! From the OpenAPI document of a server to the server.

use std::{fs, path::Path};

use anyhow::Context as _;
use gateway::{OpenApiServer, OpenApiSettings};
use openapi::{Document, Limits, Tools, Warning};
use outbound::Egress;

use crate::{
    cli::exit::Stop,
    config::server::{Behind, OpenApi, Reached, Remote, Server},
};

/// Finds out whether the documents of all servers can be used, without making servers of them, and says what of the
/// configuration names nothing in them.
pub(crate) fn check(servers: &[Server]) -> anyhow::Result<()> {
    for server in servers {
        if let Behind::Remote(Remote { reached: Reached::OpenApi(api), .. }) = server.behind()? {
            let document = read(&api.document)?;
            let compiled = Tools::compile(&document, &api.settings);
            let (_, warnings) = compiled.with_context(|| unusable(&api.document))?;
            for warning in warnings.iter().filter(|warning| matches!(warning, Warning::Unused { .. })) {
                eprintln!("warning: the server {:?}: {warning}", server.name);
            }
        }
    }
    Ok(())
}

fn unusable(document: &Path) -> String {
    format!("the document {} cannot be used", document.display())
}

/// The document at `path`.
fn read(path: &Path) -> anyhow::Result<Document> {
    let bytes = fs::read(path).map_err(|error| {
        Stop::usage(format!("the document {} cannot be read: {error}", path.display()))
            .hint("a `document` is a file, and its path is relative to the configuration file")
    })?;
    Ok(Document::parse(&bytes, &Limits::default()).map_err(|error| {
        Stop::failure(format!("{}: {error}", path.display()))
            .hint("`vestibule openapi import` checks a document and says what becomes of it")
    })?)
}

/// The server called `name`, made of its document. What is not as it should be is in the log.
pub(crate) fn server(name: &str, api: &OpenApi, egress: Egress) -> anyhow::Result<OpenApiServer> {
    let document = read(&api.document)?;
    let unusable = || unusable(&api.document);
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
