//! `vestibule server list`.

use std::io::{self, Write, stdout};

use client::printable;
use serde_json::{Value, json};

use crate::{
    cli::printing,
    config::{
        Configuration, Flags,
        server::{Behind, Reached, Server},
    },
};

/// `vestibule server list`
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Print the servers as a JSON array.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags,
}

/// Prints what is configured. Whether a server can be reached is what `test` says.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    super::file(&arguments.flags)?;
    let configuration = Configuration::load(&arguments.flags, None)?;
    let rows: Vec<_> = configuration.servers.iter().map(row).collect::<Result<_, _>>()?;
    if arguments.json {
        printing::json(&mut stdout(), &rows.iter().map(Row::to_json).collect::<Vec<_>>())?;
    } else if rows.is_empty() {
        eprintln!("no server is configured");
        eprintln!("hint: add one with `vestibule server add NAME URL`");
    } else {
        table(&mut stdout(), &rows)?;
    }
    Ok(())
}

struct Row<'s> {
    server: &'s Server,
    kind: &'static str,
    behind: String,
}

impl Row<'_> {
    fn to_json(&self) -> Value {
        json!({
            "name": self.server.name,
            "kind": self.kind,
            "title": self.server.title,
            "path": self.server.path(),
            "behind": self.behind,
            "default": self.server.default,
        })
    }
}

fn row(server: &Server) -> anyhow::Result<Row<'_>> {
    let (kind, behind) = match server.behind()? {
        Behind::Demo => ("demo", String::new()),
        Behind::Remote(remote) => match remote.reached {
            Reached::Http { url, .. } => ("remote", url.to_string()),
            Reached::OpenApi(api) => ("openapi", api.base_url.to_string()),
            Reached::Process(process) => ("stdio", process.command.join(" ")),
        },
        Behind::Virtual(joins) => ("virtual", joins.members.join(", ")),
    };
    Ok(Row { server, kind, behind })
}

/// Columns as wide as what is in them; the last is as long as it is.
fn table(out: &mut dyn Write, rows: &[Row<'_>]) -> io::Result<()> {
    let width = |of: fn(&Row<'_>) -> usize| rows.iter().map(of).max().unwrap_or_default();
    let name = width(|row| row.server.name.len()).max("NAME".len());
    let kind = width(|row| row.kind.len()).max("KIND".len());
    let path = width(|row| row.server.path().len()).max("PATH".len());
    writeln!(out, "{:name$}  {:kind$}  {:path$}  BEHIND", "NAME", "KIND", "PATH")?;
    for row in rows {
        let (server, behind) = (row.server, printable(&row.behind));
        let line = format!("{:name$}  {:kind$}  {:path$}  {behind}", server.name, row.kind, server.path());
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
