use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    path::Path,
};

use anyhow::Context as _;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secret::Random;

const FILE: &str = "node";

/// The name under which this process writes its chain, held as long as this lives.
#[derive(Debug)]
pub(crate) struct Node {
    name: String,
    _lock: Option<File>,
}

impl Node {
    /// The name in the file `node` of `data_dir`, made at the first start. A second process on the same directory gets a
    /// name of its own for as long as it runs: a chain has one writer.
    pub(crate) fn claim(data_dir: &Path, random: &dyn Random) -> anyhow::Result<Self> {
        let path = data_dir.join(FILE);
        read_or_make(&path, random).with_context(|| format!("{} cannot be used", path.display()))
    }

    /// A name that nobody had before, held by nothing.
    pub(crate) fn mint(random: &dyn Random) -> Self {
        let mut bytes = [0; 12];
        random.fill(&mut bytes);
        Self { name: format!("node_{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)), _lock: None }
    }

    /// The name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

fn read_or_make(path: &Path, random: &dyn Random) -> anyhow::Result<Node> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Node::mint(random)),
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    let mut name = String::new();
    file.read_to_string(&mut name)?;
    if let Some(name) = name.strip_suffix('\n').filter(|name| !name.is_empty()) {
        return Ok(Node { name: name.to_owned(), _lock: Some(file) });
    }
    // Empty, or half a line: the process that made it was killed before it wrote a chain.
    let node = Node::mint(random);
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", node.name)?;
    file.sync_all()?;
    Ok(Node { _lock: Some(file), ..node })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn a_name_is_kept_and_has_one_holder() {
        let directory = tempfile::tempdir().unwrap();
        let claim = || Node::claim(directory.path(), &SystemEntropy::new()).unwrap();
        let first = claim();
        let beside = claim();
        assert_ne!(first.name(), beside.name(), "two writers have two chains");
        let name = first.name().to_owned();
        drop(first);
        assert_eq!(claim().name(), name, "a restart continues the chain");
        std::fs::write(directory.path().join(FILE), "node_ha").unwrap();
        assert_ne!(claim().name(), "node_ha");
    }
}
