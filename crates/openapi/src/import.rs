//! What an operator looks at before a document becomes a server: a piece of configuration, and what each tool costs.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use crate::text::plain;
use crate::{
    ADVISED_TOOLS, Cost, Document, DocumentError, Mode, Naming, SecurityScheme, Selection, Server, Settings,
    Tool, Tools, Warning,
};

/// More tools than these are not listed one by one.
const LISTED: usize = 200;
/// The longest remark behind a line, in characters.
const LONGEST_REMARK: usize = 100;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// The name of the server.
    pub name: &'r str,
    /// What the configuration is going to name the document by: a path.
    pub document: &'r str,
    /// What is selected, and how it is named.
    pub settings: &'r Settings,
}

/// A proposal for the configuration.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// A `[[server]]` for the configuration file. What comes out of the document stands in strings and in comments of one
    /// line.
    pub toml: String,
    /// Every operation of the document that can be a tool.
    pub rows: Vec<Row>,
    /// What the selected tools cost together.
    pub cost: Cost,
    /// What a client reads at first: all tools, or those of search mode.
    pub listed_tokens: usize,
    /// What is not as it should be.
    pub warnings: Vec<Warning>,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The name of the tool.
    pub name: String,
    /// Method and path.
    pub place: String,
    /// What it does, in one line.
    pub title: String,
    /// What it costs.
    pub cost: Cost,
    /// Whether the settings select it.
    pub is_selected: bool,
    /// What the configuration can name it by.
    key: String,
}

/// Makes a proposal.
///
/// # Errors
/// As [`Tools::compile`].
pub fn proposal(document: &Document, request: &Request<'_>) -> Result<Proposal, DocumentError> {
    let (tools, warnings) = Tools::compile(document, request.settings)?;
    let rows = rows(document, request.settings, &tools)?;
    let mut toml = String::new();
    head(&mut toml, document, &rows, &tools);
    server(&mut toml, document, request);
    selection(&mut toml, request.settings, &rows);
    Ok(Proposal { toml, rows, cost: tools.cost(), listed_tokens: tools.listed_tokens(), warnings })
}

/// All operations with their costs: those that are selected as they are tuned, the others as they would be.
fn rows(document: &Document, settings: &Settings, tools: &Tools) -> Result<Vec<Row>, DocumentError> {
    let everything = Selection { include: vec!["*".to_owned()], deprecated: true, ..Selection::default() };
    let (all, _) = Tools::compile(document, &Settings { selection: everything, ..settings.clone() })?;
    let keys = keys(document)?;
    let selected: HashMap<&str, &Tool> = tools.all().iter().map(|tool| (tool.place.as_str(), tool)).collect();
    let row = |tool: &Tool| {
        let selected = selected.get(tool.place.as_str());
        let shown = *selected.unwrap_or(&tool);
        Row {
            name: shown.definition.name.clone(),
            place: tool.place.clone(),
            title: remark(shown.definition.title.as_deref().or(shown.definition.description.as_deref())),
            cost: shown.cost,
            is_selected: selected.is_some(),
            key: keys.get(&tool.place).cloned().unwrap_or_else(|| tool.place.clone()),
        }
    };
    Ok(all.all().iter().map(row).collect())
}

/// The `operationId` of each operation, where it is plain and there is no other of that name.
fn keys(document: &Document) -> Result<BTreeMap<String, String>, DocumentError> {
    let (operations, _) = document.operations()?;
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for operation in &operations {
        *counts.entry(operation.operation_id.as_deref().unwrap_or_default()).or_default() += 1;
    }
    let key = |id: &String| {
        counts[id.as_str()] == 1
            && id.chars().all(|character| character.is_ascii_graphic() && character != '*')
    };
    let keyed = operations
        .iter()
        .filter_map(|operation| Some((operation.place(), operation.operation_id.clone().filter(key)?)));
    Ok(keyed.collect())
}

fn head(toml: &mut String, document: &Document, rows: &[Row], tools: &Tools) {
    let title = remark(document.title());
    let (count, cost) = (tools.all().len(), tools.cost());
    line(toml, &format!("# {title}: {} operations, {count} of them tools.", rows.len()));
    line(
        toml,
        &format!(
            "# The tools cost about {} tokens; as the document has them, {}.",
            cost.tokens, cost.unslimmed
        ),
    );
    if count > ADVISED_TOOLS {
        line(toml, &format!("# More than {ADVISED_TOOLS} tools: take lines away, or set mode = \"search\"."));
    }
}

