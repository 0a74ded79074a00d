//! How an expression is nested, before anything has parsed it.

/// What loops over a list.
const LOOPS: [&str; 5] = ["all", "exists", "exists_one", "map", "filter"];

/// How deep the parser may have to call itself: for brackets, for signs before a value, and for a choice within a choice.
pub(super) fn depth(source: &str) -> usize {
    // What each bracket that is open has added, itself included.
    let mut open = vec![0_usize];
    let (mut deepest, mut signs) = (0_usize, 0_usize);
    for token in tokens(source) {
        let (mut closes, mut adds) = (false, 0);
        match token {
            "(" | "[" | "{" => open.push(1),
            ")" | "]" | "}" => closes = true,
            "?" => adds = 1,
            _ => {}
        }
        signs = if matches!(token, "!" | "-") { signs + 1 } else { 0 };
        if closes && open.len() > 1 {
            open.pop();
        }
        if let Some(last) = open.last_mut() {
            *last += adds;
        }
        deepest = deepest.max(open.iter().sum::<usize>() + signs);
    }
    deepest
}

/// How many loops over lists there are.
pub(super) fn loops(source: &str) -> usize {
    let tokens: Vec<&str> = tokens(source).collect();
    tokens.windows(3).filter(|window| matches!(window, [".", name, "("] if LOOPS.contains(name))).count()
}

/// Names, and everything else character by character; without spaces and texts.
fn tokens(source: &str) -> impl Iterator<Item = &str> {
    let (mut rest, mut is_raw) = (source, false);
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start();
            let first = rest.chars().next()?;
            if is_quote(first) {
                rest = after_text(rest, is_raw);
                continue;
            }
            let is_name = |c: char| c.is_alphanumeric() || c == '_';
            let length = match is_name(first) {
                true => rest.find(|c| !is_name(c)).unwrap_or(rest.len()),
                false => first.len_utf8(),
            };
            let (token, after) = rest.split_at(length);
            is_raw = matches!(token, "r" | "R") && after.starts_with(is_quote);
            rest = after;
            return Some(token);
        }
    })
}

fn is_quote(c: char) -> bool {
    matches!(c, '\'' | '"')
}

/// What follows a text, which begins with its quotation mark: one, or three of them. In a raw one nothing is escaped.
fn after_text(text: &str, is_raw: bool) -> &str {
    let one = &text[..1];
    let three = one.repeat(3);
    let mark = if text.starts_with(&three) { three.as_str() } else { one };
    let mut rest = &text[mark.len()..];
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(mark) {
            return after;
        }
        let mut characters = rest.chars();
        if characters.next() == Some('\\') && !is_raw {
            characters.next();
        }
        rest = characters.as_str();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beside_is_not_within() {
        let uuid = "claims.id == '123e4567-e89b-12d3-a456-426614174000'";
        assert_eq!(depth(&vec![uuid; 50].join(" || ")), 0);
        assert_eq!(depth("(a) && (b) && !c && !d && -1 < 2"), 1);
        assert_eq!(depth("((a))"), 2);
        assert_eq!(depth("!!!a"), 3);
        assert_eq!(depth("a ? b : c ? d : e"), 2);
        assert_eq!(depth("(a ? b : c) && (d ? e : f)"), 2);
        assert_eq!(depth(r##""(((" + '\'(((' + """"((("""##), 0);
        assert_eq!(depth(r"r'\' + (((1)))"), 3);
        assert_eq!(depth(")))((("), 3);
    }

    #[test]
    fn loops_are_counted_by_what_they_are_called() {
        assert_eq!(loops("claims.a.all(x, x.map (y, y) == claims.all) || 'a.map(b)' == claims.map"), 2);
        assert_eq!(loops("claims.all == 1"), 0);
    }
}
