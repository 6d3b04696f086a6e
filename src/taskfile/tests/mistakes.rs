//! What is said about tasks and keys that are wrong.

use super::mistakes;

#[test]
fn a_misspelt_key_never_loses_a_gate() {
    let file = "\
## Task 1: x
**Requires Aproval:** true
**Claude Instruction:**
y
";
    insta::assert_snapshot!(mistakes(file).annotated(), @r#"
    tasks.md:2:3: unknown key "Requires Aproval"
       |
     2 | **Requires Aproval:** true
       |   ^
       = help: did you mean "Requires Approval"?
    "#);
}

#[test]
fn all_mistakes_are_reported_at_once_in_order() {
    let file = "\
# Day
## Tsk 1: a
**Type:** x
**Type:** y
**Requires Approval:** maybe
**Timeout:** soon
**Idle Timeout:** 0
**Model:** --help
**Check:** test
**Depends On:** 1, x
**Frobnicate:** 1
and its text
## Task 2: b

## Task 2:
**Depends On:** 2, 3, 9
**Description:** d

## Task 3: c
**Claude Instruction:**
**Note:** fine here
**Requires Approval:** true
";
    insta::assert_snapshot!(mistakes(file).to_string(), @r#"
    tasks.md:2:1: this is not how a task heading is written
    tasks.md:4:1: "Type" is already given in line 3
    tasks.md:5:24: "maybe" is neither true nor false
    tasks.md:6:14: "soon" is not a duration
    tasks.md:7:19: a time limit of zero allows nothing
    tasks.md:8:12: "--help" is not the name of a model
    tasks.md:9:12: unknown check "test"
    tasks.md:10:17: task 1 cannot depend on itself
    tasks.md:10:20: "x" is not a task number
    tasks.md:11:3: unknown key "Frobnicate"
    tasks.md:13:1: the task has neither an instruction nor a description
    tasks.md:15:1: the task has no title
    tasks.md:15:1: there is already a task 2 in line 13
    tasks.md:16:20: task 3 comes later in the file
    tasks.md:16:23: there is no task 9
    tasks.md:22:1: "Requires Approval" stands after the instruction
    "#);
}

#[test]
fn headings_that_are_nearly_tasks() {
    let file = "\
## Task: no number
## task 3 - x
## Task 0: zero
##Task 2: x
## **Task 4: bold**
# Task 5: level
### Task 6: level
## Task 99999999999: big
## Task2: x
## Aufgabe 7: x
";
    insta::assert_snapshot!(mistakes(file).to_string(), @r#"
    tasks.md:1:1: this is not how a task heading is written
    tasks.md:1:1: the task has neither an instruction nor a description
    tasks.md:2:1: this is not how a task heading is written
    tasks.md:2:1: the task has neither an instruction nor a description
    tasks.md:3:1: tasks are numbered from 1
    tasks.md:3:1: the task has neither an instruction nor a description
    tasks.md:4:1: a task heading needs a space after its number signs
    tasks.md:4:1: the task has neither an instruction nor a description
    tasks.md:5:1: this is not how a task heading is written
    tasks.md:5:1: the task has neither an instruction nor a description
    tasks.md:6:1: a task heading has two number signs
    tasks.md:6:1: the task has neither an instruction nor a description
    tasks.md:7:1: a task heading has two number signs
    tasks.md:7:1: the task has neither an instruction nor a description
    tasks.md:8:1: the task number "99999999999" is too large
    tasks.md:8:1: the task has neither an instruction nor a description
    tasks.md:9:1: this is not how a task heading is written
    tasks.md:9:1: there is already a task 2 in line 4
    tasks.md:9:1: the task has neither an instruction nor a description
    tasks.md:10:1: a second-level heading that is not a task
    "#);
}

#[test]
fn headings_that_are_nearly_tasks_in_an_instruction() {
    let file = "\
## Task 1: a
**Claude Instruction:**
x
## Tsk 2: b
**Claude Instruction:**
x
##Task 3: c
**Claude Instruction:**
x
# Task 4: d
**Claude Instruction:**
x
";
    insta::assert_snapshot!(mistakes(file).annotated(), @r###"
    tasks.md:4:1: this is not how a task heading is written
       |
     4 | ## Tsk 2: b
       | ^
       = help: did you mean "## Task 2: b"?

    tasks.md:7:1: a task heading needs a space after its number signs
       |
     7 | ##Task 3: c
       | ^
       = help: did you mean "## Task 3: c"?

    tasks.md:10:1: a task heading has two number signs
        |
     10 | # Task 4: d
        | ^
        = help: did you mean "## Task 4: d"?
    "###);
}

#[test]
fn keys_that_are_not_written_as_keys() {
    let file = "\
**Type:** early
## Task 1: a
Type: x
## Task 2: b
- **Requires Approval:** true
## Task 3: c
**Description:** d
**Requires Approval**: true
Type: y
## Task 4: d
**Acceptance Criteria:**
- a
- **Check:** tests
**Claude Instruction:**
Requires Aproval: true
**Depends on** : 1
- **Type:** fine
  **Type:** fine
Priority: fine
";
    insta::assert_snapshot!(mistakes(file).to_string(), @r#"
    tasks.md:1:1: "Type" stands before the first task
    tasks.md:3:1: this looks like the key "Type"
    tasks.md:5:1: this looks like the key "Requires Approval"
    tasks.md:8:1: this looks like the key "Requires Approval"
    tasks.md:9:1: this looks like the key "Type"
    tasks.md:13:1: this looks like the key "Check"
    tasks.md:15:1: this looks like the key "Requires Approval"
    tasks.md:16:1: this looks like the key "Depends On"
    "#);
}

#[test]
fn text_that_belongs_nowhere() {
    let file = "\
## Task 1: a
hello
**Type:** x

### More
## Task 2: b
**Acceptance Criteria:**
first:
- a
**Claude Instruction:**

## Task 3: c
**Acceptance Criteria:**
**Priority:**
**Claude Instruction:**
---
";
    insta::assert_snapshot!(mistakes(file).to_string(), @r#"
    tasks.md:2:1: this text belongs to no key
    tasks.md:5:1: this text belongs to no key
    tasks.md:8:1: this text is not part of the list of acceptance criteria
    tasks.md:10:1: there is no text below this key
    tasks.md:13:1: there is no list below this key
    tasks.md:14:1: "Priority" has no value
    tasks.md:15:1: there is no text below this key
    "#);
}

#[test]
fn an_unclosed_fence_swallows_no_task() {
    let file = "\
## Task 1: a
**Claude Instruction:**
```rust
fn main() {}

---

## Task 2: b
**Claude Instruction:**
y
";
    insta::assert_snapshot!(mistakes(file).annotated(), @r"
    tasks.md:3:1: this block is never closed, so it takes in the rest of the file
       |
     3 | ```rust
       | ^
       = help: close it with ```
    ");
}

#[test]
fn an_unclosed_comment_swallows_no_task() {
    let file = "\
## Task 1: a
**Description:** d
<!-- later

## Task 2: b
**Description:** d
";
    insta::assert_snapshot!(mistakes(file).to_string(), @"tasks.md:3:1: this block is never closed, so it takes in the rest of the file");
}

#[test]
fn an_html_block_swallows_no_gate() {
    let file = "\
## Task 1: a
**Claude Instruction:**
<details>x</details>
## Task 2: b
**Requires Approval:** true
**Claude Instruction:**
y
";
    insta::assert_snapshot!(mistakes(file).annotated(), @r#"
    tasks.md:5:1: "Requires Approval" stands after the instruction
       |
     5 | **Requires Approval:** true
       | ^
       = help: the heading above it is not read as one: give it two number signs, and an empty line before it

    tasks.md:6:1: "Claude Instruction" is already given in line 2
       |
     6 | **Claude Instruction:**
       | ^
    "#);
}

#[test]
fn a_title_that_is_a_task() {
    let file = "\
Task 1: a
===
";
    insta::assert_snapshot!(mistakes(file).to_string(), @"tasks.md:1:1: a task heading has two number signs");
}
