//! What the provider has issued: codes, and families of tokens whose refresh tokens are good once.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use oauth::{CodeChallenge, CodeVerifier};

/// A code that waits to be redeemed.
struct Code {
    text: String,
    challenge: CodeChallenge,
    redirect_uri: String,
    account: String,
    scope: String,
}

/// Everything that comes from one consent.
struct Family {
    account: String,
    scope: String,
    /// The refresh token that is good now.
    refresh: String,
    used: HashSet<String>,
    access: Vec<(String, Instant)>,
    /// Before this nobody has a reason to refresh.
    due: Instant,
    is_revoked: bool,
}

/// A new pair of tokens.
#[derive(Clone, Debug)]
pub(super) struct Issued {
    pub(super) access: String,
    pub(super) refresh: String,
    pub(super) scope: String,
}

#[derive(Default)]
pub(super) struct Ledger {
    codes: Vec<Code>,
    families: Vec<Family>,
    /// Every code and token there ever was.
    minted: Vec<String>,
    /// How many refresh tokens were good.
    pub(super) refreshes: usize,
    /// How many refresh tokens came a second time.
    pub(super) reuses: usize,
    /// How many refreshes came long before half of the time was over that the last answer had promised.
    pub(super) early: usize,
    /// How many families were ended by a revocation request.
    pub(super) revocations: usize,
}

/// Why there are no tokens: `invalid_grant` (RFC 6749 §5.2).
#[derive(Debug)]
pub(super) struct InvalidGrant;

impl Ledger {
    /// A secret that can be looked for and is found by chance nowhere.
    fn mint(&mut self, kind: &str) -> String {
        let number = self.minted.len();
        let secret =
            format!("hub{kind}_canary_{number:06}_{:x}", number.wrapping_mul(0x9e37_79b9) ^ 0x5bd1_e995);
        self.minted.push(secret.clone());
        secret
    }

    pub(super) fn minted(&self) -> Vec<String> {
        self.minted.clone()
    }

    pub(super) fn code(
        &mut self,
        account: &str,
        scope: &str,
        redirect_uri: &str,
        challenge: CodeChallenge,
    ) -> String {
        let text = self.mint("code");
        let (account, scope, redirect_uri) = (account.to_owned(), scope.to_owned(), redirect_uri.to_owned());
        self.codes.push(Code { text: text.clone(), challenge, redirect_uri, account, scope });
        text
    }

    /// RFC 6749 §4.1.3 and RFC 7636 §4.6.
    pub(super) fn redeem(
        &mut self,
        code: &str,
        redirect_uri: &str,
        verifier: &str,
        lifetime: Duration,
    ) -> Result<Issued, InvalidGrant> {
        let position = self.codes.iter().position(|found| found.text == code).ok_or(InvalidGrant)?;
        let code = self.codes.remove(position);
        let verifier = CodeVerifier::parse(verifier).map_err(|_| InvalidGrant)?;
        if code.redirect_uri != redirect_uri || !code.challenge.is_answered_by(&verifier) {
            return Err(InvalidGrant);
        }
        let Code { account, scope, .. } = code;
        let (refresh, used) = (String::new(), HashSet::new());
        let (access, due) = (Vec::new(), Instant::now());
        self.families.push(Family { account, scope, refresh, used, access, due, is_revoked: false });
        Ok(self.issue(self.families.len() - 1, lifetime))
    }

    /// RFC 9700 §4.14.2: a refresh token that comes a second time ends its family, unless there is `grace`.
    pub(super) fn refresh(
        &mut self,
        token: &str,
        lifetime: Duration,
        grace: bool,
    ) -> Result<Issued, InvalidGrant> {
        let is_of = |family: &Family| family.refresh == token || family.used.contains(token);
        let number = self.families.iter().position(is_of).ok_or(InvalidGrant)?;
        let family = &mut self.families[number];
        if family.is_revoked {
            return Err(InvalidGrant);
        }
        if family.used.contains(token) {
            self.reuses += 1;
            if grace {
                let (access, _) = family.access.last().expect("it was refreshed before").clone();
                return Ok(Issued { access, refresh: family.refresh.clone(), scope: family.scope.clone() });
            }
            family.is_revoked = true;
            return Err(InvalidGrant);
        }
        self.refreshes += 1;
        self.early += usize::from(Instant::now() < family.due);
        Ok(self.issue(number, lifetime))
    }

    /// The holder of this access token was told that it lives so long.
    pub(super) fn promised(&mut self, access: &str, lifetime: Duration) {
        let is_of = |family: &&mut Family| family.access.iter().any(|(token, _)| token == access);
        if let Some(family) = self.families.iter_mut().find(is_of) {
            family.due = Instant::now() + lifetime * 2 / 5;
        }
    }

    /// A provider that does not rotate: a new access token beside the same refresh token.
    pub(super) fn renew(&mut self, token: &str, lifetime: Duration) -> Result<Issued, InvalidGrant> {
        let is_of = |family: &Family| family.refresh == token && !family.is_revoked;
        let number = self.families.iter().position(is_of).ok_or(InvalidGrant)?;
        let access = self.mint("at");
        let family = &mut self.families[number];
        family.access.push((access.clone(), Instant::now() + lifetime));
        self.refreshes += 1;
        Ok(Issued { access, refresh: family.refresh.clone(), scope: family.scope.clone() })
    }

    fn issue(&mut self, number: usize, lifetime: Duration) -> Issued {
        let (access, refresh) = (self.mint("at"), self.mint("rt"));
        let family = &mut self.families[number];
        let former = std::mem::replace(&mut family.refresh, refresh.clone());
        family.used.insert(former);
        family.access.push((access.clone(), Instant::now() + lifetime));
        Issued { access, refresh, scope: family.scope.clone() }
    }

    /// Whose access token this is, if it is good.
    pub(super) fn account(&self, access: &str) -> Option<String> {
        let is_good = |family: &&Family| {
            let mut tokens = family.access.iter();
            !family.is_revoked && tokens.any(|(token, until)| token == access && Instant::now() < *until)
        };
        self.families.iter().find(is_good).map(|family| family.account.clone())
    }

    /// RFC 7009: ends the family of a token.
    pub(super) fn revoke(&mut self, token: &str) {
        for family in &mut self.families {
            if family.refresh == token || family.access.iter().any(|(access, _)| access == token) {
                family.is_revoked = true;
                self.revocations += 1;
            }
        }
    }

    /// From now on no access token is good that was issued before.
    pub(super) fn expire_access_tokens(&mut self) {
        for family in &mut self.families {
            family.access.clear();
            family.due = Instant::now();
        }
    }

    /// The person has withdrawn what they allowed.
    pub(super) fn withdraw(&mut self) {
        self.families.iter_mut().for_each(|family| family.is_revoked = true);
    }
}
