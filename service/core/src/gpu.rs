//! GPUs of one machine: slots of a pool, so that no two programs share one.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// The most that a step may ask for: more are in no machine.
pub const MOST: u32 = 64;

/// GPUs that a program asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpus {
    /// How many, from 1 to [`MOST`].
    pub count: u32,
    /// A part of the model's name, whatever its case, for example `A100`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

impl fmt::Display for Gpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.model {
            Some(model) => write!(f, "{} of type {model}", counted(self.count as usize)),
            None => f.write_str(&counted(self.count as usize)),
        }
    }
}

/// A GPU of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// What the engine takes as its name: NVIDIA's UUID, or an index.
    pub id: String,
    /// For example `NVIDIA A100-SXM4-40GB`; empty where it is not known.
    pub model: String,
}

/// Why a program is given none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shortage {
    /// The machine has none.
    None {
        /// What was asked for.
        asked: Gpus,
    },
    /// The machine has fewer of that type, whoever uses them.
    TooFew {
        /// What was asked for.
        asked: Gpus,
        /// So many there are.
        there: usize,
    },
    /// They are there and in use.
    InUse {
        /// What was asked for.
        asked: Gpus,
        /// So many there are.
        there: usize,
        /// So many of them are free.
        free: usize,
    },
}

impl Shortage {
    /// Whether waiting helps.
    pub fn passes(&self) -> bool {
        matches!(self, Self::InUse { .. })
    }

    /// What happened and what to do, for people.
    pub fn sentence(&self) -> String {
        match self {
            Self::None { asked } => format!(
                "the step asks for {asked}, and this machine has none that Trainyard sees: name them in executor.gpus, or ask for none"
            ),
            Self::TooFew { asked, there } => format!(
                "the step asks for {asked}, and this machine has {}: ask for no more, or for another gpu_type",
                counted(*there)
            ),
            Self::InUse { asked, there, free } => {
                format!("the step waits for {asked}: {free} of {there} on this machine are free")
            }
        }
    }
}

/// The GPUs that a program gets: the first free ones of what there is.
///
/// # Errors
/// The reason why there are not enough.
pub fn choose(there: &[Gpu], taken: &BTreeSet<String>, asked: &Gpus) -> Result<Vec<String>, Shortage> {
    let asked_for = || asked.clone();
    let fitting: Vec<&Gpu> = there.iter().filter(|gpu| fits(gpu, asked)).collect();
    let count = asked.count as usize;
    if fitting.is_empty() && there.is_empty() {
        return Err(Shortage::None { asked: asked_for() });
    }
    if fitting.len() < count {
        return Err(Shortage::TooFew {
            asked: asked_for(),
            there: fitting.len(),
        });
    }
    let free: Vec<String> = fitting
        .iter()
        .map(|gpu| gpu.id.clone())
        .filter(|id| !taken.contains(id))
        .collect();
    if free.len() < count {
        return Err(Shortage::InUse {
            asked: asked_for(),
            there: fitting.len(),
            free: free.len(),
        });
    }
    Ok(free.into_iter().take(count).collect())
}

fn fits(gpu: &Gpu, asked: &Gpus) -> bool {
    asked
        .model
        .as_ref()
        .is_none_or(|model| gpu.model.to_lowercase().contains(&model.to_lowercase()))
}

fn counted(count: usize) -> String {
    match count {
        0 => "no GPU".to_owned(),
        1 => "1 GPU".to_owned(),
        many => format!("{many} GPUs"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn machine() -> Vec<Gpu> {
        [
            ("GPU-a", "NVIDIA A100-SXM4-40GB"),
            ("GPU-b", "NVIDIA A100-SXM4-40GB"),
            ("GPU-c", "Tesla T4"),
        ]
        .map(|(id, model)| Gpu {
            id: id.to_owned(),
            model: model.to_owned(),
        })
        .to_vec()
    }

    fn asked(count: u32, model: Option<&str>) -> Gpus {
        Gpus {
            count,
            model: model.map(str::to_owned),
        }
    }

    fn said(there: &[Gpu], taken: &[&str], asked: &Gpus) -> String {
        let taken = taken.iter().map(|id| (*id).to_owned()).collect();
        match choose(there, &taken, asked) {
            Ok(ids) => ids.join(" "),
            Err(shortage) => format!("{} ({})", shortage.sentence(), shortage.passes()),
        }
    }

    #[test]
    fn the_first_free_ones_of_a_type_are_chosen() {
        let cases = [
            said(&machine(), &[], &asked(1, None)),
            said(&machine(), &["GPU-a"], &asked(2, None)),
            said(&machine(), &["GPU-a"], &asked(1, Some("a100"))),
            said(&machine(), &["GPU-a"], &asked(2, Some("A100"))),
            said(&machine(), &[], &asked(2, Some("T4"))),
            said(&machine(), &[], &asked(1, Some("H100"))),
            said(&machine(), &["GPU-a", "GPU-b", "GPU-c"], &asked(1, None)),
            said(&[], &[], &asked(2, Some("T4"))),
        ];
        insta::assert_snapshot!(cases.join("\n"), @r"
        GPU-a
        GPU-b GPU-c
        GPU-b
        the step waits for 2 GPUs of type A100: 1 of 2 on this machine are free (true)
        the step asks for 2 GPUs of type T4, and this machine has 1 GPU: ask for no more, or for another gpu_type (false)
        the step asks for 1 GPU of type H100, and this machine has no GPU: ask for no more, or for another gpu_type (false)
        the step waits for 1 GPU: 0 of 3 on this machine are free (true)
        the step asks for 2 GPUs of type T4, and this machine has none that Trainyard sees: name them in executor.gpus, or ask for none (false)
        ");
    }

    proptest! {
        /// Whatever comes and goes, nobody is given what another one has, and who gets some gets what was asked for.
        #[test]
        fn nobody_shares(asks in proptest::collection::vec((1_u32..4, any::<bool>()), 1..20), size in 0_usize..6) {
            let there: Vec<Gpu> = (0..size).map(|n| Gpu { id: n.to_string(), model: "T4".to_owned() }).collect();
            let (mut taken, mut held) = (BTreeSet::new(), Vec::<Vec<String>>::new());
            for (count, ends) in asks {
                if ends && let Some(gone) = held.pop() {
                    taken.retain(|id| !gone.contains(id));
                }
                match choose(&there, &taken, &asked(count, None)) {
                    Ok(given) => {
                        prop_assert_eq!(given.len(), count as usize);
                        prop_assert!(given.iter().all(|id| taken.insert(id.clone())), "{given:?}");
                        held.push(given);
                    }
                    Err(shortage) => prop_assert_eq!(shortage.passes(), count as usize <= size),
                }
            }
        }
    }
}
