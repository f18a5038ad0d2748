//! Names: which are allowed, and which one was probably meant.

/// The candidate nearest to `name`, if any is near enough to be a slip of the hand.
pub fn closest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let size = name.chars().count();
    let most = (size / 3).max(1);
    let mut near: Option<Near<'_>> = None;
    for candidate in candidates.take(10_000) {
        let whole = if candidate.len().abs_diff(name.len()) <= most * 4 {
            distance(name, candidate, most)
        } else {
            most + 1
        };
        let found = if whole <= most {
            (false, whole, unlike_start(name, candidate), candidate)
        } else if size >= START_SIZE_MIN {
            // What was meant may be the beginning of a longer name.
            let start =
                candidate.char_indices().nth(size).map_or(candidate, |(end, _)| &candidate[..end]);
            (true, distance(name, start, 1), 0, candidate)
        } else {
            continue;
        };
        let is_near = !found.0 || found.1 <= 1;
        if is_near && near.is_none_or(|near| found < near) {
            near = Some(found);
        }
    }
    near.map(|(.., candidate)| candidate)
}

/// Whether only the start is near, how far it is, how much of it differs from the first letter that
/// does, and the name; the least is the nearest.
type Near<'a> = (bool, usize, usize, &'a str);

/// Characters of `name` from the first one that `other` does not have there.
fn unlike_start(name: &str, other: &str) -> usize {
    let same = name.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    name.chars().count() - same
}

/// Characters that a name needs to be taken for the beginning of another one.
const START_SIZE_MIN: usize = 5;

/// Characters of a value that a message repeats.
const SHOWN_COUNT_MAX: usize = 100;

/// A value as a message repeats it: cut where it is long.
pub fn shown(value: impl std::fmt::Display) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_COUNT_MAX) {
        None => text,
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
    }
}

/// Edits between two names (Levenshtein), or more than `most` as soon as that is sure.
fn distance(left: &str, right: &str, most: usize) -> usize {
    let right: Vec<char> = right.chars().take(128).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().take(128).enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let changed = corner + usize::from(a != *b);
            corner = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(corner + 1);
        }
        if row.iter().min().is_some_and(|least| *least > most) {
            return most + 1;
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::{closest, shown};

    #[test]
    fn a_long_value_is_cut_in_a_message() {
        assert_eq!(shown("short"), "short");
        assert_eq!(shown("ä".repeat(60_000)), format!("{}… (120000 bytes)", "ä".repeat(100)));
    }

    #[test]
    fn a_slip_of_the_hand_finds_the_name_that_was_meant() {
        let names = ["collect", "analyze", "record_operation"];

        assert_eq!(closest("analyse", names.into_iter()), Some("analyze"));
        assert_eq!(closest("record_operatoin", names.into_iter()), Some("record_operation"));
        assert_eq!(closest("publish", names.into_iter()), None);
        assert_eq!(
            closest("max_retry", ["max_delay", "max_retries"].into_iter()),
            Some("max_retries")
        );
        assert_eq!(closest("recrd", names.into_iter()), None);
        assert_eq!(closest("recorb", names.into_iter()), Some("record_operation"));
        let long = ["analyze_temperature", "analyzes"];
        assert_eq!(closest("analyse", long.into_iter()), Some("analyzes"));
        assert_eq!(closest("analyse", long[..1].iter().copied()), Some("analyze_temperature"));
    }
}
