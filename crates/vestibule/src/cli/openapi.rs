//! `vestibule openapi`: what becomes of an OpenAPI document, before it becomes a server.

use std::{
    fs,
    io::{IsTerminal as _, Write as _, stdout},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use bytes::Bytes;
use client::printable;
use http::{Request, StatusCode};
use openapi::{
    ADVISED_TOOLS, Document, Limits, Mode, Naming, Selection, Settings,
    import::{self, Proposal, Row},
};
use serde_json::json;

use super::{exit::Stop, mcp_server, printing};

/// How long a document may take to arrive.
const FETCH: Duration = Duration::from_mins(1);

/// `vestibule openapi`
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Check a document, count what its tools cost, and write the piece of configuration that makes a server of it.
    Import(Import),
}

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
struct Import {
    /// The document: a file, or a URL, which is fetched once and kept beside the configuration.
    #[arg(value_name = "FILE|URL")]
    document: String,
    /// What the server is called [default: from the document's name].
    #[arg(long)]
    name: Option<String>,
    /// An operation that becomes a tool, by its operationId, its path, or method and path; `*` stands for anything; may be
    /// repeated [default: all that only read].
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// An operation that does not, whatever else is said; may be repeated.
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// A tag whose operations become tools; may be repeated.
    #[arg(long = "tag", value_name = "GLOB")]
    tags: Vec<String>,
    /// A method that changes something and is permitted without naming each operation; may be repeated.
    #[arg(long = "method", value_name = "METHOD")]
    methods: Vec<String>,
    /// Take deprecated operations too.
    #[arg(long)]
    deprecated: bool,
    /// Put TARGET and three underscores before the names of the tools.
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// Offer two tools, one that finds operations and one that calls them.
    #[arg(long)]
    search: bool,
    /// Where a document that was fetched is kept [default: NAME.openapi.json or .yaml, here].
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// List all operations with what they cost, instead of the piece of configuration.
    #[arg(long, conflicts_with = "json")]
    list: bool,
    /// Print everything as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs a `vestibule openapi` command.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Command::Import(import) = arguments.command;
    import.run().await
}

impl Import {
    /// Prints the piece of configuration on stdout, and what it costs on stderr.
    async fn run(&self) -> anyhow::Result<()> {
        let (path, bytes) = self.bytes().await?;
        let document = Document::parse(&bytes, &Limits::default()).map_err(|error| {
            Stop::failure(format!("{} cannot be used: {error}", printable(&self.document)))
        })?;
        let name = self.name(&path);
        let settings = self.settings(&name);
        let shown = path.display().to_string();
        let request = import::Request { name: &name, document: &shown, settings: &settings };
        let proposal = import::proposal(&document, &request).map_err(|error| {
            Stop::failure(format!("{} cannot be used: {error}", printable(&self.document)))
        })?;
        let mut stdout = stdout().lock();
        if self.json {
            return Ok(printing::json(&mut stdout, &as_json(&proposal))?);
        }
        if self.list {
            list(&mut stdout, &proposal.rows)?;
        } else {
            write!(stdout, "{}", proposal.toml)?;
        }
        self.say(&proposal);
        Ok(())
    }

    /// The document, and the file in which it is.
    async fn bytes(&self) -> anyhow::Result<(PathBuf, Vec<u8>)> {
        if self.document.starts_with("https://") || self.document.starts_with("http://") {
            return self.fetch().await;
        }
        let path = PathBuf::from(&self.document);
        let bytes = fs::read(&path).map_err(|error| {
            Stop::usage(format!("the document {} cannot be read: {error}", path.display()))
                .hint("give a file, or a URL that begins with https://")
        })?;
        Ok((path, bytes))
    }

    /// What is served at the URL, kept in a file: a server that starts again has the same tools.
    async fn fetch(&self) -> anyhow::Result<(PathBuf, Vec<u8>)> {
        let url = client::server_url(&self.document).map_err(|error| {
            Stop::usage(format!("{} cannot be fetched: {error}", printable(&self.document)))
        })?;
        let http = outbound::Client::new(mcp_server::egress(&url).await?);
        let limits = outbound::Limits { bytes: Limits::default().bytes, headers: FETCH, total: FETCH };
        let request = Request::get(url.as_str()).body(Bytes::new()).context("the URL cannot be asked")?;
        let answer = http.send(request, limits).await.map_err(|error| Stop::failure(error.to_string()))?;
        if answer.status() != StatusCode::OK {
            return Err(Stop::failure(format!("{url} answers {}", answer.status()))
                .hint("redirects are not followed: give the URL of the document itself")
                .into());
        }
        let bytes = answer.into_body().to_vec();
        let path = self.output.clone().unwrap_or_else(|| {
            let is_json = bytes.trim_ascii_start().first() == Some(&b'{');
            let name = self.name.clone().unwrap_or_else(|| name_of(url.path()));
            PathBuf::from(format!("{name}.openapi.{}", if is_json { "json" } else { "yaml" }))
        });
        keep(&path, &bytes)?;
        Ok((path, bytes))
    }

