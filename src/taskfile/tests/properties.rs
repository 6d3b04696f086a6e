//! What holds for any file: reading never panics, every mistake has a place, and what can be read can be written.

use proptest::prelude::*;
use proptest::sample::select;

use crate::taskfile::{Parsed, parse, render};

/// Lines that look like structure, or come close.
const LINES: &[&str] = &[
    "",
    "plain text",
    "  indented text",
    "    deeply indented",
    "\ttabbed **Type:** x",
    "trailing spaces   ",
    "## Task 9: nine",
    "##Task 8: eight",
    " ## Task 7: seven",
    "    ## Task 6: six",
    "## Steps",
    "### Deeper",
    "# Large",
    "# Task 3: wrong level",
    "### Task 3: deep",
    "#",
    "**Type:** x",
    " **Type:** x",
    "    **Type:** x",
    "**Note:** bold",
    "**Type**: x",
    "Requires Approval: true",
    "**Requires Aproval:** true",
    "---",
    "  ---",
    "-",
    "===",
    "***",
    "* * *",
    "```",
    "~~~~",
    "   ```rust",
    "    ```",
    "- item",
    "-   wide item",
    "-     code item",
    "- ```",
    "  ```",
    "- - nested",
    "* ---",
    "-",
    "1. one",
    "2) two",
    "2) **Type:** x",
    "10. ten",
    "-\ttab item",
    "  continued",
    "\tcontinued",
    "> quote",
    "> ## Task 2: quoted",
    "> ```",
    "<!-- comment",
    "-->",
    "<div>",
    "</div>",
    "<br>",
    "<pre>",
    "</pre>",
    "<?x",
    "[a]: /url",
    "[a]: /url \"title",
    "| a | b |",
    "é ü 漢字 👩‍👩‍👧",
    "\u{202e}שלום",
    "\u{a0}",
    "\u{a0}no-break",
    "\u{b}\u{c}",
    "\u{2028}",
    "\\# escaped",
    "`code",
    "ends with #",
    "ends with \\",
    "&amp; &#35;",
];

const TITLES: &[&str] = &["x", "C #", "#", "C#", "a # ##", "`code` *b*", "漢字: x", "\\#", "a: b", "---"];

const VALUES: &[&str] = &[
    "**Type:** Database",
    "**Priority:** high # ##",
    "**Requires Approval:** YES",
    "**requires  approval:** false",
    "**Model:** opus",
    "**Timeout:** 1h 30m",
    "**Idle Timeout:** 90",
    "**Check:** tests",
    "**Type:** <!-- x",
    "**Type:** ```",
    "<!-- comment -->",
    "<!-- **Type:** x\n-->",
    "",
    "---",
];

fn text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        8 => select(LINES).prop_map(str::to_owned),
        1 => "\\PC{0,12}",
    ];
    prop::collection::vec(line, 1..9).prop_map(|lines| lines.join("\n"))
}

fn list() -> impl Strategy<Value = String> {
    let marker = select(&["- ", "* ", "+ ", "1. ", "-   ", "-\t", "-\n  ", "-", "10) "][..]);
    let item = (marker, text(), any::<bool>()).prop_map(|(marker, text, indent)| {
        let gap = if indent { "\n    " } else { "\n" };
        format!("{marker}{}", text.replace('\n', gap))
    });
    prop::collection::vec(item, 1..4).prop_map(|items| items.join("\n"))
}

