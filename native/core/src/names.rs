//! Names: which are allowed, and which one was probably meant.

/// The candidate nearest to `name`, if any is near enough to be a slip of the hand.
pub fn closest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = (name.chars().count() / 3).max(1);
    candidates
        .take(10_000)
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= most * 4)
        .map(|candidate| (distance(name, candidate, most), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, candidate)| candidate)
}

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
    }
}
