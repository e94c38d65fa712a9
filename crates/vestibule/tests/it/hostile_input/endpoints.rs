//! Every endpoint of the server.

/// What an endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A form from a program, answered with JSON.
    Form,
    /// JSON from a program, answered with JSON.
    Registration,
    /// A page with a form.
    Page,
    /// The authorization endpoint: a page's manners, but it takes its parameters either way.
    Authorize,
    /// A form without a page of its own.
    PageForm,
    /// A page or a document that is only read.
    Document,
    /// An MCP endpoint or a part of the resource API: a token first, then everything else.
    Guarded,
}

pub(super) const ENDPOINTS: [(&str, Kind); 41] = [
    ("/token", Kind::Form),
    ("/oauth/token", Kind::Form),
    ("/revoke", Kind::Form),
    ("/oauth/revoke", Kind::Form),
    ("/introspect", Kind::Form),
    ("/oauth/introspect", Kind::Form),
    ("/register", Kind::Registration),
    ("/oauth/register", Kind::Registration),
    ("/authorize", Kind::Authorize),
    ("/oauth/authorize", Kind::Authorize),
    ("/login", Kind::Page),
    ("/oauth/login", Kind::Page),
    ("/consent", Kind::Page),
    ("/oauth/consent", Kind::Page),
    ("/set-up", Kind::Page),
    ("/oauth/set-up", Kind::Page),
    ("/connect", Kind::Page),
    ("/connect-account", Kind::PageForm),
    ("/connect/callback/github", Kind::Document),
    ("/logout", Kind::PageForm),
    ("/oauth/logout", Kind::PageForm),
    ("/", Kind::Document),
    ("/health", Kind::Document),
    ("/ready", Kind::Document),
    ("/.well-known/jwks.json", Kind::Document),
    ("/.well-known/oauth-authorization-server", Kind::Document),
    ("/.well-known/openid-configuration", Kind::Document),
    ("/.well-known/oauth-protected-resource", Kind::Document),
    ("/.well-known/oauth-protected-resource/mcp/demo", Kind::Document),
    ("/.well-known/oauth-protected-resource/mcp/v1", Kind::Document),
    ("/.well-known/oauth-protected-resource/api", Kind::Document),
    ("/.well-known/oauth-protected-resource/api/connections", Kind::Document),
    ("/mcp/demo", Kind::Guarded),
    ("/mcp/v1", Kind::Guarded),
    ("/mcp/v1/initialize", Kind::Guarded),
    ("/mcp/v1/tools/list", Kind::Guarded),
    ("/mcp/v1/tools/call", Kind::Guarded),
    ("/api/user/profile", Kind::Guarded),
    ("/api/data", Kind::Guarded),
    ("/api/data/1", Kind::Guarded),
    ("/api/data/%00", Kind::Guarded),
];

impl Kind {
    /// The methods that it has.
    pub(super) fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Form | Self::Registration | Self::PageForm => &["POST"],
            Self::Page | Self::Authorize => &["GET", "HEAD", "POST"],
            Self::Document => &["GET", "HEAD"],
            Self::Guarded => &[],
        }
    }

    /// Whether it reads a body.
    pub(super) fn reads_a_body(self) -> bool {
        !matches!(self, Self::Document)
    }
}
