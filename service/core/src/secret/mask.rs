//! Secrets taken out of what a program says, wherever a chunk of it ends.

use super::automaton::{Automaton, State};
use super::forms::{forms, is_line_end};
use super::value::SecretValue;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// What stands where a secret was.
pub const HIDDEN: &str = "***";
/// With a line end, fewer bytes than these are shown although a secret begins so: no line is kept back for a letter.
const TOLD: usize = 2;

/// What is hidden. Cheap to clone.
#[derive(Clone)]
pub struct Mask(Arc<Automaton>);

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mask")
    }
}

impl Mask {
    /// Hides these values in every form in which programs write them.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a SecretValue>) -> Self {
        let all: BTreeSet<Vec<u8>> = secrets.into_iter().flat_map(|secret| forms(secret.bytes())).collect();
        Self(Arc::new(Automaton::new(&all)))
    }

    /// Begins with an output.
    pub fn masking(&self) -> Masking {
        Masking {
            automaton: Arc::clone(&self.0),
            state: Automaton::START,
            pending: Vec::new(),
            places: Vec::new(),
            hidden: Vec::new(),
        }
    }

    /// A text that is there as a whole.
    pub fn masked(&self, text: &[u8]) -> Vec<u8> {
        let mut masking = self.masking();
        let mut shown = masking.pass(text);
        shown.extend(masking.finish());
        shown
    }

    /// The same of text.
    pub fn masked_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.masked(text.as_bytes())).into_owned()
    }
}

/// Some bytes that are hidden together.
struct Hidden {
    start: usize,
    end: usize,
    /// Whether it was shown already that something is hidden.
    told: bool,
}

/// An output on its way. What comes out depends on what came in since [`Masking::is_clean`] was true, and not on how it
/// was cut into pieces: whoever begins anew at such a place gets the same.
pub struct Masking {
    automaton: Arc<Automaton>,
    state: State,
    /// What may still be part of a secret.
    pending: Vec<u8>,
    /// Where in it the bytes are that count.
    places: Vec<usize>,
    hidden: Vec<Hidden>,
}

impl Masking {
    /// Whether nothing is kept back, and no secret has begun.
    pub fn is_clean(&self) -> bool {
        self.state == Automaton::START
    }

    /// The next piece; what can be shown so far.
    pub fn pass(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut shown = Vec::with_capacity(piece.len());
        for byte in piece {
            self.take(*byte, &mut shown);
        }
        let held = self.automaton.depth(self.state);
        let decided = match held {
            0 => self.pending.len(),
            _ => self
                .places
                .len()
                .checked_sub(held)
                .map_or(0, |first| self.places[first]),
        };
        self.show(decided, &mut shown);
        shown
    }

    /// What was kept back, since nothing more comes.
    pub fn finish(&mut self) -> Vec<u8> {
        let mut shown = Vec::new();
        self.show(self.pending.len(), &mut shown);
        self.state = Automaton::START;
        shown
    }

    fn take(&mut self, byte: u8, shown: &mut Vec<u8>) {
        if is_line_end(byte) {
            if self.is_clean() {
                shown.push(byte);
                return;
            }
            self.pending.push(byte);
            if self.automaton.depth(self.state) < TOLD {
                self.show(self.pending.len(), shown);
            }
            return;
        }
        let reached = self.automaton.step(self.state, byte);
        self.state = self.automaton.open(reached);
        let found = self.automaton.found(reached);
        if self.is_clean() && found == 0 && self.pending.is_empty() {
            shown.push(byte);
            return;
        }
        self.places.push(self.pending.len());
        self.pending.push(byte);
        if found > 0 {
            self.hide(found);
        }
        if self.is_clean() {
            self.show(self.pending.len(), shown);
        }
    }

    /// So many of the last bytes that count, and what is between them.
    fn hide(&mut self, found: usize) {
        // The beginning may have been shown with the end of its line.
        let first = self.places.len().saturating_sub(found);
        let mut new = Hidden {
            start: self.places[first],
            end: self.pending.len(),
            told: false,
        };
        while let Some(last) = self.hidden.pop_if(|last| last.end > new.start) {
            new.start = new.start.min(last.start);
            new.told |= last.told;
        }
        self.hidden.push(new);
    }

    /// Shows what is pending up to here.
    fn show(&mut self, decided: usize, shown: &mut Vec<u8>) {
        if decided == 0 {
            return;
        }
        let mut at = 0;
        let mut left = Vec::new();
        for hidden in self.hidden.drain(..) {
            if hidden.start >= decided {
                left.push(Hidden {
                    start: hidden.start - decided,
                    end: hidden.end - decided,
                    ..hidden
                });
                continue;
            }
            shown.extend_from_slice(&self.pending[at..hidden.start.max(at)]);
            if !hidden.told {
                shown.extend_from_slice(HIDDEN.as_bytes());
            }
            at = hidden.end.min(decided);
            if hidden.end > decided {
                left.push(Hidden {
                    start: 0,
                    end: hidden.end - decided,
                    told: true,
                });
            }
        }
        shown.extend_from_slice(&self.pending[at..decided]);
        self.hidden = left;
        self.pending.drain(..decided);
        let counted = self.places.partition_point(|place| *place < decided);
        self.places.drain(..counted);
        self.places.iter_mut().for_each(|place| *place -= decided);
    }
}
