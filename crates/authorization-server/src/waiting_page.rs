//! A page of ours that waits until somebody has signed in, as an authorization request does.
//!
//! 1. Whoever serves the page names it with an [`OwnPage`]: a path on this site, nothing else (AZ-30).
//! 2. [`AuthorizationServer::sign_in_before`] seals the path for this browser and sends it to the sign-in page; the
//!    sealed text stands where an authorization request has its transaction, so the address says nothing of the page.
//! 3. Signing in ([`crate::login`]) opens it again and leads there. Sealed for another browser, too old or changed, it
//!    does not open.
//!
//! Nothing is stored: what the text permits is to sign in, as often as one likes.

use axum::response::Response;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderValue, StatusCode};
use oauth::Timestamp;
use secret::{Digest, Keyring, Location, MasterKey, Token};

use crate::{
    AuthorizationServer,
    browser::{self, FromBrowser},
    kinds::Browser,
    page::{self, PageError},
    pages::LOGIN_PATH,
};

/// A page of this site: path and query below the issuer, such as `/connect?e=0123`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnPage(String);

/// How every sealed page begins; no token of ours does.
const PREFIX: &str = "vst_pg_";
const MAXIMUM_LENGTH: usize = 512;
const PURPOSE: &str = "page that waits for a sign-in";

impl OwnPage {
    /// The page at this path, with its query if it has one. `None` when it could lead anywhere else, or is longer
    /// than 512 bytes.
    pub fn at(path: &str) -> Option<Self> {
        let is_character = |byte: u8| byte.is_ascii_alphanumeric() || b"/?=&-_.~%".contains(&byte);
        let is_ours = path.starts_with('/') && !path.contains("//") && !path.contains("..");
        (is_ours && path.len() <= MAXIMUM_LENGTH && path.bytes().all(is_character))
            .then(|| Self(path.to_owned()))
    }

    pub(crate) fn path(&self) -> &str {
        &self.0
    }
}

impl AuthorizationServer {
    /// Sends the browser to sign in, and back to `page` afterwards.
    pub fn sign_in_before(&self, page: &OwnPage, from: &FromBrowser) -> Response {
        let (browser, cookie) = self.browser_of(from);
        let url = format!("{}?transaction={}", self.issuer().url(LOGIN_PATH), self.seal(page, &browser));
        with_new(page::see_other(self.issuer(), &url), cookie)
    }

    /// The transaction with which "not you?" leads to the sign-in page and back to `page` ([`crate::pages::LOGOUT_PATH`]);
    /// `None` for a browser without our cookie.
    pub fn transaction_of(&self, page: &OwnPage, from: &FromBrowser) -> Option<String> {
        from.browser.as_ref().map(|browser| self.seal(page, browser))
    }

    /// The same response to a browser that is known by its cookie from now on, if it was not before.
    pub fn naming_the_browser(&self, from: &FromBrowser, response: Response) -> Response {
        with_new(response, self.browser_of(from).1)
    }

    fn browser_of(&self, from: &FromBrowser) -> (Token<Browser>, Option<HeaderValue>) {
        if let Some(token) = &from.browser {
            return (token.clone(), None);
        }
        let token = Token::mint(self.random());
        let cookie = browser::set_browser(self.issuer(), &token);
        (token, Some(cookie))
    }

    fn seal(&self, page: &OwnPage, browser: &Token<Browser>) -> String {
        let until = self.now() + self.settings().lifetimes.authorization_request;
        let clear = format!("{} {}", until.milliseconds(), page.path());
        let sealed = self.pages_ring().seal(self.random(), place(&browser.digest()), clear.as_bytes());
        format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(sealed))
    }
}

fn with_new(response: Response, cookie: Option<HeaderValue>) -> Response {
    match cookie {
        Some(cookie) => page::with_cookie(response, cookie),
        None => response,
    }
}

