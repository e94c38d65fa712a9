//! Names with `*`, which stands for any characters, also for none.

use regex::{RegexSet, RegexSetBuilder};

/// Some globs, and which of them were of use.
#[derive(Debug)]
pub(crate) struct Globs<'s> {
    texts: Vec<&'s str>,
    set: RegexSet,
    used: Vec<bool>,
}

impl<'s> Globs<'s> {
    pub(crate) fn new(texts: impl IntoIterator<Item = &'s str>) -> Self {
        let texts: Vec<_> = texts.into_iter().collect();
        let patterns = texts.iter().map(|text| {
            let parts: Vec<_> = text.split('*').map(regex::escape).collect();
            format!("(?s)^{}$", parts.join(".*"))
        });
        let set = RegexSetBuilder::new(patterns).size_limit(64 * 1024 * 1024).build();
        let set = set.unwrap_or_else(|_| RegexSet::empty());
        let used = vec![false; texts.len()];
        Self { texts, set, used }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The positions of the globs that fit one of the names.
    pub(crate) fn fitting(&mut self, names: &[&str]) -> Vec<usize> {
        let mut fitting: Vec<_> = names.iter().flat_map(|name| self.set.matches(name)).collect();
        fitting.sort_unstable();
        fitting.dedup();
        for position in &fitting {
            self.used[*position] = true;
        }
        fitting
    }

    /// The globs that never fitted.
    pub(crate) fn unused(&self) -> impl Iterator<Item = &'s str> {
        self.texts.iter().zip(&self.used).filter(|(_, used)| !**used).map(|(text, _)| *text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        let mut globs = Globs::new(["*Bucket", "GET /repos/*", "a.b", "*", "never*"]);
        for (name, expected) in [
            ("CreateBucket", vec![0, 3]),
            ("Bucket", vec![0, 3]),
            ("Buckets", vec![3]),
            ("GET /repos/{owner}", vec![1, 3]),
            ("a.b", vec![2, 3]),
            ("axb", vec![3]),
            ("line\nBucket", vec![0, 3]),
        ] {
            assert_eq!(globs.fitting(&[name]), expected, "{name}");
        }
        assert_eq!(globs.unused().collect::<Vec<_>>(), ["never*"]);
    }
}
