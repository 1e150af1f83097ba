//! Which file of a crate names what is defined in which other.

use super::modules::{Module, Path, Sources, Use, modules};
use std::collections::{BTreeMap, BTreeSet};

/// One file names something that another defines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    pub from: String,
    pub to: String,
    pub name: String,
    /// Where it is named first.
    pub line: usize,
}

/// Steps from name to name, at most; no import has as many.
const STEPS: usize = 16;

/// All arrows of a crate, each name of a file once.
///
/// A name that a facade imports for others leads to the file that defines it. The head of a folder stands for the
/// folder: what it names of the files below it is no arrow. `spread` are types whose methods are in many files: an
/// `impl` block of one is no arrow to its definition.
pub fn arrows(sources: &Sources, spread: &[&str]) -> Vec<Arrow> {
    let tree = Tree(modules(sources));
    let mut found: BTreeMap<(&str, Item), usize> = BTreeMap::new();
    for (id, module) in tree.0.iter().enumerate() {
        let uses = module
            .uses
            .iter()
            .map(|import| (tree.imported(id, import), &import.path));
        let paths = module.paths.iter().map(|path| (tree.named(id, path), path));
        for (item, path) in uses.chain(paths) {
            let Some(item) = item else { continue };
            let part = spread.contains(&item.name.as_str()) && module.impls.contains(&item.name);
            if item.file != module.file && !part && !tree.is_below(&item.file, id) {
                let first = found.entry((&module.file, item)).or_insert(path.line);
                *first = path.line.min(*first);
            }
        }
    }
    let arrow = |((from, item), line): ((&str, Item), usize)| Arrow {
        from: from.to_owned(),
        to: item.file,
        name: item.name,
        line,
    };
    found.into_iter().map(arrow).collect()
}

/// A name, and the file that defines it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Item {
    file: String,
    name: String,
}

/// What a path leads to.
enum Target {
    Module(usize),
    Item(Item),
}

/// The modules of a crate.
struct Tree(Vec<Module>);

impl Tree {
    fn imported(&self, id: usize, import: &Use) -> Option<Item> {
        match self.target(id, &import.path.steps, STEPS)? {
            Target::Item(item) => Some(item),
            // Which file of a folder is meant is seen where it is named.
            Target::Module(module) if self.0[module].is_head && import.alias.is_some() => None,
            Target::Module(module) => Some(self.all_of(module, &import.path)),
        }
    }

    fn named(&self, id: usize, path: &Path) -> Option<Item> {
        match self.target(id, &path.steps, STEPS)? {
            Target::Item(item) => Some(item),
            Target::Module(module) => Some(self.all_of(module, path)),
        }
    }

    fn all_of(&self, module: usize, path: &Path) -> Item {
        let file = self.0[module].file.clone();
        let name = path.steps.last().cloned().unwrap_or_default();
        Item { file, name }
    }

    /// Whether a file is that of a module below this one.
    fn is_below(&self, file: &str, id: usize) -> bool {
        let mut children = self.0[id].children.values();
        children.any(|child| self.0[*child].file == file || self.is_below(file, *child))
    }

    /// What a path leads to that is written in a module; `None` when that is not of this crate.
    fn target(&self, id: usize, steps: &[String], left: usize) -> Option<Target> {
        let left = left.checked_sub(1)?;
        let (mut at, mut rest) = (id, steps);
        while let [first, more @ ..] = rest {
            at = match first.as_str() {
                "crate" => self.root(at),
                "super" => self.0[at].parent?,
                "self" => at,
                _ => break,
            };
            rest = more;
        }
        while let [first, more @ ..] = rest {
            match self.step(at, first, more.is_empty(), left) {
                Some(Target::Module(module)) => (at, rest) = (module, more),
                Some(item) => return Some(item),
                // The first name of a path may be that of another crate.
                None if rest.len() == steps.len() => return None,
                // A macro made it.
                None => return Some(self.item(at, first)),
            }
        }
        Some(Target::Module(at))
    }

    fn root(&self, id: usize) -> usize {
        self.0[id].parent.map_or(id, |parent| self.root(parent))
    }

    fn item(&self, id: usize, name: &str) -> Target {
        Target::Item(Item {
            file: self.0[id].file.clone(),
            name: name.to_owned(),
        })
    }

    /// What a name means in a module. A function and a module may have one name: a path ends at the function.
    fn step(&self, id: usize, name: &str, is_last: bool, left: usize) -> Option<Target> {
        let module = &self.0[id];
        let child = || module.children.get(name).map(|child| Target::Module(*child));
        let item = || module.items.contains(name).then(|| self.item(id, name));
        let import = || {
            let mut imports = module
                .uses
                .iter()
                .filter(|import| import.alias.as_deref() == Some(name));
            imports.find_map(|import| self.target(id, &import.path.steps, left))
        };
        let glob = || {
            let mut globs = module.uses.iter().filter(|import| import.alias.is_none());
            globs.find_map(|import| match self.target(id, &import.path.steps, left)? {
                Target::Module(of) if of != id => self.step(of, name, is_last, left.checked_sub(1)?),
                _ => None,
            })
        };
        match is_last {
            true => item().or_else(import).or_else(child).or_else(glob),
            false => child().or_else(import).or_else(item).or_else(glob),
        }
    }
}

/// The circles: the arrows between files of which each leads to each other.
pub fn circles(arrows: &[Arrow]) -> Vec<Vec<&Arrow>> {
    let files: BTreeSet<&str> = arrows.iter().map(|arrow| arrow.from.as_str()).collect();
    let reached: BTreeMap<&str, BTreeSet<&str>> = files.iter().map(|file| (*file, reach(file, arrows))).collect();
    let leads = |from: &str, to: &str| reached.get(from).is_some_and(|files| files.contains(to));
    let mutual = |a: &str, b: &str| leads(a, b) && leads(b, a);
    let mut circles: Vec<Vec<&Arrow>> = Vec::new();
    for arrow in arrows.iter().filter(|arrow| leads(&arrow.to, &arrow.from)) {
        match circles.iter_mut().find(|circle| mutual(&circle[0].from, &arrow.from)) {
            Some(circle) => circle.push(arrow),
            None => circles.push(vec![arrow]),
        }
    }
    circles
}

/// The files that a file leads to.
fn reach<'a>(file: &str, arrows: &'a [Arrow]) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next = vec![file];
    while let Some(from) = next.pop() {
        for arrow in arrows.iter().filter(|arrow| arrow.from == from) {
            if reached.insert(arrow.to.as_str()) {
                next.push(&arrow.to);
            }
        }
    }
    reached
}

/// A circle for people: who names what of whom.
pub fn told(circle: &[&Arrow]) -> String {
    let mut names: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for arrow in circle {
        names.entry((&arrow.from, &arrow.to)).or_default().push(&arrow.name);
    }
    let line = |((from, to), names): (&(&str, &str), &Vec<&str>)| format!("  {from} -> {to}: {}\n", names.join(", "));
    names.iter().map(line).collect()
}
