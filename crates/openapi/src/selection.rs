//! Which operations are offered.

use serde::{Deserialize, Serialize};

use crate::glob::Globs;
use crate::{Operation, Warning};

/// Which operations become tools.
///
/// Globs fit the `operationId`, the name of the tool, the path, or method and path as in `GET /repos/*`. What is left out
/// by [`Selection::exclude`] is left out whatever else is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Selection {
    /// Globs of operations that are offered, with whatever method. Without these and [`Selection::tags`] all operations
    /// with a permitted method are.
    pub include: Vec<String>,
    /// Globs of operations that are not offered.
    pub exclude: Vec<String>,
    /// Globs of tags: operations with such a tag and a permitted method are offered too.
    pub tags: Vec<String>,
    /// Methods that are permitted besides GET and HEAD for operations that no glob of [`Selection::include`] names. What
    /// changes something is offered only when somebody said so.
    pub methods: Vec<String>,
    /// Whether operations are offered that the document advises against.
    pub deprecated: bool,
}

/// A selection while it is applied.
pub(crate) struct Selecting<'s> {
    include: Globs<'s>,
    exclude: Globs<'s>,
    tags: Globs<'s>,
    selection: &'s Selection,
}

impl Selection {
    pub(crate) fn selecting(&self) -> Selecting<'_> {
        Selecting {
            include: Globs::new(self.include.iter().map(String::as_str)),
            exclude: Globs::new(self.exclude.iter().map(String::as_str)),
            tags: Globs::new(self.tags.iter().map(String::as_str)),
            selection: self,
        }
    }
}

impl Selecting<'_> {
    /// Whether the operation is offered as a tool with this name.
    pub(crate) fn takes(&mut self, operation: &Operation, name: &str) -> bool {
        let place = operation.place();
        let id = operation.operation_id.as_deref().unwrap_or(name);
        let names = [id, name, &operation.path, &place];
        // Asked for all of them, so that what is never of use is known.
        let is_excluded = !self.exclude.fitting(&names).is_empty();
        let is_named = !self.include.fitting(&names).is_empty();
        let tags: Vec<_> = operation.tags.iter().map(String::as_str).collect();
        let is_tagged = !self.tags.fitting(&tags).is_empty();
        let is_everything = self.include.is_empty() && self.tags.is_empty();
        !is_excluded
            && (self.selection.deprecated || !operation.deprecated)
            && (is_named || (is_tagged || is_everything) && self.permits(operation))
    }

    fn permits(&self, operation: &Operation) -> bool {
        let method = operation.method.as_str();
        matches!(method, "GET" | "HEAD")
            || self.selection.methods.iter().any(|permitted| permitted.eq_ignore_ascii_case(method))
    }

    /// What fitted no operation at all.
    pub(crate) fn unused(&self) -> Vec<Warning> {
        let all = [("include", &self.include), ("exclude", &self.exclude), ("tags", &self.tags)];
        let unused = all.into_iter().flat_map(|(key, globs)| globs.unused().map(move |text| (key, text)));
        unused.map(|(key, text)| Warning::Unused { what: format!("{key} = {text:?}") }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::tests::operation;

    fn offered(selection: &Selection) -> Vec<String> {
        let operations = [
            ("ListBuckets", "GET /buckets", "storage"),
            ("CreateBucket", "POST /buckets", "storage"),
            ("DeleteBucket", "DELETE /buckets/{name}", "storage"),
            ("ListUsers", "GET /users", "people"),
        ]
        .map(|(id, place, tag)| Operation {
            operation_id: Some(id.to_owned()),
            tags: vec![tag.to_owned()],
            ..operation(place)
        });
        let mut selecting = selection.selecting();
        let named = |operation: &Operation| {
            let id = operation.operation_id.clone()?;
            selecting.takes(operation, &format!("S3___{id}")).then_some(id)
        };
        operations.iter().filter_map(named).collect()
    }

    fn list(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn what_changes_something_is_offered_only_when_it_is_chosen() {
        let all = Selection::default();
        assert_eq!(offered(&all), ["ListBuckets", "ListUsers"]);
        assert_eq!(
            offered(&Selection { methods: list(&["post"]), ..all.clone() }),
            ["ListBuckets", "CreateBucket", "ListUsers"]
        );
        assert_eq!(offered(&Selection { tags: list(&["stor*"]), ..all.clone() }), ["ListBuckets"]);
        assert_eq!(
            offered(&Selection { include: list(&["*Bucket"]), ..all.clone() }),
            ["CreateBucket", "DeleteBucket"]
        );
        assert_eq!(offered(&Selection { include: list(&["S3___ListUsers"]), ..all.clone() }), ["ListUsers"]);
        assert_eq!(
            offered(&Selection { include: list(&["DELETE /buckets*"]), ..all.clone() }),
            ["DeleteBucket"]
        );
        assert_eq!(
            offered(&Selection { include: list(&["/buckets*"]), exclude: list(&["Delete*"]), ..all.clone() }),
            ["ListBuckets", "CreateBucket"]
        );
        assert_eq!(
            offered(&Selection { include: list(&["CreateBucket"]), tags: list(&["people"]), ..all }),
            ["CreateBucket", "ListUsers"]
        );
    }

    #[test]
    fn globs_without_use_are_told() {
        let selection =
            Selection { include: list(&["List*", "Nothing"]), tags: list(&["none"]), ..Selection::default() };
        let mut selecting = selection.selecting();
        selecting.takes(&operation("GET /x"), "ListX");
        let told: Vec<_> = selecting.unused().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                r#"include = "Nothing" names nothing in the document"#,
                r#"tags = "none" names nothing in the document"#
            ]
        );
    }
}
