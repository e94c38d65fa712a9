//! Whose account at a provider was connected.
//!
//! The account is found out so that a person sees it, and so that another one than before is noticed (account
//! mislinking): the identifier is what is compared, the name is what is shown.

use client::printable;
use serde_json::Value;

/// The longest identifier or name that is kept, in characters.
const LONGEST: usize = 200;

/// An account at a provider.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Account {
    /// What the provider knows it by; compared byte by byte.
    pub id: String,
    /// What people know it by: a login, an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Where a provider says whose account it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AccountSource {
    /// In the ID token that comes with the tokens (OpenID Connect Core §2).
    IdToken(AccountMembers),
    /// In a JSON document that the access token opens.
    UserInfo {
        /// Where the document is.
        url: String,
        /// Where in it.
        members: AccountMembers,
    },
    /// In the token response.
    TokenResponse(AccountMembers),
    /// Nowhere.
    #[default]
    None,
}

/// Where in a document an account is: for each thing the JSON pointers (RFC 6901) to look at, the first that is there
/// counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountMembers {
    /// The identifier: a text or a number.
    pub id: Vec<String>,
    /// The name for people.
    pub name: Vec<String>,
}

impl AccountMembers {
    /// The members at these pointers.
    pub fn new(id: &[&str], name: &[&str]) -> Self {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self { id: texts(id), name: texts(name) }
    }

    /// The claims of OpenID Connect Core §5.1.
    pub fn of_openid() -> Self {
        Self::new(&["/sub"], &["/email", "/preferred_username", "/name"])
    }

    /// The account in `document`.
    pub(crate) fn read(&self, document: &Value) -> Option<Account> {
        let first =
            |pointers: &[String]| pointers.iter().find_map(|pointer| text(document.pointer(pointer)?));
        Some(Account { id: first(&self.id)?, name: first(&self.name) })
    }
}

impl AccountSource {
    /// The account in a token response, when that is where it is.
    pub(crate) fn in_answer(&self, answer: &Value) -> Option<Account> {
        match self {
            Self::TokenResponse(members) => members.read(answer),
            Self::IdToken(_) | Self::UserInfo { .. } | Self::None => None,
        }
    }
}

/// A text or a whole number, without control characters and cut off.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => printable(text),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(text.chars().take(LONGEST).collect::<String>()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pointers_find_texts_and_numbers() {
        let members = AccountMembers::new(&["/id"], &["/login", "/email"]);
        let read = |document: Value| members.read(&document).map(|account| (account.id, account.name));
        assert_eq!(read(json!({"id": 7, "login": "ada"})), Some(("7".into(), Some("ada".into()))));
        assert_eq!(read(json!({"id": "7", "email": "a@x"})), Some(("7".into(), Some("a@x".into()))));
        assert_eq!(read(json!({"id": "7", "login": null})), Some(("7".into(), None)));
        assert_eq!(read(json!({"login": "ada"})), None);
        assert_eq!(read(json!({"id": ""})), None);
        assert_eq!(read(json!({"id": {"a": 1}})), None);
        assert_eq!(read(json!([])), None);
    }

    #[test]
    fn names_of_strangers_are_bounded() {
        let members = AccountMembers::new(&["/id"], &["/name"]);
        let account = members.read(&json!({"id": "1", "name": "a\u{202e}b\n".repeat(500)})).unwrap();
        let name = account.name.unwrap();
        assert!(name.chars().count() <= LONGEST && !name.contains('\u{202e}') && !name.contains('\n'));
    }
}
