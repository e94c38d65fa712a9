//! A REST API whose operations are tools.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use http::Uri;
use openapi::{Mode, Naming, Prompt, Selection, Settings, Slimming, Tuning};
use serde::Deserialize;

use super::{AllowPrivate, Server, ServerKind};
use crate::cli::exit::Stop;

/// `[server.openapi]`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Choice {
    /// `target`: what stands before the names of tools when `naming` asks for it. Default: the server's name.
    target: Option<String>,
    /// `naming`: `"plain"`, the `operationId`, or `"target"`, `TARGET___operationId`. Default `"plain"`.
    naming: Naming,
    /// `include`: the operations that are tools, by `operationId`, name, path, or method and path; `*` stands for
    /// anything. Default: all that only read.
    include: Vec<String>,
    /// `exclude`: those that are none, whatever else is said. Default: none.
    exclude: Vec<String>,
    /// `tags`: tags whose operations are tools, as far as `methods` permits. Default: all.
    tags: Vec<String>,
    /// `methods`: methods that may change something and are permitted without being named in `include`. Default: none.
    methods: Vec<String>,
    /// `deprecated`: whether deprecated operations are tools too. Default `false`.
    deprecated: bool,
    /// `mode`: `"tools"`, or `"search"`: two tools, one that finds operations and one that calls them. Default `"tools"`.
    mode: Mode,
    /// `output_schemas`: whether tools say what their answers look like. Default `false`.
    output_schemas: bool,
    /// `[server.openapi.slimming]`: what is cut from definitions.
    slimming: Slimming,
    /// `[server.openapi.override.NAME]`: changes of single tools.
    #[serde(rename = "override")]
    overrides: BTreeMap<String, Tuning>,
    /// `[[server.openapi.prompt]]`: prompts that are offered besides.
    #[serde(rename = "prompt")]
    prompts: Vec<Prompt>,
}

impl Eq for Choice {}

/// A REST API, checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OpenApi {
    /// Where the document is.
    pub(crate) document: PathBuf,
    /// What the file looked like: another one makes another server.
    looks: Option<(SystemTime, u64)>,
    /// Where the API is.
    pub(crate) base_url: Uri,
    /// Which hosts may have private addresses.
    pub(crate) allow_private: AllowPrivate,
    /// Which operations are tools, and how.
    pub(crate) settings: Settings,
}

impl Eq for OpenApi {}

impl Server {
    /// The API behind it.
    pub(super) fn api(&self) -> Result<OpenApi, Stop> {
        if self.url.is_some() || self.transport.is_some() {
            return Err(self
                .mistake("is an OpenAPI document, and a url has no place there")
                .hint("write where the API is: base_url = \"https://…\""));
        }
        if self.has_process() {
            return Err(self.mistake("is an OpenAPI document, and a process has no place there"));
        }
        let document = self.document.clone().ok_or_else(|| {
            self.mistake("has no document")
                .hint("write where the OpenAPI document is: document = \"api.json\"")
        })?;
        Ok(OpenApi {
            looks: looks(&document),
            document,
            base_url: self.url_of("base_url", self.base_url.as_deref())?,
            allow_private: self.allow_private.clone(),
            settings: self.openapi.clone().unwrap_or_default().settings(&self.name),
        })
    }

    /// The same server, with paths that are relative to `directory`.
    pub(crate) fn relative_to(&mut self, directory: &Path) {
        if let Some(document) = &mut self.document {
            *document = directory.join(&*document);
        }
    }

    pub(super) fn check_openapi(&self) -> Result<(), Stop> {
        let says = self.document.is_some() || self.base_url.is_some() || self.openapi.is_some();
        if says && self.kind != ServerKind::OpenApi {
            return Err(self
                .mistake("describes an API, which only a server of kind \"openapi\" can")
                .hint("write kind = \"openapi\""));
        }
        Ok(())
    }
}

impl Choice {
    fn settings(self, name: &str) -> Settings {
        Settings {
            target: self.target.unwrap_or_else(|| name.to_owned()),
            naming: self.naming,
            selection: Selection {
                include: self.include,
                exclude: self.exclude,
                tags: self.tags,
                methods: self.methods,
                deprecated: self.deprecated,
            },
            overrides: self.overrides,
            prompts: self.prompts,
            mode: self.mode,
            slimming: self.slimming,
            output_schemas: self.output_schemas,
        }
    }
}

fn looks(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
