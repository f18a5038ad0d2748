//! Names near a name that was not found, for errors that help.

const LOOKED_AT_MAX: usize = 500;
const NAME_SIZE_MAX: usize = 64;
const SHOWN_MAX: usize = 5;

/// What to add to "it is not there": near names first, else what there is.
pub(super) fn hint<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> =
        known.filter(|name| name.len() <= NAME_SIZE_MAX).take(LOOKED_AT_MAX).collect();
    let near = near(wanted, &names);
    if !near.is_empty() {
        return format!("; did you mean {}?", listed(&near));
    }
    match names.len() {
        0 => String::new(),
        1..=SHOWN_MAX => format!("; there is {}", listed(&names)),
        _ => format!("; there is {} and more", listed(&names[..SHOWN_MAX])),
    }
}

fn near<'a>(wanted: &str, names: &[&'a str]) -> Vec<&'a str> {
    if wanted.len() > NAME_SIZE_MAX {
        return Vec::new();
    }
    let allowed = wanted.chars().count().div_ceil(3).min(3);
    let mut ranked: Vec<(usize, &str)> = names
        .iter()
        .map(|name| (distance(wanted, name), *name))
        .filter(|(far, name)| *far <= allowed && far * 2 <= name.chars().count())
        .collect();
    ranked.sort_by_key(|(far, _)| *far);
    ranked.into_iter().take(3).map(|(_, name)| name).collect()
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// How many letters to add, drop or change.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().flat_map(char::to_lowercase).collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (done, letter) in from.chars().flat_map(char::to_lowercase).enumerate() {
        let mut diagonal = row[0];
        row[0] = done + 1;
        for (column, other) in to.iter().enumerate() {
            let change = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = change.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}
