//! What `--help` shows below the options: examples, and for `status` the exit codes of all these commands.

pub(super) const STATUS: &str = "Examples:
  orchestrator status                              the current session
  orchestrator status --session 20251120-093015    an earlier one
  orchestrator status --json | jq -r .gate.id      for scripts

Without a daemon this and all commands like it work on the database directly, and say so on stderr.

Exit codes, here and of all these commands:
  0  done
  1  failed: unknown, wrong, or something is broken
  2  the command line is wrong
  3  refused now: the message says why and what would work
  4  the daemon can't be reached";

pub(super) const START: &str = "Examples:
  orchestrator start                                   today's file, YYYY-MM-DD-tasks.md
  orchestrator start release.md                        this one in the task folder
  orchestrator start orchestrator_tasks/release.md     the same, as a shell completes it
  orchestrator start release.md --again                once more, though it was completed
  orchestrator start hotfix.md --replace               stop the open session, begin this one";

pub(super) const APPROVE: &str = "Examples:
  orchestrator approve
  orchestrator approve g7_k3qd
  orchestrator approve 'keep the old table until the data is moved'
  orchestrator approve g7_k3qd -- '--force is not needed here'

With the gate's id the answer can't meet another gate than the one you have read about.";

pub(super) const REJECT: &str = "Examples:
  orchestrator reject 'split it: first the schema, then the data'
  orchestrator reject g7_k3qd there are no tests

It starts nothing: the gate opens again, and what you said reaches Claude with the task's next run.";

pub(super) const PAUSE: &str = "Examples:
  orchestrator pause        the live run goes on to its end, nothing starts after it
  orchestrator pause now    end the live run too; `orchestrator resume` continues it";

pub(super) const RESUME: &str = "Examples:
  orchestrator resume    after a pause, or once the reason of a hold is mended";

pub(super) const SKIP: &str = "Examples:
  orchestrator skip            the task that is up now
  orchestrator skip 3          task 3 (in most shells '#3' needs its quotes)
  orchestrator skip g7_k3qd    the task that this gate is about";

pub(super) const RETRY: &str = "Examples:
  orchestrator retry
  orchestrator retry 'the test database has to be migrated first'
  orchestrator retry 2 use the helper in src/money.rs
  orchestrator retry g7_k3qd";

pub(super) const CONTINUE: &str = "Examples:
  orchestrator continue
  orchestrator continue 'leave the old table alone'
  orchestrator continue 2
  orchestrator continue g7_k3qd

`retry` runs the task from scratch instead.";

pub(super) const STOP: &str = "Examples:
  orchestrator stop            what wasn't done stays undone; `start` begins anew
  orchestrator stop g7_k3qd    only if this gate is still what it waits at";

pub(super) const TASKS: &str = "Examples:
  orchestrator tasks
  orchestrator tasks --json | jq '.tasks[] | select(.state == \"failed\")'";

pub(super) const SESSIONS: &str = "Examples:
  orchestrator sessions
  orchestrator sessions --limit 3";

pub(super) const LOGS: &str = "Examples:
  orchestrator logs                    the newest 20 lines of the story
  orchestrator logs 200
  orchestrator logs --follow           go on until the session ends or Ctrl-C
  orchestrator logs '#2' -f            what task 2 prints (a bare # is a comment in most shells)
  orchestrator logs 50 --task 2
  orchestrator logs --session 20251120-093015";

pub(super) const NOTIFICATIONS: &str = "Examples:
  orchestrator notifications
  orchestrator notifications retry all
  orchestrator notifications retry 019aa0c2-5f3e-7c41-9d2e-6b1f0a7c8d90
  orchestrator notifications drop 019aa0c2-5f3e-7c41-9d2e-6b1f0a7c8d90";
