//! Sealing for storage.
//!
//! A sealed value is AES-256-GCM-SIV with the value's own place in the database as additional data: copied
//! to another row, column or table it does not open. The first key of the ring seals, all of them open, so
//! that a key is rotated by putting a new one in front: while the program runs ([`Keyring::replace`]), and while what
//! the former keys sealed is sealed anew ([`KeyId::of`] says which that is).
//!
//! *Not* protected: an older value of the same place put back (a roll-back), and the length of the value.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, KeyType, Salt},
};

use crate::{Digest, Random, Secret, random};

const FORMAT: u8 = 1;
const KEY_ID_LENGTH: usize = 4;
const HEADER_LENGTH: usize = 1 + KEY_ID_LENGTH + NONCE_LEN;

/// The place a sealed value belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Location<'a> {
    /// Table name.
    pub table: &'a str,
    /// Primary key of the row.
    pub row: &'a [u8],
    /// Column name.
    pub column: &'a str,
}

impl Location<'_> {
    fn additional_data(&self) -> Vec<u8> {
        let parts = [self.table.as_bytes(), self.row, self.column.as_bytes()];
        let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

/// A 256-bit key that seals other values.
#[derive(Clone, Debug)]
pub struct MasterKey(Secret<[u8; Self::LENGTH]>);

impl MasterKey {
    /// Length in bytes.
    pub const LENGTH: usize = 32;

    /// Makes a new key.
    pub fn mint(random: &dyn Random) -> Self {
        Self(Secret::new(random::array(random)))
    }

    /// A key read from where the operator keeps it.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|key| Self(Secret::new(key)))
    }

    /// What it is called.
    pub fn id(&self) -> KeyId {
        let mut id = [0; KEY_ID_LENGTH];
        id.copy_from_slice(&Digest::of(self.expose()).as_bytes()[..KEY_ID_LENGTH]);
        KeyId(id)
    }

    /// The key itself, for the file it is kept in.
    pub fn expose(&self) -> &[u8; Self::LENGTH] {
        self.0.expose()
    }
}

/// Names a master key without telling it: the beginning of its digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; KEY_ID_LENGTH]);

impl KeyId {
    /// The key that a sealed value needs; `None` when it is cut short.
    pub fn of(sealed: &[u8]) -> Option<Self> {
        sealed.get(1..=KEY_ID_LENGTH)?.try_into().ok().map(Self)
    }
}

/// Hexadecimal.
impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeyId({self})")
    }
}

/// The keys of this installation.
pub struct Keyring {
    keys: ArcSwap<Keys>,
    root: MasterKey,
}

struct Keys {
    sealing: SealingKey,
    former: Vec<SealingKey>,
}

/// Why a keyring could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// There is no key to seal with.
    #[error("the keyring has no key")]
    Empty,
}

/// Why a sealed value does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not one of our formats, or cut short.
    #[error("the sealed value is damaged")]
    Damaged,
    /// Sealed under a key that is not in the ring.
    #[error("the sealed value needs a key that is not in the keyring")]
    UnknownKey,
    /// Changed, or moved here from another place.
    #[error("the sealed value does not belong here or was changed")]
    Refused,
}

impl Keyring {
    /// A ring whose first key seals and all keys open.
    ///
    /// # Errors
    /// [`KeyringError::Empty`] without a key.
    pub fn new(keys: &[MasterKey]) -> Result<Self, KeyringError> {
        let root = keys.first().ok_or(KeyringError::Empty)?.clone();
        Ok(Self { keys: ArcSwap::from_pointee(Keys::new(keys)?), root })
    }

    /// The same ring with another key to derive from, which stays when the keys are rotated.
    #[must_use]
    pub fn rooted_in(self, root: MasterKey) -> Self {
        Self { root, ..self }
    }

    /// Takes over other keys. What is being sealed or opened is so with the former ones.
    ///
    /// # Errors
    /// [`KeyringError::Empty`] without a key; then nothing changes.
    pub fn replace(&self, keys: &[MasterKey]) -> Result<(), KeyringError> {
        self.keys.store(Arc::new(Keys::new(keys)?));
        Ok(())
    }

    /// The key that seals.
    pub fn sealing_key(&self) -> KeyId {
        self.keys.load().sealing.id
    }

