//! Ends every process of a run that is still there: its marker's carriers, their descendants, the sessions they lead.
//!
//! Nothing of a run outlives the run. A scan can miss a process that is being born, so only two empty scans in a row
//! count; zombies don't. Never touches the calling process or its ancestors, and takes nobody for one of the run's
//! merely because of a number.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, waitid};

use super::control::Order;
use super::group::Group;
use super::marker::Marker;
use super::procfs::{Identity, Seen, carries, given_since, is_own_thread, look, table};
use crate::user::{self, User};

const PATIENCE: Duration = Duration::from_secs(30);
const SHORTEST_NAP: Duration = Duration::from_millis(2);
const LONGEST_NAP: Duration = Duration::from_millis(50);

/// Why a run's processes could not be ended, or not even looked at.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// They are there after 30 seconds of killing.
    #[error("processes {} can't be ended; look at them with `ps` and end them by hand", list(.pids))]
    Survivors {
        /// Their process ids.
        pids: Vec<i32>,
    },
    /// The process table or a file of the run can't be read.
    #[error("the run's processes and files can't be read: {0}")]
    Unreadable(#[from] io::Error),
}

/// What the processes of one run are recognised by.
#[derive(Clone, Debug)]
pub(super) struct Traces {
    pub(super) marker: Marker,
    /// Whom its program runs as, if not as ourselves.
    pub(super) user: Option<User>,
    /// The control group they are in.
    pub(super) group: Option<Group>,
}

impl Traces {
    /// Those of a run of which no order is known.
    pub(super) fn of(marker: Marker) -> Self {
        Self { marker, user: None, group: None }
    }

    /// Those of a run that was ordered like this.
    pub(super) fn ordered(marker: Marker, order: Order) -> Self {
        let group = order.group.and_then(|path| Group::noted(path, marker));
        Self { marker, user: order.user, group }
    }

    /// Whether nobody who was born since the program was, after `begun`, carries the marker, or is a member of the group. Where
    /// a user's processes can't be looked into, nobody may be there at all. Answers no where it isn't certain.
    pub(super) fn bore_nobody_since(&self, program: Identity, begun: Instant) -> bool {
        let Some(mut born) = given_since(program, begun) else { return false };
        let own = own_pid();
        let is_one = |pid: i32| match look(pid) {
            None => false,
            Some(seen) if seen.zombie && seen.parent != own => false,
            Some(_) if is_own_thread(pid) => false,
            Some(_) => self.user.is_some() || carries(pid, self.marker),
        };
        !born.any(is_one) && self.group.as_ref().is_none_or(|group| group.members().is_empty())
    }

    /// Those of the table that carry the marker, as far as we can see, and as far as the user can whose processes they are,
    /// and the members of the group.
    fn bearers(&self, table: &[Seen]) -> HashSet<i32> {
        let carriers = || {
            let living = table.iter().filter(|seen| !seen.zombie).map(|seen| seen.identity.pid);
            living.filter(|pid| carries(*pid, self.marker)).collect::<HashSet<i32>>()
        };
        let mut bearers = carriers();
        if let Some(user) = &self.user {
            bearers.extend(user::seeing_as(user, carriers));
        }
        bearers.extend(self.group.iter().flat_map(Group::members));
        bearers
    }
}

/// The search for one run's processes.
#[derive(Debug)]
pub(super) struct Hunt {
    traces: Traces,
    launcher: Option<Identity>,
    known: HashSet<Identity>,
}

impl Hunt {
    /// Begins with what is known of the run: its launcher and other processes that were once verified.
    pub(super) fn new(traces: Traces, launcher: Option<Identity>, child: Option<Identity>) -> Self {
        Self { traces, launcher, known: launcher.into_iter().chain(child).collect() }
    }

