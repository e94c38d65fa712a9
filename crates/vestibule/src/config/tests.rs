use std::{fs, time::Duration};

use clap::Parser as _;

use super::*;

/// The configuration for flags and the text of a file, without an environment.
fn load(flags: &[&str], text: &str) -> anyhow::Result<Configuration> {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        flags: Flags,
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("vestibule.toml");
    fs::write(&path, text).unwrap();
    let mut flags = Line::parse_from([&["vestibule"], flags].concat()).flags;
    flags.config = Some(path);
    Configuration::load(&flags, None)
}

fn message(text: &str) -> String {
    let message = load(&[], text).unwrap_err().to_string();
    message.rsplit_once("vestibule.toml:").map_or(message.clone(), |(_, rest)| rest.to_owned())
}

#[test]
fn flags_win_over_the_file_and_the_file_over_defaults() {
    let both = load(&["--listen", "127.0.0.1:1"], "listen = \"127.0.0.1:2\"").unwrap();
    assert_eq!(both.network.listen.port(), 1);
    let file = load(&[], "listen = \"127.0.0.1:2\"\ndata_dir = \"/data\"").unwrap();
    assert_eq!(file.network.listen.port(), 2);
    assert_eq!(file.storage.database, "sqlite:/data/vestibule.sqlite3");
    let neither = load(&["--data-dir", "/data"], "").unwrap();
    assert_eq!(neither.network.listen, network::DEFAULT_LISTEN);
    assert_eq!(neither.lifetimes.access_token, Duration::from_mins(10));
    assert!(neither.servers.is_empty() && !neither.registration.client_credentials);
}

#[test]
fn op_05_mistakes_name_their_line() {
    assert!(message("\n\nlisden = \"127.0.0.1:1\"").starts_with("3: unknown field `lisden`"));
    assert!(message("[lifetimes]\naccess_tokn = \"1m\"").starts_with("2: unknown field `access_tokn`"));
    assert!(
        message("[lifetimes]\naccess_token = \"0s\"").starts_with("2: \"0s\" is not a positive duration")
    );
    assert!(message("[connections]\n\nmaximum = 0").starts_with("3: "));
    assert!(message("= 1").starts_with("1: "));
}

#[test]
fn servers_are_of_a_known_kind() {
    let demo = load(&[], "[[server]]\nname = \"items\"\nkind = \"demo\"").unwrap();
    assert_eq!(demo.servers[0].name, "items");
    let unknown = message("[[server]]\nname = \"x\"\nkind = \"stdio\"");
    assert!(unknown.starts_with("3: unknown variant `stdio`, expected `demo`"), "{unknown}");
    for name in ["v1", "A", "a/b", ""] {
        assert!(load(&[], &format!("[[server]]\nname = {name:?}\nkind = \"demo\"")).is_err(), "{name}");
    }
}

#[test]
fn the_demo_brings_its_server() {
    let demo = load(&[], "demo = true").unwrap();
    assert_eq!(demo.servers, [Server::demo()]);
    assert!(demo.registration.client_credentials);
    assert!(load(&[], "demo = true\nlisten = \"0.0.0.0:80\"\npublic_url = \"https://v.example\"").is_err());
}

#[test]
fn no_database_password_is_printed() {
    let text = "data_dir = \"/data\"\ndatabase = \"postgres://v:canary@localhost/v\"";
    assert!(!format!("{:?}", load(&[], text).unwrap()).contains("canary"));
    assert!(storage::has_password("postgres://v:canary@localhost/v"));
    assert!(storage::has_password("postgres://localhost/v?password=canary"));
    assert!(!storage::has_password("sqlite:/data/v.sqlite3"));
}
