//! RG-01 to RG-07: redirect URIs that nobody may register.

use serde_json::json;

use crate::attacks::{expect, world::World};

/// Rows of redirect URIs; each one is refused.
const REDIRECT_URIS: [(&str, &[&str]); 7] = [
    (
        "RG-01",
        &[
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "\tjavascript:alert(1)",
            " javascript:alert(1)",
            "java\nscript:alert(1)",
            "javascript://client.example/%0aalert(1)",
            "data:text/html,<script>alert(1)</script>",
            "vbscript:msgbox(1)",
            "blob:https://a.example/b",
            "file:///etc/passwd",
            "about:blank",
            "view-source:https://a.example",
            "ws://a.example/",
            "ftp://a.example/",
            "myapp:callback",
            "com.example.app:callback",
        ],
    ),
    (
        "RG-02",
        &[
            "https://user:pw@good.test/cb",
            "https://good.test@evil.test/cb",
            "https://a@b@evil/cb",
            "https://good.test%25@evil",
            "https://@evil.test/",
            "https://:@evil.test/",
            "http://127.0.0.1@evil.test/",
            "cursor://user@anysphere.cursor-mcp/cb",
        ],
    ),
    (
        "RG-03",
        &[
            "https://good.test\\@evil.test/",
            "https://good.test\\.evil",
            "https:/evil",
            "https:evil",
            "//evil/cb",
            "/cb",
            "https://good.test#@evil",
            "https://good.test/cb#fragment",
            "https://good.test/cb#",
            "https://good.test\t.evil/",
            "https://good.test\u{0}.evil/",
            "https://good.test/a/../b",
            "https://good.test/%2e%2e/b",
            "https://GOOD.test/cb",
            "HTTPS://good.test/cb",
            "https://good.test:443/cb",
            "https://good.test:0443/cb",
            "https://good.test./cb",
            "https:///evil",
            "https://good.test /cb",
            "https://*.good.test/cb",
            "https://good.test;sandbox/cb",
            "https://good.test,evil.test/cb",
            "https://good.test'/cb",
            "https://good.test/cb\r\nSet-Cookie: a=b",
            "",
        ],
    ),
    (
        "RG-05",
        &["http://good.test/cb", "http://192.168.1.1/cb", "http://[fe80::1]/cb", "http://127.0.0.2/cb"],
    ),
    (
        "RG-06",
        &[
            "http://localhost.evil.test/",
            "http://127.0.0.1.evil.test/",
            "http://localhost@evil/",
            "http://0x7f.1/",
            "http://2130706433/",
            "http://[::ffff:127.0.0.1]/",
            "http://0.0.0.0/",
            "http://127.1/",
            "http://0177.0.0.1/",
            "http://localhost./",
            "http://LOCALHOST/",
            "http://127\u{3002}0\u{3002}0\u{3002}1/",
            "http://[0:0:0:0:0:0:0:1]/",
        ],
    ),
    ("RG-07", &["https://\u{430}pple.com/cb", "https://good\u{200b}.test/", "https://xn--\u{430}/"]),
    (
        "AZ-09",
        &[
            "https://c.test/cb?code=1",
            "https://c.test/cb?state=1",
            "https://c.test/cb?iss=https://evil.test",
            "https://c.test/cb?x=1&%63ode=2",
            "https://c.test/cb?error=x",
        ],
    ),
];

#[tokio::test]
async fn rg_01_to_07_and_az_09_redirect_uris() {
    let world = World::alone();
    let before = world.database().contents();
    for (row, uris) in REDIRECT_URIS {
        for uri in uris {
            for uris in [json!([uri]), json!(["https://good.test/cb", uri])] {
                let answer = world.try_to_register(&json!({ "redirect_uris": uris })).await;
                assert_eq!(answer.status, 400, "{row}: {uri:?} was accepted");
                expect::error(&answer, 400, "invalid_redirect_uri");
            }
        }
    }
    assert_eq!(world.database().contents(), before);
}