    fn name(&self, path: &Path) -> String {
        self.name.clone().unwrap_or_else(|| name_of(&path.display().to_string()))
    }

    fn settings(&self, name: &str) -> Settings {
        Settings {
            target: self.target.clone().unwrap_or_else(|| name.to_owned()),
            naming: if self.target.is_some() { Naming::Target } else { Naming::Plain },
            selection: Selection {
                include: self.include.clone(),
                exclude: self.exclude.clone(),
                tags: self.tags.clone(),
                methods: self.methods.clone(),
                deprecated: self.deprecated,
            },
            mode: if self.search { Mode::Search } else { Mode::Tools },
            ..Settings::default()
        }
    }

    /// What a person should know of it.
    fn say(&self, proposal: &Proposal) {
        let selected = proposal.rows.iter().filter(|row| row.is_selected).count();
        eprintln!(
            "{selected} of {} operations are tools; a client reads about {} tokens ({} as the document has them)",
            proposal.rows.len(),
            proposal.listed_tokens,
            proposal.cost.unslimmed
        );
        for warning in proposal.warnings.iter().take(WARNINGS) {
            eprintln!("warning: {}", printable(&warning.to_string()));
        }
        if proposal.warnings.len() > WARNINGS {
            eprintln!("warning: and {} more; --json has all", proposal.warnings.len() - WARNINGS);
        }
        if selected > ADVISED_TOOLS && !self.search {
            eprintln!("warning: models choose worse among more than {ADVISED_TOOLS} tools");
            eprintln!("hint: choose with --include, --exclude and --tag, or offer a search with --search");
        }
        if selected == 0 {
            eprintln!(
                "hint: nothing is selected; operations that change something have to be named, or permitted with --method"
            );
        }
        if !self.list && stdout().is_terminal() {
            eprintln!(
                "hint: review it and append it to the configuration: vestibule openapi import … >> vestibule.toml"
            );
        }
    }
}

/// More warnings than these are only counted.
const WARNINGS: usize = 20;

/// A name for a server, made of the name of a file.
fn name_of(path: &str) -> String {
    let file = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let stem = file.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let plain = |character: char| if character.is_ascii_alphanumeric() { character } else { '-' };
    let name: String = stem.chars().map(plain).collect();
    let name = name.trim_matches('-').chars().take(32).collect::<String>();
    if name.is_empty() { "api".to_owned() } else { name }
}

/// Writes a new file; one that is there stays as it is, unless it is the same.
fn keep(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    match fs::read(path) {
        Ok(kept) if kept == bytes => return Ok(()),
        Ok(_) => {
            return Err(Stop::failure(format!(
                "{} is there already and says something else",
                path.display()
            ))
            .hint("compare the two, then remove the old one, or give another place with --output FILE")
            .into());
        }
        Err(_) => {}
    }
    fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))?;
    eprintln!("the document is kept in {}", path.display());
    Ok(())
}

/// Columns as wide as what is in them; the last is as long as it is.
fn list(out: &mut dyn std::io::Write, rows: &[Row]) -> std::io::Result<()> {
    let name = rows.iter().map(|row| row.name.len()).max().unwrap_or_default().max("NAME".len());
    writeln!(out, "TOOL  TOKENS  {:name$}  OPERATION", "NAME")?;
    for row in rows {
        let is_tool = if row.is_selected { "yes" } else { "no" };
        let place = printable(&row.place);
        writeln!(out, "{is_tool:4}  {:6}  {:name$}  {place}", row.cost.tokens, printable(&row.name))?;
    }
    Ok(())
}

fn as_json(proposal: &Proposal) -> serde_json::Value {
    let row = |row: &Row| {
        json!({
            "name": row.name, "operation": row.place, "title": row.title, "selected": row.is_selected,
            "tokens": row.cost.tokens, "tokens_in_the_document": row.cost.unslimmed,
        })
    };
    json!({
        "configuration": proposal.toml,
        "operations": proposal.rows.iter().map(row).collect::<Vec<_>>(),
        "tokens": proposal.cost.tokens,
        "tokens_in_the_document": proposal.cost.unslimmed,
        "tokens_listed": proposal.listed_tokens,
        "warnings": proposal.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_after_its_document() {
        for (path, name) in [
            ("specs/GitHub.v3.json", "github"),
            ("https://api.test/spec/", "spec"),
            ("./...", "api"),
            ("My API.yaml", "my-api"),
            ("", "api"),
        ] {
            assert_eq!(name_of(path), name, "{path}");
        }
    }

    #[test]
    fn what_was_kept_is_not_written_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("api.json");
        keep(&path, b"{}").unwrap();
        keep(&path, b"{}").unwrap();
        assert!(keep(&path, b"{ }").unwrap_err().to_string().contains("says something else"));
        assert_eq!(fs::read(&path).unwrap(), b"{}");
    }
}