/// The page that a transaction is the sealed form of: `None` when it is none at all, and an error when it cannot be
/// used, or not any more, or not in this browser.
pub(crate) fn waiting_page(
    server: &AuthorizationServer,
    from: &FromBrowser,
    unverified_transaction: &str,
) -> Option<Result<OwnPage, PageError>> {
    let sealed = unverified_transaction.strip_prefix(PREFIX)?;
    let Some(browser) = &from.browser else { return Some(Err(PageError::foreign_form())) };
    let opened = open(server.pages_ring(), &browser.digest(), sealed, server.now());
    Some(opened.ok_or_else(|| PageError::expired_transaction(StatusCode::BAD_REQUEST)))
}

fn open(ring: &Keyring, browser: &Digest, sealed: &str, now: Timestamp) -> Option<OwnPage> {
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let clear = ring.open(place(browser), &sealed).ok()?;
    let (until, path) = std::str::from_utf8(clear.expose()).ok()?.split_once(' ')?;
    let until = Timestamp::from_milliseconds(until.parse().ok()?);
    OwnPage::at(path).filter(|_| until > now)
}

/// The ring that seals pages: of its own, and the same on every node.
pub(crate) fn ring(keyring: &Keyring) -> Keyring {
    let key: MasterKey = keyring.derive(PURPOSE);
    Keyring::derived_from(key.expose(), PURPOSE)
}

/// What a sealed page is bound to: the browser it was sealed for.
fn place(browser: &Digest) -> Location<'_> {
    Location { table: "waiting page", row: browser.as_bytes(), column: "path" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(path: &str) {
        assert_eq!(OwnPage::at(path), None, "{path:?}");
    }

    #[test]
    fn az_30_only_paths_of_ours_are_pages() {
        for path in ["/connections", "/connect?e=abc-DEF_1", "/connect?e=1&x=%20"] {
            assert_eq!(OwnPage::at(path).unwrap().path(), path);
        }
        for path in [
            "",
            "connect",
            "//evil.test",
            "/\\evil.test",
            "/a//b",
            "/../x",
            "/a/..;/b",
            "https://evil.test",
            "javascript:alert(1)",
            "/\tevil",
            "/a\r\nSet-Cookie: x=1",
            "/a#b",
            "/a@b",
            "/é",
            " /a",
        ] {
            refused(path);
        }
        refused(&format!("/{}", "a".repeat(512)));
    }

    #[test]
    fn az_30_a_sealed_page_opens_in_its_browser_for_its_time_and_unchanged() {
        struct Fixed;
        impl secret::Random for Fixed {
            fn fill(&self, bytes: &mut [u8]) {
                bytes.fill(5);
            }
        }
        let keyring = Keyring::new(&[MasterKey::mint(&Fixed)]).unwrap();
        let (ring, mine, other) = (ring(&keyring), Digest::of(b"mine"), Digest::of(b"other"));
        let at = Timestamp::from_milliseconds;
        let sealed = ring.seal(&Fixed, place(&mine), b"1000 /connections");
        let text = BASE64_URL_SAFE_NO_PAD.encode(&sealed);
        assert_eq!(open(&ring, &mine, &text, at(999)), OwnPage::at("/connections"));
        assert_eq!(open(&ring, &mine, &text, at(1000)), None, "too old");
        assert_eq!(open(&ring, &other, &text, at(999)), None, "another browser");
        assert_eq!(open(&super::ring(&keyring), &mine, &text, at(999)), OwnPage::at("/connections"));
        let mut changed = sealed.clone();
        changed[20] ^= 1;
        assert_eq!(open(&ring, &mine, &BASE64_URL_SAFE_NO_PAD.encode(changed), at(999)), None, "changed");
        let elsewhere = ring.seal(&Fixed, place(&mine), b"1000 //evil.test");
        assert_eq!(open(&ring, &mine, &BASE64_URL_SAFE_NO_PAD.encode(elsewhere), at(999)), None);
        assert_eq!(open(&keyring, &mine, &text, at(999)), None, "another ring");
    }
}
