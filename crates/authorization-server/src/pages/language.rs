//! The languages of the pages, and how a browser's preference chooses one.

/// A language the pages speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English, also for everybody whose languages we do not speak.
    #[default]
    English,
    /// Simplified Chinese, also for readers who ask for Chinese in another script or region.
    SimplifiedChinese,
}

/// More ranges than any browser sends; what follows is not looked at.
const MAXIMUM_RANGES: usize = 32;

impl Language {
    /// Every language, in the order of the enum.
    pub const ALL: [Self; 2] = [Self::English, Self::SimplifiedChinese];

    /// The BCP 47 tag, as in the `lang` attribute.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::SimplifiedChinese => "zh-Hans",
        }
    }

    /// The language to answer in, given the value of `Accept-Language` (RFC 9110 §12.5.4). The highest weight
    /// wins, among equals the first. A missing or malformed value, or one that names none of ours, is English.
    pub fn negotiate(accept_language: Option<&str>) -> Self {
        let mut best = (0, Self::default());
        for range in accept_language.unwrap_or_default().split(',').take(MAXIMUM_RANGES) {
            match Self::of_range(range) {
                Some((language, weight)) if weight > best.0 => best = (weight, language),
                _ => {}
            }
        }
        best.1
    }

    /// Our language for one `range;q=weight`, with its weight in thousandths.
    fn of_range(range: &str) -> Option<(Self, u16)> {
        let mut parts = range.split(';').map(str::trim);
        let tag = parts.next()?;
        let weight = match parts.next() {
            None => 1000,
            Some(parameter) => weight(parameter)?,
        };
        let primary = tag.split('-').next()?;
        let language = match primary {
            "*" => Self::default(),
            _ if primary.eq_ignore_ascii_case("en") => Self::English,
            _ if primary.eq_ignore_ascii_case("zh") => Self::SimplifiedChinese,
            _ => return None,
        };
        Some((language, weight))
    }
}

/// The weight of `q=…` in thousandths: `0` or `1` with up to three decimals.
fn weight(parameter: &str) -> Option<u16> {
    let value = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="))?;
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Language::{self, English, SimplifiedChinese};

    #[track_caller]
    fn check(accept_language: &str, expected: Language) {
        assert_eq!(Language::negotiate(Some(accept_language)), expected, "{accept_language:?}");
    }

    #[test]
    fn the_preferred_language_wins() {
        assert_eq!(Language::negotiate(None), English);
        check("en-GB,en;q=0.9", English);
        check("zh-CN,zh;q=0.9,en;q=0.8", SimplifiedChinese);
        check("ZH-hant-TW", SimplifiedChinese);
        check("de-DE, zh;q=0.5, en;q=0.4", SimplifiedChinese);
        check("en;q=0.4, zh;q=0.45", SimplifiedChinese);
        check("en, zh", English);
        check("zh, en", SimplifiedChinese);
        check("fr, *;q=0.1", English);
    }

    #[test]
    fn a_weight_of_zero_means_not_this_one() {
        check("zh;q=0", English);
        check("zh;q=0.000, en;q=0.001", English);
    }

    #[test]
    fn nonsense_is_english() {
        for nonsense in
            ["", ",,,", ";q=1", "zh;q=2", "zh;q=1.5", "zh;q=0.5555", "zh;q=-1", "zh;q=", "zh;level=1", "zhx"]
        {
            check(nonsense, English);
        }
    }

    #[test]
    fn only_the_first_ranges_count() {
        check(&format!("{}zh", "fr,".repeat(40)), English);
    }
}