    /// Every key that opens, the sealing one first.
    pub fn key_ids(&self) -> Vec<KeyId> {
        self.keys.load().all().map(|key| key.id).collect()
    }

    /// Seals `clear` for `location`.
    pub fn seal(&self, random: &dyn Random, location: Location<'_>, clear: &[u8]) -> Vec<u8> {
        self.keys.load().sealing.seal(random, location, clear)
    }

    /// Opens what was sealed for `location`.
    ///
    /// # Errors
    /// [`OpenError`]; the value is not used in any case.
    pub fn open(&self, location: Location<'_>, sealed: &[u8]) -> Result<Secret<Vec<u8>>, OpenError> {
        let id = KeyId::of(sealed).ok_or(OpenError::Damaged)?;
        let keys = self.keys.load();
        let key = keys.all().find(|key| key.id == id).ok_or(OpenError::UnknownKey)?;
        key.open(location, sealed)
    }

    /// A further key for one `purpose`, the same on every node with the same root: the first key, unless
    /// [`Keyring::rooted_in`] gave another.
    pub fn derive(&self, purpose: &str) -> MasterKey {
        derive(self.root.expose(), purpose)
    }

    /// A ring of one key that only the holder of `secret` can derive: what is sealed with it can be opened
    /// with the secret alone and not with the database alone.
    pub fn derived_from(secret: &[u8], purpose: &str) -> Self {
        let root = derive(secret, purpose);
        let keys = Keys { sealing: SealingKey::new(&root), former: Vec::new() };
        Self { keys: ArcSwap::from_pointee(keys), root }
    }
}

impl Keys {
    fn new(keys: &[MasterKey]) -> Result<Self, KeyringError> {
        let (first, former) = keys.split_first().ok_or(KeyringError::Empty)?;
        Ok(Self { sealing: SealingKey::new(first), former: former.iter().map(SealingKey::new).collect() })
    }

    fn all(&self) -> impl Iterator<Item = &SealingKey> {
        std::iter::once(&self.sealing).chain(&self.former)
    }
}

fn derive(secret: &[u8], purpose: &str) -> MasterKey {
    struct Length;
    impl KeyType for Length {
        fn len(&self) -> usize {
            MasterKey::LENGTH
        }
    }
    let mut key = [0; MasterKey::LENGTH];
    Salt::new(HKDF_SHA256, b"vestibule")
        .extract(secret)
        .expand(&[purpose.as_bytes()], Length)
        .and_then(|material| material.fill(&mut key))
        .expect("32 bytes are within HKDF's limit of 255 blocks");
    MasterKey(Secret::new(key))
}

struct SealingKey {
    id: KeyId,
    cipher: LessSafeKey,
}

impl SealingKey {
    fn new(master: &MasterKey) -> Self {
        let cipher =
            UnboundKey::new(&AES_256_GCM_SIV, master.expose()).expect("the key has the cipher's length");
        Self { id: master.id(), cipher: LessSafeKey::new(cipher) }
    }

