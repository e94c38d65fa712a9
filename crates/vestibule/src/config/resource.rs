//! Protected resources that stand behind a guard of their own, not behind this gateway.

use std::collections::{BTreeMap, BTreeSet};

use oauth::{ResourceIndicator, Scope};
use serde::Deserialize;

use crate::cli::exit::Stop;

/// `[[resource]]`: a server that guards itself and takes tokens of this authorization server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resource {
    /// `url`: what clients call it, and the audience of its tokens: `https://…`, or `http://…` on this computer.
    /// Required.
    url: String,
    /// `name`: what people call it. Default: its URL.
    name: Option<String>,
    /// `scopes`: what tokens for it can be good for, each with the sentence that people read when they are asked for
    /// it, such as `{ "notes:read" = "Read your notes" }`. Default: none.
    #[serde(default)]
    scopes: BTreeMap<String, String>,
    /// `read_only`: which of the scopes change nothing; people are warned of the others. Default: none.
    #[serde(default)]
    read_only: BTreeSet<String>,
}

impl Resource {
    /// The audience of its tokens.
    pub(crate) fn indicator(&self) -> Result<ResourceIndicator, Stop> {
        ResourceIndicator::parse(&self.url)
            .map_err(|error| self.mistake("cannot be one").hint(error.to_string()))
    }

    /// What people call it.
    pub(crate) fn name(&self) -> &str {
        self.name.as_ref().unwrap_or(&self.url)
    }

    /// What its scopes permit.
    pub(crate) fn scopes(&self) -> &BTreeMap<String, String> {
        &self.scopes
    }

    /// Whether a scope is good for changing something.
    pub(crate) fn changes(&self, scope: &str) -> bool {
        !self.read_only.contains(scope)
    }

    /// The error for this resource.
    pub(crate) fn mistake(&self, what: &str) -> Stop {
        Stop::usage(format!("the [[resource]] {:?} {what}", self.url))
    }
}

/// Refuses resources that cannot be, and those that are there twice.
pub(super) fn check(resources: &[Resource]) -> Result<(), Stop> {
    let mut known = Vec::new();
    for resource in resources {
        let indicator = resource.indicator()?;
        if known.contains(&indicator) {
            return Err(resource
                .mistake("is there twice")
                .hint("one [[resource]] has all scopes of its URL"));
        }
        for token in resource.scopes.keys() {
            let is_one = Scope::parse(token).is_ok_and(|scope| scope.tokens().eq([token.as_str()]));
            if !is_one {
                let mistake = resource.mistake(&format!("has the scope {token:?}, which is none"));
                return Err(mistake.hint("each key of `scopes` is one scope, without spaces"));
            }
        }
        if let Some(unknown) = resource.read_only.iter().find(|token| !resource.scopes.contains_key(*token)) {
            let mistake =
                resource.mistake(&format!("has the read-only scope {unknown:?}, which is not in `scopes`"));
            return Err(mistake.hint("give it a sentence there"));
        }
        known.push(indicator);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(text: &str) -> Result<(), String> {
        #[derive(Deserialize)]
        struct File {
            resource: Vec<Resource>,
        }
        let file: File = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        check(&file.resource).map_err(|stop| stop.to_string())
    }

    #[test]
    fn a_resource_is_an_absolute_url_with_scopes_in_words() {
        let good = "[[resource]]\nurl = \"https://a.test/mcp\"\nscopes = { read = \"Read\" }\n";
        assert_eq!(check_text(good), Ok(()));
        for (text, message) in [
            ("[[resource]]\nurl = \"http://a.test/mcp\"\n".to_owned(), "cannot be one"),
            ("[[resource]]\nurl = \"/mcp\"\n".to_owned(), "cannot be one"),
            (good.repeat(2), "is there twice"),
            (good.replace("read =", "\"read write\" ="), "which is none"),
            (good.replace("read =", "\"\" ="), "which is none"),
            (format!("{good}read_only = [\"write\"]\n"), "not in `scopes`"),
            (good.replace("scopes", "scope"), "unknown field `scope`"),
        ] {
            let error = check_text(&text).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
