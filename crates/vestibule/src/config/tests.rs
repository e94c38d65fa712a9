use std::{fs, time::Duration};

use clap::Parser as _;

use ::gateway::Sharing;

use super::{
    server::{AllowPrivate, Behind, Reached, Remote},
    *,
};

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
    let server =
        message("\n[[server]]\nname = \"a\"\nkind = \"demo\"\n\n[[server]]\nname = \"b\"\nkind = \"remote\"");
    assert_eq!(server, "6: the server \"b\" has no url");
}

#[test]
fn servers_are_of_a_known_kind() {
    let demo = load(&[], "[[server]]\nname = \"items\"\nkind = \"demo\"").unwrap();
    assert_eq!(demo.servers[0].name, "items");
    let unknown = message("[[server]]\nname = \"x\"\nkind = \"soap\"");
    let expected =
        "3: unknown variant `soap`, expected one of `demo`, `remote`, `stdio`, `openapi`, `virtual`";
    assert!(unknown.starts_with(expected), "{unknown}");
    for name in ["v1", "A", "a/b", ""] {
        assert!(load(&[], &format!("[[server]]\nname = {name:?}\nkind = \"demo\"")).is_err(), "{name}");
    }
}

#[test]
fn a_remote_server_takes_three_lines() {
    let server = |more: &str| {
        let text = format!("[[server]]\nname = \"files\"\nkind = \"remote\"\n{more}");
        load(&[], &text).and_then(|configuration| Ok(configuration.servers[0].behind()?))
    };
    let Behind::Remote(remote) = server("url = \"https://files.example/mcp\"").unwrap() else {
        panic!("a remote server")
    };
    let Reached::Http { url, .. } = remote.reached else { panic!("a URL") };
    assert_eq!(url, "https://files.example/mcp");
    assert_eq!(remote.tools.default.to_string(), "use");
    let full = "url = \"http://127.0.0.1:9/mcp\"\nscope = \"a\"\nscopes = { echo = \"a b\" }\nhidden = [\"env\"]\nallow_private = [\"h\"]\ntimeout = \"5s\"\ntitle = \"F\"";
    let Behind::Remote(remote) = server(full).unwrap() else { panic!("a remote server") };
    assert_eq!(remote.tools.named["echo"].to_string(), "a b");
    let Reached::Http { allow_private, .. } = remote.reached else { panic!("a URL") };
    assert_eq!(allow_private, AllowPrivate::Hosts(vec!["h".to_owned()]));
    for mistake in [
        "",
        "url = \"http://files.example/mcp\"",
        "url = \"ftp://files.example\"",
        "url = \"https://\"",
        "url = \"https://files.example\"\nscope = \"\\u0000\"",
        "url = \"https://files.example\"\nallow_private = 7",
        "url = \"https://files.example\"\n[[server]]\nname = \"files\"\nkind = \"demo\"",
        "url = \"https://files.example\"\n[[server]]\nname = \"d\"\nkind = \"demo\"\nurl = \"https://x\"",
    ] {
        assert!(server(mistake).is_err(), "{mistake}");
    }
}

