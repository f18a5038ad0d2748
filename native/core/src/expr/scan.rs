//! A first look at source text, before the parser: where `${...}` ends, where each `$` stands, and how
//! deep the text would nest. Linear in the text, and without recursion.

use super::error::ExprError;

/// How large one expression may be.
pub(super) const SOURCE_SIZE_MAX: usize = 8 * 1024;
/// How deep brackets, ternaries, unary operators and member chains may nest.
pub(super) const NESTING_MAX: usize = 64;
/// How many binary operators may hang on one another.
pub(super) const CHAIN_MAX: usize = 512;

/// A piece of source text, as coarse as this look needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Space,
    Operand,
    Dollar,
    Dot,
    Comma,
    Colon,
    Question,
    Open,
    Close,
    Minus,
    Bang,
    Binary,
    Logic,
    Other,
}

/// What the first look learned.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Survey {
    /// Byte offsets of each `$` outside quotes.
    pub(super) dollars: Vec<usize>,
    /// How many tokens there are: what parsing costs.
    pub(super) token_count: usize,
}

/// Look at a whole expression; refuses what the parser must not be given.
pub(super) fn survey(source: &str) -> Result<Survey, ExprError> {
    if source.len() > SOURCE_SIZE_MAX {
        let message = format!("the expression is larger than {SOURCE_SIZE_MAX} bytes");
        return Err(ExprError::invalid(message, 0));
    }
    let mut survey = Survey::default();
    let mut levels = Levels::default();
    let mut scanner = Scanner { bytes: source.as_bytes(), at: 0 };
    while let Some((token, at)) = scanner.next()? {
        if token != Token::Space {
            survey.token_count += 1;
            levels.take(token).map_err(|message| ExprError::invalid(message, at))?;
        }
        if token == Token::Dollar {
            check_dollar(source.as_bytes(), at)?;
            survey.dollars.push(at);
        }
    }
    levels.finish().map_err(|message| ExprError::invalid(message, source.len()))?;
    Ok(survey)
}

/// Where the `}` stands that closes a `${` whose inside starts at `start`.
pub(super) fn closing_brace(text: &str, start: usize) -> Result<usize, ExprError> {
    let mut scanner = Scanner { bytes: text.as_bytes(), at: start };
    let mut open = 0_usize;
    while let Some((token, at)) = scanner.next()? {
        match (token, text.as_bytes()[at]) {
            (Token::Open, b'{') => open += 1,
            (Token::Close, b'}') if open == 0 => return Ok(at),
            (Token::Close, b'}') => open -= 1,
            _ => {}
        }
        if at - start > SOURCE_SIZE_MAX {
            break;
        }
    }
    let message = "`${` without its `}`; a literal `${` is written `$${`";
    Err(ExprError::invalid(message, start.saturating_sub(2)))
}

