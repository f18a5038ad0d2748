//! Expressions by chance, with what they come to: drawn from a number alone, so that a condition is
//! the same text and the same truth wherever it is asked for.

use crate::dice::Dice;

/// How deep an expression nests.
const DEPTH: usize = 3;

/// An expression, how tightly its outermost operator binds, and what it comes to: where the flag is
/// down, and where it is up.
struct Drawn<T> {
    text: String,
    binds: Binds,
    values: [T; 2],
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Binds {
    Choice,
    Or,
    And,
    Relation,
    Sum,
    Product,
    Sign,
    Whole,
}

impl<T: Copy> Drawn<T> {
    fn new(text: impl Into<String>, binds: Binds, values: [T; 2]) -> Self {
        Self { text: text.into(), binds, values }
    }

    /// One that comes to the same wherever the flag is.
    fn fixed(text: impl Into<String>, binds: Binds, value: T) -> Self {
        Self::new(text, binds, [value; 2])
    }

    fn with<U: Copy>(&self, other: &Self, done: impl Fn(T, T) -> U) -> [U; 2] {
        [done(self.values[0], other.values[0]), done(self.values[1], other.values[1])]
    }

    /// Its text, in brackets where it binds less than wanted.
    fn within(&self, wanted: Binds) -> String {
        if self.binds >= wanted { self.text.clone() } else { format!("({})", self.text) }
    }
}

/// A condition, and whether it holds in a run whose input has the flag down, and in one that has it
/// up; `flag_text` asks for the flag.
pub(crate) fn truth(seed: u64, flag_text: &str) -> (String, [bool; 2]) {
    let mut hand = Hand { dice: Dice::new(seed), flag_text };
    let drawn = hand.truth(DEPTH);
    (drawn.text, drawn.values)
}

/// The same for a whole number.
pub(crate) fn number(seed: u64, flag_text: &str) -> (String, [i64; 2]) {
    let mut hand = Hand { dice: Dice::new(seed), flag_text };
    let drawn = hand.number(DEPTH);
    (drawn.text, drawn.values)
}

struct Hand<'a> {
    dice: Dice,
    flag_text: &'a str,
}

