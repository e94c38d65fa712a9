//! TK-02 and TK-13 with two nodes on one database: two processes that share nothing but it.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    client::{Client, VERIFIER},
    expect,
    world::{Tokens, UNHURRIED, World},
};
use crate::{
    http_client::{self, Answer},
    postgresql,
    server::{Server, Settings},
};

/// Two nodes of one installation, which share its keyring and its database.
struct Nodes {
    one: World,
    two: World,
}

impl Nodes {
    fn start(database: Option<String>) -> Self {
        let settings = Settings {
            public_url: Some("http://localhost:9".to_owned()),
            database,
            configuration: Some(UNHURRIED.to_owned()),
            ..Settings::default()
        };
        let one = Server::start(&settings);
        let two = Server::start(&Settings { data_directory: Some(one.data_directory()), ..settings });
        Self { one: World { server: Arc::new(one) }, two: World { server: Arc::new(two) } }
    }

    /// Sends the same form many times to both at once.
    async fn flood(&self, fields: &[(&str, &str)]) -> Vec<Answer> {
        let attempts: Vec<_> = (0..64)
            .map(|number| {
                let node = if number % 2 == 0 { &self.one } else { &self.two };
                let (server, request) = (Arc::clone(&node.server), http_client::form("/token", fields));
                tokio::spawn(async move { server.send(request).await })
            })
            .collect();
        let mut answers = Vec::new();
        for attempt in attempts {
            answers.push(attempt.await.expect("the attempt ends"));
        }
        answers
    }

    async fn is_accepted_nowhere(&self, access_token: &str) {
        for node in [&self.one, &self.two] {
            let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
            while node.is_accepted(access_token).await {
                assert!(std::time::Instant::now() < deadline, "a node does not learn of the revocation");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
    }
}

async fn tk_02_of_64_redemptions_at_once_one_counts(nodes: &Nodes) {
    let client: Client = nodes.one.public_client().await;
    let code = nodes.one.code(&client, "read").await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("code_verifier", VERIFIER),
        ("client_id", &client.id),
    ];
    let answers = nodes.flood(&fields).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(won.len(), 1);
    for answer in lost {
        expect::error(answer, 400, "invalid_grant");
    }
    let tokens = Tokens::of(won[0]);
    nodes.is_accepted_nowhere(&tokens.access).await;
    expect::error(&nodes.two.refresh(&client, &tokens.refresh).await, 400, "invalid_grant");
}

async fn tk_13_all_who_refresh_at_once_get_the_same_successor(nodes: &Nodes) {
    let client = nodes.one.public_client().await;
    let tokens = nodes.one.tokens(&client).await;
    let fields =
        [("grant_type", "refresh_token"), ("refresh_token", &tokens.refresh), ("client_id", &client.id)];
    let answers = nodes.flood(&fields).await;
    let successors: BTreeSet<_> = answers.iter().map(|answer| Tokens::of(answer).refresh).collect();
    assert_eq!(successors.len(), 1, "never two successors");
    let successor = successors.first().expect("there is one");
    let next = Tokens::of(&nodes.two.refresh(&client, successor).await);
    assert!(nodes.one.is_accepted(&next.access).await, "a node accepts what another one issued");
    // A replay at one node ends the family at both.
    expect::error(&nodes.one.refresh(&client, &tokens.refresh).await, 400, "invalid_grant");
    expect::error(&nodes.two.refresh(&client, &next.refresh).await, 400, "invalid_grant");
    nodes.is_accepted_nowhere(&next.access).await;
}

#[tokio::test]
async fn on_sqlite() {
    let nodes = Nodes::start(None);
    tk_02_of_64_redemptions_at_once_one_counts(&nodes).await;
    tk_13_all_who_refresh_at_once_get_the_same_successor(&nodes).await;
}

#[tokio::test]
async fn on_postgresql() {
    let postgresql = postgresql::Server::shared();
    let nodes = Nodes::start(Some(postgresql.create_database()));
    tk_02_of_64_redemptions_at_once_one_counts(&nodes).await;
    tk_13_all_who_refresh_at_once_get_the_same_successor(&nodes).await;
}