#[test]
fn a_process_takes_three_lines_and_its_secrets_are_not_printed() {
    let server = |more: &str| {
        let text = format!("[[server]]\nname = \"files\"\nkind = \"stdio\"\n{more}");
        load(&[], &text).and_then(|configuration| Ok(configuration.servers[0].behind()?))
    };
    let process = |more: &str| match server(more).unwrap() {
        Behind::Remote(Remote { reached: Reached::Process(process), .. }) => process,
        other => panic!("a process, not {other:?}"),
    };
    let shared = process("command = [\"npx\", \"-y\", \"a b\"]");
    assert_eq!(shared.command, ["npx", "-y", "a b"]);
    assert_eq!(shared.sharing, Sharing::Everybody);
    let own = process(
        "command = [\"x\"]\nenvironment = { KEY = \"hush\" }\ndirectory = \"/srv\"\nper_user = true\nidle = \"5m\"\nprocesses = 7",
    );
    assert_eq!(own.sharing, Sharing::EachUser { idle: Duration::from_mins(5), at_most: 7 });
    assert_eq!(own.environment.0["KEY"].expose(), "hush");
    assert!(!format!("{own:?}").contains("hush"));
    for mistake in [
        "",
        "command = \"npx -y x\"",
        "command = []",
        "command = [\"\"]",
        "command = [\"x\"]\nurl = \"https://files.example\"",
        "command = [\"x\"]\nallow_private = true",
        "command = [\"x\"]\nprocesses = 0",
        "command = [\"x\", \"--home={user}\"]",
        "command = [\"x\"]\nenvironment = { FILE = \"/srv/{user}\" }",
        "command = [\"x\"]\n[[server]]\nname = \"r\"\nkind = \"remote\"\nurl = \"https://x\"\ncommand = [\"x\"]",
    ] {
        assert!(server(mistake).is_err(), "{mistake}");
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

#[test]
fn a_remote_server_may_say_how_messages_travel() {
    let server = |more: &str| {
        let text = format!("[[server]]\nname = \"old\"\n{more}");
        load(&[], &text).and_then(|configuration| Ok(configuration.servers[0].behind()?))
    };
    let remote = "kind = \"remote\"\nurl = \"https://old.example/sse\"\n";
    for (line, expected) in [
        ("", ::gateway::Transport::Detected),
        ("transport = \"http\"", ::gateway::Transport::StreamableHttp),
        ("transport = \"sse\"", ::gateway::Transport::HttpSse),
    ] {
        let Behind::Remote(remote) = server(&format!("{remote}{line}")).unwrap() else {
            panic!("a remote server")
        };
        let Reached::Http { transport, .. } = remote.reached else { panic!("a URL") };
        assert_eq!(transport, expected, "{line}");
    }
    assert!(server(&format!("{remote}transport = \"websocket\"")).is_err());
    assert!(server("kind = \"stdio\"\ncommand = [\"x\"]\ntransport = \"sse\"").is_err());
}

#[test]
fn issuers_are_trusted_by_all_servers_or_by_those_that_say_so() {
    const ISSUERS: &str = "[[issuer]]\nurl = \"https://one.example/\"\n[[issuer]]\nurl = \"https://two.example\"\n\
                           [issuer.introspection]\nclient_id = \"v\"\nclient_secret = \"hush\"\n";
    let trust = |line: &str| {
        let text = format!("[[server]]\nname = \"d\"\nkind = \"demo\"\n{line}\n{ISSUERS}");
        load(&[], &text).map(|configuration| {
            assert!(!format!("{configuration:?}").contains("hush"));
            let trust = configuration.servers[0].trust(&configuration.issuers);
            (trust.own, trust.external.into_iter().map(|issuer| issuer.url).collect::<Vec<_>>())
        })
    };
    let both = vec!["https://one.example/".to_owned(), "https://two.example".to_owned()];
    assert_eq!(trust("").unwrap(), (true, both.clone()));
    assert_eq!(trust("issuers = [\"self\"]").unwrap(), (true, vec![]));
    assert_eq!(trust("issuers = [\"https://two.example\"]").unwrap(), (false, both[1..].to_vec()));
    for mistake in ["issuers = []", "issuers = [\"https://one.example\"]", "issuers = [\"one\"]"] {
        assert!(trust(mistake).is_err(), "{mistake}");
    }
}

#[test]
fn issuers_that_cannot_be() {
    let issuer = |text: &str| load(&[], &format!("[[issuer]]\n{text}"));
    assert!(issuer("url = \"http://127.0.0.1:9/\"\naudiences = [\"a\"]\ntoken_type = \"any\"").is_ok());
    let asked = "[issuer.introspection]\nclient_id = \"v\"\nclient_secret = \"s\"";
    let server = "[[server]]\nname = \"d\"\nkind = \"demo\"";
    for mistake in [
        "",
        "url = \"http://idp.example\"",
        "url = \"https://idp.example?x\"",
        "url = \"https://idp.example\"\ntoken_type = \"jwt\"",
        "url = \"https://idp.example\"\n[[issuer]]\nurl = \"https://idp.example\"",
        "url = \"https://idp.example\"\n[issuer.introspection]\nclient_id = \"v\"",
        &format!("url = \"https://idp.example\"\n{asked}\nendpoint = \"http://idp.example/introspect\""),
        &format!(
            "url = \"https://a.example\"\n{asked}\n[[issuer]]\nurl = \"https://b.example\"\n{asked}\n{server}"
        ),
    ] {
        assert!(issuer(mistake).is_err(), "{mistake}");
    }
}

#[test]
fn signed_requests_are_for_one_region_and_service() {
    let keys = load(&[], "").unwrap().access_keys;
    assert_eq!((keys.enabled, &*keys.region, &*keys.service), (true, "us-east-1", "vestibule"));
    let keys =
        load(&[], "[access_keys]\nenabled = false\nservice = \"bedrock-agentcore\"").unwrap().access_keys;
    assert_eq!((keys.enabled, &*keys.region, &*keys.service), (false, "us-east-1", "bedrock-agentcore"));
}
