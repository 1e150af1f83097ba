//! The modules of a crate as its files declare them, with what each of them defines, imports and names.

use super::tokens::{Token, closing, tokens};
use std::collections::{BTreeMap, BTreeSet};

/// Sources by their path below `src`, such as `gate/mod.rs`.
pub type Sources = BTreeMap<String, String>;

/// A module, of a file or inside one.
#[derive(Debug, Default)]
pub struct Module {
    pub file: String,
    pub parent: Option<usize>,
    pub children: BTreeMap<String, usize>,
    /// Whether it is the head of a folder: it has modules in other files, and may be a facade for them.
    pub is_head: bool,
    /// Names that are defined here.
    pub items: BTreeSet<String>,
    /// Types with an `impl` block here.
    pub impls: BTreeSet<String>,
    pub uses: Vec<Use>,
    /// Paths in code.
    pub paths: Vec<Path>,
}

/// A name with the steps to it, as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    pub steps: Vec<String>,
    pub line: usize,
}

/// One name of a `use` line.
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    pub path: Path,
    /// What it is called here; `None` of a glob.
    pub alias: Option<String>,
}

/// All modules of a crate that are in every build; the roots are those without a parent.
///
/// # Panics
/// When a `mod` line has no file.
pub fn modules(sources: &Sources) -> Vec<Module> {
    let mut reader = Reader {
        sources,
        modules: Vec::new(),
    };
    let is_root = |file: &&String| match file.strip_prefix("bin/") {
        Some(binary) => !binary.contains('/') || binary.ends_with("/main.rs"),
        None => ["lib.rs", "main.rs"].contains(&file.as_str()),
    };
    for root in sources.keys().filter(is_root) {
        let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
        reader.file(root, folder, None);
    }
    reader.modules
}

struct Reader<'a> {
    sources: &'a Sources,
    modules: Vec<Module>,
}

