use std::{fmt, ops::Deref, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A part of an event that other events may have in common with it: what is the same for every call with one token is
/// made once, and costs a call no memory. In JSON it is what it holds.
#[derive(Debug, PartialEq, Eq)]
pub struct Part<T: ?Sized>(Arc<T>);

impl<T: Clone> Part<T> {
    /// What it holds, to be changed for this event alone.
    pub(crate) fn own(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl<T: ?Sized> Clone for Part<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Default> Default for Part<T> {
    fn default() -> Self {
        T::default().into()
    }
}

impl<T: ?Sized> Deref for Part<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> From<T> for Part<T> {
    fn from(whole: T) -> Self {
        Self(Arc::new(whole))
    }
}

impl<T: ?Sized> From<Arc<T>> for Part<T> {
    fn from(whole: Arc<T>) -> Self {
        Self(whole)
    }
}

impl From<&str> for Part<str> {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl<T: fmt::Display + ?Sized> fmt::Display for Part<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}

impl<T: Serialize + ?Sized> Serialize for Part<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Part<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::from)
    }
}

impl<'de> Deserialize<'de> for Part<str> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}
