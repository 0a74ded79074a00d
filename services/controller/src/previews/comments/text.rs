//! What comments say.

use nuncio_api::ObjectId;

use crate::admin::PreviewView;

/// The longest comment: GitHub takes 65 536 characters.
const LONGEST: usize = 60_000;
/// How many of the things that are wrong with a preview are told.
const PROBLEMS: usize = 5;

/// What the comments of a gateway begin with. Nobody sees it; of several gateways each has its own domain for previews.
pub(super) fn marker(domain: &str) -> String {
    format!("<!-- nuncio-previews {domain} -->")
}

/// A comment of what is to be said of each preview.
pub(super) fn comment<'t>(marker: &str, previews: impl ExactSizeIterator<Item = &'t String>) -> String {
    let (mut text, total) = (format!("{marker}\n"), previews.len());
    for (told, preview) in previews.enumerate() {
        if text.len() + preview.len() > LONGEST {
            text += &format!("\nAnd {} more.\n", total - told);
            break;
        }
        text += preview;
    }
    text
}

/// What is to be said of a preview.
pub(super) fn preview(id: &ObjectId, preview: &PreviewView) -> String {
    let mut lines = vec![title(id), String::new()];
    if preview.urls.is_empty() {
        lines.push("It cannot be seen yet.".to_owned());
    }
    lines.extend(preview.urls.iter().map(|url| format!("- {}: {}", code(&url.baseline), url.url)));
    lines.push(String::new());
    let replaced = preview.services.iter();
    lines.extend(replaced.map(|service| format!("{} is {}.", code(&service.baseline), code(&service.backend))));
    let commit = preview.source.as_ref().and_then(|source| source.commit.as_deref());
    lines.extend(commit.map(|commit| format!("Commit {}.", code(commit))));
    lines.push(match &*preview.access {
        "Public" => "Whoever knows the address can see it.".to_owned(),
        _ => "It asks who you are.".to_owned(),
    });
    let problems = preview.problems.iter().take(PROBLEMS);
    lines.extend(problems.map(|problem| format!("\n**{}**: {}", problem.reason, code(&problem.message))));
    lines.join("\n") + "\n"
}

/// That it is there no more.
pub(super) fn gone(id: &ObjectId) -> String {
    format!("{}\n\nIt is gone.\n", title(id))
}

fn title(id: &ObjectId) -> String {
    format!("\n### Preview {}", code(&id.name))
}

/// A stranger's text, of which nothing is markup.
fn code(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c == '`' || c.is_control() { ' ' } else { c }).collect();
    format!("`{}`", plain.trim())
}

#[cfg(test)]
mod tests {
    use nuncio_api::Kind;

    use super::*;

    #[test]
    fn a_comment_holds_no_markup_of_strangers() {
        assert_eq!(code("a`b\n<!-- x -->"), "`a b <!-- x -->`");
        let gone = gone(&ObjectId::new(Kind::Preview, "shop", "pr-1"));
        let text = comment(&marker("preview.example"), [gone].iter());
        assert_eq!(text, "<!-- nuncio-previews preview.example -->\n\n### Preview `pr-1`\n\nIt is gone.\n");
    }

    #[test]
    fn a_comment_is_no_longer_than_forges_take() {
        let previews = vec!["x".repeat(25_000); 5];
        let text = comment("marker", previews.iter());
        assert!(text.len() < LONGEST && text.ends_with("\nAnd 3 more.\n"), "{}", text.len());
    }
}
