//! A provider as the vault takes it: a preset, if there is one, and what the file says otherwise.

use client::Registration;
use http::HeaderName;
use oauth::{ResourceIndicator, Scope, TokenEndpointAuthMethod};
use outbound::Egress;
use secret::Secret;
use vault::{
    ProviderName,
    provider::{
        AccountMembers, AccountSource, AuthorizationServer, Endpoints, Entry, Placement, Preset,
        ProviderKind, Quirks, Registered, Source, TokenExchange,
    },
};

use super::{ClientAuthentication, Kind, Provider, SecretSource};
use crate::cli::exit::Stop;

impl Provider {
    /// The provider, whose endpoints may have the addresses that `egress` lets through.
    pub(crate) fn given(&self, egress: Egress) -> Result<vault::Provider, Stop> {
        let preset = self.preset()?;
        let name = ProviderName::parse(&self.name).ok_or_else(|| self.mistake("cannot be called so"))?;
        let title = self.title.clone().or(preset.as_ref().map(|preset| preset.title.to_owned()));
        let preset_scope = preset.as_ref().map(|preset| preset.scope);
        let scope = self.scope.as_deref().or(preset_scope).unwrap_or_default();
        Ok(vault::Provider {
            name,
            title: title.unwrap_or_else(|| self.name.clone()),
            kind: self.kind(preset.as_ref())?,
            placement: self.placement()?,
            scope: Scope::parse(scope).map_err(|_| self.mistake("has a scope that is none"))?,
            egress,
            accounts: self.accounts(preset.as_ref())?,
        })
    }

    /// Every URL that it names, for the decision where requests may go.
    pub(crate) fn urls(&self) -> impl Iterator<Item = &str> {
        let urls =
            [&self.issuer, &self.token_endpoint, &self.revocation_endpoint, &self.account, &self.probe];
        urls.into_iter().flatten().map(String::as_str)
    }

    fn preset(&self) -> Result<Option<Preset>, Stop> {
        let Some(name) = &self.preset else {
            return match &self.tenant {
                None => Ok(None),
                Some(_) => Err(self.mistake("has a tenant, which only a preset can have")),
            };
        };
        let known = || Preset::names().collect::<Vec<_>>().join(", ");
        let preset = Preset::of(name, self.tenant.as_deref()).ok_or_else(|| {
            self.mistake(&format!("has the preset {name:?}, which is not known"))
                .hint(format!("known are {}; others are described by their endpoints", known()))
        })?;
        preset.map(Some).map_err(|error| self.mistake("has a tenant that is none").hint(error.to_string()))
    }

    fn kind(&self, preset: Option<&Preset>) -> Result<ProviderKind, Stop> {
        let server = || self.authorization_server(preset).map(Box::new);
        Ok(match self.kind.unwrap_or(Kind::Oauth) {
            Kind::Oauth => ProviderKind::AuthorizationCode(server()?),
            Kind::ClientCredentials => ProviderKind::ClientCredentials(server()?),
            Kind::ApiKey => ProviderKind::ApiKey(self.entry()?),
            Kind::Basic => ProviderKind::Basic(self.entry()?),
            Kind::TokenExchange => {
                let assertion_audience = self.assertion_audience.clone().or(self.issuer.clone());
                let assertion_audience = assertion_audience.ok_or_else(|| {
                    self.mistake("exchanges tokens, and does not say with whom")
                        .hint("write what the endpoint calls itself: assertion_audience = \"https://…\"")
                })?;
                let audience = self.audience.clone();
                let exchange = TokenExchange { server: *server()?, assertion_audience, audience };
                ProviderKind::TokenExchange(Box::new(exchange))
            }
        })
    }

    fn entry(&self) -> Result<Entry, Stop> {
        Ok(Entry {
            configured: self.read(self.secret.as_ref())?,
            probe: self.probe.clone(),
            made_at: self.made_at.clone(),
        })
    }

    fn authorization_server(&self, preset: Option<&Preset>) -> Result<AuthorizationServer, Stop> {
        let client = self.registration(preset)?;
        let endpoints = preset.map(|preset| preset.endpoints.clone());
        let names_endpoints = self.token_endpoint.is_some() || self.authorization_endpoint.is_some();
        let source = match (&self.issuer, endpoints) {
            (Some(issuer), None) if !names_endpoints => Source::Issuer { issuer: issuer.clone(), client },
            (_, endpoints) => Source::Configured(Registered {
                endpoints: self.endpoints(endpoints.unwrap_or_default())?,
                client,
                resource: self.resource()?,
            }),
        };
        Ok(AuthorizationServer { source, quirks: self.quirks(preset) })
    }

