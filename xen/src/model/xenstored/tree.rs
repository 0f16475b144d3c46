//! The tree: what lies at each path, and how often it has changed.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// Nodes by their absolute paths.
#[derive(Clone, Default)]
pub(super) struct Tree {
    nodes: BTreeMap<String, Vec<u8>>,
    generation: u64,
}

impl Tree {
    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn read(&self, path: &str) -> Option<&[u8]> {
        self.nodes.get(path).map(Vec::as_slice)
    }

    /// What is right below `path`, each name ended by a zero byte.
    pub(super) fn list(&self, path: &str) -> Option<Vec<u8>> {
        self.nodes.get(path)?;
        let mut names = Vec::new();
        for node in self.nodes.keys().filter(|node| is_in(node, path)) {
            let below = &node[path.len()..];
            if let Some(name) = below.strip_prefix('/').filter(|name| !name.contains('/')) {
                names.extend_from_slice(name.as_bytes());
                names.push(0);
            }
        }
        Some(names)
    }

    pub(super) fn write(&mut self, path: &str, value: &[u8]) {
        for (at, _) in path.match_indices('/').skip(1) {
            self.nodes.entry(path[..at].into()).or_default();
        }
        self.nodes.insert(path.into(), value.into());
        self.generation += 1;
    }

    /// Takes away `path` and all below it; tells whether there was something.
    pub(super) fn remove(&mut self, path: &str) -> bool {
        let before = self.nodes.len();
        self.nodes.retain(|node, _| !is_in(node, path));
        self.generation += 1;
        self.nodes.len() < before
    }
}

/// Whether `path` is `place`, or below it.
pub(super) fn is_in(path: &str, place: &str) -> bool {
    let below = path.strip_prefix(place);
    below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
}
