//! Going through JSON text: what a value is made of, and stepping over one.

use std::borrow::Cow;

use super::error::ExprError;
use super::value::Value;

/// A place in a JSON text.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A string between its quotes, not yet unescaped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quoted<'a> {
    pub(super) inner: &'a [u8],
    pub(super) escaped: bool,
    pub(super) at: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// The text from `start` to here.
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        &self.bytes[start..self.at]
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Step over `byte` and the space after it, if it is next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
            self.space();
        }
        found
    }

    pub(super) fn need(&mut self, byte: u8, what: &str) -> Result<(), ExprError> {
        if self.take(byte) { Ok(()) } else { Err(self.wanted(what)) }
    }

    pub(super) fn end(&self) -> Result<(), ExprError> {
        if self.at == self.bytes.len() {
            Ok(())
        } else {
            Err(self.wanted("nothing after the value"))
        }
    }

    pub(super) fn wanted(&self, what: &str) -> ExprError {
        let rest = &self.bytes[self.at..];
        let found = match rest.first() {
            None => "the end".to_owned(),
            Some(_) if rest.starts_with(b"NaN") => "NaN, which JSON does not have".to_owned(),
            Some(b'I') => "Infinity, which JSON does not have".to_owned(),
            Some(byte) => format!("`{}`", byte.escape_ascii()),
        };
        not_json(&format!("{what} was wanted, {found} was found"), self.at)
    }

    /// A string from its opening quote; space after it is passed.
    pub(super) fn quoted(&mut self) -> Result<Quoted<'a>, ExprError> {
        if self.peek() != Some(b'"') {
            return Err(self.wanted("a key in quotes"));
        }
        let start = self.at + 1;
        let mut escaped = false;
        let mut at = start;
        loop {
            at = plain_until(self.bytes, at);
            match self.bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    at += 2;
                }
                Some(_) => return Err(not_json("control character in a string", at)),
                None => return Err(not_json("string without a closing quote", start - 1)),
            }
        }
        self.at = at + 1;
        self.space();
        Ok(Quoted { inner: &self.bytes[start..at], escaped, at: start })
    }

    /// A number as it is written, and whether it is a float; space after it is passed.
    pub(super) fn number(&mut self) -> Result<(&'a str, bool), ExprError> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        let mut is_float = false;
        if self.peek() == Some(b'.') {
            is_float = true;
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            is_float = true;
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        let text = str::from_utf8(self.since(start)).expect("a number is ASCII");
        self.space();
        Ok((text, is_float))
    }

    fn digits(&mut self) -> Result<(), ExprError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.wanted("a digit")) } else { Ok(()) }
    }

    /// Step over `true`, `false` or `null`.
    pub(super) fn word(&mut self) -> Result<Value, ExprError> {
        let words =
            [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)];
        for (word, value) in words {
            if self.bytes[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                self.space();
                return Ok(value);
            }
        }
        Err(self.wanted("a value"))
    }

    /// Step over one value, looking only at what holds it together.
    pub(super) fn skip(&mut self) -> Result<(), ExprError> {
        match self.peek() {
            Some(b'"') => self.quoted().map(|_| ()),
            Some(b'{' | b'[') => self.skip_brackets(),
            Some(b'-' | b'0'..=b'9') => self.number().map(|_| ()),
            _ => self.word().map(|_| ()),
        }
    }

    fn skip_brackets(&mut self) -> Result<(), ExprError> {
        let start = self.at;
        let mut open = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.quoted()?;
                    continue;
                }
                b'{' | b'[' => open += 1,
                b'}' | b']' => open -= 1,
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                self.space();
                return Ok(());
            }
        }
        Err(not_json("bracket that is not closed", start))
    }
}

/// Where from `at` the first byte stands that ends or breaks a plain string: eight bytes at a time.
fn plain_until(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*eight);
        let quotes = zeros(word ^ (ONES * u64::from(b'"')));
        let slashes = zeros(word ^ (ONES * u64::from(b'\\')));
        let controls = word.wrapping_sub(ONES * 0x20) & !word;
        // A borrow can mark a byte after a true hit, never one before it.
        let hits = (quotes | slashes | controls) & TOPS;
        if hits != 0 {
            return at + hits.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let is_plain = |byte: &u8| *byte >= 0x20 && *byte != b'"' && *byte != b'\\';
    at + bytes.get(at..).unwrap_or_default().iter().take_while(|byte| is_plain(byte)).count()
}

impl<'a> Quoted<'a> {
    /// Whether this is `text`.
    pub(super) fn is(&self, text: &str) -> bool {
        if self.escaped {
            self.unescape().is_ok_and(|own| own == text)
        } else {
            self.inner == text.as_bytes()
        }
    }

    pub(super) fn unescape(&self) -> Result<Cow<'a, str>, ExprError> {
        let text = str::from_utf8(self.inner)
            .map_err(|_| not_json("string that is not UTF-8", self.at))?;
        if !self.escaped {
            return Ok(Cow::Borrowed(text));
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((plain, tail)) = rest.split_once('\\') {
            out.push_str(plain);
            let (letter, used) = escape(tail).ok_or_else(|| {
                not_json("escape that is unknown, cut short or half a surrogate pair", self.at)
            })?;
            out.push(letter);
            rest = &tail[used..];
        }
        out.push_str(rest);
        Ok(Cow::Owned(out))
    }
}

/// The letter that an escape stands for, and how much of `tail` it takes.
fn escape(tail: &str) -> Option<(char, usize)> {
    let letter = match tail.bytes().next()? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(tail),
        _ => return None,
    };
    Some((letter, 1))
}

fn unicode(tail: &str) -> Option<(char, usize)> {
    let first = hex4(tail.get(1..5)?)?;
    if !(0xD800..0xDC00).contains(&first) {
        return Some((char::from_u32(first)?, 5));
    }
    let second = hex4(tail.get(5..)?.strip_prefix("\\u")?.get(..4)?)?;
    let low = second.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
    Some((char::from_u32(0x10000 + ((first - 0xD800) << 10) + low)?, 11))
}

fn hex4(digits: &str) -> Option<u32> {
    let all_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if all_hex { u32::from_str_radix(digits, 16).ok() } else { None }
}

pub(super) fn twice(name: &str, at: usize) -> ExprError {
    ExprError::failed(format!("the key `{name}` is given twice")).placed(at)
}

fn not_json(what: &str, at: usize) -> ExprError {
    ExprError::failed(format!("not JSON: {what}")).placed(at)
}
