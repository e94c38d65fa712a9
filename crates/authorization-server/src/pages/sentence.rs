//! Sentences from the message catalogues, with values set into them.
//!
//! A translator moves `{ $client }` to wherever the language wants it; the code says which value stands there and
//! how it is emphasised. Values never pass through Fluent: Fluent sets a *slot*, one private-use character, and the
//! sentence is then cut at the slots. Everything between is escaped, every value is cleaned ([`plain_text`]) and
//! escaped, and the only markup is that of [`Emphasis`]. A value cannot forge a slot, because it is never searched
//! for one.

use std::fmt::{self, Display, Formatter};
use std::sync::LazyLock;
use std::time::Duration;

use askama::filters::{Escaper, Html, HtmlSafe};
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};

use super::language::Language;
use super::plain_text::{CODE_LIMIT, NAME_LIMIT, SENTENCE_LIMIT, plain_text};

/// The first slot; the others follow. The catalogues contain no private-use character (a test says so).
const FIRST_SLOT: u32 = 0xE000;

type Catalogue = FluentBundle<FluentResource>;

/// The messages of some pages, in every language.
pub struct Catalogues {
    english: Catalogue,
    simplified_chinese: Catalogue,
}

const ENGLISH: &str = include_str!("../../messages/en.ftl");
const SIMPLIFIED_CHINESE: &str = include_str!("../../messages/zh-Hans.ftl");

static OUR_OWN: LazyLock<Catalogues> = LazyLock::new(|| Catalogues::of(&[ENGLISH], &[SIMPLIFIED_CHINESE]));

impl Language {
    /// The sentence of this key, whose values are still to be set.
    pub(super) fn say(self, key: impl AsRef<str>) -> Sentence {
        OUR_OWN.say(self, key)
    }
}

impl Catalogues {
    /// The messages of pages that stand beside these ones, in the syntax of Fluent, together with those of these ones.
    ///
    /// # Panics
    /// When a catalogue does not parse or names a key that exists: catalogues are part of the program.
    pub fn beside(english: &str, simplified_chinese: &str) -> Self {
        Self::of(&[ENGLISH, english], &[SIMPLIFIED_CHINESE, simplified_chinese])
    }

    /// The sentence of this key, whose values are still to be set.
    pub fn say(&'static self, language: Language, key: impl AsRef<str>) -> Sentence {
        let catalogue = match language {
            Language::English => &self.english,
            Language::SimplifiedChinese => &self.simplified_chinese,
        };
        Sentence { catalogue, key: key.as_ref().to_owned(), slots: Vec::new(), numbers: FluentArgs::new() }
    }

    fn of(english: &[&str], simplified_chinese: &[&str]) -> Self {
        Self {
            english: catalogue(Language::English, english),
            simplified_chinese: catalogue(Language::SimplifiedChinese, simplified_chinese),
        }
    }
}

fn catalogue(language: Language, sources: &[&str]) -> Catalogue {
    let identifier = language.tag().parse().expect("our tags are well-formed");
    let mut catalogue = Catalogue::new_concurrent(vec![identifier]);
    // Isolation characters would be counted as text; `<bdi>` isolates the values instead.
    catalogue.set_use_isolating(false);
    for source in sources {
        let resource = FluentResource::try_new((*source).to_owned())
            .expect("the catalogue is embedded, and a test parses it");
        catalogue.add_resource(resource).expect("no key stands twice in a catalogue, and a test looks");
    }
    catalogue
}

/// One sentence of a page. Displays as HTML.
pub struct Sentence {
    catalogue: &'static Catalogue,
    key: String,
    slots: Vec<Slot>,
    numbers: FluentArgs<'static>,
}

struct Slot {
    value: String,
    emphasis: Emphasis,
}

/// How a value stands out of its sentence.
#[derive(Clone, Copy)]
enum Emphasis {
    /// A name: bold, and its direction does not leak into the sentence.
    Name,
    /// A host, an address, an id: monospace.
    Code,
    /// None, but its direction does not leak into the sentence either.
    None,
}

impl Sentence {
    /// Sets a person's, an app's or a server's name at `{ $argument }`.
    #[must_use]
    pub fn name(self, argument: &'static str, value: impl AsRef<str>) -> Self {
        self.set(argument, plain_text(value.as_ref(), NAME_LIMIT), Emphasis::Name)
    }

