//! What is typed while a program runs: the name of an input and Enter.
//!
//! [`LineEditor`] is pure. A helper thread ([`spawn`]) feeds it, key by key on a terminal in raw mode, line by line
//! elsewhere, and sends what it understood to the main thread. End of input ends the helper, never the program.

use super::screen::Screen;
use crossbeam_channel::Sender;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::io::{BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What a key press leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// A finished line, trimmed, never empty.
    Line(String),
    /// Ctrl-C, or Ctrl-D on an empty line: stop in order.
    Stop,
    /// Something was typed that is no line of text; why, in a sentence.
    Unreadable(String),
}

/// A line being typed, with completion of known names.
#[derive(Debug)]
pub struct LineEditor {
    text: String,
    names: Vec<String>,
}

/// Longest line that is taken; no name is as long.
const LINE_CHARS_MAX: usize = 200;

impl LineEditor {
    /// An empty line; Tab completes to one of `names`.
    #[must_use]
    pub fn new(names: Vec<String>) -> Self {
        Self { text: String::new(), names }
    }

    /// What has been typed so far.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Takes one key.
    #[allow(clippy::wildcard_enum_match_arm, reason = "the library's enum: every other key has no meaning here")]
    pub fn key(&mut self, key: KeyEvent) -> Option<Typed> {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if control => return Some(Typed::Stop),
            KeyCode::Char('d') if control => return self.text.is_empty().then_some(Typed::Stop),
            KeyCode::Char('u') if control => self.text.clear(),
            KeyCode::Char(c) if !control && !c.is_control() && self.text.chars().count() < LINE_CHARS_MAX => {
                self.text.push(c);
            }
            KeyCode::Backspace => {
                self.text.pop();
            }
            KeyCode::Esc => self.text.clear(),
            KeyCode::Tab => self.complete(),
            KeyCode::Enter => return self.finish(),
            // A line feed instead of a carriage return: what a script sends.
            KeyCode::Char('j') if control => return self.finish(),
            _ => {}
        }
        None
    }

    fn finish(&mut self) -> Option<Typed> {
        finished(&std::mem::take(&mut self.text))
    }

    /// Extends the text as far as all names that begin with it agree.
    fn complete(&mut self) {
        let typed = self.text.to_lowercase();
        let mut matching = self.names.iter().filter(|n| n.to_lowercase().starts_with(&typed));
        let Some(first) = matching.next() else { return };
        let common = matching.fold(first.clone(), |common, name| {
            let same = common.chars().zip(name.chars()).take_while(|(a, b)| a.eq_ignore_ascii_case(b));
            same.map(|(a, _)| a).collect()
        });
        if common.chars().count() >= self.text.chars().count() {
            self.text = common;
        }
    }
}

fn finished(line: &str) -> Option<Typed> {
    let line = line.trim();
    (!line.is_empty()).then(|| Typed::Line(line.to_owned()))
}

/// Starts the helper that reads what is typed. It ends by itself at the end of input or once `stop` is set.
pub fn spawn(screen: &Screen, names: Vec<String>, to: Sender<Typed>, stop: Arc<AtomicBool>) -> std::io::Result<()> {
    let screen = screen.clone();
    let read = move || {
        if screen.is_raw() {
            read_keys(&screen, LineEditor::new(names), &to, &stop);
        } else {
            read_lines(&to, &stop);
        }
    };
    // Not joined: a blocking read cannot be ended from outside, and it holds nothing that must be given back.
    std::thread::Builder::new().name("keyboard".to_owned()).spawn(read).map(drop)
}

fn read_keys(screen: &Screen, mut editor: LineEditor, to: &Sender<Typed>, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let event = match crossterm::event::poll(Duration::from_millis(100)) {
            Ok(true) => crossterm::event::read(),
            Ok(false) => continue,
            Err(_) => return,
        };
        let typed = match event {
            Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => editor.key(key),
            Ok(_) => None,
            Err(_) => return,
        };
        screen.prompt(editor.text());
        if typed.is_some_and(|typed| to.send(typed).is_err()) {
            return;
        }
    }
}

fn read_lines(to: &Sender<Typed>, stop: &AtomicBool) {
    let mut input = std::io::stdin().lock();
    while let Some(typed) = next_line(&mut input) {
        let sent = typed.is_none_or(|typed| to.send(typed).is_ok());
        if stop.load(Ordering::Relaxed) || !sent {
            return;
        }
    }
}

