//! The pages a person sees after signing in, in English and Simplified Chinese.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::HeaderValue;
use secret::Digest;

/// Which page.
pub(super) enum Page {
    /// The response was accepted.
    Success,
    /// The authorization server said no.
    Failure {
        /// The error code, as the server sent it.
        error: String,
        /// Its description, as the server sent it; may be empty.
        description: String,
    },
    /// The request is none that is waited for.
    NotExpected,
}

/// The sentences of one language.
struct Words {
    language: &'static str,
    success: &'static str,
    success_next: &'static str,
    countdown: &'static str,
    close: &'static str,
    failure: &'static str,
    failure_next: &'static str,
    not_expected: &'static str,
    not_expected_next: &'static str,
}

const ENGLISH: Words = Words {
    language: "en",
    success: "You are signed in",
    success_next: "Go back to your terminal; this page is no longer needed.",
    countdown: "seconds until this page closes",
    close: "Close",
    failure: "You are not signed in",
    failure_next: "Nothing was granted. Start again from your terminal.",
    not_expected: "This page was not expected",
    not_expected_next: "It does not belong to the sign-in that is waiting. Use the tab that your terminal opened.",
};

const CHINESE: Words = Words {
    language: "zh-Hans",
    success: "已登录",
    success_next: "请返回终端，此页面不再需要。",
    countdown: "秒后关闭此页面",
    close: "关闭",
    failure: "未登录",
    failure_next: "没有授予任何权限。请从终端重新开始。",
    not_expected: "未预期的页面",
    not_expected_next: "它不属于正在等待的登录。请使用终端打开的标签页。",
};

const STYLE: &str = ":root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}\
body{max-width:30rem;margin:12vh auto;padding:0 1rem}\
h1{font-size:1.4rem}code{overflow-wrap:anywhere}\
button{font:inherit;padding:.5rem 1.2rem}";

/// Browsers let a script close only windows that a script opened; elsewhere the button stays.
const SCRIPT: &str = "let left=3;const shown=document.getElementById('left');\
document.getElementById('close').onclick=()=>window.close();\
const timer=setInterval(()=>{left-=1;shown.textContent=left;if(left<=0){clearInterval(timer);window.close()}},1000)";

impl Page {
    /// The page in the better of our languages for an `Accept-Language`.
    pub(super) fn html(&self, languages: &str) -> String {
        let words = if prefers_chinese(languages) { &CHINESE } else { &ENGLISH };
        let (title, body) = match self {
            Self::Success => (words.success, success(words)),
            Self::Failure { error, description } => (words.failure, failure(words, error, description)),
            Self::NotExpected => (words.not_expected, format!("<p>{}</p>", words.not_expected_next)),
        };
        format!(
            "<!doctype html><html lang=\"{}\"><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title} · Vestibule</title>\
             <style>{STYLE}</style><main><h1>{title}</h1>{body}</main></html>",
            words.language
        )
    }
}

/// Only the style and the script of these pages run; nothing is loaded, nothing is framed.
pub(super) fn content_security_policy() -> HeaderValue {
    let hash = |text: &str| BASE64_STANDARD.encode(Digest::of(text.as_bytes()).as_bytes());
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    HeaderValue::try_from(policy).expect("Base64 and the words above are visible ASCII")
}

fn success(words: &Words) -> String {
    let Words { success_next, countdown, close, .. } = words;
    format!(
        "<p>{success_next}</p><p role=\"status\"><span id=\"left\">3</span> {countdown}</p>\
         <button id=\"close\" type=\"button\">{close}</button><script>{SCRIPT}</script>"
    )
}

fn failure(words: &Words, error: &str, description: &str) -> String {
    let (error, description) = (escape(error), escape(description));
    format!("<p><code>{error}</code></p><p>{description}</p><p>{}</p>", words.failure_next)
}

/// Text for element content and quoted attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Whether the first language of an `Accept-Language` that we have is Chinese.
fn prefers_chinese(languages: &str) -> bool {
    let mut ours = languages.split(',').map(|language| language.trim().to_ascii_lowercase());
    ours.find(|language| language.starts_with("en") || language.starts_with("zh"))
        .is_some_and(|language| language.starts_with("zh"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cl_05_texts_of_the_server_are_escaped() {
        let page = Page::Failure {
            error: "<script>alert(1)</script>".to_owned(),
            description: "\"'><img src=x onerror=alert(1)>".to_owned(),
        };
        let html = page.html("en");
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(!html.contains("<img") && !html.contains("<script"));
    }

    #[test]
    fn the_success_page_counts_down_and_closes() {
        let html = Page::Success.html("");
        assert!(html.contains("<span id=\"left\">3</span>") && html.contains(">Close</button>"));
        let policy = content_security_policy();
        let policy = policy.to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"));
    }

    #[test]
    fn the_language_follows_the_browser() {
        let rows =
            [("", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-GB,zh;q=0.5", "en"), ("de, zh", "zh")];
        for (languages, expected) in rows {
            let html = Page::Success.html(languages);
            assert!(html.contains(&format!("<html lang=\"{expected}")), "{languages}");
        }
    }
}
