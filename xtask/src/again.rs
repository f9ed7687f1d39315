//! What to run a second time, by what Node's runner says of the first.

use std::path::PathBuf;

/// A test that failed, as Node's runner sums up.
pub(crate) struct Failure<'a> {
    pub(crate) place: &'a str,
    pub(crate) name: &'a str,
}

pub(crate) fn failures(said: &str) -> Vec<Failure<'_>> {
    let mut lines = said.lines().map(str::trim);
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let Some(place) = line.strip_prefix("test at ") else { continue };
        // "✖ its name (12.3ms)"
        let name =
            lines.next().and_then(|line| line.strip_prefix("✖ ")).and_then(|line| line.rsplit_once(" ("));
        found.push(Failure { place, name: name.map_or("", |(name, _)| name) });
    }
    found
}

/// The files with a failure in them; none, if one is elsewhere: in what several have in common.
pub(crate) fn failed_files(failures: &[Failure<'_>], dir: &str, tests: &[PathBuf]) -> Option<Vec<PathBuf>> {
    let file_of = |failure: &Failure<'_>| {
        let in_it = |test: &&PathBuf| {
            let name = test.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            failure.place.starts_with(&format!("{dir}/{name}:"))
        };
        tests.iter().find(in_it).cloned()
    };
    let mut files = failures.iter().map(file_of).collect::<Option<Vec<_>>>()?;
    files.sort();
    files.dedup();
    if files.is_empty() { Some(tests.to_vec()) } else { Some(files) }
}

/// As a regular expression, nothing but itself.
pub(crate) fn literal(name: &str) -> String {
    let mut pattern = String::new();
    for char in name.chars() {
        if char.is_ascii_punctuation() {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "\
✖ failing tests:

test at tests/e2e/tabs/world.mjs:29:3
✖ chaos signs nobody out (session, seed 1) (49228.485848ms)
  Error: waited in vain

test at tests/e2e/page.test.mjs:7:1
✖ a page (12ms)
";

    #[test]
    fn what_failed_is_read_off_the_summary() {
        let found: Vec<_> = failures(SAID).into_iter().map(|failure| (failure.place, failure.name)).collect();
        let wanted = [
            ("tests/e2e/tabs/world.mjs:29:3", "chaos signs nobody out (session, seed 1)"),
            ("tests/e2e/page.test.mjs:7:1", "a page"),
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn the_file_is_known_unless_a_failure_is_in_what_files_share() {
        let tests = ["/x/tests/e2e/page.test.mjs", "/x/tests/e2e/site.test.mjs"].map(PathBuf::from);
        let failures = failures(SAID);
        assert_eq!(failed_files(&failures, "tests/e2e", &tests), None);
        assert_eq!(failed_files(&failures[1..], "tests/e2e", &tests), Some(vec![tests[0].clone()]));
        assert_eq!(failed_files(&[], "tests/e2e", &tests), Some(tests.to_vec()));
    }

    #[test]
    fn a_name_is_no_pattern() {
        assert_eq!(literal("a (b), 1.5"), r"a \(b\)\, 1\.5");
    }
}
