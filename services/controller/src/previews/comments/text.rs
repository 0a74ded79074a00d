//! What comments say.

use nuncio_api::ObjectId;

use crate::admin::PreviewView;
use crate::clock;

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

/// What is to be said of a preview, which ends then, however many ask for it.
pub(super) fn preview(id: &ObjectId, preview: &PreviewView, end: Option<u64>) -> String {
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
        "ShareLink" => "Only links to it let in: who may change it makes them.".to_owned(),
        _ => "It asks who you are.".to_owned(),
    });
    lines.extend(ends(end, preview.expires_at));
    let problems = preview.problems.iter().take(PROBLEMS);
    lines.extend(problems.map(|problem| format!("\n**{}**: {}", problem.reason, code(&problem.message))));
    lines.join("\n") + "\n"
}

/// When one ends: then, however many ask for it, or sooner where nobody does. When that would be as of now moves with each
/// request, and is not told.
fn ends(end: Option<u64>, as_of_now: Option<u64>) -> Option<String> {
    let is_sooner = as_of_now != end;
    Some(match end.map(clock::text) {
        Some(end) if is_sooner => format!("It ends {end}, or sooner where nobody asks for it."),
        Some(end) => format!("It ends {end}."),
        None if is_sooner => "It ends where nobody asks for it.".to_owned(),
        None => return None,
    })
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
    use serde_json::json;

    use super::*;

    #[test]
    fn a_comment_holds_no_markup_of_strangers() {
        assert_eq!(code("a`b\n<!-- x -->"), "`a b <!-- x -->`");
        let gone = gone(&ObjectId::new(Kind::Preview, "shop", "pr-1"));
        let text = comment(&marker("preview.example"), [gone].iter());
        assert_eq!(text, "<!-- nuncio-previews preview.example -->\n\n### Preview `pr-1`\n\nIt is gone.\n");
    }

    #[test]
    fn it_says_when_a_preview_ends() {
        let view: PreviewView = serde_json::from_value(json!({"kind": "Preview", "namespace": "shop", "name": "pr-1",
            "access": "Public", "urls": [], "services": [], "problems": [], "may_change": true, "expires_at": 1_766_599_200}))
        .unwrap();
        let said = preview(&ObjectId::new(Kind::Preview, "shop", "pr-1"), &view, view.expires_at);
        assert!(said.contains("can see it.\nIt ends 2025-12-24T18:00:00Z.\n"), "{said}");

        assert_eq!(ends(None, None), None);
        // However often somebody asks for it the comment stays as it is.
        let sooner = "It ends 2025-12-24T18:00:00Z, or sooner where nobody asks for it.";
        for asked in [1_766_595_600, 1_766_598_000] {
            assert_eq!(ends(Some(1_766_599_200), Some(asked)).as_deref(), Some(sooner));
            assert_eq!(ends(None, Some(asked)).as_deref(), Some("It ends where nobody asks for it."));
        }
    }

    #[test]
    fn a_comment_is_no_longer_than_forges_take() {
        let previews = vec!["x".repeat(25_000); 5];
        let text = comment("marker", previews.iter());
        assert!(text.len() < LONGEST && text.ends_with("\nAnd 3 more.\n"), "{}", text.len());
    }
}
