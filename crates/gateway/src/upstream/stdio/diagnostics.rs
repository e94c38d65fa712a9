//! What a process writes to its standard error goes to our log, at debug.

use tokio::process::ChildStderr;

use super::lines::{Line, Lines};

/// The longest piece of a line that is logged, in bytes.
const LOGGED: usize = 1_024;

/// Logs every line until the stream ends.
pub(super) async fn log(server: String, stderr: ChildStderr) {
    let mut lines = Lines::new(stderr, LOGGED);
    while let Ok(line) = lines.next().await {
        match line {
            Line::Whole(line) | Line::Long(line) => {
                tracing::debug!(%server, line = printable(line), "a server process says");
            }
            Line::End => return,
        }
    }
}

/// The beginning of a line without anything that a terminal would act on.
pub(super) fn printable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(&line[..line.len().min(LOGGED)]);
    text.chars().filter(|character| !is_control(*character)).collect()
}

/// Control characters, and those that turn or hide text.
fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_logged_is_short_and_plain() {
        assert_eq!(printable("\u{1b}[31mred\r\u{202e}x\u{9b}é\u{0}".as_bytes()), "[31mredxé");
        assert_eq!(printable(&[b'a'; 5_000]).len(), LOGGED);
        assert_eq!(printable(b"\xff"), "\u{fffd}");
    }
}
