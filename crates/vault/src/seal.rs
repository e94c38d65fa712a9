//! Sealing of credentials: each generation has a data key of its own, which the keyring seals.
//!
//! The data key is bound to its row. The credential is bound to its row, its owner, its provider and its generation, so
//! that the bytes of one connection open in no other (VA-02), and those of an older generation not in a newer row (VA-03).

use secret::{Keyring, Location, MasterKey, OpenError, Random};
use store::{HeldCredential, SealedCredential};

use crate::secrets::Secrets;

const TABLE: &str = "credentials";

/// The place that a credential belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) connection: &'a str,
    pub(crate) owner: &'a str,
    pub(crate) provider: &'a str,
    pub(crate) generation: i64,
}

impl<'a> Place<'a> {
    /// Where a credential was found. The connection's word counts for its generation: a row of `credentials` that was put
    /// back from an older state does not fit.
    pub(crate) fn of(held: &'a HeldCredential) -> Self {
        let connection = &held.connection;
        Self {
            connection: &connection.id,
            owner: &connection.owner,
            provider: &connection.provider,
            generation: connection.generation,
        }
    }

    /// Unambiguous whatever the texts are.
    fn row(&self) -> Vec<u8> {
        let mut row = Vec::new();
        for part in [self.connection, self.owner, self.provider] {
            row.extend_from_slice(&(part.len() as u64).to_be_bytes());
            row.extend_from_slice(part.as_bytes());
        }
        row.extend_from_slice(&self.generation.to_be_bytes());
        row
    }

    fn data_key(&self) -> Location<'a> {
        Location { table: TABLE, row: self.connection.as_bytes(), column: "data_key_sealed" }
    }
}

/// The two sealed columns of `secrets` at `place`: data key and credential.
pub(crate) fn seal(
    keyring: &Keyring,
    random: &dyn Random,
    place: Place<'_>,
    secrets: &Secrets,
) -> (Vec<u8>, Vec<u8>) {
    let key = MasterKey::mint(random);
    let data_key_sealed = keyring.seal(random, place.data_key(), key.expose());
    let row = place.row();
    let location = Location { table: TABLE, row: &row, column: "sealed" };
    let sealed = ring_of(&key).seal(random, location, secrets.to_bytes().expose());
    (data_key_sealed, sealed)
}

/// What [`seal`] sealed at this very place.
pub(crate) fn open(
    keyring: &Keyring,
    place: Place<'_>,
    record: &SealedCredential,
) -> Result<Secrets, OpenError> {
    let key = keyring.open(place.data_key(), &record.data_key_sealed)?;
    let key = MasterKey::from_bytes(key.expose()).ok_or(OpenError::Damaged)?;
    let row = place.row();
    let location = Location { table: TABLE, row: &row, column: "sealed" };
    let bytes = ring_of(&key).open(location, &record.sealed).map_err(|error| match error {
        // The inner ring has one key: another one's name is a changed byte.
        OpenError::UnknownKey => OpenError::Refused,
        error => error,
    })?;
    Secrets::from_bytes(&bytes).ok_or(OpenError::Damaged)
}

fn ring_of(key: &MasterKey) -> Keyring {
    Keyring::new(std::slice::from_ref(key)).expect("a ring of one key has a key")
}

#[cfg(test)]
mod tests {
    use oauth::Timestamp;
    use secret::Secret;

    use super::*;
    use crate::testing::Counted;

    const HERE: Place<'static> =
        Place { connection: "connection_1", owner: "user:ada", provider: "github", generation: 3 };

    fn record((data_key_sealed, sealed): (Vec<u8>, Vec<u8>)) -> SealedCredential {
        SealedCredential {
            data_key_sealed,
            sealed,
            obtained_at: Timestamp::from_milliseconds(0),
            expires_at: None,
            is_renewable: true,
        }
    }

    fn canary() -> Secrets {
        Secrets {
            credential: Secret::from("canary \"access\" \\ token"),
            refresh_token: Some(Secret::from("canary refresh token")),
            issued_by: Some("https://idp.example/token".into()),
        }
    }

    #[test]
    fn va_02_opens_only_where_it_was_sealed() {
        let random = Counted::new();
        let keyring = ring_of(&MasterKey::mint(&random));
        let record = record(seal(&keyring, &random, HERE, &canary()));
        let opened = open(&keyring, HERE, &record).unwrap();
        assert_eq!(opened.credential.expose(), canary().credential.expose());
        assert_eq!(opened.refresh_token.unwrap().expose(), "canary refresh token");
        assert_eq!(opened.issued_by, canary().issued_by);
        for elsewhere in [
            Place { connection: "connection_2", ..HERE },
            Place { owner: "user:bob", ..HERE },
            Place { provider: "gitlab", ..HERE },
            Place { generation: 2, ..HERE },
            Place { generation: 4, ..HERE },
            Place { owner: "user:adag", provider: "ithub", ..HERE },
        ] {
            assert_eq!(open(&keyring, elsewhere, &record).unwrap_err(), OpenError::Refused, "{elsewhere:?}");
        }
    }

    #[test]
    fn va_02_columns_cannot_be_exchanged_nor_mixed() {
        let random = Counted::new();
        let keyring = ring_of(&MasterKey::mint(&random));
        let (one, two) = (seal(&keyring, &random, HERE, &canary()), seal(&keyring, &random, HERE, &canary()));
        assert!(open(&keyring, HERE, &record((one.0.clone(), two.1))).is_err(), "of two generations");
        assert!(open(&keyring, HERE, &record((one.1.clone(), one.0.clone()))).is_err(), "exchanged");
        for position in 0..one.1.len() {
            let mut changed = one.1.clone();
            changed[position] ^= 1;
            assert!(open(&keyring, HERE, &record((one.0.clone(), changed))).is_err(), "byte {position}");
        }
    }

    #[test]
    fn va_22_nothing_of_it_can_be_read_in_the_sealed_bytes() {
        let random = Counted::new();
        let (key, sealed) = seal(&ring_of(&MasterKey::mint(&random)), &random, HERE, &canary());
        assert!(
            !key.iter().chain(&sealed).copied().collect::<Vec<_>>().windows(6).any(|part| part == b"canary")
        );
    }
}
