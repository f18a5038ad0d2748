//! The token of a write: where it stands in the log, so that a read can ask to see it.

use std::fmt;

/// A place in the log of one epoch. Its text is `shard.epoch.position`; embedded, the shard is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    pub epoch: u32,
    pub position: u64,
}

impl Token {
    /// Reads the text of a token; none if it is not one of an embedded store.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (shard, epoch, position) = (parts.next()?, parts.next()?, parts.next()?);
        let is_canonical = |part: &str| part == "0" || !part.starts_with(['0', '+']);
        let is_whole = shard == "0" && parts.next().is_none();
        (is_whole && is_canonical(epoch) && is_canonical(position))
            .then(|| Some(Self { epoch: epoch.parse().ok()?, position: position.parse().ok()? }))?
    }
}

impl fmt::Display for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "0.{}.{}", self.epoch, self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn a_token_comes_back_from_its_text_and_nothing_else_is_one() {
        let token = Token { epoch: 3, position: 41 };

        assert_eq!(Token::parse(&token.to_string()), Some(token));
        for text in ["", "0.3", "1.3.41", "0.3.41.0", "0.-3.41", "0.03.41", "0.+3.41", "0.x.1"] {
            assert_eq!(Token::parse(text), None, "{text}");
        }
    }
}
