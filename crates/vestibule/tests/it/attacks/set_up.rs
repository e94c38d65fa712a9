//! Invitations: a link that makes a user, once.

use std::sync::Arc;

use super::{expect, scripted_browser::ScriptedBrowser, world::World};
use crate::http_client;

const CHOSEN: &str = "eve is not amused";

fn form<'f>(token: &'f str, password: &'f str) -> [(&'f str, &'f str); 3] {
    [("token", token), ("password", password), ("password_again", password)]
}

#[tokio::test]
async fn a_link_makes_one_user_however_many_use_it() {
    let world = World::alone();
    let token = world.invite("eve", &[]);
    let attempts: Vec<_> = (0..16)
        .map(|_| {
            let request = http_client::form("/set-up", &form(&token, CHOSEN));
            let server = Arc::clone(&world.server);
            tokio::spawn(async move { server.send(request).await.status.as_u16() })
        })
        .collect();
    let mut made = 0;
    for attempt in attempts {
        let status = attempt.await.expect("the attempt ends");
        assert!([200, 400, 403, 422].contains(&status), "{status}");
        made += i32::from(status == 200);
    }
    assert_eq!((made, world.database().count("users", "name = 'eve'")), (1, 1));
}

#[tokio::test]
async fn the_form_decides_nothing_but_the_password() {
    let world = World::alone();
    let token = world.invite("eve", &[]);
    let mut browser = ScriptedBrowser::new(&world);
    let more = [("username", "root"), ("makes_operator", "1"), ("is_operator", "true"), ("state", "x")];
    let fields = [&form(&token, CHOSEN)[..], &more].concat();
    expect::page(&browser.post("/set-up", &fields).await, 200);
    let database = world.database();
    assert_eq!(database.count("users", "name = 'eve' AND is_operator = 0"), 1);
    assert_eq!(database.count("users", "name = 'root' OR is_operator = 1"), 0);
}

#[tokio::test]
async fn what_makes_no_user() {
    let world = World::alone();
    let token = world.invite("eve", &[]);
    let before = world.database().contents();
    let mut browser = ScriptedBrowser::new(&world);
    for (origin, site) in
        [(Some("https://evil.test"), None), (None, Some("cross-site")), (Some("null"), None)]
    {
        let answer = browser.post_from(origin, site, ("/set-up", &form(&token, CHOSEN))).await;
        expect::error_page(&answer, 403, &token);
    }
    for password in ["", "short", "password123", &"x".repeat(1_025)] {
        let answer = browser.post("/set-up", &form(&token, password)).await;
        expect::page(&answer, 422);
        let html = String::from_utf8_lossy(&answer.body);
        assert!(password.is_empty() || !html.contains(&format!("\"{password}\"")), "{html}");
    }
    let changed = token.replace("vst_in_", "vst_ac_");
    for unknown in ["", "x", "\0", &changed, &token[..token.len() - 1], &token.to_lowercase(), "' OR 1=1 --"]
    {
        expect::error_page(&browser.post("/set-up", &form(unknown, CHOSEN)).await, 400, CHOSEN);
        let query: String = url::form_urlencoded::byte_serialize(unknown.as_bytes()).collect();
        expect::error_page(&browser.get(&format!("/set-up?token={query}")).await, 400, CHOSEN);
    }
    assert_eq!(world.database().contents(), before);
    world.database().execute("UPDATE invitations SET expires_at = 1");
    expect::error_page(&browser.post("/set-up", &form(&token, CHOSEN)).await, 400, CHOSEN);
    assert_eq!(world.database().count("users", "name = 'eve'"), 0);
}
