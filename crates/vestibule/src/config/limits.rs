//! How often strangers may try, and how much users may ask for.

use std::{num::NonZeroU32, time::Duration};

use gateway::quota::{LimitSettings, Per};
use serde::Deserialize;

use super::duration;
use crate::cli::exit::Stop;

/// `[limits]`: per minute, before the answer is 429.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Limits {
    /// `registrations_per_address`. Default 600.
    registrations_per_address: u32,
    /// `registrations`: from everywhere. Default 1200.
    registrations: u32,
    /// `failed_logins`: for one user name from one address. Default 10.
    failed_logins: u32,
    /// `failed_client_authentications`: for one client from one address. Default 20.
    failed_client_authentications: u32,
    /// `authorization_requests_per_address`. Default 6000.
    authorization_requests_per_address: u32,
    /// `[[limits.rate]]`
    rate: Vec<Rate>,
}

/// `[[limits.rate]]`: requests to MCP servers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rate {
    /// `name`: what the audit log calls it. Required.
    name: String,
    /// `per`: whose requests are counted together: any of `"user"`, `"client"`, `"server"`, `"tool"`; none for those of
    /// everybody. Required.
    per: Vec<Per>,
    /// `requests`: how many. Required.
    requests: NonZeroU32,
    /// `within`: in what time, at most 366 days. Required.
    #[serde(deserialize_with = "duration::deserialize")]
    within: Duration,
    /// `burst`: how many of them at once, at most `requests`. Default: all.
    burst: Option<NonZeroU32>,
    /// `servers`: at which servers, `*` for any characters. Default: all.
    #[serde(default)]
    servers: Vec<String>,
    /// `tools`: calls of which tools, `*` for any characters. Default: every request, calls and others.
    tools: Option<Vec<String>>,
}

impl Rate {
    fn checked(self) -> Result<LimitSettings, Stop> {
        let mistake = |what: &str| Stop::usage(format!("the limit {:?} {what}", self.name));
        if self.within > LimitSettings::LONGEST {
            return Err(mistake("is about more than 366 days"));
        }
        if self.burst.is_some_and(|burst| burst > self.requests) {
            return Err(mistake("lets more pass at once than in its whole time")
                .hint("make burst smaller than requests"));
        }
        let Self { name, per, requests, within, burst, servers, tools } = self;
        Ok(LimitSettings { name, per, requests, within, burst, servers, tools })
    }
}

impl Default for Limits {
    fn default() -> Self {
        let authorization_server::Limits {
            registrations_per_address,
            registrations,
            failed_logins,
            failed_client_authentications,
            authorization_requests_per_address,
        } = authorization_server::Limits::default();
        Self {
            registrations_per_address,
            registrations,
            failed_logins,
            failed_client_authentications,
            authorization_requests_per_address,
            rate: Vec::new(),
        }
    }
}

impl Limits {
    /// How often strangers may try.
    pub(super) fn of_strangers(&self) -> authorization_server::Limits {
        authorization_server::Limits {
            registrations_per_address: self.registrations_per_address,
            registrations: self.registrations,
            failed_logins: self.failed_logins,
            failed_client_authentications: self.failed_client_authentications,
            authorization_requests_per_address: self.authorization_requests_per_address,
        }
    }

    /// How much users may ask for.
    pub(super) fn of_users(self) -> Result<Vec<LimitSettings>, Stop> {
        self.rate.into_iter().map(Rate::checked).collect()
    }
}
