//! Changes the configuration file as a person would: what is not changed stays as it stands, comments and all.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, value};

use crate::cli::exit::Stop;

/// The text of a configuration file on its way to another one.
#[derive(Debug)]
pub(crate) struct Edited(DocumentMut);

/// A `[[server]]` to add.
#[derive(Debug, Clone)]
pub(crate) struct NewServer {
    /// `name`
    pub(crate) name: String,
    /// `kind`, and what goes with it.
    pub(crate) behind: NewBehind,
    /// `title`
    pub(crate) title: Option<String>,
    /// `scope`
    pub(crate) scope: Option<String>,
    /// `hidden`
    pub(crate) hidden: Vec<String>,
}

/// What stands behind it.
#[derive(Debug, Clone)]
pub(crate) enum NewBehind {
    /// `kind = "remote"`
    Url {
        /// `url`
        url: String,
        /// `allow_private`
        allow_private: bool,
    },
    /// `kind = "stdio"`
    Command {
        /// `command`
        command: Vec<String>,
        /// `environment`
        environment: Vec<(String, String)>,
        /// `directory`
        directory: Option<String>,
        /// `per_user`
        per_user: bool,
    },
}

impl Edited {
    /// Reads the file at `path`; one that is not there yet is empty.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text.map_err(|error| {
                Stop::usage(format!("the configuration file {} cannot be read: {error}", path.display()))
            })?,
        };
        Self::of(&text).map_err(|message| Stop::usage(format!("{}:{message}", path.display())).into())
    }

    fn of(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|error: toml_edit::TomlError| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            format!("{}: {}", before.matches('\n').count() + 1, error.message())
        })
    }

    /// The text as it is now.
    pub(crate) fn text(&self) -> String {
        self.0.to_string()
    }

    /// Adds a server behind those that there are.
    pub(crate) fn add(&mut self, new: &NewServer) -> Result<(), Stop> {
        if self.names().any(|name| name == new.name) {
            return Err(Stop::failure(format!("there is a server {:?} already", new.name))
                .hint(format!("choose another name, or begin with `vestibule server remove {}`", new.name)));
        }
        let is_first = self.0.as_table().is_empty();
        let servers = self.0.entry("server").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        let servers = servers.as_array_of_tables_mut().ok_or_else(|| {
            Stop::failure("the servers are written as server = [ … ], which cannot be added to")
                .hint("write each as a [[server]] of its own")
        })?;
        let mut table = table(new);
        if !is_first {
            table.decor_mut().set_prefix("\n");
        }
        servers.push(table);
        Ok(())
    }

    /// Removes a server, with the comments that stand directly before it.
    pub(crate) fn remove(&mut self, name: &str) -> Result<(), Stop> {
        let position = self.names().position(|found| found == name);
        let Some(position) = position else {
            let names: Vec<_> = self.names().collect();
            let stop = Stop::failure(format!("there is no server {name:?}"));
            return Err(if names.is_empty() {
                stop.hint("no server is configured")
            } else {
                stop.hint(format!("there are: {}", names.join(", ")))
            });
        };
        if let Some(servers) = self.servers_mut() {
            servers.remove(position);
            if servers.is_empty() {
                self.0.remove("server");
            }
        }
        Ok(())
    }

    /// Puts the text in the place of the file at `path`, in one step, and with the permissions that it has.
    pub(crate) fn save(&self, path: &Path) -> anyhow::Result<()> {
        let written = put_in_place(path, &self.text());
        written.with_context(|| format!("the configuration file {} cannot be written", path.display()))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let servers = self.0.get("server").and_then(Item::as_array_of_tables);
        servers.into_iter().flatten().filter_map(|server| server.get("name")?.as_str())
    }

    fn servers_mut(&mut self) -> Option<&mut ArrayOfTables> {
        self.0.get_mut("server")?.as_array_of_tables_mut()
    }
}

fn table(new: &NewServer) -> Table {
    let mut table = Table::new();
    table["name"] = value(&new.name);
    match &new.behind {
        NewBehind::Url { url, allow_private } => {
            table["kind"] = value("remote");
            table["url"] = value(url);
            if *allow_private {
                table["allow_private"] = value(true);
            }
        }
        NewBehind::Command { command, environment, directory, per_user } => {
            table["kind"] = value("stdio");
            table["command"] = value(command.iter().collect::<Array>());
            if !environment.is_empty() {
                let variables = environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                table["environment"] = value(variables.collect::<InlineTable>());
            }
            if let Some(directory) = directory {
                table["directory"] = value(directory);
            }
            if *per_user {
                table["per_user"] = value(true);
            }
        }
    }
    for (key, text) in [("title", &new.title), ("scope", &new.scope)] {
        if let Some(text) = text {
            table[key] = value(text);
        }
    }
    if !new.hidden.is_empty() {
        table["hidden"] = value(new.hidden.iter().collect::<Array>());
    }
    table
}

