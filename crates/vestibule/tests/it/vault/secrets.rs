//! VA-01, VA-17, VA-18 and VA-19: what a provider gave us is in no file, no log, no metric and no answer, and in memory
//! for as long as it is used.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    os::unix::fs::FileExt as _,
    time::Duration,
};

use http::{Request, header};
use hyper::body::Bytes;
use serde_json::json;

use super::{
    installation::{Installation, SOON},
    person::{GET_USER, Outcome, Person, WHOAMI},
    provider::{Answer, CLIENT_SECRET, Fault, Turn},
};
use crate::{
    attacks::world::World,
    canary::search::Canaries,
    http_client::{self, Answer as Heard},
};

/// Refreshes after which memory is looked through.
const GENERATIONS: usize = 200;

/// Everything that somebody outside was told.
#[derive(Default)]
struct Told(String);

impl Told {
    fn hear(&mut self, answer: &Heard) {
        self.0 +=
            &[format!("{:?}", answer.headers), String::from_utf8_lossy(&answer.body).into_owned()].join("\n");
        self.0.push('\n');
    }

    async fn get(&mut self, world: &World, path: &str, token: &str) -> Heard {
        let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
        let answer = world.send(request.body(Bytes::new()).unwrap()).await;
        self.hear(&answer);
        answer
    }
}