    fn endpoints(&self, known: Endpoints) -> Result<Endpoints, Stop> {
        let given = |own: &Option<String>, known: String| own.clone().unwrap_or(known);
        let endpoints = Endpoints {
            issuer: self.issuer.clone().or(known.issuer),
            promises_iss: self.promises_iss.unwrap_or(known.promises_iss),
            authorization: given(&self.authorization_endpoint, known.authorization),
            token: given(&self.token_endpoint, known.token),
            refresh: known.refresh.filter(|_| self.token_endpoint.is_none()),
            revocation: self.revocation_endpoint.clone().or(known.revocation),
        };
        let needs_people = matches!(self.kind.unwrap_or(Kind::Oauth), Kind::Oauth);
        if endpoints.token.is_empty() || needs_people && endpoints.authorization.is_empty() {
            return Err(self.mistake("has no endpoints").hint(
                "write preset = \"…\", or issuer = \"https://…\", or authorization_endpoint and token_endpoint",
            ));
        }
        Ok(endpoints)
    }

    fn registration(&self, preset: Option<&Preset>) -> Result<Registration, Stop> {
        let client_id = self.client_id.clone().ok_or_else(|| {
            self.mistake("has no client_id").hint(
                "register an app at the provider, with the callback URL PUBLIC_URL/connect/callback/NAME",
            )
        })?;
        let client_secret = self.read(self.client_secret.as_ref())?;
        let known = preset.map_or(TokenEndpointAuthMethod::ClientSecretBasic, |preset| preset.authentication);
        let method = match self.client_authentication {
            Some(ClientAuthentication::Basic) => TokenEndpointAuthMethod::ClientSecretBasic,
            Some(ClientAuthentication::Post) => TokenEndpointAuthMethod::ClientSecretPost,
            Some(ClientAuthentication::None) => TokenEndpointAuthMethod::None,
            None if client_secret.is_none() => TokenEndpointAuthMethod::None,
            None => known,
        };
        if client_secret.is_none() && method != TokenEndpointAuthMethod::None {
            return Err(self.mistake("authenticates with a secret, and has no client_secret"));
        }
        Ok(Registration { client_id, client_secret, token_endpoint_auth_method: method, expires_at: None })
    }

    fn resource(&self) -> Result<Option<ResourceIndicator>, Stop> {
        let parse = |text: &String| {
            ResourceIndicator::parse(text)
                .map_err(|error| self.mistake("has a resource that is none").hint(error.to_string()))
        };
        self.resource.as_ref().map(parse).transpose()
    }

    fn quirks(&self, preset: Option<&Preset>) -> Quirks {
        let known = preset.map(|preset| preset.quirks.clone()).unwrap_or_default();
        let pairs = |own: &Option<std::collections::BTreeMap<String, String>>, known: Vec<_>| {
            own.as_ref().map_or(known, |own| own.clone().into_iter().collect())
        };
        Quirks {
            scope_separator: self.scope_separator.unwrap_or(known.scope_separator),
            pkce: self.pkce.unwrap_or(known.pkce),
            authorization_parameters: pairs(&self.authorization_parameters, known.authorization_parameters),
            token_parameters: pairs(&self.token_parameters, known.token_parameters),
            default_lifetime: self.token_lifetime.or(known.default_lifetime),
            refresh_rotates: self.refresh_rotates.unwrap_or(known.refresh_rotates),
            refresh_repeats: self.refresh_repeats.unwrap_or(known.refresh_repeats),
            ..known
        }
    }

    fn accounts(&self, preset: Option<&Preset>) -> Result<AccountSource, Stop> {
        let standard = AccountMembers::of_openid();
        let members = || AccountMembers {
            id: self.account_id.clone().unwrap_or(standard.id),
            name: self.account_name.clone().unwrap_or(standard.name),
        };
        Ok(match self.account.as_deref() {
            None => preset.map(|preset| preset.accounts.clone()).unwrap_or_default(),
            Some("none") => AccountSource::None,
            Some("id_token") => AccountSource::IdToken(members()),
            Some("token_response") => AccountSource::TokenResponse(members()),
            Some(url) if url.starts_with("https://") || url.starts_with("http://") => {
                AccountSource::UserInfo { url: url.to_owned(), members: members() }
            }
            Some(other) => {
                return Err(self
                    .mistake(&format!("has the account {other:?}, which is no place to look"))
                    .hint("write \"id_token\", \"token_response\", \"none\" or a URL"));
            }
        })
    }

    fn placement(&self) -> Result<Placement, Stop> {
        if let Some(name) = &self.query {
            if self.header.is_some() || self.prefix.is_some() {
                return Err(self.mistake("puts the credential into a header and into the URL"));
            }
            return Ok(Placement::Query { name: name.clone() });
        }
        let Some(header) = &self.header else {
            let is_basic = self.kind == Some(Kind::Basic);
            return Ok(match &self.prefix {
                Some(prefix) => {
                    Placement::Header { name: http::header::AUTHORIZATION, prefix: prefix.clone() }
                }
                None if is_basic => Placement::Basic,
                None => Placement::Bearer,
            });
        };
        let name = header.parse::<HeaderName>();
        let name = name.map_err(|_| self.mistake(&format!("has the header {header:?}, which is none")))?;
        Ok(Placement::Header { name, prefix: self.prefix.clone().unwrap_or_default() })
    }

    fn read(&self, source: Option<&SecretSource>) -> Result<Option<Secret<String>>, Stop> {
        let read = |source: &SecretSource| {
            source.read().map_err(|stop| self.mistake(&format!("cannot be used: {stop}")))
        };
        source.map(read).transpose()
    }
}
