//! How often, and for what, a person is sent to the login page within one operation (MCP Step-Up Authorization Flow).

use oauth::Scope;

/// MCP: "Clients SHOULD implement retry limits". Logins of one operation, the first one included.
const LOGINS: u8 = 3;

/// What was tried already to get one tool called, with every list and handshake before it: a server that has one more
/// wish at each of them would else send the person to the login page as often as it likes.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    logins: u8,
    renewed: bool,
}

impl Attempts {
    /// Another request of the same operation: it may renew again.
    pub(crate) fn begin_request(&mut self) {
        self.renewed = false;
    }

    /// Whether the refresh token may be used: once.
    pub(crate) fn may_renew(&mut self) -> bool {
        !std::mem::replace(&mut self.renewed, true)
    }

    /// Whether another login may be started, which is then counted.
    pub(crate) fn may_login(&mut self) -> bool {
        let allowed = self.logins < LOGINS;
        self.logins = self.logins.saturating_add(u8::from(allowed));
        allowed
    }
}

/// What was granted, what the person asked for and what the server challenges for: nothing that was had gets lost.
pub(crate) fn union(before: &Scope, asked: Option<&Scope>, challenged: Option<&Scope>) -> Scope {
    [asked, challenged].into_iter().flatten().fold(before.clone(), |all, more| all.union(more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c14_three_logins_and_one_renewal() {
        let mut attempts = Attempts::default();
        assert_eq!([attempts.may_renew(), attempts.may_renew()], [true, false]);
        let logins: Vec<_> = (0..5).map(|_| attempts.may_login()).collect();
        assert_eq!(logins, [true, true, true, false, false]);
        attempts.begin_request();
        assert_eq!([attempts.may_renew(), attempts.may_renew()], [true, false]);
        assert!(!attempts.may_login(), "another request of the operation changes nothing");
    }

    #[test]
    fn c14_nothing_that_was_granted_is_lost() {
        let scope = |text: &str| Scope::parse(text).unwrap();
        let all = union(&scope("a"), Some(&scope("b")), Some(&scope("c a")));
        assert_eq!(all.to_string(), "a b c");
        assert_eq!(union(&scope("a"), None, None).to_string(), "a");
    }
}