impl Reader<'_> {
    /// Reads a file whose modules are in `folder`.
    fn file(&mut self, file: &str, folder: &str, parent: Option<usize>) -> usize {
        let words = tokens(&self.sources[file]);
        self.module(file, folder, parent, &words)
    }

    fn module(&mut self, file: &str, folder: &str, parent: Option<usize>, words: &[Token]) -> usize {
        let id = self.modules.len();
        self.modules.push(Module {
            file: file.to_owned(),
            parent,
            ..Module::default()
        });
        let text = |at: usize| words.get(at).map_or("", |word| word.text.as_str());
        let (mut at, mut depth) = (0, 0_usize);
        while at < words.len() {
            match (text(at), text(at + 2)) {
                ("mod", ";") => {
                    let (child, folder) = self.declared(folder, text(at + 1), file);
                    let child = self.file(&child, &folder, Some(id));
                    self.modules[id].children.insert(text(at + 1).to_owned(), child);
                    self.modules[id].is_head = true;
                    at += 3;
                }
                ("mod", "{") => {
                    let end = closing(words, at + 2);
                    let folder = joined(folder, text(at + 1));
                    let child = self.module(file, &folder, Some(id), &words[at + 3..end]);
                    self.modules[id].children.insert(text(at + 1).to_owned(), child);
                    at = end + 1;
                }
                ("use", _) if words.get(at + 1).is_some_and(|next| next.is_name() || next.text == "{") => {
                    at = self.uses(id, words, at + 1, &[]) + 1;
                }
                _ => {
                    match text(at) {
                        "{" => depth += 1,
                        "}" => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    if depth == 0 {
                        self.item(id, words, at);
                    }
                    at = self.path(id, words, at);
                }
            }
        }
        id
    }

    /// The file of `mod NAME;` in a folder, and the folder of that module's own.
    fn declared(&self, folder: &str, name: &str, by: &str) -> (String, String) {
        let within = joined(folder, name);
        let files = [format!("{within}.rs"), format!("{within}/mod.rs")];
        let file = files.into_iter().find(|file| self.sources.contains_key(file));
        (
            file.unwrap_or_else(|| panic!("module {name} of {by} has no file")),
            within,
        )
    }

    /// Reads a tree of names up to its end, from `at`; gives the place of what ends it.
    fn uses(&mut self, id: usize, words: &[Token], mut at: usize, prefix: &[String]) -> usize {
        let mut steps = prefix.to_vec();
        let mut alias = None;
        let mut glob = false;
        let line = words.get(at).map_or(0, |word| word.line);
        while let Some(word) = words.get(at) {
            match word.text.as_str() {
                ";" | "," | "}" => break,
                "{" => {
                    let end = closing(words, at);
                    at += 1;
                    while at < end {
                        at = self.uses(id, &words[..=end], at, &steps);
                        at += usize::from(at < end);
                    }
                    // What ends the group ends the tree too.
                    return end + 1;
                }
                "*" => glob = true,
                "as" => {
                    alias = words.get(at + 1).map(|word| word.text.clone());
                    at += 1;
                }
                "self" if !steps.is_empty() => {}
                _ if word.is_name() => steps.push(word.text.clone()),
                _ => {}
            }
            at += 1;
        }
        if let Some(last) = steps.last().cloned() {
            self.modules[id].uses.push(Use {
                path: Path { steps, line },
                alias: (!glob).then(|| alias.unwrap_or(last)),
            });
        }
        at
    }

    /// Notes what is defined at `at`, if anything is.
    fn item(&mut self, id: usize, words: &[Token], at: usize) {
        let Some(name) = words.get(at + 1) else { return };
        match words[at].text.as_str() {
            "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" if name.is_name() => {
                self.modules[id].items.insert(name.text.clone());
            }
            "macro_rules" => {
                self.modules[id]
                    .items
                    .extend(words.get(at + 2).map(|word| word.text.clone()));
            }
            "impl" if at == 0 || ["}", ";", "unsafe"].contains(&words[at - 1].text.as_str()) => {
                self.modules[id].impls.extend(implementing(&words[at + 1..]));
            }
            _ => {}
        }
    }

    /// Notes the path that begins at `at`, if one does; gives the place after it.
    fn path(&mut self, id: usize, words: &[Token], at: usize) -> usize {
        let text = |at: usize| words.get(at).map_or("", |word| word.text.as_str());
        let back = |back: usize| at.checked_sub(back).map_or("", text);
        // The rest of a longer path, a field, or `pub(in …)`.
        let inside = ["::", "."].contains(&back(1)) || (back(2), back(1)) == ("(", "in");
        if !words[at].is_name() || inside || text(at + 1) != "::" {
            return at + 1;
        }
        let mut steps = vec![text(at).to_owned()];
        let mut end = at + 1;
        while text(end) == "::" && words.get(end + 1).is_some_and(Token::is_name) {
            steps.push(text(end + 1).to_owned());
            end += 2;
        }
        let line = words[at].line;
        self.modules[id].paths.push(Path { steps, line });
        end
    }
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// The type of an `impl` block, whose words these are after the first.
fn implementing(words: &[Token]) -> Option<String> {
    let head: Vec<&str> = words
        .iter()
        .map(|word| word.text.as_str())
        .take_while(|text| *text != "{")
        .collect();
    let of_trait = (0..head.len()).find(|at| head[*at] == "for" && head.get(at + 1) != Some(&"<"));
    let parameters = if head.first() == Some(&"<") { angle(&head) } else { 0 };
    let path = &head[of_trait.map_or(parameters, |at| at + 1)..];
    let path = path.iter().take_while(|text| **text != "<" && **text != "where");
    path.last().map(|name| (*name).to_owned())
}

/// How many words the `<…>` takes with which these begin.
fn angle(head: &[&str]) -> usize {
    let mut depth = 0;
    for (at, text) in head.iter().enumerate() {
        match *text {
            "<" => depth += 1,
            ">" if at > 0 && head[at - 1] != "-" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    head.len()
}