impl Hand<'_> {
    fn truth(&mut self, depth: usize) -> Drawn<bool> {
        if depth == 0 {
            return Drawn::new(self.flag_text, Binds::Relation, [false, true]);
        }
        match self.dice.below(9) {
            0 => self.logic(depth - 1, true),
            1 => self.logic(depth - 1, false),
            2 => {
                let of = self.truth(depth - 1);
                let values = of.values.map(|value| !value);
                Drawn::new(format!("!{}", of.within(Binds::Sign)), Binds::Sign, values)
            }
            3 => {
                let (asked, one, other) =
                    (self.truth(depth - 1), self.truth(depth - 1), self.truth(depth - 1));
                choice(&asked, &one, &other)
            }
            4 => self.member(depth - 1),
            5 => self.texts(),
            6 => self.of_list(),
            _ => self.relation(depth - 1),
        }
    }

    /// One of two truths, or both: where one side decides, the other may fail.
    fn logic(&mut self, depth: usize, decides: bool) -> Drawn<bool> {
        let (mut left, mut right) = (self.truth(depth), self.truth(depth));
        if right.values == [decides; 2] && self.dice.chance(50) {
            left = fails();
        } else if left.values == [decides; 2] && self.dice.chance(50) {
            right = fails();
        }
        let (word, binds, inner) = if decides {
            ("||", Binds::Or, Binds::And)
        } else {
            ("&&", Binds::And, Binds::Relation)
        };
        let text = format!("{} {word} {}", left.within(binds), right.within(inner));
        let values =
            left.with(&right, |left, right| if decides { left || right } else { left && right });
        Drawn::new(text, binds, values)
    }

    fn relation(&mut self, depth: usize) -> Drawn<bool> {
        let (left, right) = (self.number(depth), self.number(depth));
        let (word, holds): (_, fn(&i64, &i64) -> bool) = match self.dice.below(6) {
            0 => ("<", i64::lt),
            1 => ("<=", i64::le),
            2 => (">", i64::gt),
            3 => (">=", i64::ge),
            4 => ("==", i64::eq),
            _ => ("!=", i64::ne),
        };
        let text = format!("{} {word} {}", left.within(Binds::Sum), right.within(Binds::Sum));
        Drawn::new(text, Binds::Relation, left.with(&right, |left, right| holds(&left, &right)))
    }

    fn member(&mut self, depth: usize) -> Drawn<bool> {
        let (number, list) = (self.number(depth), self.list());
        let text = format!("{} in {}", number.within(Binds::Sum), shown(&list));
        Drawn::new(text, Binds::Relation, number.values.map(|value| list.contains(&value)))
    }

    fn texts(&mut self) -> Drawn<bool> {
        let words = ["", "a", "ab", "b", "ba", "añ"];
        let (left, right) =
            (words[self.dice.below(words.len())], words[self.dice.below(words.len())]);
        let (text, value) = match self.dice.below(5) {
            0 => (format!("'{left}' < '{right}'"), left < right),
            1 => (format!("'{left}' == '{right}'"), left == right),
            2 => (format!("'{left}'.contains('{right}')"), left.contains(right)),
            3 => (format!("'{left}'.startsWith('{right}')"), left.starts_with(right)),
            _ => (format!("'{left}'.endsWith('{right}')"), left.ends_with(right)),
        };
        Drawn::fixed(text, Binds::Relation, value)
    }

    fn of_list(&mut self) -> Drawn<bool> {
        let (list, bound) = (self.list(), self.literal());
        let over = list.iter().filter(|each| **each > bound).count();
        let (word, value) = match self.dice.below(3) {
            0 => ("all", over == list.len()),
            1 => ("exists", over > 0),
            _ => ("exists_one", over == 1),
        };
        let text = format!("{}.{word}(x, x > {})", shown(&list), signed(bound));
        Drawn::fixed(text, Binds::Whole, value)
    }

    fn number(&mut self, depth: usize) -> Drawn<i64> {
        if depth == 0 {
            let value = self.literal();
            return Drawn::fixed(signed(value), Binds::Whole, value);
        }
        match self.dice.below(9) {
            0 | 1 => {
                let (left, right) = (self.number(depth - 1), self.number(depth - 1));
                let (word, sign) = if self.dice.chance(50) { ("+", 1) } else { ("-", -1) };
                let values = left.with(&right, |left, right| left + sign * right);
                let (left, right) = (left.within(Binds::Sum), right.within(Binds::Product));
                Drawn::new(format!("{left} {word} {right}"), Binds::Sum, values)
            }
            2 => {
                let (left, right) = (self.number(depth - 1), self.number(depth - 1));
                let text =
                    format!("{} * {}", left.within(Binds::Product), right.within(Binds::Sign));
                Drawn::new(text, Binds::Product, left.with(&right, |left, right| left * right))
            }
            3 => {
                let (left, right) = (self.number(depth - 1), self.literal());
                let right = if right == 0 { 3 } else { right };
                let text = format!("{} % {}", left.within(Binds::Product), signed(right));
                Drawn::new(text, Binds::Product, left.values.map(|left| left % right))
            }
            4 => self.counted(),
            5 => self.of_two(depth - 1),
            6 => {
                let asked = self.truth(depth - 1);
                choice(&asked, &self.number(depth - 1), &self.number(depth - 1))
            }
            7 => {
                let of = self.number(depth - 1);
                Drawn::new(format!("abs({})", of.text), Binds::Whole, of.values.map(i64::abs))
            }
            _ => self.number(0),
        }
    }

    fn counted(&mut self) -> Drawn<i64> {
        let list = self.list();
        let (text, value) = match self.dice.below(5) {
            0 => (format!("size({})", shown(&list)), list.len() as i64),
            1 => (format!("sum({})", shown(&list)), list.iter().sum()),
            2 if !list.is_empty() => {
                let index = self.dice.below(list.len());
                (format!("{}[{index}]", shown(&list)), list[index])
            }
            3 => {
                let kept = list.iter().filter(|each| **each >= 0);
                let text = format!("sum({}.filter(x, x >= 0).map(x, x * 2))", shown(&list));
                (text, kept.map(|each| each * 2).sum())
            }
            _ => {
                let value = self.literal();
                (format!("coalesce(input.?missing, {})", signed(value)), value)
            }
        };
        Drawn::fixed(text, Binds::Whole, value)
    }

    fn of_two(&mut self, depth: usize) -> Drawn<i64> {
        let (one, other) = (self.number(depth), self.number(depth));
        let (word, values) = if self.dice.chance(50) {
            ("min", one.with(&other, i64::min))
        } else {
            ("max", one.with(&other, i64::max))
        };
        Drawn::new(format!("{word}({}, {})", one.text, other.text), Binds::Whole, values)
    }

    fn list(&mut self) -> Vec<i64> {
        (0..self.dice.below(4)).map(|_| self.literal()).collect()
    }

    fn literal(&mut self) -> i64 {
        self.dice.below(15) as i64 - 5
    }
}

fn choice<T: Copy>(asked: &Drawn<bool>, one: &Drawn<T>, other: &Drawn<T>) -> Drawn<T> {
    let text = format!(
        "{} ? {} : {}",
        asked.within(Binds::Or),
        one.within(Binds::Or),
        other.within(Binds::Choice)
    );
    let chosen = |at: usize| if asked.values[at] { one.values[at] } else { other.values[at] };
    Drawn::new(text, Binds::Choice, [chosen(0), chosen(1)])
}

/// What cannot be told; it stands only where it does not matter.
fn fails() -> Drawn<bool> {
    Drawn::fixed("input.missing", Binds::Whole, false)
}

fn signed(number: i64) -> String {
    if number < 0 { format!("({number})") } else { number.to_string() }
}

fn shown(list: &[i64]) -> String {
    let elements: Vec<String> = list.iter().map(i64::to_string).collect();
    format!("[{}]", elements.join(", "))
}