    /// Looks once; answers who is there and alive.
    pub(super) fn scan(&mut self) -> io::Result<Vec<Identity>> {
        let table = table()?;
        let spared = ancestry(&table);
        let bearers = self.traces.bearers(&table);
        let mut found: HashSet<i32> = table
            .iter()
            .filter(|seen| self.known.contains(&seen.identity) || bearers.contains(&seen.identity.pid))
            .map(|seen| seen.identity.pid)
            .filter(|pid| !spared.contains(pid))
            .collect();
        while let Some(more) = kin(&table, &found, &spared) {
            found.extend(more);
        }
        let ours: Vec<Seen> = table.into_iter().filter(|seen| found.contains(&seen.identity.pid)).collect();
        self.known.extend(ours.iter().map(|seen| seen.identity));
        self.reap(&ours);
        Ok(ours.iter().filter(|seen| !seen.zombie).map(|seen| seen.identity).collect())
    }

    /// Signals everyone who is there, once.
    pub(super) fn signal(&mut self, signal: Signal) -> io::Result<()> {
        for one in self.scan()? {
            one.signal(signal)?;
        }
        Ok(())
    }

    /// Kills whoever is there until two scans find nobody; answers how many that were.
    pub(super) async fn sweep(mut self) -> Result<usize, ProcessError> {
        let begun = Instant::now();
        let mut nap = SHORTEST_NAP;
        let mut killed = HashSet::new();
        let mut empty = 0;
        while empty < 2 {
            let (back, found) = tokio::task::spawn_blocking(move || {
                let found = self.scan();
                (self, found)
            })
            .await
            .map_err(io::Error::other)?;
            self = back;
            let found = found?;
            let members = self.traces.group.as_ref().map(Group::members).unwrap_or_default();
            let nobody = found.is_empty() && members.is_empty();
            if begun.elapsed() > PATIENCE && !nobody {
                let pids: BTreeSet<i32> = found.iter().map(|one| one.pid).chain(members).collect();
                return Err(ProcessError::Survivors { pids: pids.into_iter().collect() });
            }
            for victim in self.victims(&found) {
                victim.signal(Signal::KILL)?;
                killed.insert(victim);
            }
            if let Some(group) = self.traces.group.as_ref().filter(|_| !members.is_empty()) {
                group.kill();
            }
            empty = if nobody { empty + 1 } else { 0 };
            if empty < 2 {
                tokio::time::sleep(nap).await;
                nap = (nap * 2).min(LONGEST_NAP);
            }
        }
        if let Some(group) = &self.traces.group {
            group.remove();
        }
        killed.retain(|one| Some(*one) != self.launcher);
        Ok(killed.len())
    }

    /// Reaps those of the run's zombies that were re-parented to this process, as they are where it is a container's
    /// init: each by its number, never any child that happens to have ended, nor the launcher, for which its owner waits.
    fn reap(&self, ours: &[Seen]) {
        let own = own_pid();
        let orphans = ours
            .iter()
            .filter(|seen| seen.zombie && seen.parent == own)
            .filter(|seen| Some(seen.identity) != self.launcher);
        for pid in orphans.filter_map(|seen| Pid::from_raw(seen.identity.pid)) {
            let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
        }
    }

    /// The launcher comes last: while it lives, what loses its parent falls to it and stays in sight.
    fn victims(&self, found: &[Identity]) -> Vec<Identity> {
        let others: Vec<Identity> = found.iter().copied().filter(|one| Some(*one) != self.launcher).collect();
        if others.is_empty() { found.to_vec() } else { others }
    }
}

/// Children of those found, and members of sessions that one of them leads.
fn kin(table: &[Seen], found: &HashSet<i32>, spared: &HashSet<i32>) -> Option<Vec<i32>> {
    let more: Vec<i32> = table
        .iter()
        .filter(|seen| found.contains(&seen.parent) || found.contains(&seen.session))
        .map(|seen| seen.identity.pid)
        .filter(|pid| !found.contains(pid) && !spared.contains(pid))
        .collect();
    (!more.is_empty()).then_some(more)
}

fn ancestry(table: &[Seen]) -> HashSet<i32> {
    let mut line = HashSet::from([0, 1]);
    let mut pid = own_pid();
    while line.insert(pid) {
        let seen = table.iter().find(|seen| seen.identity.pid == pid);
        pid = seen.map_or(0, |seen| seen.parent);
    }
    line
}

fn own_pid() -> i32 {
    Pid::as_raw(Some(rustix::process::getpid()))
}

fn list(pids: &[i32]) -> String {
    let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
    pids.join(", ")
}
