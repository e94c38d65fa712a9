use authorization_server::SignedIn;
use vault::Person;

/// Whoever is signed in, as the vault knows people.
pub(crate) fn person(who: &SignedIn) -> Person {
    Person { id: who.user_id().clone(), name: who.user_name().to_owned() }
}
