//! `~SEQ` and `~LST`: the rest of a line, once for each value of a parameter.

use super::definition::{Definitions, Value};

/// How often a line may be repeated.
const MAX_ROUNDS: usize = 65_536;

/// A line that is there many times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Repeat {
    /// What the parameters stand for in each round.
    pub(super) rounds: Vec<Vec<(String, String)>>,
    /// The rest of the line.
    pub(super) text: String,
}

/// Whether the line begins with `~SEQ` or `~LST`.
pub(super) fn is_repeat(line: &str) -> bool {
    line.starts_with("~SEQ") || line.starts_with("~LST")
}

/// Reads a line of which [`is_repeat`] holds; what is wrong with it, where it is.
pub(super) fn parse(line: &str, definitions: &Definitions) -> Result<Repeat, &'static str> {
    let (kind, after) = line.split_at(4);
    let (is_hex, after) = match after.strip_prefix('x') {
        Some(after) if kind == "~SEQ" => (true, after),
        _ => (false, after),
    };
    let after = after.trim_start().strip_prefix('(');
    let after = after.ok_or("`(` is missing behind it")?;
    let (list, text) = after
        .split_once(')')
        .ok_or("`)` is missing behind its list")?;
    let rounds = if kind == "~SEQ" {
        sequence(list, is_hex, definitions)?
    } else {
        values(list)?
    };
    Ok(Repeat {
        rounds,
        text: text.trim_start().to_owned(),
    })
}

/// `NAME, [[start,] step,] end`.
fn sequence(
    list: &str,
    is_hex: bool,
    definitions: &Definitions,
) -> Result<Vec<Vec<(String, String)>>, &'static str> {
    let (name, numbers) = list.split_once(',').ok_or("it has no end")?;
    let numbers = match definitions.replace(numbers) {
        Ok(Some(replaced)) => replaced.line,
        Ok(None) => numbers.to_owned(),
        Err(_) => return Err("its parameters never end"),
    };
    let numbers: Option<Vec<i64>> = numbers.split(',').map(|word| number(word.trim())).collect();
    let numbers = numbers.ok_or("its start, step and end must be whole numbers")?;
    let (start, step, end) = match *numbers.as_slice() {
        [end] => {
            let sign = if end < 1 { -1 } else { 1 };
            (sign, sign, end)
        }
        [start, end] => (start, if start <= end { 1 } else { -1 }, end),
        [start, step, end] => (start, step, end),
        _ => return Err("it has more than a start, a step and an end"),
    };
    if step == 0 || start < end && step < 0 || start > end && step > 0 {
        return Err("its step does not lead from its start to its end");
    }
    if is_hex && (start < 0 || end < 0) {
        return Err("hexadecimal numbers must not be negative");
    }
    let mut rounds = Vec::new();
    let mut next = start;
    while if step > 0 { next <= end } else { next >= end } {
        if rounds.len() == MAX_ROUNDS {
            return Err("it has more than 65,536 rounds");
        }
        let value = if is_hex {
            format!("{next:x}")
        } else {
            next.to_string()
        };
        rounds.push(vec![(name.trim().to_owned(), value)]);
        next = next.saturating_add(step);
    }
    Ok(rounds)
}

/// As C reads it: `12`, `-3`, `0x1f`, `017`.
fn number(word: &str) -> Option<i64> {
    let (sign, digits) = match word.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, word),
    };
    let value = if let Some(hex) = digits.strip_prefix("0x") {
        i64::from_str_radix(hex, 16)
    } else if digits.len() > 1 && digits.starts_with('0') {
        i64::from_str_radix(digits, 8)
    } else {
        digits.parse()
    };
    // A second sign would be taken for part of the number.
    let has_sign = digits.starts_with(['+', '-']);
    value.ok().filter(|_| !has_sign).map(|value| sign * value)
}

