//! "Did you mean": the known name nearest to a misspelt one, the same for variables, keys, channels and keywords.

/// Longest name that is compared, in characters: beyond it nobody mistypes one letter, and the work stays bounded
/// (the product of both lengths) whatever stands in a file.
const NAME_CHARS_MAX: usize = 256;

/// The known name nearest to `wrong`, where one is near enough to be meant: at most a third of its letters wrong (one
/// in short names), without regard to case, and at least one letter right. Of two equally near the first.
#[must_use]
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong: Vec<char> = wrong.to_lowercase().chars().take(NAME_CHARS_MAX + 1).collect();
    if wrong.len() > NAME_CHARS_MAX {
        return None;
    }
    let limit = (wrong.len() / 3).max(1);
    known
        .into_iter()
        .filter_map(|name| {
            let letters: Vec<char> = name.to_lowercase().chars().take(NAME_CHARS_MAX + 1).collect();
            let near = letters.len() <= NAME_CHARS_MAX && letters.len().abs_diff(wrong.len()) <= limit;
            let distance = if near { edit_distance(&wrong, &letters) } else { usize::MAX };
            (distance <= limit && distance < letters.len()).then_some((distance, name))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// `; did you mean ...?`, or nothing: the end of a message about an unknown name.
#[must_use]
pub fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wrong, known).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// How many letters must be inserted, deleted or replaced, or neighbours swapped, to make one word the other.
fn edit_distance(a: &[char], b: &[char]) -> usize {
    let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let replaced = at(&last, j) + usize::from(x != y);
            let mut best = replaced.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                best = best.min(at(&before_last, j - 1) + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    at(&last, b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(a: &str, b: &str) -> usize {
        edit_distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>())
    }

    #[test]
    fn distances_count_letters_and_swaps() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("strat", "start"), 1);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn near_names_are_found() {
        let names = ["start_pb", "stop_ok", "motor"];
        assert_eq!(nearest("strat_pb", names), Some("start_pb"));
        assert_eq!(nearest("MOTR", names), Some("motor"));
        assert_eq!(nearest("xyz", names), None);
        let keys = ["outputs", "inputs", "interlocks", "supply"];
        assert_eq!(nearest("ouputs", keys), Some("outputs"));
        assert_eq!(nearest("inptus", keys), Some("inputs"));
        assert_eq!(nearest("Suply", keys), Some("supply"));
        assert_eq!(nearest("chip", keys), None);
        assert_eq!(did_you_mean("ouputs", keys), "; did you mean `outputs`?");
        assert_eq!(did_you_mean("chip", keys), "");
    }

    #[test]
    fn a_name_with_no_letter_in_common_is_not_meant() {
        let words = ["NO", "NC", "COIL", "NCOIL", "SET", "RST"];
        assert_eq!(nearest("COL", words), Some("COIL"));
        assert_eq!(nearest("ciol", words), Some("COIL"));
        assert_eq!(nearest("NCOLI", words), Some("NCOIL"));
        assert_eq!(nearest("MOTOR", words), None);
        assert_eq!(nearest("X", words), None);
        assert_eq!(nearest("a", ["b"]), None, "one letter of one is all of it");
    }

    #[test]
    fn names_of_absurd_length_are_not_compared() {
        let long = "a".repeat(NAME_CHARS_MAX + 1);
        assert_eq!(nearest(&long, [long.as_str()]), None);
        let longest = "a".repeat(NAME_CHARS_MAX);
        assert_eq!(nearest(&longest, [long.as_str(), longest.as_str()]), Some(longest.as_str()));
    }
}
