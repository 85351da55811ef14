//! Text in a fixed buffer: what the guardian says, without allocating.

use std::fmt;

/// Up to `N` bytes of text; what does not fit is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Text<N> {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; N], len: 0 }
    }

    /// What was written.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Formats anew.
    pub fn set(&mut self, arguments: fmt::Arguments<'_>) {
        self.len = 0;
        // Writing here cannot fail; a formatter of our own types does not either.
        let _ = fmt::Write::write_fmt(self, arguments);
    }
}

impl<const N: usize> fmt::Write for Text<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let free = self.bytes.get_mut(self.len..).unwrap_or_default();
        // Whole characters only: cut text stays UTF-8.
        let most = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= free.len()).last();
        let fits = most.unwrap_or(0);
        if let (Some(to), Some(from)) = (free.get_mut(..fits), text.as_bytes().get(..fits)) {
            to.copy_from_slice(from);
            self.len += fits;
        }
        Ok(())
    }
}

/// Nanoseconds as milliseconds with three digits behind the point.
#[derive(Clone, Copy, Debug)]
pub struct Milliseconds(pub u64);

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let us = self.0 / 1000;
        write!(f, "{}.{:03} ms", us / 1000, us % 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_at_a_whole_character() {
        let mut text = Text::<5>::new();
        text.set(format_args!("abc{}", "äö"));
        assert_eq!(text.as_bytes(), "abcä".as_bytes());
        text.set(format_args!("{}", 42));
        assert_eq!(text.as_bytes(), b"42");
    }

    #[test]
    fn milliseconds_have_three_digits() {
        assert_eq!(Milliseconds(120_004_999).to_string(), "120.004 ms");
        assert_eq!(Milliseconds(0).to_string(), "0.000 ms");
    }
}
