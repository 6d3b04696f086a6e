//! What is said about whole files that are wrong, and how it is shown whatever they hold.

use crate::taskfile::{MAX_BYTES, MAX_TASKS, parse};

use super::mistakes;

#[test]
fn a_file_without_tasks() {
    let file = "\
# Just a title

and text
";
    insta::assert_snapshot!(mistakes(file).to_string(), @"tasks.md:1:1: the file has no tasks");
}

#[test]
fn an_empty_file() {
    let file = "";
    insta::assert_snapshot!(mistakes(file).to_string(), @"tasks.md:1:1: the file is empty");
}

#[test]
fn a_nul() {
    let file = "## Task 1: a\n**Description:** b\0c\n";
    insta::assert_snapshot!(mistakes(file).to_string(), @"tasks.md:2:19: the file holds a NUL character");
}

#[test]
fn long_lines_and_control_characters() {
    let file = "## Task 1: a\n**Description:** d\n**Depends On:** \t1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, \u{1b}[31mred\u{202e}\t, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1\n";
    insta::assert_snapshot!(mistakes(file).annotated(), @r#"
    tasks.md:3:18: task 1 cannot depend on itself
       |
     3 | **Depends On:**  1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, …
       |                  ^
       = help: a task can depend only on earlier ones

    tasks.md:3:138: "�[31mred�" is not a task number
       |
     3 | …1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, �[31mred� , 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, …
       |                                                              ^
       = help: write the numbers of earlier tasks, such as 1, 2
    "#);
}

#[test]
fn wide_characters() {
    let file = "\
## Task 1: a
**Description:** d
**Depends On:** 漢字, x
";
    insta::assert_snapshot!(mistakes(file).annotated(), @r#"
    tasks.md:3:17: "漢字" is not a task number
       |
     3 | **Depends On:** 漢字, x
       |                 ^
       = help: write the numbers of earlier tasks, such as 1, 2

    tasks.md:3:21: "x" is not a task number
       |
     3 | **Depends On:** 漢字, x
       |                       ^
       = help: write the numbers of earlier tasks, such as 1, 2
    "#);
}

#[test]
fn too_many_tasks() {
    let task = |number| format!("## Task {number}: x\n**Description:** d\n");
    let most: String = (1..=MAX_TASKS).map(task).collect();
    assert!(parse("tasks.md", most.as_bytes(), &[]).is_ok());
    let file = most + &task(MAX_TASKS + 1);
    insta::assert_snapshot!(mistakes(&file).to_string(), @"tasks.md:1001:1: too many tasks: 501, at most 500");
}

#[test]
fn too_many_bytes() {
    let mut file = "## Task 1: x\n**Description:** ".to_owned();
    file.push_str(&"d".repeat(MAX_BYTES - file.len()));
    assert!(parse("tasks.md", file.as_bytes(), &[]).is_ok());
    file.push('d');
    insta::assert_snapshot!(mistakes(&file).to_string(), @"tasks.md:1:1: the file is too long: 1048577 bytes, at most 1048576");
}

#[test]
fn bytes_that_are_not_utf8() {
    let latin1 = b"## Task 1: x\r\n**Description:** caf\xc3\xa9 caf\xe9 d\r\n";
    let mistakes = parse("tasks.md", latin1, &[]).unwrap_err();
    insta::assert_snapshot!(mistakes.annotated(), @r"
    tasks.md:2:26: the file is not UTF-8: byte 0xe9
       |
     2 | **Description:** café caf� d
       |                          ^
       = help: save the file as UTF-8
    ");
}

#[test]
fn utf16_is_recognised_with_and_without_its_mark() {
    let units = |mark: &str| -> Vec<u8> {
        let text = format!("{mark}## Task 1: x\n");
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    for bytes in [units("\u{feff}"), units("")] {
        let mistakes = parse("tasks.md", &bytes, &[]).unwrap_err();
        assert_eq!(mistakes.to_string(), "tasks.md:1:1: the file is UTF-16, not UTF-8");
    }
}
