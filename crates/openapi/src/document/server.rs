//! Servers: where the document says that its operations are.

use std::collections::BTreeMap;

use serde_json::Value;

/// A server as the document proposes it (OA-06). Requests go to the base URL of the configuration; this one is shown to
/// whoever writes the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The URL template, such as `https://{region}.example.com/v1`.
    pub url: String,
    /// What it is.
    pub description: Option<String>,
    /// The variables of the template.
    pub variables: BTreeMap<String, Variable>,
}

/// A variable of a URL template (`OpenAPI` 3.1 §4.8.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The value when nothing is chosen.
    pub default: String,
    /// The values that may be chosen; empty when the document allows any, and then only the default is taken.
    pub allowed: Vec<String>,
}

impl Server {
    /// The URL with a value for each variable: the chosen one where the document allows it, else its default.
    ///
    /// `None` when a variable of the template is not declared, or its default is not among what is allowed: a value that
    /// the document does not list is never put into a URL (OA-06).
    pub fn url(&self, chosen: &BTreeMap<String, String>) -> Option<String> {
        let mut url = String::new();
        let mut rest = self.url.as_str();
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, after) = behind.split_once('}')?;
            url.push_str(before);
            url.push_str(self.variables.get(name)?.value(chosen.get(name))?);
            rest = after;
        }
        url.push_str(rest);
        Some(url)
    }
}

impl Variable {
    fn value<'a>(&'a self, chosen: Option<&'a String>) -> Option<&'a str> {
        let value = chosen.unwrap_or(&self.default);
        let is_allowed =
            if self.allowed.is_empty() { *value == self.default } else { self.allowed.contains(value) };
        is_allowed.then_some(value.as_str())
    }
}

/// Reads `servers`.
pub(crate) fn read(servers: Option<&Value>) -> Vec<Server> {
    servers.and_then(Value::as_array).into_iter().flatten().filter_map(server).collect()
}

/// `schemes`, `host` and `basePath` of Swagger 2. Without a host the document says nothing of use.
pub(super) fn of_swagger(root: &Value) -> Vec<Server> {
    let text = |member: &str| root.get(member).and_then(Value::as_str);
    let Some(host) = text("host") else { return Vec::new() };
    let schemes =
        root.get("schemes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let mut schemes: Vec<_> = schemes.filter(|scheme| matches!(*scheme, "https" | "http")).collect();
    if schemes.is_empty() {
        schemes.push("https");
    }
    // The encrypted one first.
    schemes.sort_unstable_by_key(|scheme| *scheme != "https");
    let path = text("basePath").unwrap_or("").trim_end_matches('/');
    let server = |scheme| Server {
        url: format!("{scheme}://{host}{path}"),
        description: None,
        variables: BTreeMap::new(),
    };
    schemes.into_iter().map(server).collect()
}

fn server(server: &Value) -> Option<Server> {
    let variables = server.get("variables").and_then(Value::as_object).into_iter().flatten();
    Some(Server {
        url: server.get("url")?.as_str()?.trim_end_matches('/').to_owned(),
        description: server.get("description").and_then(Value::as_str).map(str::to_owned),
        variables: variables.map(|(name, variable)| (name.clone(), read_variable(variable))).collect(),
    })
}

fn read_variable(variable: &Value) -> Variable {
    // `8443` is a number in many a document.
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let allowed = variable.get("enum").and_then(Value::as_array).into_iter().flatten();
    Variable {
        default: variable.get("default").and_then(text).unwrap_or_default(),
        allowed: allowed.filter_map(text).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn url(server: &Value, chosen: &[(&str, &str)]) -> Option<String> {
        let chosen = chosen.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        super::server(server)?.url(&chosen)
    }

    #[test]
    fn oa_06_variables_take_only_what_the_document_lists() {
        let listed = json!({ "url": "https://{region}.example.com:{port}/v1/", "variables": {
            "region": { "default": "eu", "enum": ["eu", "us"] }, "port": { "default": 8443 } } });
        assert_eq!(url(&listed, &[]).unwrap(), "https://eu.example.com:8443/v1");
        assert_eq!(url(&listed, &[("region", "us")]).unwrap(), "https://us.example.com:8443/v1");
        assert_eq!(url(&listed, &[("region", "evil.test/")]), None);
        assert_eq!(url(&listed, &[("port", "1")]), None);
        assert_eq!(url(&json!({ "url": "https://{host}/" }), &[("host", "evil.test")]), None);
        assert_eq!(url(&json!({ "url": "https://{host" }), &[]), None);
    }

    #[test]
    fn swagger_2_has_one_server_per_scheme() {
        let urls: Vec<_> =
            of_swagger(&json!({ "host": "a.test", "basePath": "/v2/", "schemes": ["http", "https", "ws"] }))
                .into_iter()
                .map(|server| server.url)
                .collect();
        assert_eq!(urls, ["https://a.test/v2", "http://a.test/v2"]);
        assert!(of_swagger(&json!({ "basePath": "/v2" })).is_empty());
    }
}
