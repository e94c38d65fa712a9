//! Durations as people write them.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error as _};

/// Reads a positive duration such as `"90s"`, `"10m"` or `"1h 30m"`.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let duration =
        text.parse::<jiff::SignedDuration>().ok().and_then(|signed| Duration::try_from(signed).ok());
    duration.filter(|duration| !duration.is_zero()).ok_or_else(|| {
        D::Error::custom(format!(
            "{text:?} is not a positive duration; write it as \"90s\", \"10m\" or \"720h\""
        ))
    })
}

/// Reads the same where there may be none.
pub(super) fn deserialize_some<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    deserialize(deserializer).map(Some)
}
