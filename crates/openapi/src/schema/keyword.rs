//! The keywords of JSON Schema 2020-12 that are kept, and what may stand behind each.

/// What stands behind a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A number that is no less than zero and whole.
    Count,
    /// A number.
    Number,
    /// A number greater than zero.
    Positive,
    /// `true`, else it says nothing.
    Flag,
    /// A string that is no text for people.
    Word,
    /// A regular expression.
    Pattern,
    /// Text for people and models.
    Text,
    /// Any value.
    Any,
    /// A list of values.
    Values,
    /// A list of distinct strings.
    Names,
    /// A schema for a part of the instance.
    Schema,
    /// A schema for the same instance.
    InPlace,
    /// A list of schemas for parts of the instance.
    Schemas,
    /// A list of schemas for the same instance.
    AllInPlace,
    /// Schemas of members, by name.
    Members,
    /// Schemas of members, by regular expression.
    Patterns,
    /// Schemas for the same instance, by name.
    Dependent,
    /// Lists of names, by name.
    NamesByName,
    /// `type`.
    Type,
}

/// `None` for everything that is left out: examples, `xml`, `discriminator`, `externalDocs`, `x-…`, identifiers.
pub(super) fn form(keyword: &str) -> Option<Form> {
    Some(match keyword {
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties"
        | "minContains" | "maxContains" => Form::Count,
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => Form::Number,
        "multipleOf" => Form::Positive,
        "uniqueItems" => Form::Flag,
        "format" | "contentEncoding" | "contentMediaType" => Form::Word,
        "pattern" => Form::Pattern,
        "title" | "description" => Form::Text,
        "const" | "default" | "x-mcp-header" => Form::Any,
        "enum" => Form::Values,
        "required" => Form::Names,
        "items"
        | "additionalProperties"
        | "contains"
        | "propertyNames"
        | "unevaluatedItems"
        | "unevaluatedProperties" => Form::Schema,
        "not" | "if" | "then" | "else" => Form::InPlace,
        "prefixItems" => Form::Schemas,
        "allOf" | "anyOf" | "oneOf" => Form::AllInPlace,
        "properties" => Form::Members,
        "patternProperties" => Form::Patterns,
        "dependentSchemas" => Form::Dependent,
        "dependentRequired" => Form::NamesByName,
        "type" => Form::Type,
        _ => return None,
    })
}