/// A life of a connection, with its troubles.
async fn lived(installation: &Installation) -> Told {
    let (provider, node) = (&installation.provider, installation.node());
    let mut told = Told::default();
    let person = Person::at(node).await;
    let Outcome::Connect { url, .. } = person.call(node, WHOAMI).await else {
        panic!("nobody has connected")
    };
    told.hear(&person.connect(installation, node, &url).await);
    for turn in [
        Turn::default(),
        Turn::fault(Fault::Answer(Answer::html(502))),
        Turn::fault(Fault::Answer(Answer::json(400, r#"{"error":"invalid_request"}"#))),
        Turn { keeps_refresh_token: true, ..Turn::default() },
    ] {
        provider.next(turn);
        installation.refuse_tokens();
        for tool in [WHOAMI, GET_USER, ("/mcp/hub", "echo")] {
            told.hear(&node.send(person.request(tool)).await);
        }
        // Two failures one after the other make the vault wait for longer than a test does.
        let deadline = std::time::Instant::now() + SOON;
        loop {
            let outcome = person.call(node, WHOAMI).await;
            if outcome.is_said() {
                break;
            }
            assert!(std::time::Instant::now() < deadline, "it does not recover: {outcome:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    let echoed = node.send(person.request(("/mcp/hub", "echo"))).await;
    assert!(Outcome::of(&echoed).is_said(), "{echoed:?}");
    told.hear(&echoed);
    let mut browser = person.browser(node);
    for page in ["/connections", "/", "/connect?e=x", "/connect/callback/hub?code=x&state=x"] {
        told.hear(&browser.get(page).await);
    }
    let own = person.token_for(node, "/api/connections", "connections:read connections:write").await;
    let listed = told.get(node, "/api/connections", &own).await;
    assert_eq!(listed.status, 200, "{listed:?}");
    let id = listed.json()["connections"][0]["id"].as_str().expect("there is one").to_owned();
    told.get(node, &format!("/api/connections/{id}"), &own).await;
    told.get(node, "/api/connections?owner=all", &own).await;
    // The second life ends by the provider's hand.
    provider.withdraw();
    told.hear(&node.send(person.request(WHOAMI)).await);
    told
}

fn canaries(installation: &Installation) -> Canaries {
    let mut canaries = Canaries::default();
    canaries.add("secret of our client", CLIENT_SECRET);
    let secrets = installation.provider.secrets();
    assert!(secrets.len() >= 6, "{}", secrets.len());
    secrets.iter().enumerate().for_each(|(number, secret)| canaries.add(&format!("secret {number}"), secret));
    canaries
}

#[tokio::test]
async fn va_01_va_17_and_va_19_what_a_provider_gave_is_told_to_nobody() {
    let installation = Installation::talkative().await;
    let told = lived(&installation).await;
    let canaries = canaries(&installation);
    canaries.are_not_in(&installation.data_directory());
    let log = installation.node().server.log();
    assert!(log.contains("TRACE"), "not everything is logged");
    canaries.are_not_in_log(&log);
    assert!(!log.contains("panicked"), "{log}");
    canaries.are_not_in_log(&told.0);
    let metrics = installation.metrics().await;
    assert!(metrics.contains("vestibule_"), "{metrics}");
    canaries.are_not_in_log(&metrics);
    // What was searched for has been used.
    let heard = installation.provider.api.heard();
    assert!(heard.iter().any(|request| request.account.as_deref() == Some("ada")), "{}", heard.len());
}

/// The client's own token never travels on (P: no token crosses the room).
#[tokio::test]
async fn va_19_the_api_hears_its_own_tokens_and_no_other() {
    let installation = Installation::alone().await;
    let person = Person::at(installation.node()).await;
    person.connects(&installation).await;
    assert!(person.call(installation.node(), GET_USER).await.is_said());
    let heard = installation.provider.api.heard();
    assert!(heard.iter().any(|request| request.target == "/user"));
    for request in &heard {
        let headers = format!("{:?} {}", request.headers, request.target);
        for own in [person.token(WHOAMI.0), person.token(GET_USER.0), "vst_"] {
            assert!(!headers.contains(own), "{headers}");
        }
        assert_eq!(request.account.as_deref(), Some("ada"), "{headers}");
    }
}

/// The numbers of the tokens of a kind of which there are traces in a process.
fn in_memory(id: u32, kind: &str) -> std::io::Result<BTreeSet<String>> {
    let memory = File::open(format!("/proc/{id}/mem"))?;
    let mut found = BTreeSet::new();
    for line in fs::read_to_string(format!("/proc/{id}/maps"))?.lines() {
        let (range, rest) = line.split_once(' ').unwrap_or_default();
        let (from, until) = range.split_once('-').unwrap_or_default();
        let address = |text: &str| u64::from_str_radix(text, 16).expect("an address");
        if !rest.starts_with("rw") || rest.contains("[vvar") {
            continue;
        }
        let mut bytes = vec![0; usize::try_from(address(until) - address(from)).unwrap()];
        // A mapping may go away while it is read.
        if memory.read_exact_at(&mut bytes, address(from)).is_err() {
            continue;
        }
        let prefix = format!("hub{kind}_canary_");
        for (position, _) in
            bytes.windows(prefix.len()).enumerate().filter(|(_, window)| *window == prefix.as_bytes())
        {
            let number = bytes.get(position + prefix.len()..position + prefix.len() + 6).unwrap_or_default();
            found.insert(String::from_utf8_lossy(number).into_owned());
        }
    }
    Ok(found)
}

/// What remains is what buffers of connections and of the allocator still hold, however often there is a new token.
#[tokio::test]
async fn va_18_memory_forgets_tokens_that_are_no_longer_used() {
    let installation = Installation::alone().await;
    let (provider, node) = (&installation.provider, installation.node());
    let person = Person::at(node).await;
    person.connects(&installation).await;
    for _ in 0..GENERATIONS {
        installation.refuse_tokens();
        assert_eq!(person.call(node, WHOAMI).await, Outcome::Said("ada".to_owned()));
    }
    assert_eq!(provider.refreshes(), GENERATIONS);
    let id = node.server.id();
    let (access, refresh) = match (in_memory(id, "at"), in_memory(id, "rt")) {
        (Ok(access), Ok(refresh)) => (access, refresh),
        // Nobody but root may look at all, which is better still (GW-29).
        (Err(error), _) | (_, Err(error)) => {
            assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
            return;
        }
    };
    println!(
        "of {GENERATIONS} generations: {} access tokens, {} refresh tokens in memory",
        access.len(),
        refresh.len()
    );
    assert!(!access.is_empty(), "the search finds the one that is in use");
    assert!(access.len() <= 20 && refresh.len() <= 20, "{} {}", access.len(), refresh.len());
}

#[tokio::test]
async fn what_is_echoed_is_found_by_the_search() {
    let installation = Installation::alone().await;
    let person = Person::at(installation.node()).await;
    person.connects(&installation).await;
    let token =
        installation.provider.secrets().into_iter().find(|secret| secret.starts_with("hubat_")).unwrap();
    let mut request = http_client::json(
        "/mcp",
        &json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "echo" } }),
    );
    request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    let direct = http_client::send(installation.provider.api.address(), request).await;
    assert!(String::from_utf8_lossy(&direct.body).contains(&token), "{direct:?}");
}

/// Also of programs that the process starts, which have secrets of their own.
#[tokio::test]
async fn va_18_a_process_that_ends_badly_leaves_no_memory_behind() {
    let installation = Installation::alone().await;
    let id = installation.node().server.id();
    let limits = fs::read_to_string(format!("/proc/{id}/limits")).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(line.split_whitespace().nth(4), Some("0"), "{line}");
}
