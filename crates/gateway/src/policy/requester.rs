use std::borrow::Cow;

use guard::Permit;
use oauth::Scope;

/// Who asks, as far as a policy may know. In the gateway all of it comes from the token, and nothing from headers,
/// paths or arguments.
#[derive(Debug, Clone)]
pub struct Requester<'a> {
    /// Who knows the user; a subject means nothing without it.
    pub issuer: Cow<'a, str>,
    /// The user, or the client itself when it acts for nobody.
    pub subject: Cow<'a, str>,
    /// The name that people know.
    pub user_name: Option<Cow<'a, str>>,
    /// The client that acts; `None` when nobody knows.
    pub client_id: Option<Cow<'a, str>>,
    /// What the token may be used for; `None` when nobody knows, as long after the call.
    pub scope: Option<Cow<'a, Scope>>,
    /// What the user is; `None` when nobody knows.
    pub memberships: Option<Memberships<'a>>,
}

/// The roles and groups of a user (RFC 9068 §2.2.3.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memberships<'a> {
    /// `roles` of the token.
    pub roles: Cow<'a, [String]>,
    /// `groups` of the token.
    pub groups: Cow<'a, [String]>,
}

impl<'a> From<&'a Permit> for Requester<'a> {
    fn from(permit: &'a Permit) -> Self {
        Self {
            issuer: permit.issuer().as_str().into(),
            subject: permit.subject().into(),
            user_name: permit.user_name().map(Cow::Borrowed),
            client_id: Some(permit.client_id().as_str().into()),
            scope: Some(Cow::Borrowed(permit.scope())),
            memberships: Some(Memberships { roles: permit.roles().into(), groups: permit.groups().into() }),
        }
    }
}

impl Requester<'_> {
    /// What rules may call the user: by name, which is qualified with the issuer where that is not ours
    /// (`ada@https://idp.example`), and by subject, which is then qualified as well. Somebody else's `sub` can be the
    /// name of a user of ours.
    pub(super) fn called(&self) -> [Option<Cow<'_, str>>; 2] {
        let client = self.client_id.as_deref().and_then(|client| client.strip_suffix(&*self.issuer));
        let is_external = client.is_some_and(|client| client.ends_with('@'));
        let subject = if is_external {
            Cow::Owned(format!("{}@{}", self.subject, self.issuer))
        } else {
            Cow::Borrowed(&*self.subject)
        };
        [self.user_name.as_deref().map(Cow::Borrowed), Some(subject)]
    }

    /// The same, for longer than the token it came from.
    pub fn into_owned(self) -> Requester<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Requester {
            issuer: owned(self.issuer),
            subject: owned(self.subject),
            user_name: self.user_name.map(owned),
            client_id: self.client_id.map(owned),
            scope: self.scope.map(|scope| Cow::Owned(scope.into_owned())),
            memberships: self.memberships.map(|memberships| Memberships {
                roles: Cow::Owned(memberships.roles.into_owned()),
                groups: Cow::Owned(memberships.groups.into_owned()),
            }),
        }
    }
}