fn server(toml: &mut String, document: &Document, request: &Request<'_>) {
    line(toml, "[[server]]");
    line(toml, &format!("name = {}", string(request.name)));
    line(toml, "kind = \"openapi\"");
    line(toml, &format!("document = {}", string(request.document)));
    let servers = document.servers();
    for server in &servers {
        line(toml, &format!("# The document proposes {}", remark(Some(&server.url))));
    }
    match servers.iter().find_map(base_url) {
        Some(url) => line(toml, &format!("base_url = {}", string(&url))),
        None => {
            line(toml, "# Where the API is, which the document does not say: https://…");
            line(toml, "base_url = \"\"");
        }
    }
    for (name, scheme) in document.security_schemes() {
        line(toml, &format!("# Credentials: {}, {}", remark(Some(&name)), credentials(&scheme)));
    }
    line(toml, "# Whose credential goes with the calls: provider = \"…\"");
}

/// The URL with its defaults, when it is one that can be called and that nobody can read on the way.
fn base_url(server: &Server) -> Option<String> {
    let url = server.url(&BTreeMap::new())?;
    let uri: http::Uri = url.parse().ok()?;
    let authority = uri.authority()?.as_str();
    (uri.scheme_str() == Some("https") && !authority.contains('@') && uri.query().is_none()).then_some(url)
}

fn credentials(scheme: &SecurityScheme) -> String {
    match scheme {
        SecurityScheme::ApiKey { name, location } => {
            format!("a key in the {} {}", format!("{location:?}").to_ascii_lowercase(), remark(Some(name)))
        }
        SecurityScheme::Http { scheme } => format!("HTTP {}", remark(Some(scheme))),
        SecurityScheme::OAuth2 { flows } => {
            let flow = |flow: &crate::Flow| {
                let place = flow.authorization_url.as_ref().or(flow.token_url.as_ref());
                format!("{} at {}", remark(Some(&flow.kind)), remark(place.map(String::as_str)))
            };
            format!("OAuth 2, {}", flows.iter().map(flow).collect::<Vec<_>>().join("; "))
        }
        SecurityScheme::OpenIdConnect { url } => format!("OpenID Connect, {}", remark(Some(url))),
        SecurityScheme::MutualTls => "a certificate of the client".to_owned(),
        SecurityScheme::Other(other) => remark(Some(other)),
    }
}

fn selection(toml: &mut String, settings: &Settings, rows: &[Row]) {
    line(toml, "\n[server.openapi]");
    if settings.naming == Naming::Target {
        line(toml, "naming = \"target\"");
        line(toml, &format!("target = {}", string(&settings.target)));
    }
    if settings.mode == Mode::Search {
        line(toml, "mode = \"search\"");
    }
    let selected: Vec<_> = rows.iter().filter(|row| row.is_selected).collect();
    if selected.len() > LISTED {
        by_rule(toml, &settings.selection);
        return;
    }
    // One by one: a document that changes brings no tool that nobody has looked at.
    line(toml, "include = [");
    for row in selected {
        let remark = format!("{}, {} tokens: {}", row.place, row.cost.tokens, row.title);
        line(toml, &format!("    {}, # {}", string(&row.key), self::remark(Some(&remark))));
    }
    line(toml, "]");
    if settings.selection.deprecated {
        line(toml, "deprecated = true");
    }
}

fn by_rule(toml: &mut String, selection: &Selection) {
    let lists = [
        ("include", &selection.include),
        ("exclude", &selection.exclude),
        ("tags", &selection.tags),
        ("methods", &selection.methods),
    ];
    for (key, values) in lists.into_iter().filter(|(_, values)| !values.is_empty()) {
        let values: Vec<_> = values.iter().map(|value| string(value)).collect();
        line(toml, &format!("{key} = [{}]", values.join(", ")));
    }
    if selection.deprecated {
        line(toml, "deprecated = true");
    }
}

fn line(toml: &mut String, text: &str) {
    writeln!(toml, "{text}").expect("a string takes everything");
}

fn string(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// A stranger's text in one line, for a comment.
fn remark(text: Option<&str>) -> String {
    let text = plain(text.unwrap_or("?"));
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").chars().take(LONGEST_REMARK).collect()
}

#[cfg(test)]
mod tests;
