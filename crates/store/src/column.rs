//! How the vocabulary of `oauth` and `secret` stands in columns. A stored value goes through the same
//! `parse` as a presented one: the database is not trusted to be well-formed.

use oauth::{
    ApplicationType, ClientId, CodeChallenge, GrantId, GrantType, RedirectUri, ResourceIndicator, Scope,
    Timestamp, TokenEndpointAuthMethod, UserId, jwk::Jwk,
};
use secret::Digest;
use serde_json::{Map, Value as Json};

use crate::value::{FromValue, ToValue, Value};

/// A type that is written with one function as TEXT and read back with another.
macro_rules! text_columns {
    ($($type:ty: $write:expr, $read:expr;)+) => {$(
        impl ToValue for $type {
            fn to_value(&self) -> Value {
                let write: fn(&$type) -> String = $write;
                Value::Text(write(self))
            }
        }

        impl FromValue for $type {
            fn from_value(value: Value) -> Option<Self> {
                let read: fn(String) -> Option<$type> = $read;
                String::from_value(value).and_then(read)
            }
        }
    )+};
}

pub(crate) use text_columns;

text_columns! {
    ClientId: ToString::to_string, |text| Some(Self::from_unverified(text));
    UserId: ToString::to_string, |text| Some(Self::from_unverified(text));
    GrantId: ToString::to_string, |text| Some(Self::from_unverified(text));
    Scope: ToString::to_string, |text| Self::parse(&text).ok();
    RedirectUri: ToString::to_string, |text| Self::parse(&text).ok();
    ResourceIndicator: ToString::to_string, |text| Self::parse(&text).ok();
    CodeChallenge: Self::to_text, |text| Self::parse(&text).ok();
    ApplicationType: ToString::to_string, |text| Self::parse(&text);
    TokenEndpointAuthMethod: ToString::to_string, |text| Self::parse(&text);
    Vec<RedirectUri>: write_json, |text| read_redirect_uris(&text);
    Vec<GrantType>: write_json, |text| read_json(&text);
    Vec<ResourceIndicator>: write_json, |text| read_json(&text);
    Vec<String>: write_json, |text| read_json(&text);
    Map<String, Json>: write_json, |text| read_json(&text);
    Jwk: write_json, |text| read_json(&text);
}

fn write_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("these types have string keys and cannot fail to serialise")
}

fn read_json<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

fn read_redirect_uris(text: &str) -> Option<Vec<RedirectUri>> {
    let texts: Vec<String> = read_json(text)?;
    texts.iter().map(|text| RedirectUri::parse(text).ok()).collect()
}

impl ToValue for Timestamp {
    fn to_value(&self) -> Value {
        Value::Integer(self.milliseconds())
    }
}

impl FromValue for Timestamp {
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value).map(Self::from_milliseconds)
    }
}

impl ToValue for Digest {
    fn to_value(&self) -> Value {
        Value::Bytes(self.as_bytes().to_vec())
    }
}

impl FromValue for Digest {
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Bytes(bytes) = value { Self::from_bytes(&bytes) } else { None }
    }
}
