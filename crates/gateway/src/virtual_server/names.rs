//! How the members' names are kept apart. Pure.

/// Between a member's name and that of its tool or prompt.
const SEPARATOR: &str = "__";
/// Between a member's name and the URI of its resource. Both together are a URI again: a scheme may hold it (RFC 3986
/// §3.1).
const URI_SEPARATOR: char = '+';

/// Whether a server may be a member under this name: lower-case letters, digits and hyphens, a letter first, so that a
/// spaced URI has a scheme. With neither separator in it, the first one in a spaced name is the one that was put there.
pub fn is_member_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// The name of a member's tool or prompt here.
pub(super) fn spaced(member: &str, name: &str) -> String {
    format!("{member}{SEPARATOR}{name}")
}

/// Whose a tool or prompt is, and what it is called there.
pub(super) fn split(name: &str) -> Option<(&str, &str)> {
    name.split_once(SEPARATOR).filter(|(member, _)| is_member_name(member))
}

/// The URI, or the template of URIs, of a member's resource here.
pub(super) fn spaced_uri(member: &str, uri: &str) -> String {
    format!("{member}{URI_SEPARATOR}{uri}")
}

/// Whose a resource is, and what its URI is there.
pub(super) fn split_uri(uri: &str) -> Option<(&str, &str)> {
    uri.split_once(URI_SEPARATOR).filter(|(member, _)| is_member_name(member))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_01_every_spaced_name_is_one_members() {
        let names = ["a", "_a", "__a", "a__b", "b__c__d", "", "ü", "a b", "A", "x+y:z", "+"];
        let members = ["a", "b", "a-b", "a1", "github"];
        let mut seen = std::collections::HashSet::new();
        for member in members {
            for name in names {
                let here = spaced(member, name);
                assert_eq!(split(&here), Some((member, name)), "{here}");
                assert!(seen.insert(here));
                let uri = spaced_uri(member, name);
                assert_eq!(split_uri(&uri), Some((member, name)), "{uri}");
                assert!(seen.insert(uri));
            }
        }
    }

    #[test]
    fn what_was_never_spaced_is_nobodys() {
        for name in ["", "a", "a_b", "__a", "A__b", "1a__b", "a_b__c", "a__"] {
            let expected = (name == "a__").then_some(("a", ""));
            assert_eq!(split(name), expected, "{name}");
        }
        for uri in ["", "file:///x", "+file:///x", "svn+ssh//x", "A+x:y"] {
            let expected = (uri == "svn+ssh//x").then_some(("svn", "ssh//x"));
            assert_eq!(split_uri(uri), expected, "{uri}");
        }
        assert!(
            is_member_name("a-1") && !is_member_name("1a") && !is_member_name("") && !is_member_name("a_b")
        );
    }
}
