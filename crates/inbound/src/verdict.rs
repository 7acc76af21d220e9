//! The verdict on a request: authentic, a handshake, or refused for a reason.

/// The verdict on a request, before anything in it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The provider sent it.
    Authentic,
    /// The provider asks whether somebody is here, and expects this text.
    Handshake(String),
    Refused(Refusal),
}

/// The reason why a request is refused, and more for a person where there is more to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub reason: Reason,
    pub detail: Option<String>,
}

/// Reasons to refuse a request, as records of incoming requests name them. The last two are the server's, not the adapter's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    SignatureMissing,
    SignatureMalformed,
    SignatureMismatch,
    CredentialsMissing,
    CredentialsWrong,
    KeyUnknown,
    AlgorithmNotAllowed,
    TimestampMissing,
    TimestampMalformed,
    TimestampTooOld,
    TimestampInFuture,
    ClaimInvalid,
    UrlHashMismatch,
    BodyHashMissing,
    BodyHashMismatch,
    BodyMalformed,
    TopicNotAllowed,
    TypeUnknown,
    TypeMismatch,
    VersionNotAllowed,
    CertificateUrlNotAllowed,
    CertificateUnavailable,
    CertificateExpired,
    CertificateUntrusted,
    ChallengeRefused,
    NotConfigured,
    AddressNotAllowed,
    Replayed,
}

impl Reason {
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignatureMissing => "signature_missing",
            Self::SignatureMalformed => "signature_malformed",
            Self::SignatureMismatch => "signature_mismatch",
            Self::CredentialsMissing => "credentials_missing",
            Self::CredentialsWrong => "credentials_wrong",
            Self::KeyUnknown => "key_unknown",
            Self::AlgorithmNotAllowed => "algorithm_not_allowed",
            Self::TimestampMissing => "timestamp_missing",
            Self::TimestampMalformed => "timestamp_malformed",
            Self::TimestampTooOld => "timestamp_too_old",
            Self::TimestampInFuture => "timestamp_in_future",
            Self::ClaimInvalid => "claim_invalid",
            Self::UrlHashMismatch => "url_hash_mismatch",
            Self::BodyHashMissing => "body_hash_missing",
            Self::BodyHashMismatch => "body_hash_mismatch",
            Self::BodyMalformed => "body_malformed",
            Self::TopicNotAllowed => "topic_not_allowed",
            Self::TypeUnknown => "type_unknown",
            Self::TypeMismatch => "type_mismatch",
            Self::VersionNotAllowed => "version_not_allowed",
            Self::CertificateUrlNotAllowed => "certificate_url_not_allowed",
            Self::CertificateUnavailable => "certificate_unavailable",
            Self::CertificateExpired => "certificate_expired",
            Self::CertificateUntrusted => "certificate_untrusted",
            Self::ChallengeRefused => "challenge_refused",
            Self::NotConfigured => "not_configured",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::Replayed => "replayed",
        }
    }
}
