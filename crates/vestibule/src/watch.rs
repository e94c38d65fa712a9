//! Notices that a file has changed: by asking, once a second, because that works on every file system, and through the
//! symbolic links by which orchestrators exchange files.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tokio::time::sleep;

const PERIOD: Duration = Duration::from_secs(1);
/// For so long a file must have stayed the same before it is read: whoever writes it may not be done.
const SETTLED: Duration = Duration::from_millis(100);

/// A file, and what it was when it was last looked at.
pub(crate) struct Watch {
    path: PathBuf,
    seen: Option<Looks>,
}

/// What can be seen of a file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Looks {
    modified: Option<SystemTime>,
    length: u64,
    #[cfg(unix)]
    file: (u64, u64),
}

impl Watch {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), seen: looks(path) }
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Remembers how the file looks now.
    pub(crate) fn look(&mut self) {
        self.seen = looks(&self.path);
    }

    /// Resolves when the file is there and is another one, and has been for a moment. A file that is gone is no change:
    /// it may be about to be replaced.
    pub(crate) async fn changed(&mut self) {
        loop {
            sleep(PERIOD).await;
            let mut now = looks(&self.path);
            while now.is_some() && now != self.seen {
                sleep(SETTLED).await;
                let later = looks(&self.path);
                if later == now {
                    return;
                }
                now = later;
            }
        }
    }
}

fn looks(path: &Path) -> Option<Looks> {
    let metadata = fs::metadata(path).ok()?;
    Some(Looks {
        modified: metadata.modified().ok(),
        length: metadata.len(),
        #[cfg(unix)]
        file: {
            use std::os::unix::fs::MetadataExt as _;
            (metadata.dev(), metadata.ino())
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_replaced_has_changed_and_one_that_is_gone_has_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "a").unwrap();
        let mut watch = Watch::new(&path);
        let is_quiet =
            async |watch: &mut Watch| tokio::time::timeout(3 * PERIOD, watch.changed()).await.is_err();
        assert!(is_quiet(&mut watch).await, "nothing happened");
        fs::remove_file(&path).unwrap();
        assert!(is_quiet(&mut watch).await, "gone");
        fs::write(&path, "other").unwrap();
        watch.changed().await;
        watch.look();
        assert!(is_quiet(&mut watch).await, "seen");
        let aside = directory.path().join("aside");
        fs::write(&aside, "three").unwrap();
        fs::rename(&aside, &path).unwrap();
        watch.changed().await;
    }
}
