//! Which files are pages.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use bytes::Bytes;

/// What stands above the list of APIs: the first of these that is there.
const LANDING: [&str; 2] = ["landing.md", "index.md"];

/// Texts by their paths, as they are in a directory.
type Written = (String, Bytes);

/// What stands above the list of APIs, and pages by their names in URLs: no file takes another's place unsaid.
pub(super) fn of(
    written: impl Iterator<Item = Written>,
    problems: &mut Vec<String>,
) -> (Option<Written>, BTreeMap<String, Written>) {
    let (mut landings, mut pages) = (BTreeMap::new(), BTreeMap::<_, Written>::new());
    for (path, bytes) in written {
        let Some(name) = path.strip_suffix(".md") else {
            problems.push(unused(&path));
            continue;
        };
        if let Some(rank) = LANDING.iter().position(|landing| *landing == path) {
            landings.insert(rank, (path, bytes));
            continue;
        }
        match pages.entry(name.trim_start_matches("pages/").to_owned()) {
            Entry::Vacant(place) => drop(place.insert((path, bytes))),
            Entry::Occupied(other) => {
                problems.push(format!("{path}: has the address of {}, which is shown", other.get().0));
            }
        }
    }
    let landing = landings.pop_first().map(|(_, landing)| landing);
    problems.extend(landings.into_values().map(|(path, _)| format!("{path}: {} is shown instead", LANDING[0])));
    (landing, pages)
}

/// Why a file is not shown.
fn unused(path: &str) -> String {
    let why = match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "gomd" | "gohtml" => {
            "templates of Edge Stack's portal are not run: write the page in markdown, with the ending .md"
        }
        _ if path == "devportal.yaml" => "is of Edge Stack's portal: what it may say here stands in portal.yaml",
        _ => "is neither a page (.md) nor a picture",
    };
    format!("{path}: {why}")
}