/// `NAME, value, …`, or `{NAME, NAME}, {value, value}, …`.
fn values(list: &str) -> Result<Vec<Vec<(String, String)>>, &'static str> {
    let mut groups = groups(list)?.into_iter();
    let names = groups.next().ok_or("it has no parameter")?;
    let mut rounds = Vec::new();
    for values in groups {
        if values.len() > names.len() {
            return Err("it has more values than parameters");
        }
        let missing = std::iter::repeat(String::new());
        rounds.push(
            names
                .iter()
                .cloned()
                .zip(values.into_iter().chain(missing))
                .collect(),
        );
    }
    if rounds.is_empty() {
        return Err("it has no value");
    }
    Ok(rounds)
}

/// The items of a list, those in braces together.
fn groups(list: &str) -> Result<Vec<Vec<String>>, &'static str> {
    let items = |text: &str| text.split(',').map(|item| item.trim().to_owned()).collect();
    let mut groups: Vec<Vec<String>> = Vec::new();
    let mut rest = list.trim();
    while !rest.is_empty() {
        let after;
        if let Some(braced) = rest.strip_prefix('{') {
            let (group, behind) = braced.split_once('}').ok_or("`}` is missing in its list")?;
            groups.push(items(group));
            after = behind.trim_start();
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            groups.push(vec![rest[..end].trim().to_owned()]);
            after = &rest[end..];
        }
        rest = match after.strip_prefix(',') {
            Some(rest) => rest.trim_start(),
            None if after.is_empty() => after,
            None => return Err("`,` is missing in its list"),
        };
    }
    Ok(groups)
}

impl Repeat {
    /// The rounds as definitions: what each of them defines.
    pub(super) fn define(definitions: &mut Definitions, round: &[(String, String)]) {
        for (name, value) in round {
            definitions.define(name, Value::Text(value.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::definition::Definitions, parse};

    fn rounds(line: &str) -> Vec<String> {
        let repeat = parse(line, &Definitions::default()).expect(line);
        let join = |round: Vec<(String, String)>| {
            let pairs = round
                .into_iter()
                .map(|(name, value)| format!("{name}={value}"));
            pairs.collect::<Vec<_>>().join(" ")
        };
        repeat.rounds.into_iter().map(join).collect()
    }

    #[test]
    fn a_sequence_counts_from_its_start_to_its_end() {
        assert_eq!(rounds("~SEQ(A, 0, 2) x"), ["A=0", "A=1", "A=2"]);
        assert_eq!(rounds("~SEQ(A, 2) x"), ["A=1", "A=2"]);
        assert_eq!(rounds("~SEQ(A, 168,2,172) x"), ["A=168", "A=170", "A=172"]);
        assert_eq!(rounds("~SEQ(A, 1, -1) x"), ["A=1", "A=0", "A=-1"]);
        assert_eq!(
            rounds("~SEQx(A, 0x90, 0x10, 0xb0) x"),
            ["A=90", "A=a0", "A=b0"]
        );
    }

    #[test]
    fn a_list_gives_its_values_in_turn() {
        assert_eq!(rounds("~LST(IP, 1, b) x"), ["IP=1", "IP=b"]);
        assert_eq!(
            rounds("~LST({IP, IP1}, {10,1},{20}) 192.168.${IP}.${IP1}"),
            ["IP=10 IP1=1", "IP=20 IP1="]
        );
    }

    #[test]
    fn what_is_no_sequence_says_why() {
        let wrong = |line| parse(line, &Definitions::default()).expect_err(line);
        assert_eq!(wrong("~SEQ A"), "`(` is missing behind it");
        assert_eq!(wrong("~SEQ(A, 1"), "`)` is missing behind its list");
        assert_eq!(wrong("~SEQ(A)"), "it has no end");
        assert_eq!(
            wrong("~SEQ(A, x)"),
            "its start, step and end must be whole numbers"
        );
        assert_eq!(
            wrong("~SEQ(A, 1, 0, 5)"),
            "its step does not lead from its start to its end"
        );
        assert_eq!(
            wrong("~SEQ(A, 0, 99999999)"),
            "it has more than 65,536 rounds"
        );
        assert_eq!(wrong("~LST(A)"), "it has no value");
        assert_eq!(
            wrong("~LST(A, {1, 2})"),
            "it has more values than parameters"
        );
    }
}
