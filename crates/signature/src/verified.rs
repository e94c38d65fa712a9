//! The comparison, and what it proves.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_lc_rs::{constant_time, digest};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningParams, SigningSettings, sign},
    sign::v4,
};
use oauth::Timestamp;
use secret::{Digest, Secret};

use crate::{SignatureError, UnverifiedSignature};

/// How far the time of a signature may be from now, either way.
pub const TOLERANCE: Duration = Duration::from_mins(5);

/// The proof that a request was signed with the secret of an access key, and is as it was signed.
#[derive(Debug)]
pub struct VerifiedSignature {
    access_key_id: String,
    digest: Digest,
    signed_at: Timestamp,
}

impl VerifiedSignature {
    /// Whose key it was signed with.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The same for the same request signed at the same second, and for no other.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// From here on the signature is refused for its age, and need not be remembered.
    pub fn expires_at(&self) -> Timestamp {
        self.signed_at + TOLERANCE + Duration::from_secs(1)
    }
}

impl UnverifiedSignature<'_> {
    /// Signs the request as it arrived with `secret`, and compares.
    ///
    /// # Errors
    /// [`SignatureError::Payload`] or [`SignatureError::Mismatch`].
    pub fn verify(self, body: &[u8], secret: &Secret<String>) -> Result<VerifiedSignature, SignatureError> {
        self.check_payload(body)?;
        let expected = self.sign_again(body, secret).ok_or(SignatureError::Mismatch)?;
        constant_time::verify_slices_are_equal(expected.expose().as_bytes(), self.signature.as_bytes())
            .map_err(|_| SignatureError::Mismatch)?;
        Ok(VerifiedSignature {
            access_key_id: self.access_key_id.to_owned(),
            digest: Digest::of(self.signature.as_bytes()),
            signed_at: self.signed_at,
        })
    }

    /// Clients need not send the digest of the body, since it is in the signature; those that do have to mean it.
    fn check_payload(&self, body: &[u8]) -> Result<(), SignatureError> {
        let Some((_, claimed)) = self.signed_headers.iter().find(|(name, _)| *name == "x-amz-content-sha256")
        else {
            return Ok(());
        };
        let digest = digest::digest(&digest::SHA256, body);
        if *claimed == hexadecimal(digest.as_ref()) { Ok(()) } else { Err(SignatureError::Payload) }
    }

    fn sign_again(&self, body: &[u8], secret: &Secret<String>) -> Option<Secret<String>> {
        let credentials = Credentials::new(self.access_key_id, secret.expose(), None, None, "vestibule");
        let identity = credentials.into();
        let mut settings = SigningSettings::default();
        // What the client has signed is signed, whatever others leave out.
        settings.excluded_headers = None;
        let params: SigningParams<'_> = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.scope.region)
            .name(&self.scope.service)
            .time(SystemTime::UNIX_EPOCH + Duration::from_secs(self.signed_at.seconds().try_into().ok()?))
            .settings(settings)
            .build()
            .ok()?
            .into();
        // The signer adds the date itself.
        let headers = self.signed_headers.iter().copied().filter(|(name, _)| *name != "x-amz-date");
        let method = self.parts.method.as_str();
        let request =
            SignableRequest::new(method, self.parts.uri.path(), headers, SignableBody::Bytes(body)).ok()?;
        let (_, signature) = sign(request, &params).ok()?.into_parts();
        Some(Secret::new(signature))
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
