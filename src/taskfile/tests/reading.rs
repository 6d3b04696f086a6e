//! What is made of files that are right.

use std::time::Duration;

use crate::domain::id::TaskNumber;

use super::{only_task, plan};

#[test]
fn every_key_is_read() {
    let task = only_task(
        "## Task 7: Seven\n\
         **type:**  Data Base \n\
         **PRIORITY:** High\n\
         **Requires  Approval:** Yes\n\
         **Model:** opus\n\
         **Timeout:** 1h 30m\n\
         **Idle Timeout:** 90\n\
         **Check:** tests\n\
         **Acceptance Criteria:**\n- a\n\
         **Description:** d\n\
         **Claude Instruction:** i\n",
    );
    assert_eq!(task.number, TaskNumber(7));
    assert_eq!(task.title, "Seven");
    assert_eq!(task.kind, "data base");
    assert_eq!(task.priority.as_deref(), Some("High"));
    assert_eq!(task.requires_approval, Some(true));
    assert_eq!(task.model.as_deref(), Some("opus"));
    assert_eq!(task.timeout, Some(Duration::from_mins(90)));
    assert_eq!(task.idle_timeout, Some(Duration::from_secs(90)));
    assert_eq!(task.check.as_deref(), Some("tests"));
    assert_eq!(task.acceptance_criteria, ["a"]);
    assert_eq!(task.description.as_deref(), Some("d"));
    assert_eq!(task.instruction.as_deref(), Some("i"));
}

#[test]
fn what_is_not_given_has_its_default() {
    let task = only_task("## task 1 : x\n**Description:** only this\n");
    assert_eq!(task.kind, "general");
    assert_eq!(task.requires_approval, None);
    assert_eq!(task.instruction, None);
}

#[test]
fn an_instruction_is_free_markdown_taken_verbatim() {
    let text = "First paragraph,\nwith **Note:** and a [link](#x).\n\n\
        **Careful:** bold text of an unknown name is text\n\n\
        ## Steps\n\n### Deeper\n# Large\n\n1. one\n   ```sh\n   ## Task 2: in a fence in a list\n   ```\n\n\
        ```markdown\n## Task 2: in a fence\n**Requires Approval:** true\n```\n\n\
        <!--\n## Task 3: in a comment\n**Type:** x\n-->\n\n\
        > ## Task 4: quoted\n> **Type:** x\n\n    ## Task 5: indented code\n    **Type:** x\n\n\
        <div>\n## Task 6: in HTML\n</div>\n\n- **Type:** in a list\n\nType: without asterisks  \nlast line";
    let file = format!("## Task 1: x\n**Claude Instruction:**\n\n{text}\n\n---\n");
    assert_eq!(only_task(&file).instruction.as_deref(), Some(text));
}

#[test]
fn only_the_last_rule_closes_an_instruction() {
    let tasks = plan(
        "## Task 1: a\n**Claude Instruction:**\nbefore\n---\nafter\n---\n\n## Task 2: b\n**Description:** d\n\n***\n",
    )
    .tasks;
    assert_eq!(tasks[0].instruction.as_deref(), Some("before\n---\nafter"));
    assert_eq!(tasks[1].description.as_deref(), Some("d"));
}

#[test]
fn a_text_may_begin_beside_or_below_its_key() {
    let beside = only_task("## Task 1: x\n**Claude Instruction:** - a\n- b\n");
    let below = only_task("## Task 1: x\n**Claude Instruction:**\n\n- a\n- b\n");
    assert_eq!(beside, below);
}

#[test]
fn criteria_are_the_items_of_a_list() {
    let task = only_task(
        "## Task 1: x\n**Description:** several\nlines\n\nand **Note:** paragraphs\n\
         **Acceptance Criteria:**\n\
         * one\n  over two lines\n\
         * two\n\n  - nested\n    ```\n    code\n    ```\n\n  last\n\
         lazy\n\
         10. ten\n\n---\n**Priority:** low\n",
    );
    assert_eq!(task.description.as_deref(), Some("several\nlines\n\nand **Note:** paragraphs"));
    assert_eq!(
        task.acceptance_criteria,
        ["one\nover two lines", "two\n\n- nested\n  ```\n  code\n  ```\n\nlast\nlazy", "ten"]
    );
    let single = only_task("## Task 1: x\n**Acceptance Criteria:** tests pass\n**Description:** d\n");
    assert_eq!(single.acceptance_criteria, ["tests pass"]);
}

#[test]
fn keys_end_a_list_without_an_empty_line() {
    let task =
        only_task("## Task 1: x\n**Acceptance Criteria:**\n- a\n**Claude Instruction:**\n  indented\n");
    assert_eq!(task.acceptance_criteria, ["a"]);
    assert_eq!(task.instruction.as_deref(), Some("  indented"));
}

#[test]
fn an_introduction_is_left_alone() {
    let plan = plan(
        "The\nplan\n===\n\nSome **words:** and\n\n```\n## Task 1: shown\n```\n\n---\n\n## Task 1: x ##\n**Description:** d\n",
    );
    assert_eq!(plan.title.as_deref(), Some("The plan"));
    assert_eq!(plan.tasks[0].title, "x");
}

#[test]
fn dependencies_are_earlier_tasks() {
    let tasks = plan(
        "## Task 5: a\n**Description:** d\n## Task 2: b\n**Description:** d\n\
         ## Task 3: c\n**Depends On:** 2,5 , 2\n**Description:** d\n",
    )
    .tasks;
    assert_eq!(tasks[2].depends_on, [TaskNumber(2), TaskNumber(5)]);
}

#[test]
fn comments_may_stand_between_keys() {
    let task = only_task(
        "## Task 1: x\n<!-- why\n**Requires Approval:** true\n-->\n**Type:** a\n <!-- b -->\n\
         **Acceptance Criteria:**\n- c\n\n<!-- d -->\n**Description:** e\n",
    );
    assert_eq!(task.requires_approval, None);
    assert_eq!(task.acceptance_criteria, ["c"]);
}
