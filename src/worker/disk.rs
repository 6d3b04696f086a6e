//! How much room there is where runs write.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::domain::size::Size;
use crate::files::room;

/// How often to look while a run works, or while there is too little room.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// The folders on whose file systems there must be room, and how much.
#[derive(Clone, Debug)]
pub struct Room {
    /// The folders.
    pub folders: Vec<PathBuf>,
    /// How much there must be before a run starts; while one works, half of it.
    pub min_free: Size,
}

impl Room {
    /// Where there is too little room to start anything, as a sentence.
    pub(super) fn shortage(&self) -> Option<String> {
        self.less_than(self.min_free)
    }

    /// When there is too little room to go on, says where, and cancels.
    pub(super) async fn watch(&self, run: &CancellationToken, shortage: &mut Option<String>) -> Infallible {
        while shortage.is_none() {
            tokio::time::sleep(LOOK_AGAIN).await;
            let look = self.clone();
            let looked = tokio::task::spawn_blocking(move || look.less_than(look.min_free.half()));
            *shortage = looked.await.unwrap_or(None);
        }
        run.cancel();
        std::future::pending().await
    }

    fn less_than(&self, bound: Size) -> Option<String> {
        let (folder, free) = self
            .folders
            .iter()
            .filter_map(|folder| Some((folder, room(folder)?)))
            .find(|(_, free)| *free < bound)?;
        Some(format!(
            "only {free} are free where {} is, and limits.min_free asks for {}; work goes on by itself when there is room",
            folder.display(),
            self.min_free
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_some_room_and_never_enough_for_everything() {
        let folders = vec![std::env::temp_dir().join("not/there/yet")];
        let asks = |min_free| Room { folders: folders.clone(), min_free }.shortage();
        assert_eq!(asks(Size(0)), None);
        let shortage = asks(Size(u64::MAX)).unwrap();
        assert!(shortage.starts_with("only ") && shortage.contains("not/there/yet"), "{shortage}");
    }
}