    fn seal(&self, random: &dyn Random, location: Location<'_>, clear: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = random::array(random);
        let mut sealed = Vec::with_capacity(HEADER_LENGTH + clear.len() + 16);
        sealed.push(FORMAT);
        sealed.extend_from_slice(&self.id.0);
        sealed.extend_from_slice(&nonce);
        let mut content = clear.to_vec();
        self.cipher
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(location.additional_data()),
                &mut content,
            )
            .expect("a value in memory is shorter than the cipher's limit of 64 GiB");
        sealed.append(&mut content);
        sealed
    }

    fn open(&self, location: Location<'_>, sealed: &[u8]) -> Result<Secret<Vec<u8>>, OpenError> {
        if sealed.len() < HEADER_LENGTH + 16 || sealed[0] != FORMAT {
            return Err(OpenError::Damaged);
        }
        let (header, content) = sealed.split_at(HEADER_LENGTH);
        let nonce =
            Nonce::try_assume_unique_for_key(&header[1 + KEY_ID_LENGTH..]).map_err(|_| OpenError::Damaged)?;
        let mut content = content.to_vec();
        let length = self
            .cipher
            .open_in_place(nonce, Aad::from(location.additional_data()), &mut content)
            .map_err(|_| OpenError::Refused)?
            .len();
        content.truncate(length);
        Ok(Secret::new(content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counted(std::sync::atomic::AtomicU8);
    impl Random for Counted {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
    }

    fn random() -> Counted {
        Counted(std::sync::atomic::AtomicU8::new(1))
    }

    const HERE: Location<'static> = Location { table: "signing_keys", row: b"k1", column: "private_key" };

    #[test]
    fn opens_only_where_it_was_sealed() {
        let random = random();
        let ring = Keyring::new(&[MasterKey::mint(&random)]).unwrap();
        let sealed = ring.seal(&random, HERE, b"canary");
        assert_eq!(ring.open(HERE, &sealed).unwrap().expose(), b"canary");
        for elsewhere in [
            Location { table: "signing_key", row: b"sk1", ..HERE },
            Location { row: b"k2", ..HERE },
            Location { column: "public_key", ..HERE },
        ] {
            assert_eq!(ring.open(elsewhere, &sealed).unwrap_err(), OpenError::Refused);
        }
    }

    #[test]
    fn any_changed_byte_is_refused() {
        let random = random();
        let ring = Keyring::new(&[MasterKey::mint(&random)]).unwrap();
        let sealed = ring.seal(&random, HERE, b"canary");
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert!(ring.open(HERE, &changed).is_err(), "byte {position}");
            assert!(ring.open(HERE, &sealed[..position]).is_err(), "length {position}");
        }
    }

    #[test]
    fn a_new_key_in_front_leaves_old_values_readable() {
        let random = random();
        let (old, new) = (MasterKey::mint(&random), MasterKey::mint(&random));
        let sealed = Keyring::new(std::slice::from_ref(&old)).unwrap().seal(&random, HERE, b"canary");
        let rotated = Keyring::new(&[new.clone(), old]).unwrap();
        assert_eq!(rotated.open(HERE, &sealed).unwrap().expose(), b"canary");
        let only_new = Keyring::new(&[new]).unwrap();
        assert_eq!(only_new.open(HERE, &sealed).unwrap_err(), OpenError::UnknownKey);
    }

    #[test]
    fn a_derived_ring_needs_the_secret() {
        let random = random();
        let sealed = Keyring::derived_from(b"token a", "successor").seal(&random, HERE, b"canary");
        assert!(Keyring::derived_from(b"token a", "successor").open(HERE, &sealed).is_ok());
        assert!(Keyring::derived_from(b"token b", "successor").open(HERE, &sealed).is_err());
        assert!(Keyring::derived_from(b"token a", "other").open(HERE, &sealed).is_err());
    }

    #[test]
    fn keys_are_replaced_while_others_seal() {
        let random = random();
        let (old, new) = (MasterKey::mint(&random), MasterKey::mint(&random));
        let ring = Keyring::new(std::slice::from_ref(&old)).unwrap();
        let (sealed, derived) = (ring.seal(&random, HERE, b"canary"), ring.derive("sessions"));
        assert_eq!(KeyId::of(&sealed), Some(ring.sealing_key()));
        ring.replace(&[new.clone(), old.clone()]).unwrap();
        assert_eq!((ring.sealing_key(), ring.key_ids()), (new.id(), vec![new.id(), old.id()]));
        assert_eq!(ring.open(HERE, &sealed).unwrap().expose(), b"canary");
        assert_eq!(KeyId::of(&ring.seal(&random, HERE, b"canary")), Some(new.id()));
        assert_eq!(ring.derive("sessions").expose(), derived.expose());
        assert_eq!(ring.replace(&[]), Err(KeyringError::Empty));
        assert_eq!(ring.sealing_key(), new.id());
    }

    #[test]
    fn a_root_of_its_own_outlives_the_keys() {
        let random = random();
        let root = MasterKey::mint(&random);
        let ring = || Keyring::new(&[MasterKey::mint(&random)]).unwrap();
        let derived = |ring: Keyring| *ring.rooted_in(root.clone()).derive("sessions").expose();
        assert_eq!(derived(ring()), derived(ring()));
        assert_ne!(ring().derive("sessions").expose(), ring().derive("sessions").expose());
    }

    #[test]
    fn an_empty_ring_is_refused() {
        assert_eq!(Keyring::new(&[]).err(), Some(KeyringError::Empty));
    }
}
