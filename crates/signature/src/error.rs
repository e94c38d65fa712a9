/// Why a signed request is refused. The text may be read by whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// More than one `Authorization` header.
    #[error("send one Authorization header")]
    Several,
    /// The header is not of the form that AWS Signature Version 4 has.
    #[error("the Authorization header is not AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…")]
    Malformed,
    /// The credential is for another region or service.
    #[error("the credential has to be for the region {region} and the service {service}")]
    Scope {
        /// The region that is expected.
        region: String,
        /// The service that is expected.
        service: String,
    },
    /// There is no `X-Amz-Date`, or it is not of the form `20261120T193000Z`.
    #[error("the request has no X-Amz-Date of the form 20261120T193000Z")]
    Date,
    /// The date of the credential is not the one of the request.
    #[error("the date of the credential is not the date of X-Amz-Date")]
    ScopeDate,
    /// Further from now than [`crate::TOLERANCE`].
    #[error("X-Amz-Date is more than five minutes from now; look at the clock")]
    Skew,
    /// A header has to be signed and is not.
    #[error("the header {0} has to be signed")]
    Unsigned(String),
    /// The list of signed headers is not in order, names one that is not there, or one that is there twice.
    #[error(
        "the signed headers are not what the request has: each has to be there once, in alphabetical order"
    )]
    SignedHeaders,
    /// The body is not signed, in pieces, or another one than `X-Amz-Content-Sha256` says.
    #[error("the whole body has to be signed: neither UNSIGNED-PAYLOAD nor STREAMING-…")]
    Payload,
    /// There is a session token; nobody gives out any here.
    #[error("sign with an access key of this server, without a session token")]
    SessionToken,
    /// There is a query string, or the path is another one.
    #[error("sign the path of the MCP endpoint, without a query string")]
    Target,
    /// Signed with another secret, or changed since.
    #[error("the signature does not match the request; look at the access key and its secret")]
    Mismatch,
}