    /// Sets a host, an address or an id at `{ $argument }`.
    #[must_use]
    pub fn code(self, argument: &'static str, value: impl AsRef<str>) -> Self {
        self.set(argument, plain_text(value.as_ref(), CODE_LIMIT), Emphasis::Code)
    }

    /// Sets a sentence that comes from elsewhere at `{ $argument }`.
    #[must_use]
    pub fn quote(self, argument: &'static str, value: impl AsRef<str>) -> Self {
        self.set(argument, plain_text(value.as_ref(), SENTENCE_LIMIT), Emphasis::None)
    }

    /// Sets a number at `{ $argument }`, so that the message can choose a plural form.
    #[must_use]
    pub fn number(mut self, argument: &'static str, value: u64) -> Self {
        self.numbers.set(argument, value);
        self
    }

    /// Sets a span of time at `{ duration }`: in days, hours or minutes, rounded up, at least one minute.
    #[must_use]
    pub fn duration(mut self, duration: &Duration) -> Self {
        let minutes = duration.as_secs().div_ceil(60).max(1);
        let (unit, count) = match minutes {
            ..120 => ("minutes", minutes),
            120..2880 => ("hours", minutes.div_ceil(60)),
            _ => ("days", minutes.div_ceil(24 * 60)),
        };
        self.numbers.set("unit", unit);
        self.number("count", count)
    }

    fn set(mut self, argument: &'static str, value: String, emphasis: Emphasis) -> Self {
        let slot = u32::try_from(self.slots.len()).ok().and_then(|index| char::from_u32(FIRST_SLOT + index));
        let slot = slot.expect("a sentence has a handful of slots");
        self.numbers.set(argument, slot.to_string());
        self.slots.push(Slot { value, emphasis });
        self
    }

    /// The message with a slot character where each value belongs; the key itself, should it not exist.
    fn with_slots(&self) -> String {
        let Some(pattern) = self.catalogue.get_message(&self.key).and_then(|message| message.value()) else {
            return self.key.clone();
        };
        // A missing value shows as its name, `{$client}`; a test renders every page and looks for that.
        self.catalogue.format_pattern(pattern, Some(&self.numbers), &mut Vec::new()).into_owned()
    }

    fn slot(&self, character: char) -> Option<&Slot> {
        let index = u32::from(character).checked_sub(FIRST_SLOT)?;
        self.slots.get(usize::try_from(index).ok()?)
    }
}

impl Display for Sentence {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for character in self.with_slots().chars() {
            match self.slot(character) {
                None => Html.write_escaped_char(&mut *formatter, character)?,
                Some(slot) => slot.fmt(formatter)?,
            }
        }
        Ok(())
    }
}

/// Askama may print a sentence as it is: `Display` above escapes all that does not come from `Emphasis`.
impl HtmlSafe for Sentence {}

impl Display for Slot {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let (open, close) = match self.emphasis {
            Emphasis::Name => ("<strong><bdi>", "</bdi></strong>"),
            Emphasis::Code => ("<code>", "</code>"),
            Emphasis::None => ("<bdi>", "</bdi>"),
        };
        formatter.write_str(open)?;
        Html.write_escaped_str(&mut *formatter, &self.value)?;
        formatter.write_str(close)
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn values_stand_where_the_language_wants_them() {
        let lead = |language: Language| {
            language.say("login-lead-host").name("client", "Claude").code("host", "claude.ai").to_string()
        };
        assert_eq!(
            lead(Language::English),
            "Sign in to continue to <strong><bdi>Claude</bdi></strong> at <code>claude.ai</code>."
        );
        assert_eq!(
            lead(Language::SimplifiedChinese),
            "登录以继续前往 <code>claude.ai</code> 上的 <strong><bdi>Claude</bdi></strong>。"
        );
    }

    #[test]
    fn a_value_is_neither_markup_nor_message_nor_slot() {
        let heading = Language::English.say("consent-heading");
        let heading = heading.name("client", "<b>\u{e001}{ $server }&").name("server", "S");
        assert_eq!(
            heading.to_string(),
            "<strong><bdi>&#60;b&#62;{ $server }&#38;</bdi></strong> wants to use <strong><bdi>S</bdi></strong>"
        );
    }

    #[test]
    fn an_unknown_key_shows_itself_escaped() {
        assert_eq!(Language::English.say("<no-such-key>").to_string(), "&#60;no-such-key&#62;");
    }
}