fn task() -> impl Strategy<Value = String> {
    let gap = || select(&["\n", " ", "\n\n", "   ", "\n\n  "][..]);
    let text = || prop_oneof![1 => Just("plain".to_owned()), 3 => text()];
    let values = prop::collection::vec(select(VALUES), 0..3).prop_map(|lines| lines.join("\n"));
    let description = prop::option::of((gap(), text()));
    let criteria = prop::option::of((gap(), prop_oneof![list(), text()]));
    let instruction = prop::option::weighted(0.8, (gap(), text()));
    let rule = select(&["", "\n---", "\n\n---\n", "\n***\n---"][..]);
    (select(TITLES), values, description, criteria, instruction, rule).prop_map(
        |(title, values, description, criteria, instruction, rule)| {
            let part = |key: &str, part: Option<(&str, String)>| {
                part.map_or(String::new(), |(gap, text)| format!("\n**{key}:**{gap}{text}"))
            };
            format!(
                "{title}\n{values}{}{}{}{rule}\n",
                part("Description", description),
                part("Acceptance Criteria", criteria),
                part("Claude Instruction", instruction),
            )
        },
    )
}

fn file() -> impl Strategy<Value = String> {
    let intro = prop_oneof![
        Just(String::new()),
        Just("# Tasks - 2025-11-20\n\n".to_owned()),
        Just("# C #\n".to_owned()),
        text().prop_map(|text| format!("{text}\n===\n")),
        text().prop_map(|text| format!("{text}\n\n")),
    ];
    let tasks = prop::collection::vec(task(), 1..4).prop_map(|tasks| {
        let numbered = tasks.iter().enumerate();
        let tasks: Vec<String> =
            numbered.map(|(index, task)| format!("## Task {}: {task}", index + 1)).collect();
        tasks.join("")
    });
    (intro, tasks).prop_map(|(intro, tasks)| intro + &tasks)
}

fn read(bytes: &[u8]) -> Option<Parsed> {
    match parse("tasks.md", bytes, &["tests".to_owned()]) {
        Ok(parsed) => Some(parsed),
        Err(mistakes) => {
            assert!(!mistakes.0.is_empty());
            let places: Vec<_> = mistakes.0.iter().map(|one| (one.line, one.column)).collect();
            assert!(places.is_sorted(), "{places:?}");
            assert!(!mistakes.annotated().contains('\t'));
            None
        }
    }
}

fn assert_writable(parsed: &Parsed) -> Result<(), TestCaseError> {
    let written = render(&parsed.plan);
    match parse("rendered.md", written.as_bytes(), &["tests".to_owned()]) {
        Ok(again) => prop_assert_eq!(&again.plan, &parsed.plan, "{}", written),
        Err(mistakes) => prop_assert!(false, "{}\n{}", mistakes.annotated(), written),
    }
    Ok(())
}

fn cases(count: u32) -> ProptestConfig {
    ProptestConfig { cases: count, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn what_can_be_read_can_be_written_and_read_again(file in file()) {
        if let Some(parsed) = read(file.as_bytes()) {
            prop_assert_eq!(parsed.plan.tasks.len(), parsed.lines.len());
            assert_writable(&parsed)?;
        }
    }

    #[test]
    fn one_text_survives_in_every_part(text in text(), list in list()) {
        for part in [
            format!("**Description:**\n{text}"),
            format!("**Description:** {text}"),
            format!("**Description:** x\n**Acceptance Criteria:**\n{list}"),
            format!("**Claude Instruction:**\n{text}"),
            format!("**Claude Instruction:** {text}"),
        ] {
            let file = format!("## Task 1: x\n{part}\n\n---\n\n## Task 2: y\n**Description:** z\n");
            if let Some(parsed) = read(file.as_bytes()) {
                assert_writable(&parsed)?;
                prop_assert!(parsed.plan.tasks.len() == 2 || text.contains("## Task"));
            }
        }
    }

    #[test]
    fn noise_is_read_or_refused(
        file in file(),
        noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let mut bytes = file.into_bytes();
        for (index, byte) in noise {
            let at = index.index(bytes.len());
            if byte % 2 == 0 { bytes[at] = byte / 2 } else { bytes.truncate(at.max(1)) }
        }
        if let Some(parsed) = read(&bytes) {
            assert_writable(&parsed)?;
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read(&bytes);
    }
}
