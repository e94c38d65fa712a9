//! The sentences of the console's pages.

use std::sync::LazyLock;

use authorization_server::pages::{Catalogues, Language, Sentence};

pub(super) const ENGLISH: &str = include_str!("../../messages/en.ftl");
pub(super) const SIMPLIFIED_CHINESE: &str = include_str!("../../messages/zh-Hans.ftl");

static CATALOGUES: LazyLock<Catalogues> = LazyLock::new(|| Catalogues::beside(ENGLISH, SIMPLIFIED_CHINESE));

/// The words of one language, as `t` in the templates.
#[derive(Clone, Copy)]
pub(super) struct Words(pub(super) Language);

impl Words {
    /// The BCP 47 tag of the language.
    pub(super) fn tag(self) -> &'static str {
        self.0.tag()
    }

    /// The sentence of this key, whose values are still to be set.
    pub(super) fn say(self, key: impl AsRef<str>) -> Sentence {
        CATALOGUES.say(self.0, key)
    }
}
