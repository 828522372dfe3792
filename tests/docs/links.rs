//! Links and anchors of a page.

use std::collections::BTreeSet;

/// The anchors of a page's headings: as GitHub and mdBook make them.
pub fn anchors(rest: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in rest.lines().filter(|line| line.starts_with('#')) {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let again = (1..).map(|number| format!("{anchor}-{number}"));
        let free = std::iter::once(anchor.clone()).chain(again).find(|name| !found.contains(name));
        found.extend(free);
    }
    found
}

/// The targets of a page's links, except between backticks.
pub fn links(rest: &str) -> Vec<String> {
    let prose: String = rest.split('`').step_by(2).collect();
    let targets = prose.split("](").skip(1).filter_map(|after| after.split_once(')'));
    targets.map(|(target, _)| target.split(' ').next().unwrap_or_default().to_owned()).collect()
}
