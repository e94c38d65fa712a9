//! What differs between two texts, word by word: `[-gone-]` and `{+new+}`, as `git diff --word-diff` shows it.

/// More pairs of words than this are not compared: the texts are shown whole.
const PAIRS: usize = 4_000_000;

/// The newer text with what was taken out and what came.
pub(super) fn difference(old: &str, new: &str) -> String {
    let (old_words, new_words) = (words(old), words(new));
    if old_words.len().saturating_mul(new_words.len()) > PAIRS {
        return removed(old) + &added(new);
    }
    let common = lengths(&old_words, &new_words);
    let (mut text, mut gone, mut come) = (String::new(), String::new(), String::new());
    let (mut at_old, mut at_new) = (0, 0);
    while at_old < old_words.len() || at_new < new_words.len() {
        let (left, right) = (old_words.get(at_old), new_words.get(at_new));
        if left == right {
            flush(&mut text, &mut gone, &mut come);
            text.push_str(left.unwrap_or(&""));
            (at_old, at_new) = (at_old + 1, at_new + 1);
        } else if right.is_none()
            || left.is_some() && common[at_old + 1][at_new] >= common[at_old][at_new + 1]
        {
            gone.push_str(left.unwrap_or(&""));
            at_old += 1;
        } else {
            come.push_str(right.unwrap_or(&""));
            at_new += 1;
        }
    }
    flush(&mut text, &mut gone, &mut come);
    text
}

/// A text that is not there any more.
pub(super) fn removed(text: &str) -> String {
    format!("[-{text}-]")
}

/// A text that was not there before.
pub(super) fn added(text: &str) -> String {
    format!("{{+{text}+}}")
}

fn flush(text: &mut String, gone: &mut String, come: &mut String) {
    if !gone.is_empty() {
        text.push_str(&removed(&std::mem::take(gone)));
    }
    if !come.is_empty() {
        text.push_str(&added(&std::mem::take(come)));
    }
}

/// Words and the spaces between them, all of the text.
fn words(text: &str) -> Vec<&str> {
    let (mut words, mut begin) = (Vec::new(), 0);
    let mut was_space = None;
    for (at, character) in text.char_indices() {
        let is_space = character.is_whitespace();
        if was_space.is_some_and(|was| was != is_space) {
            words.push(&text[begin..at]);
            begin = at;
        }
        was_space = Some(is_space);
    }
    if begin < text.len() {
        words.push(&text[begin..]);
    }
    words
}

/// How many words the rests of both texts have in common, by where they begin.
fn lengths(old: &[&str], new: &[&str]) -> Vec<Vec<u32>> {
    let mut common = vec![vec![0; new.len() + 1]; old.len() + 1];
    for (at_old, left) in old.iter().enumerate().rev() {
        for (at_new, right) in new.iter().enumerate().rev() {
            common[at_old][at_new] = if left == right {
                common[at_old + 1][at_new + 1] + 1
            } else {
                common[at_old + 1][at_new].max(common[at_old][at_new + 1])
            };
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_differ_are_marked() {
        for (old, new, expected) in [
            ("a b c", "a b c", "a b c"),
            ("Reads a file.", "Reads any file.", "Reads [-a-]{+any+} file."),
            ("a", "a b", "a{+ b+}"),
            ("a b", "b", "[-a -]b"),
            ("", "x", "{+x+}"),
            ("a  b", "a b", "a[-  -]{+ +}b"),
        ] {
            assert_eq!(difference(old, new), expected);
        }
        let (old, new) = ("a ".repeat(3000), "b ".repeat(3000));
        assert_eq!(difference(&old, &new), format!("[-{old}-]{{+{new}+}}"));
    }
}
