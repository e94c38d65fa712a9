//! VA-02, VA-03, VA-21 and UP-14: whose credential is used is decided by who calls, and by nothing that somebody with
//! write access to the database could exchange.

use std::time::{Duration, Instant};

use super::{
    installation::{Installation, SOON},
    person::{Outcome, Person, WHOAMI},
};

const GRACE: (&str, &str) = ("grace", "battery horse staple correct");

/// Two people of one installation, each with an account at the provider.
struct Two {
    installation: Installation,
    demo: Person,
    grace: Person,
}

impl Two {
    async fn connected() -> Self {
        let installation = Installation::alone().await;
        let node = installation.node();
        node.add_user(GRACE.0, GRACE.1);
        let (demo, grace) = (Person::at(node).await, Person::who(node, GRACE.0, GRACE.1).await);
        for (person, account) in [(&demo, "ada"), (&grace, "grace")] {
            installation.provider.is_visited_by(account);
            person.connects(&installation).await;
        }
        let two = Self { installation, demo, grace };
        assert_eq!(two.outcomes().await, ["ada", "grace"].map(|account| Outcome::Said(account.to_owned())));
        two
    }

    async fn outcomes(&self) -> [Outcome; 2] {
        let node = self.installation.node();
        [self.demo.call(node, WHOAMI).await, self.grace.call(node, WHOAMI).await]
    }

    fn connection(&self) -> rusqlite::Connection {
        let file = self.installation.data_directory().join("vestibule.sqlite3");
        let connection = rusqlite::Connection::open(file).unwrap();
        connection.busy_timeout(SOON).unwrap();
        connection
    }

    /// Changes the database behind the back of the process, which knows nothing of it when it starts again.
    fn tampered(&mut self, statement: &str) {
        self.connection().execute_batch(statement).unwrap();
        self.installation.kill_and_start();
    }
}

#[tokio::test]
async fn up_14_who_has_not_connected_is_asked_and_uses_nobody_elses_account() {
    let installation = Installation::alone().await;
    let node = installation.node();
    node.add_user(GRACE.0, GRACE.1);
    Person::at(node).await.connects(&installation).await;
    let grace = Person::who(node, GRACE.0, GRACE.1).await;
    let before = installation.provider.api.heard().len();
    assert!(matches!(grace.call(node, WHOAMI).await, Outcome::Connect { .. }));
    assert_eq!(installation.provider.api.heard().len(), before, "the API hears nothing of it");
}

#[tokio::test]
async fn va_02_what_is_sealed_for_one_opens_nothing_for_another() {
    for statement in [
        // One column each, both together, and the whole row under the other one's name.
        exchange(&["sealed"]),
        exchange(&["data_key_sealed"]),
        exchange(&["sealed", "data_key_sealed"]),
        "CREATE TEMP TABLE kept AS SELECT * FROM credentials;
         DELETE FROM credentials;
         UPDATE kept SET connection_id = (SELECT id FROM connections WHERE id <> kept.connection_id);
         INSERT INTO credentials SELECT * FROM kept;"
            .to_owned(),
        // The connections change hands.
        "CREATE TEMP TABLE owners AS SELECT id, owner FROM connections;
         UPDATE connections SET owner = 'x' || id;
         UPDATE connections SET owner = (SELECT owner FROM owners WHERE owners.id <> connections.id);"
            .to_owned(),
    ] {
        let mut two = Two::connected().await;
        two.tampered(&statement);
        let [demo, grace] = two.outcomes().await;
        assert!(!demo.is_said() || demo == Outcome::Said("ada".to_owned()), "{statement}: {demo:?}");
        assert!(!grace.is_said() || grace == Outcome::Said("grace".to_owned()), "{statement}: {grace:?}");
        assert!(!(demo.is_said() && grace.is_said()), "{statement} has changed nothing");
    }
}

/// Exchanges these columns between the two rows.
fn exchange(columns: &[&str]) -> String {
    let set: Vec<_> = columns
        .iter()
        .map(|column| {
            format!("{column} = (SELECT kept.{column} FROM kept WHERE kept.connection_id <> credentials.connection_id)")
        })
        .collect();
    format!("CREATE TEMP TABLE kept AS SELECT * FROM credentials; UPDATE credentials SET {};", set.join(", "))
}

/// An older row would present a refresh token that was used, and end the family.
#[tokio::test]
async fn va_03_a_row_that_was_put_back_is_noticed() {
    let mut installation = Installation::alone().await;
    let person = Person::at(installation.node()).await;
    person.connects(&installation).await;
    let file = installation.data_directory().join("vestibule.sqlite3");
    let connection = rusqlite::Connection::open(file).unwrap();
    connection.execute_batch("CREATE TEMP TABLE older AS SELECT * FROM credentials").unwrap();
    installation.provider.expire_access_tokens();
    assert!(person.call(installation.node(), WHOAMI).await.is_said());
    let put_back = "DELETE FROM credentials; INSERT INTO credentials SELECT * FROM older";
    connection.execute_batch(put_back).unwrap();
    drop(connection);
    installation.provider.expire_access_tokens();
    installation.kill_and_start();
    let outcome = person.call(installation.node(), WHOAMI).await;
    assert!(!outcome.is_said(), "{outcome:?}");
    assert_eq!(installation.provider.reuses(), 0, "the old refresh token was presented");
}

#[tokio::test]
async fn va_21_who_disconnects_is_forgotten_here_and_there() {
    let installation = Installation::alone().await;
    let node = installation.node();
    let person = Person::at(node).await;
    person.connects(&installation).await;
    let token = person.token_for(node, "/api/connections", "connections:read connections:write").await;
    let bearer = format!("Bearer {token}");
    let listed = node.call("/api/connections", &bearer).await;
    let id =
        listed.json()["connections"][0]["id"].as_str().unwrap_or_else(|| panic!("{listed:?}")).to_owned();
    let mut request =
        http::Request::delete(format!("/api/connections/{id}")).body(bytes::Bytes::new()).unwrap();
    request.headers_mut().insert(http::header::AUTHORIZATION, bearer.parse().unwrap());
    let answer = node.send(request).await;
    assert!(answer.status.is_success(), "{answer:?}");
    assert!(matches!(person.call(node, WHOAMI).await, Outcome::Connect { .. }));
    let deadline = Instant::now() + SOON;
    while installation.provider.revocations() == 0 {
        assert!(Instant::now() < deadline, "the provider is not told");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        node.database().count("connections", "true") + node.database().count("credentials", "true"),
        0
    );
}
