//! In what a provider differs from the standards.

use std::time::Duration;

use oauth::Scope;

/// The peculiarities of one provider. The default is a provider that does as the standards say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a peculiarity of its own, named by a key of the configuration"
)]
pub struct Quirks {
    /// The parameter of the authorization request that carries the scope: `scope`.
    pub scope_parameter: String,
    /// What stands between two scopes in a request: a space (RFC 6749 §3.3), or a comma.
    pub scope_separator: char,
    /// The member of a token response that says what was granted: `scope`.
    pub granted_member: String,
    /// Whether scopes in a token response may be separated by commas.
    pub granted_by_comma: bool,
    /// Whether the authorization request has a code challenge (RFC 7636, S256).
    pub pkce: bool,
    /// Whether token requests are JSON and not forms.
    pub json_request: bool,
    /// Whether a token response that is a form is read too.
    pub form_answer: bool,
    /// Whether a request for `offline_access` asks for consent every time, without which OpenID Connect Core §11 has it
    /// ignored.
    pub consent_for_offline: bool,
    /// Further parameters of the authorization request, such as `access_type=offline`.
    pub authorization_parameters: Vec<(String, String)>,
    /// Further parameters of every token request.
    pub token_parameters: Vec<(String, String)>,
    /// The object inside a token response in which the tokens are, as a JSON pointer such as `/authed_user`. A response
    /// without it is read as usual.
    pub token_object: Option<String>,
    /// Token types that are used like `Bearer`, such as Slack's `user`.
    pub token_types: Vec<String>,
    /// How long an access token lives of which nobody says it. `None`: until it is refused.
    pub default_lifetime: Option<Duration>,
    /// Whether a refresh gives a new refresh token and ends the old one.
    pub refresh_rotates: bool,
    /// Whether a refresh whose answer was lost may be repeated with the same refresh token. A provider that does not
    /// rotate allows it anyway.
    pub refresh_repeats: bool,
    /// Whether a refresh names the scope.
    pub scope_on_refresh: bool,
    /// What beside `invalid_grant` says clearly that a grant is gone: an error code, or `CODE: DESCRIPTION`.
    pub grant_gone: Vec<String>,
    /// Statuses beside 400 and 401 with which they are sent.
    pub gone_statuses: Vec<u16>,
    /// Scopes that come with another one: `(broader, narrower)`. A provider that names only the broader granted both.
    pub implied_scopes: Vec<(String, String)>,
    /// Scopes that are never named in an answer although they were granted.
    pub silent_scopes: Vec<String>,
    /// How a token is revoked.
    pub revocation: RevocationRequest,
}

/// How a provider wants to be told to revoke a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationRequest {
    /// RFC 7009 §2.1.
    Standard,
    /// `POST` with the access token itself as bearer token.
    Bearer,
    /// `DELETE` with a JSON body of the access token, authenticated by HTTP Basic, as GitHub has it.
    Delete,
}

impl Default for Quirks {
    fn default() -> Self {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Self {
            scope_parameter: "scope".to_owned(),
            scope_separator: ' ',
            granted_member: "scope".to_owned(),
            granted_by_comma: false,
            pkce: true,
            json_request: false,
            form_answer: false,
            consent_for_offline: true,
            authorization_parameters: Vec::new(),
            token_parameters: Vec::new(),
            token_object: None,
            token_types: Vec::new(),
            default_lifetime: None,
            refresh_rotates: true,
            refresh_repeats: false,
            scope_on_refresh: false,
            grant_gone: Vec::new(),
            gone_statuses: Vec::new(),
            implied_scopes: Vec::new(),
            // OpenID Connect Core §11 and §3.1.2.1: they say what else comes, and are often left out of the answer.
            silent_scopes: texts(&["offline_access", "openid"]),
            revocation: RevocationRequest::Standard,
        }
    }
}

impl Quirks {
    /// `scope` as the provider wants to read it.
    pub fn scope_text(&self, scope: &Scope) -> String {
        let mut text = String::new();
        for token in scope.tokens() {
            if !text.is_empty() {
                text.push(self.scope_separator);
            }
            text.push_str(token);
        }
        text
    }

    /// Whether a refresh may be sent again with the same refresh token when its outcome is unknown.
    pub fn may_repeat_refresh(&self) -> bool {
        !self.refresh_rotates || self.refresh_repeats
    }

    /// What may really be used after `granted` was the answer to `asked`: with all that comes along unsaid.
    #[must_use]
    pub fn effective(&self, granted: &Scope, asked: &Scope) -> Scope {
        let silent = self.silent_scopes.iter().filter(|scope| asked.contains(scope));
        let implied = self.implied_scopes.iter();
        let implied =
            implied.filter(|(broader, narrower)| granted.contains(broader) && asked.contains(narrower));
        let more: Vec<&str> =
            silent.map(String::as_str).chain(implied.map(|(_, narrower)| narrower.as_str())).collect();
        Scope::parse(&more.join(" ")).map_or_else(|_| granted.clone(), |more| granted.union(&more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap()
    }

    #[test]
    fn what_a_provider_leaves_unsaid_counts_only_when_it_was_asked_for() {
        let quirks = Quirks {
            implied_scopes: vec![("user".into(), "read:user".into()), ("user".into(), "user:email".into())],
            ..Quirks::default()
        };
        let effective = |granted, asked| quirks.effective(&scope(granted), &scope(asked)).to_string();
        assert_eq!(effective("repo user", "read:user repo user"), "read:user repo user");
        assert_eq!(effective("repo", "read:user repo"), "repo");
        assert_eq!(effective("repo", "offline_access repo"), "offline_access repo");
        assert_eq!(effective("repo", "repo"), "repo");
    }

    #[test]
    fn scopes_are_joined_as_the_provider_reads_them() {
        let comma = Quirks { scope_separator: ',', ..Quirks::default() };
        assert_eq!(comma.scope_text(&scope("write read")), "read,write");
        assert_eq!(Quirks::default().scope_text(&scope("write read")), "read write");
    }
}
