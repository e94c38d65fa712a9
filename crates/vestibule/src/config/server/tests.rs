//! Which servers can stand beside each other, and where.

use crate::config::{Configuration, Flags};

fn load(text: &str) -> anyhow::Result<Configuration> {
    Configuration::of_text(&Flags::default(), None, std::path::Path::new("v.toml"), text)
}

fn remote(name: &str, more: &str) -> String {
    format!("[[server]]\nname = {name:?}\nkind = \"remote\"\nurl = \"https://{name}.example/mcp\"\n{more}\n")
}

const ACCOUNT: &str = "[[account]]\nid = \"A_1\"\nusers = [\"ada\"]\n";

#[test]
fn s0_1_a_server_of_an_account_has_its_path() {
    let paths =
        |text: &str| -> Vec<String> { load(text).unwrap().servers.iter().map(super::Server::path).collect() };
    assert_eq!(paths(&remote("a", "")), ["/mcp/a"]);
    let named = remote("b", "account = \"A_1\"\ncustom_name = \"My_ops\"\nserver_id = \"srv-1\"");
    let expected = ["/accounts/A_1/custom/a/id/a/mcp", "/accounts/A_1/custom/My_ops/id/srv-1/mcp"];
    assert_eq!(paths(&format!("{ACCOUNT}{}{named}", remote("a", "account = \"A_1\""))), expected);
    for mistake in [
        remote("a", "account = \"A_1\""),
        remote("a", "server_id = \"x\""),
        format!("{ACCOUNT}{ACCOUNT}"),
        "[[account]]\nid = \"a/b\"\nusers = [\"ada\"]\n".to_owned(),
        "[[account]]\nid = \"a\"\n".to_owned(),
        format!("{ACCOUNT}{}", remote("a", "account = \"A_1\"\nserver_id = \"x/../y\"")),
        format!("{ACCOUNT}{}", remote("a", "account = \"A_1\"\ncustom_name = \"{x}\"")),
        format!(
            "{ACCOUNT}{}{}",
            remote("a", "account = \"A_1\"\ncustom_name = \"x\"\nserver_id = \"1\""),
            remote("b", "account = \"A_1\"\ncustom_name = \"x\"\nserver_id = \"1\"")
        ),
    ] {
        assert!(load(&mistake).is_err(), "{mistake}");
    }
}

#[test]
fn one_parent_is_announced_by_one_server() {
    let announced = |more: &str| {
        let configuration = load(&remote("a", more)).ok()?;
        Some(configuration.servers[0].announced_path().map(str::to_owned))
    };
    assert_eq!(announced(""), Some(None));
    assert_eq!(announced("resource = \"/\""), Some(Some(String::new())));
    assert_eq!(announced("resource = \"/mcp\""), Some(Some("/mcp".to_owned())));
    assert_eq!(announced("resource = \"/mcp/\""), Some(Some("/mcp".to_owned())));
    for resource in ["/m", "/other", "/mcp/a", "/mcp/a/b", "mcp", "https://other.example"] {
        assert_eq!(announced(&format!("resource = {resource:?}")), None, "{resource}");
    }
    let both = format!("{}{}", remote("a", "resource = \"/\""), remote("b", "resource = \"/\""));
    assert!(load(&both).is_err());
    assert!(load("[[server]]\nname = \"d\"\nkind = \"demo\"\nresource = \"/\"").is_err());
}

#[test]
fn a_virtual_server_joins_others_and_sets_nothing_of_theirs() {
    let joint = |more: &str| {
        format!(
            "[[server]]\nname = \"all\"\nkind = \"virtual\"\n{more}\n{}{}",
            remote("a", ""),
            remote("b", "")
        )
    };
    let configuration = load(&joint("members = [\"b\", \"a\"]\ntimeout = \"2s\"")).unwrap();
    let super::Behind::Virtual(whom) = configuration.servers[0].behind().unwrap() else { panic!("it joins") };
    assert_eq!((whom.members, whom.within.as_secs()), (vec!["b".to_owned(), "a".to_owned()], 2));
    for mistake in [
        joint(""),
        joint("members = []"),
        joint("members = [\"a\", \"a\"]"),
        joint("members = [\"nobody\"]"),
        joint("members = [\"all\"]"),
        joint("members = [\"a\"]\nscope = \"x\""),
        joint("members = [\"a\"]\nhidden = [\"x\"]"),
        joint("members = [\"a\"]\nurl = \"https://x.example\""),
        joint("members = [\"a\"]\n[[server]]\nname = \"more\"\nkind = \"virtual\"\nmembers = [\"all\"]"),
        format!("{}[[server]]\nname = \"all\"\nkind = \"virtual\"\nmembers = [\"1a\"]\n", remote("1a", "")),
        remote("a", "members = [\"a\"]"),
    ] {
        assert!(load(&mistake).is_err(), "{mistake}");
    }
}

#[test]
fn gw_25_no_virtual_server_leads_into_another_account() {
    let joint = |account: &str| {
        let more = "[[account]]\nid = \"B\"\nusers = [\"bob\"]\n";
        let all = format!(
            "[[server]]\nname = \"all\"\nkind = \"virtual\"\nmembers = [\"a\", \"free\"]\n{account}\n"
        );
        load(&format!("{ACCOUNT}{more}{all}{}{}", remote("a", "account = \"A_1\""), remote("free", "")))
    };
    assert!(joint("account = \"A_1\"").is_ok());
    assert!(joint("account = \"B\"").is_err() && joint("").is_err());
}

#[test]
fn what_cannot_change_is_named() {
    let old = load("data_dir = \"/d\"").unwrap();
    for (text, keys) in [
        ("data_dir = \"/d\"", vec![]),
        ("data_dir = \"/d\"\n[[server]]\nname = \"d\"\nkind = \"demo\"\n[limits]\nfailed_logins = 3", vec![]),
        ("data_dir = \"/e\"", vec!["data_dir", "database"]),
        (
            "data_dir = \"/d\"\nlisten = \"127.0.0.1:1\"\nwatch = false\n[lifetimes]\naccess_token = \"1m\"\n[registration]\nenabled = false",
            vec!["listen", "watch", "[lifetimes]", "[registration]"],
        ),
    ] {
        assert_eq!(old.fixed_changes(&load(text).unwrap()), keys, "{text}");
    }
}
