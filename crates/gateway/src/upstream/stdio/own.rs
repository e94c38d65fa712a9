//! What a user's own process is told to keep apart: `{user}` in its arguments and its environment.
//!
//! Processes that run beside each other still share the machine. A server that keeps a file needs one for each user,
//! and this is what its name can be made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use secret::{Digest, Secret};

use super::{StdioSettings, User};

impl StdioSettings {
    /// What stands for the user in arguments and variables: 32 hexadecimal digits, the same for the same user always.
    pub const USER: &str = "{user}";

    /// Whether anything is different for every user.
    fn names_user(&self) -> bool {
        let mut values = self.environment.values().map(|value| value.expose().as_str());
        self.command.iter().any(|argument| argument.contains(Self::USER))
            || values.any(|value| value.contains(Self::USER))
    }

    /// The settings of one user's process.
    pub(super) fn of(self: &Arc<Self>, user: &User) -> Arc<Self> {
        if !self.names_user() {
            return Arc::clone(self);
        }
        let name = user.file_name();
        let environment: BTreeMap<_, _> = self
            .environment
            .iter()
            .map(|(key, value)| (key.clone(), Secret::new(value.expose().replace(Self::USER, &name))))
            .collect();
        let command = self.command.iter().map(|argument| argument.replace(Self::USER, &name)).collect();
        Arc::new(Self { command, environment: Arc::new(environment), ..Self::clone(self) })
    }
}

impl User {
    /// 32 hexadecimal digits, always the same for the same user, and no path whatever an issuer calls its users.
    fn file_name(&self) -> String {
        // The length keeps apart what would be the same text put together.
        let identity = format!("{}:{}{}", self.issuer.len(), self.issuer, self.subject);
        let digest = Digest::of(identity.as_bytes());
        // Half of it: 128 bits that nobody shares by chance.
        let half = digest.as_bytes().first_chunk().expect("a digest has 32 bytes");
        format!("{:032x}", u128::from_be_bytes(*half))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allowed_requests::AllowedRequests;
    use crate::upstream::stdio::Sharing;

    fn user(issuer: &str, subject: &str) -> User {
        User { issuer: issuer.into(), subject: subject.into() }
    }

    fn settings(argument: &str, variable: &str) -> Arc<StdioSettings> {
        let environment = BTreeMap::from([("FILE".to_owned(), Secret::new(variable.to_owned()))]);
        Arc::new(StdioSettings {
            name: "memory".into(),
            command: vec!["server".into(), argument.into()],
            environment: Arc::new(environment),
            path: "/bin".into(),
            directory: None,
            allowed: AllowedRequests::default(),
            sharing: Sharing::EachUser { idle: StdioSettings::START, at_most: 2 },
            start: StdioSettings::START,
            call: StdioSettings::START,
            grace: StdioSettings::GRACE,
        })
    }

    #[test]
    fn every_user_has_a_name_of_their_own_that_is_no_path() {
        let names: Vec<_> = [
            user("https://a", "alice"),
            user("https://a", "bob"),
            user("https://aa", "lice"),
            user("https://a", "../../etc/passwd"),
        ]
        .iter()
        .map(User::file_name)
        .collect();
        for (place, name) in names.iter().enumerate() {
            assert!(name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
            assert!(!names[..place].contains(name), "{names:?}");
        }
        assert_eq!(names[0], user("https://a", "alice").file_name());
    }

    #[test]
    fn the_name_stands_in_arguments_and_variables() {
        let alice = user("https://a", "alice");
        let own = settings("--home=/srv/{user}", "/srv/{user}/{user}.json").of(&alice);
        let name = alice.file_name();
        assert_eq!(own.command, ["server", &format!("--home=/srv/{name}")]);
        assert_eq!(own.environment["FILE"].expose(), &format!("/srv/{name}/{name}.json"));
        let shared = settings("--home", "/srv");
        assert!(Arc::ptr_eq(&shared, &shared.of(&alice)));
    }
}
