//! Regular expressions (ECMA-262, as JSON Schema has them) of what the server takes. Some are a little narrower than it, none
//! is wider.

/// `invoice.paid`
pub(super) const TYPE: &str = r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$";
/// `*`, `invoice.*`, `invoice.paid`
pub(super) const TYPES: &str = r"^(\*|[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*(\.\*)?)$";
/// The same two in dialects where types may have any names.
const ANY_TYPE: &str = r"^[!-)+\-./-~]+$";
const ANY_TYPES: &str = r"^(\*|[!-)+\-./-~]+(\.\*)?)$";

/// `5s`, `24h`, at most 366 days. A macro, for constants are put together of it.
macro_rules! span {
    () => {
        "[0-2]?[0-9]{1,10}ms|[0-2]?[0-9]{1,7}s|[0-4]?[0-9]{1,5}m|[0-7]?[0-9]{1,3}h|[12]?[0-9]{1,2}d|3[0-5][0-9]d|36[0-6]d"
    };
}
pub(super) const SPAN: &str = concat!("^(", span!(), ")$");
pub(super) const SPAN_OR_FOREVER: &str = concat!("^(forever|", span!(), ")$");
/// A day at least.
pub(super) const DAYS_OR_FOREVER: &str =
    "^(forever|[1-9][0-9]?d|[12][0-9]{2}d|3[0-5][0-9]d|36[0-6]d|2[4-9]h|[3-9][0-9]h|[1-9][0-9]{2}h|[1-7][0-9]{3}h)$";
/// From a second to a day.
pub(super) const UP_TO_A_DAY: &str = "^([1-9][0-9]{3,6}ms|[1-7][0-9]{7}ms|[1-9][0-9]{0,3}s|[1-7][0-9]{4}s|8[0-5][0-9]{3}s|86[0-3][0-9]{2}s|86400s|[1-9][0-9]{0,2}m|1[0-3][0-9]{2}m|14[0-3][0-9]m|1440m|[1-9]h|1[0-9]h|2[0-4]h|1d)$";

pub(super) const EVENT_ID: &str = "^[A-Za-z0-9_-]{1,64}$";
/// 16 bytes in base64url.
pub(super) const CURSOR: &str = "^[A-Za-z0-9_-]{21}[AQgw]$";
pub(super) const SLUG: &str = "^[a-z0-9][a-z0-9-]{0,62}$";
pub(super) const DIALECT: &str = "^[a-z][a-z0-9-]{0,62}$";

/// Nothing that cannot be seen.
pub(super) const LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
/// A line with something to see in it.
pub(super) const NAME: &str =
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";
pub(super) const TEXT: &str = r"^[^\u0000]*$";
pub(super) const USER: &str = r"^[^\u0000-\u001f\u007f-\u009f:]*$";
pub(super) const CREDENTIAL: &str = "^[!-~]+$";
/// Visible ASCII, with spaces between.
pub(super) const VISIBLE: &str = "^[!-~]([ -~]*[!-~])?$";
pub(super) const HEADER_VALUE: &str = "^([!-~]([ -~]*[!-~])?)?$";
pub(super) const TOKEN: &str = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$";
pub(super) const MAIL: &str = r"^[A-Za-z0-9_+-]{1,20}(\.[A-Za-z0-9_+-]{1,20}){0,2}@([A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?\.){1,5}[A-Za-z]{2,24}$";
/// Of 24 to 63 bytes, or an Ed25519 seed.
pub(super) const SECRET: &str = "^(whsec_([A-Za-z0-9+/]{4}){8,21}|whsk_[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)$";

macro_rules! name {
    () => {
        r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
    };
}
macro_rules! rest {
    () => {
        r"(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?([/?#][!-~]*)?$"
    };
}
/// By name: addresses and names in other alphabets are taken as well, as far as they are public.
pub(super) const URL: &str = concat!("^https://", name!(), rest!());
/// Where an operator has opened more.
pub(super) const URL_WITH_HTTP: &str = concat!("^https?://", name!(), rest!());
pub(super) const URL_WITH_LOOPBACK: &str = concat!("^https?://(", name!(), r"|localhost|127\.0\.0\.1)", rest!());

/// An id of a kind.
pub(super) fn id(prefix: &str) -> String {
    format!("^{prefix}[0-9a-hjkmnp-tv-z]{{25}}[048cgmrw]$")
}

pub(super) fn of_any_names(pattern: &mut String) {
    match pattern.as_str() {
        TYPE => ANY_TYPE.clone_into(pattern),
        TYPES => ANY_TYPES.clone_into(pattern),
        _ => {}
    }
}
