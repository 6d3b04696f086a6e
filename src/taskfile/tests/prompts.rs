//! What Claude reads.

use crate::taskfile::{CheckOutput, DayLog, PromptParts, continue_prompt, prompt};

use super::only_task;

const TASK: &str = "\
## Task 7: Create baptisms migration
**Requires Approval:** true
**Description:** Create the migration
**Acceptance Criteria:**
- Migration file created
- RLS policies created
  for every role

**Claude Instruction:**
Follow the weddings table.

### Columns
All of them.
";

#[test]
fn a_full_prompt_holds_every_part() {
    let spec = only_task(TASK);
    let day = DayLog {
        context: Some("Following the wedding pattern".into()),
        notes: Some("- Migration first".into()),
    };
    let text = prompt(&PromptParts {
        spec: &spec,
        position: 2,
        total: 3,
        day: Some(&day),
        notes: &["use today's date".into(), " ".into()],
        feedback: &["the name was wrong\nand the type".into()],
        check_output: Some(CheckOutput { name: "tests", output: "\n```\n1 failed\n````\n\n" }),
    });
    insta::assert_snapshot!(text, @r"
    # Task 7: Create baptisms migration

    This is task 2 of 3. Do only this one: the others are done in runs of their own, before and after it.

    ## Description

    Create the migration

    ## Instruction

    Follow the weddings table.

    ### Columns
    All of them.

    ## Acceptance criteria

    - Migration file created
    - RLS policies created
      for every role

    ## Notes from the operator

    - use today's date

    ## The operator's feedback on earlier runs

    - the name was wrong
      and the type

    ## The failed check

    After the previous run the check `tests` failed; the task is completed only when it passes. It printed:

    `````text
    ```
    1 failed
    ````
    `````

    ## Context of the day

    Following the wedding pattern

    ## Notes of the day

    - Migration first
    ");
}

#[test]
fn empty_parts_leave_no_headings() {
    let spec = only_task("## Task 1: Tidy up\n**Description:** Remove what is unused\n");
    let day = DayLog { context: None, notes: Some("  \n".into()) };
    let parts = PromptParts {
        spec: &spec,
        position: 1,
        total: 1,
        day: Some(&day),
        notes: &[],
        feedback: &[],
        check_output: None,
    };
    insta::assert_snapshot!(prompt(&parts), @r"
    # Task 1: Tidy up

    This is the only task. Do it and nothing beyond it.

    ## Description

    Remove what is unused
    ");
    insta::assert_snapshot!(continue_prompt(&parts), @r"
    You were interrupted while working on task 1: Tidy up

    Look at what is already done, then finish this task. Do only this task.
    ");
}

#[test]
fn a_resumed_session_hears_what_is_new() {
    let spec = only_task(TASK);
    let text = continue_prompt(&PromptParts {
        spec: &spec,
        position: 2,
        total: 3,
        day: None,
        notes: &["go on".into()],
        feedback: &[],
        check_output: None,
    });
    insta::assert_snapshot!(text, @r"
    You were interrupted while working on task 7: Create baptisms migration

    Look at what is already done, then finish this task. Do only this task.

    ## Notes from the operator

    - go on
    ");
}
