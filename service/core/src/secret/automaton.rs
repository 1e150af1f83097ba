//! Many patterns looked for at once, byte by byte (Aho and Corasick, 1975).
//!
//! Of a library's automaton nobody learns how much of a pattern the last bytes may begin, which is what has to be
//! held back at the border of two chunks.

use std::collections::{BTreeSet, VecDeque};

const ROOT: u32 = 0;
/// A node with more children has a table of them.
const MANY: usize = 8;

/// A beginning of a pattern.
#[derive(Default)]
struct Node {
    /// Its last byte.
    byte: u8,
    /// One of its children, and the next one of its parent; the root where there is none.
    child: u32,
    sibling: u32,
    /// The longest other beginning with which it ends.
    fallback: u32,
    /// Bytes.
    depth: u32,
    /// Bytes of the longest pattern with which it ends.
    found: u32,
    /// Its table, from 1.
    table: u32,
}

/// All patterns.
pub(super) struct Automaton {
    nodes: Vec<Node>,
    tables: Vec<[u32; 256]>,
}

/// How far the bytes so far go into the patterns.
pub(super) type State = u32;

impl Automaton {
    pub(super) const START: State = ROOT;

    pub(super) fn new(patterns: &BTreeSet<Vec<u8>>) -> Self {
        let mut new = Self {
            nodes: vec![Node::default()],
            tables: Vec::new(),
        };
        for pattern in patterns.iter().filter(|pattern| !pattern.is_empty()) {
            new.add(pattern);
        }
        new.link();
        new.tabulate();
        new
    }

    fn node(&self, state: State) -> &Node {
        &self.nodes[state as usize]
    }

    fn add(&mut self, pattern: &[u8]) {
        let mut state = ROOT;
        for byte in pattern {
            state = match self.child(state, *byte) {
                ROOT => self.grow(state, *byte),
                known => known,
            };
        }
        let depth = self.node(state).depth;
        self.nodes[state as usize].found = depth;
    }

    fn grow(&mut self, parent: State, byte: u8) -> State {
        let new = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let above = &mut self.nodes[parent as usize];
        let node = Node {
            byte,
            sibling: above.child,
            depth: above.depth + 1,
            ..Node::default()
        };
        above.child = new;
        self.nodes.push(node);
        new
    }

    /// The node one byte further, or the root.
    fn child(&self, state: State, byte: u8) -> State {
        let node = self.node(state);
        if node.table > 0 {
            return self.tables[node.table as usize - 1][usize::from(byte)];
        }
        let mut child = node.child;
        while child != ROOT && self.node(child).byte != byte {
            child = self.node(child).sibling;
        }
        child
    }

    fn children(&self, state: State) -> Vec<State> {
        let mut children = Vec::new();
        let mut child = self.node(state).child;
        while child != ROOT {
            children.push(child);
            child = self.node(child).sibling;
        }
        children
    }

    /// The fallbacks, from the root on.
    fn link(&mut self) {
        let mut left: VecDeque<State> = self.children(ROOT).into();
        while let Some(state) = left.pop_front() {
            let found = self.node(self.node(state).fallback).found;
            let node = &mut self.nodes[state as usize];
            node.found = node.found.max(found);
            let fallback = node.fallback;
            for child in self.children(state) {
                let byte = self.node(child).byte;
                self.nodes[child as usize].fallback = self.step(fallback, byte);
                left.push_back(child);
            }
        }
    }

    fn tabulate(&mut self) {
        for state in 0..u32::try_from(self.nodes.len()).unwrap_or(u32::MAX) {
            let children = self.children(state);
            if children.len() <= MANY && state != ROOT {
                continue;
            }
            let mut table = [ROOT; 256];
            for child in children {
                table[usize::from(self.node(child).byte)] = child;
            }
            self.tables.push(table);
            self.nodes[state as usize].table = u32::try_from(self.tables.len()).unwrap_or_default();
        }
    }

    /// The longest beginning with which the bytes end, with one more of them.
    pub(super) fn step(&self, mut state: State, byte: u8) -> State {
        loop {
            match self.child(state, byte) {
                ROOT if state == ROOT => return ROOT,
                ROOT => state = self.node(state).fallback,
                next => return next,
            }
        }
    }

    /// Bytes of the longest pattern that ends here; 0 if none does.
    pub(super) fn found(&self, state: State) -> usize {
        self.node(state).found as usize
    }

    /// The same as far as what follows is concerned: the longest beginning that can go on.
    pub(super) fn open(&self, mut state: State) -> State {
        while state != ROOT && self.node(state).child == ROOT {
            state = self.node(state).fallback;
        }
        state
    }

    /// Bytes that a pattern to come may begin with.
    pub(super) fn depth(&self, state: State) -> usize {
        self.node(state).depth as usize
    }
}