/// Longest line in bytes that is kept; the rest of a longer one is read and dropped.
const LINE_BYTES_MAX: u64 = 4 * LINE_CHARS_MAX as u64;

/// What the next line says, `Some(None)` where it says nothing; `None` at the end of input.
fn next_line(input: &mut impl BufRead) -> Option<Option<Typed>> {
    let mut bytes = Vec::new();
    let unreadable = |why: String| Some(Some(Typed::Unreadable(why)));
    let read = input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes);
    match read {
        Ok(0) => return None,
        Ok(_) => {}
        // Tried again it would fail again; the program runs on without a keyboard.
        Err(_) => return None,
    }
    if bytes.last() != Some(&b'\n') && bytes.len() as u64 == LINE_BYTES_MAX {
        input.skip_until(b'\n').ok()?;
        return unreadable(format!("a line of more than {LINE_BYTES_MAX} bytes is no name of an input"));
    }
    match String::from_utf8(bytes) {
        Ok(line) => Some(finished(&line)),
        Err(e) => {
            let shown = String::from_utf8_lossy(e.as_bytes()).trim().to_owned();
            unreadable(format!("`{shown}` is not UTF-8 text"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_into(editor: &mut LineEditor, text: &str) -> Option<Typed> {
        let mut last = None;
        for c in text.chars() {
            let code = match c {
                '\n' => KeyCode::Enter,
                '\t' => KeyCode::Tab,
                '\x08' => KeyCode::Backspace,
                c => KeyCode::Char(c),
            };
            last = editor.key(KeyEvent::new(code, KeyModifiers::NONE));
        }
        last
    }

    #[test]
    fn a_name_and_enter_is_a_line() {
        let mut editor = LineEditor::new(Vec::new());
        assert_eq!(type_into(&mut editor, "fwd_px\x08b"), None);
        assert_eq!(editor.text(), "fwd_pb");
        assert_eq!(type_into(&mut editor, "\n"), Some(Typed::Line("fwd_pb".to_owned())));
        assert_eq!(type_into(&mut editor, "  \n"), None);
        assert_eq!(editor.text(), "");
    }

    #[test]
    fn tab_completes_as_far_as_names_agree() {
        let names = ["fwd_pb", "fwd_aux", "rev_pb"].map(str::to_owned).to_vec();
        let mut editor = LineEditor::new(names);
        type_into(&mut editor, "F\t");
        assert_eq!(editor.text(), "fwd_");
        type_into(&mut editor, "a\t");
        assert_eq!(editor.text(), "fwd_aux");
        type_into(&mut editor, "x\t");
        assert_eq!(editor.text(), "fwd_auxx");
    }

    #[test]
    fn lines_that_are_no_text_are_told_and_reading_goes_on() {
        let mut text = b"go\n\n\xFF\xFE\n".to_vec();
        text.extend(vec![b'x'; 5000]);
        text.extend(b"\nstop");
        let mut input = text.as_slice();
        let mut seen = Vec::new();
        while let Some(typed) = next_line(&mut input) {
            seen.push(typed);
        }
        let line = |text: &str| Some(Typed::Line(text.to_owned()));
        assert_eq!((&seen[0], &seen[1]), (&line("go"), &None));
        assert!(matches!(&seen[2], Some(Typed::Unreadable(why)) if why.contains("not UTF-8")), "{seen:?}");
        assert!(matches!(&seen[3], Some(Typed::Unreadable(why)) if why.contains("more than 800 bytes")), "{seen:?}");
        assert_eq!(seen[4..], [line("stop")]);
    }

    #[test]
    fn control_keys_stop_or_clear() {
        let mut editor = LineEditor::new(Vec::new());
        let control = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
        assert_eq!(editor.key(control('c')), Some(Typed::Stop));
        type_into(&mut editor, "abc");
        assert_eq!(editor.key(control('d')), None);
        assert_eq!(editor.key(control('z')), None);
        assert_eq!(editor.text(), "abc");
        assert_eq!(editor.key(control('j')), Some(Typed::Line("abc".to_owned())));
        type_into(&mut editor, "abc");
        editor.key(control('u'));
        assert_eq!(editor.key(control('d')), Some(Typed::Stop));
    }
}