/// Puts a text in the place of the file at `path`, in one step, and with the permissions that it has.
pub(crate) fn put_in_place(path: &Path, text: &str) -> io::Result<()> {
    // A link stays one: what it leads to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let aside = beside(&path);
    let written = write_new(&aside, text, &path).and_then(|()| fs::rename(&aside, &path));
    if written.is_err() {
        // Nothing of it is worth keeping; what went wrong is what is told.
        let _ = fs::remove_file(&aside);
    }
    written
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.new", std::process::id()))
}

/// A new file that only its owner can read until it has the permissions of `like`: it may hold secrets.
fn write_new(path: &Path, text: &str, like: &Path) -> io::Result<()> {
    use io::Write as _;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    match fs::metadata(like) {
        Ok(metadata) => fs::set_permissions(path, metadata.permissions()),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(name: &str) -> NewServer {
        let behind = NewBehind::Url { url: "https://files.example/mcp".to_owned(), allow_private: false };
        NewServer { name: name.to_owned(), behind, title: None, scope: None, hidden: Vec::new() }
    }

    const FILE: &str = "# ours\nlisten = \"127.0.0.1:1\"   # here\n\n# the first\n[[server]]\nname = \"a\"\nkind = \"demo\" # built in\n\n[limits]\n  failed_logins = 3\n";

    #[test]
    fn what_is_not_changed_stays_as_it_stands() {
        let mut edited = Edited::of(FILE).unwrap();
        edited.add(&remote("b")).unwrap();
        let text = edited.text();
        let added = "\n[[server]]\nname = \"b\"\nkind = \"remote\"\nurl = \"https://files.example/mcp\"\n";
        assert_eq!(text.replacen(added, "", 1), FILE, "{text}");
        edited.remove("b").unwrap();
        assert_eq!(edited.text(), FILE);
        edited.remove("a").unwrap();
        let without = "# ours\nlisten = \"127.0.0.1:1\"   # here\n\n[limits]\n  failed_logins = 3\n";
        assert_eq!(edited.text(), without);
    }

    #[test]
    fn a_new_file_begins_with_the_server() {
        let mut edited = Edited::of("").unwrap();
        let behind = NewBehind::Command {
            command: vec!["npx".to_owned(), "-y".to_owned(), "a \"b\"".to_owned()],
            environment: vec![("KEY".to_owned(), "v".to_owned())],
            directory: Some("/srv".to_owned()),
            per_user: true,
        };
        let new = NewServer {
            behind,
            title: Some("Files".to_owned()),
            scope: Some("files".to_owned()),
            hidden: vec!["rm".to_owned()],
            ..remote("files")
        };
        edited.add(&new).unwrap();
        let expected = "[[server]]\nname = \"files\"\nkind = \"stdio\"\ncommand = [\"npx\", \"-y\", 'a \"b\"']\nenvironment = { KEY = \"v\" }\ndirectory = \"/srv\"\nper_user = true\ntitle = \"Files\"\nscope = \"files\"\nhidden = [\"rm\"]\n";
        assert_eq!(edited.text(), expected);
    }

    #[test]
    fn names_are_looked_at() {
        let mut edited = Edited::of(FILE).unwrap();
        assert!(edited.add(&remote("a")).is_err(), "it is there");
        assert!(edited.remove("b").is_err(), "it is not there");
        assert!(Edited::of("server = []\n").unwrap().add(&remote("b")).is_err(), "an inline list");
        assert!(Edited::of("\n=\n").unwrap_err().starts_with("2: "));
    }

    #[cfg(unix)]
    #[test]
    fn the_file_keeps_its_permissions_and_links_stay_links() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("real.toml"), directory.path().join("link.toml"));
        fs::write(&path, FILE).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let mut edited = Edited::open(&link).unwrap();
        edited.add(&remote("b")).unwrap();
        edited.save(&link).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_to_string(&path).unwrap(), edited.text());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "nothing is left beside it");
    }
}
