//! What tools are called: letters, digits, `_`, `.` and `-`, at most 128 of them, no name twice (OA-14).

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::{Operation, Warning};

/// The longest name of a tool (MCP 2025-11-25, Tools, Tool Names).
pub const LONGEST_NAME: usize = 128;

/// Stands between target and operation.
const SEPARATOR: &str = "___";

/// How tools are named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Naming {
    /// `operationId`.
    #[default]
    Plain,
    /// `Target___operationId`.
    Target,
}

impl Naming {
    /// The name with the target in front of it, where there is to be one.
    pub fn name(self, target: &str, operation: &str) -> String {
        match self {
            Self::Plain => normalized(operation),
            Self::Target => normalized(&format!("{target}{SEPARATOR}{operation}")),
        }
    }
}

/// The names of all operations, in their order; the same document gives the same names, whatever is selected.
pub(crate) fn names(operations: &[Operation], naming: Naming, target: &str) -> (Vec<String>, Vec<Warning>) {
    let (mut taken, mut warnings) = (HashSet::new(), Vec::new());
    // Where counting went on for each name, so that ten thousand of one name take no longer than of many.
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let mut name = |operation: &Operation| {
        let wanted = operation.operation_id.clone().unwrap_or_else(|| from_path(operation));
        let name = naming.name(target, &wanted);
        let reason = if !wanted.is_ascii() {
            Some("its operationId has characters that look like others")
        } else if wanted.len() > LONGEST_NAME {
            Some("its operationId is too long")
        } else {
            None
        };
        // Names that differ by case alone are taken for each other, by people and by models.
        let (name, reason) = if taken.insert(name.to_ascii_lowercase()) {
            (name, reason)
        } else {
            let number = numbers.entry(name.to_ascii_lowercase()).or_insert(1);
            let free = loop {
                *number += 1;
                let free = numbered(&name, *number);
                if taken.insert(free.to_ascii_lowercase()) {
                    break free;
                }
            };
            (free, Some("another operation has its name already"))
        };
        if let Some(reason) = reason {
            warnings.push(Warning::Renamed { operation: operation.place(), name: name.clone(), reason });
        }
        name
    };
    let names = operations.iter().map(&mut name).collect();
    (names, warnings)
}

/// Whether a configured name is one.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_kept)
}

/// `get_repos_owner_repo` of `GET /repos/{owner}/{repo}`.
fn from_path(operation: &Operation) -> String {
    let method = operation.method.as_str().to_ascii_lowercase();
    let parts = operation.path.split(|character: char| !character.is_ascii_alphanumeric());
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    format!("{method}_{}", if parts.is_empty() { "root".to_owned() } else { parts.join("_") })
}

/// One `_` for each run of other characters. What is too long ends with a digest of all of it.
fn normalized(name: &str) -> String {
    let mut normalized = String::with_capacity(name.len());
    let mut is_gap = false;
    for character in name.chars() {
        if u8::try_from(character).is_ok_and(is_kept) {
            normalized.push(character);
            is_gap = false;
        } else if !is_gap {
            normalized.push('_');
            is_gap = true;
        }
    }
    if normalized.trim_matches('_').is_empty() {
        normalized.insert_str(0, "operation");
    }
    if normalized.len() > LONGEST_NAME {
        normalized.truncate(LONGEST_NAME - 9);
        write!(normalized, "_{:08x}", digest(name)).expect("a string takes everything");
    }
    normalized
}

fn is_kept(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

fn numbered(name: &str, number: u32) -> String {
    let suffix = format!("_{number}");
    format!("{}{suffix}", &name[..name.len().min(LONGEST_NAME - suffix.len())])
}

/// FNV-1a, 32 bit: the same on every machine and in every version.
fn digest(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |digest, byte| (digest ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::tests::operation;

    fn names_of(ids: &[Option<&str>]) -> (Vec<String>, Vec<Warning>) {
        let operations: Vec<_> = ids
            .iter()
            .map(|id| Operation {
                operation_id: id.map(str::to_owned),
                ..operation("GET /repos/{owner}/x-y")
            })
            .collect();
        names(&operations, Naming::Plain, "T")
    }

    #[test]
    fn oa_14_names_are_plain_unique_and_always_the_same() {
        let long = "x".repeat(500);
        let (names, warnings) = names_of(&[
            Some("repos/get"),
            Some("repos get"),
            Some("Repos_Get"),
            None,
            Some("gеt_user"), // the second letter is Cyrillic
            Some("get_user"),
            Some(&long),
            Some("名前"),
            Some("///"),
            Some("evil\r\nname\u{202e}"),
        ]);
        assert_eq!(
            [&names[..6], &names[7..]].concat(),
            [
                "repos_get",
                "repos_get_2",
                "Repos_Get_3",
                "get_repos_owner_x_y",
                "g_t_user",
                "get_user",
                "operation_",
                "operation__2",
                "evil_name_",
            ]
        );
        assert_eq!(names[6].len(), 128);
        assert!(names.iter().all(|name| is_name(name)));
        assert_eq!(warnings.len(), 7);
        assert_ne!(names_of(&[Some(&long)]).0, names_of(&[Some(&format!("{long}y"))]).0);
        assert_eq!(names_of(&[Some(&long), Some(&long)]).0.len(), 2);
    }

    #[test]
    fn a_target_stands_in_front() {
        assert_eq!(Naming::Target.name("GitHub", "repos/get"), "GitHub___repos_get");
        assert_eq!(Naming::Target.name("My target", "a"), "My_target___a");
    }
}
