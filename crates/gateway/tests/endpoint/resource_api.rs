//! The demo's resource API (seed 4).

use serde_json::{Value, json};

use crate::world::{Answer, World};

async fn send(world: &World, token: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
    let request = world.request(method, path).bearer(token);
    match body {
        Some(body) => request.json(body).send().await,
        None => request.send().await,
    }
}

#[tokio::test]
async fn the_shapes_and_statuses_of_the_demo() {
    let world = World::new().await;
    let token = world.token("ada", "read write");
    let profile = send(&world, &token, "GET", "/api/user/profile", None).await;
    assert_eq!(
        profile.json(),
        json!({ "id": "ada", "username": "ada by name", "client_id": "client_1", "scope": "read write" })
    );
    let seeded = json!({
        "data": [
            { "id": 1, "name": "Item 1", "value": 100 },
            { "id": 2, "name": "Item 2", "value": 200 },
            { "id": 3, "name": "Item 3", "value": 300 },
        ],
        "total": 3,
    });
    assert_eq!(send(&world, &token, "GET", "/api/data", None).await.json(), seeded);
    let new = json!({ "name": "Item 4", "value": -0.5 });
    let created = send(&world, &token, "POST", "/api/data", Some(new)).await;
    assert_eq!(created.status, 201);
    assert_eq!(created.json(), json!({ "id": 4, "name": "Item 4", "value": -0.5, "created": true }));
    let change = json!({ "name": "Item IV", "value": 4 });
    let updated = send(&world, &token, "PUT", "/api/data/4", Some(change.clone())).await;
    assert_eq!(updated.json(), json!({ "id": 4, "name": "Item IV", "value": 4, "updated": true }));
    let deleted = send(&world, &token, "DELETE", "/api/data/4", None).await;
    assert_eq!((deleted.status.as_u16(), deleted.json()), (200, json!({ "id": 4, "deleted": true })));
    for (method, body) in [("DELETE", None), ("PUT", Some(change))] {
        for path in ["/api/data/4", "/api/data/x", "/api/data/-1", "/api/data/99999999999999999999"] {
            let missing = send(&world, &token, method, path, body.clone()).await;
            assert_eq!(
                (missing.status.as_u16(), missing.json()),
                (404, json!({ "error": "Item not found" })),
                "{path}"
            );
        }
    }
    assert_eq!(send(&world, &token, "GET", "/api/data", None).await.json(), seeded);
}

#[tokio::test]
async fn a_change_is_the_first_thing_a_user_may_do() {
    let world = World::new().await;
    for (user, method, path, body, status) in [
        ("a", "POST", "/api/data", Some(json!({ "name": "x", "value": 1 })), 201),
        ("b", "PUT", "/api/data/3", Some(json!({ "name": "x", "value": 1 })), 200),
        ("c", "DELETE", "/api/data/3", None, 200),
        ("d", "DELETE", "/api/data/4", None, 404),
    ] {
        let token = world.token(user, "write");
        assert_eq!(send(&world, &token, method, path, body).await.status, status, "{user}");
    }
}

#[tokio::test]
async fn scopes_are_those_of_the_tools() {
    let world = World::new().await;
    for (method, path, needed) in [
        ("GET", "/api/user/profile", "read"),
        ("GET", "/api/data", "read"),
        ("POST", "/api/data", "write"),
        ("PUT", "/api/data/1", "write"),
        ("DELETE", "/api/data/1", "write"),
    ] {
        let other = if needed == "read" { "write" } else { "read" };
        let refused = send(&world, &world.token("ada", other), method, path, None).await;
        assert_eq!(refused.status, 403, "{method} {path}");
        assert!(
            refused.header("www-authenticate").contains(&format!("scope=\"{needed}\"")),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn bad_bodies_and_methods_are_named() {
    let world = World::new().await;
    let token = world.token("ada", "read write");
    for (body, status) in [
        (r#"{"name":"x"}"#, 400),
        (r#"{"name":"x","value":"1"}"#, 400),
        (r#"{"name":"x","value":1,"owner":"bob"}"#, 400),
        (r#"{"name":"x","name":"y","value":1}"#, 400),
        (r#"{"name":"x","Value":2,"value":1}"#, 400),
        ("[]", 400),
        ("{", 400),
    ] {
        let answer = world.request("POST", "/api/data").bearer(&token).json(body).send().await;
        assert_eq!(answer.status, status, "{body}");
        assert_eq!(answer.json()["error"], "invalid_request", "{body}");
    }
    let form =
        world.request("POST", "/api/data").bearer(&token).header("content-type", "text/plain").send().await;
    assert_eq!(form.status, 415);
    for (method, path, allowed) in [
        ("PATCH", "/api/data", "GET, HEAD, POST"),
        ("GET", "/api/data/1", "PUT, DELETE"),
        ("POST", "/api/user/profile", "GET, HEAD"),
    ] {
        let answer = send(&world, &token, method, path, None).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, allowed), "{method} {path}");
    }
}