/// `$` stands for a name of its own: refuse it as part of another.
fn check_dollar(bytes: &[u8], at: usize) -> Result<(), ExprError> {
    let is_word = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
    let before = at.checked_sub(1).map(|before| bytes[before]);
    let after = bytes.get(at + 1).copied();
    if before.is_some_and(|byte| is_word(byte) || byte == b'.') || after == Some(b'(') {
        return Err(ExprError::invalid("`$` stands alone or before `.name`", at));
    }
    if after == Some(b'{') {
        let message = "`${` inside an expression; write the expression without it";
        return Err(ExprError::invalid(message, at));
    }
    if after.is_some_and(is_word) {
        return Err(ExprError::invalid("`$` is followed by a name; write `$.name`", at));
    }
    Ok(())
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    /// The next token and where it starts.
    fn next(&mut self) -> Result<Option<(Token, usize)>, ExprError> {
        let at = self.at;
        let Some(byte) = self.bytes.get(at).copied() else { return Ok(None) };
        let token = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | 0x0c => {
                self.while_(Token::Space, u8::is_ascii_whitespace)
            }
            b'/' if self.bytes.get(at + 1) == Some(&b'/') => {
                self.while_(Token::Space, |byte| *byte != b'\n')
            }
            b'"' | b'\'' => self.quoted(at, false)?,
            b'`' => self.escaped_name(at)?,
            b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => self.word(at)?,
            _ => self.symbol(byte),
        };
        Ok(Some((token, at)))
    }

    fn while_(&mut self, token: Token, belongs: impl Fn(&u8) -> bool) -> Token {
        self.at += self.bytes[self.at..].iter().take_while(|byte| belongs(byte)).count();
        token
    }

    /// A name, a number, `in`, or a string with its prefix.
    fn word(&mut self, start: usize) -> Result<Token, ExprError> {
        let is_number = self.bytes[start].is_ascii_digit();
        self.while_(Token::Operand, |byte| *byte == b'_' || byte.is_ascii_alphanumeric());
        let is_quoted = matches!(self.bytes.get(self.at), Some(b'"' | b'\''));
        match &self.bytes[start..self.at] {
            b"in" => Ok(Token::Binary),
            [b'r' | b'R'] | [b'b' | b'B', b'r' | b'R'] if is_quoted => self.quoted(self.at, true),
            [b'b' | b'B'] if is_quoted => self.quoted(self.at, false),
            _ => {
                // `1.5` is one number, not a field of `1`.
                let has_fraction = is_number
                    && self.bytes.get(self.at) == Some(&b'.')
                    && self.bytes.get(self.at + 1).is_some_and(u8::is_ascii_digit);
                if has_fraction {
                    self.at += 1;
                    self.while_(Token::Operand, u8::is_ascii_alphanumeric);
                }
                Ok(Token::Operand)
            }
        }
    }

    fn quoted(&mut self, start: usize, raw: bool) -> Result<Token, ExprError> {
        let quote = self.bytes[start];
        let is_triple = self.bytes[start..].starts_with(&[quote; 3]);
        let width = if is_triple { 3 } else { 1 };
        let closing = [quote; 3];
        self.at = start + width;
        while self.at < self.bytes.len() {
            if self.bytes[self.at..].starts_with(&closing[..width]) {
                self.at += width;
                return Ok(Token::Operand);
            }
            self.at += if self.bytes[self.at] == b'\\' && !raw { 2 } else { 1 };
        }
        Err(ExprError::invalid("a text without its closing quote", start))
    }

    fn escaped_name(&mut self, start: usize) -> Result<Token, ExprError> {
        self.at += 1;
        self.while_(Token::Operand, |byte| *byte != b'`');
        if self.at == self.bytes.len() {
            return Err(ExprError::invalid("a name without its closing backtick", start));
        }
        self.at += 1;
        Ok(Token::Operand)
    }

    fn symbol(&mut self, byte: u8) -> Token {
        let next = self.bytes.get(self.at + 1).copied();
        let (token, width) = match (byte, next) {
            (b'&', Some(b'&')) | (b'|', Some(b'|')) => (Token::Logic, 2),
            (b'=' | b'!' | b'<' | b'>', Some(b'=')) => (Token::Binary, 2),
            (b'<' | b'>' | b'+' | b'*' | b'/' | b'%', _) => (Token::Binary, 1),
            (b'-', _) => (Token::Minus, 1),
            (b'!', _) => (Token::Bang, 1),
            (b'$', _) => (Token::Dollar, 1),
            (b'.', _) => (Token::Dot, 1),
            (b',', _) => (Token::Comma, 1),
            (b':', _) => (Token::Colon, 1),
            (b'?', _) => (Token::Question, 1),
            (b'(' | b'[' | b'{', _) => (Token::Open, 1),
            (b')' | b']' | b'}', _) => (Token::Close, 1),
            _ => (Token::Other, 1),
        };
        self.at += width;
        token
    }
}

/// How deep a part of the tree may come out: an upper bound for each of the two ways.
#[derive(Debug, Clone, Copy, Default)]
struct Depth {
    nesting: usize,
    chain: usize,
}

impl Depth {
    fn max(self, other: Self) -> Self {
        Self { nesting: self.nesting.max(other.nesting), chain: self.chain.max(other.chain) }
    }
}

/// One bracket that is open (or the whole text).
#[derive(Debug, Default)]
struct Level {
    /// Deepest finished part between commas.
    parts: Depth,
    /// Deepest finished operand of this part.
    operands: Depth,
    /// Deepest bracket of this operand.
    inside: Depth,
    /// Members, calls and unary operators of this operand.
    links: usize,
    /// Binary operators of this part; all of them may hang on one another.
    chain: usize,
    /// Ternaries of this part, and `&&` and `||`, which the parser hangs up as a balanced tree.
    ternaries: usize,
    logics: usize,
    after_operand: bool,
}

impl Level {
    fn end_operand(&mut self) {
        let nesting = self.inside.nesting + self.links;
        self.operands = self.operands.max(Depth { nesting, chain: self.inside.chain });
        self.inside = Depth::default();
        self.links = 0;
        self.after_operand = false;
    }

    fn end_part(&mut self) {
        self.end_operand();
        let balanced = self.logics.checked_ilog2().map_or(0, |height| height as usize + 1);
        let nesting = self.operands.nesting + self.ternaries + balanced;
        let chain = self.operands.chain + self.chain;
        self.parts = self.parts.max(Depth { nesting, chain });
        self.operands = Depth::default();
        (self.chain, self.ternaries, self.logics) = (0, 0, 0);
    }
}

#[derive(Debug, Default)]
struct Levels {
    open: Vec<Level>,
    here: Level,
}

impl Levels {
    fn take(&mut self, token: Token) -> Result<(), String> {
        let here = &mut self.here;
        match token {
            Token::Operand | Token::Dollar => here.after_operand = true,
            Token::Dot | Token::Bang => here.links += 1,
            Token::Minus if !here.after_operand => here.links += 1,
            Token::Minus | Token::Binary => {
                here.end_operand();
                here.chain += 1;
            }
            Token::Logic => {
                here.end_operand();
                here.logics += 1;
            }
            Token::Question => {
                here.end_operand();
                here.ternaries += 1;
            }
            Token::Colon => here.end_operand(),
            Token::Comma => here.end_part(),
            Token::Open => self.open.push(std::mem::take(&mut self.here)),
            Token::Close => return self.close(),
            Token::Space | Token::Other => {}
        }
        if self.open.len() > NESTING_MAX { Err(too_deep()) } else { Ok(()) }
    }

    fn close(&mut self) -> Result<(), String> {
        let Some(outer) = self.open.pop() else {
            return Err("a bracket that was not opened".to_owned());
        };
        let mut inner = std::mem::replace(&mut self.here, outer);
        inner.end_part();
        self.here.inside = self.here.inside.max(inner.parts);
        self.here.links += 1;
        self.here.after_operand = true;
        self.check(inner.parts)
    }

    fn check(&self, depth: Depth) -> Result<(), String> {
        if self.open.len() + depth.nesting > NESTING_MAX {
            return Err(too_deep());
        }
        if depth.chain > CHAIN_MAX {
            return Err(format!("more than {CHAIN_MAX} operators hang on one another"));
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), String> {
        if !self.open.is_empty() {
            return Err("a bracket is not closed".to_owned());
        }
        self.here.end_part();
        self.check(self.here.parts)
    }
}

fn too_deep() -> String {
    format!("the expression nests deeper than {NESTING_MAX}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_found_outside_quotes_only() {
        let source = r#"$.a > "$.b" + '$' + r"\" + $.c // $.d"#;
        let found = survey(source).expect("sound");

        assert_eq!(found.dollars, [0, source.find("$.c").expect("it is there")]);
    }

    #[test]
    fn a_brace_is_closed_past_braces_and_quotes() {
        let text = r#"a ${ {"}": '}'}[`x`] } b"#;

        assert_eq!(closing_brace(text, 4).expect("closed"), text.len() - 3);
        for open in ["${", "${ {}", "${ '}", "${ // }"] {
            assert!(closing_brace(open, 2).is_err(), "{open}");
        }
    }

    #[test]
    fn depth_counts_every_way_to_nest() {
        let deep = |text: &str, count: usize, end: &str| {
            survey(&format!("{}a{}", text.repeat(count), end.repeat(count)))
        };
        #[rustfmt::skip] // The columns carry the meaning.
        let cases = [
            ("(", ")"), ("[", "]"), ("{'a':", "}"), ("f(", ")"), ("a[", "]"), ("!", ""), ("-", ""),
            ("a ? a : ", ""), ("", ".a"), ("", ".f()"), ("", "[0]"), ("-(", ")"), ("a && (", ")"),
        ];
        for (start, end) in cases {
            assert!(deep(start, 31, end).is_ok(), "{start}{end}");
            assert!(deep(start, 65, end).is_err(), "{start}{end}");
        }
        assert!(deep("1 + ", CHAIN_MAX, "").is_ok());
        assert!(deep("1 + ", CHAIN_MAX + 1, "").is_err());
        assert!(deep("a && ", 1000, "").is_ok());
    }

    #[test]
    fn a_dollar_is_a_name_of_its_own() {
        for source in ["$x", "a$", "a.$", "$(1)", "${a}", "$$"] {
            assert!(survey(source).is_err() || source == "$$", "{source}");
        }
    }
}
