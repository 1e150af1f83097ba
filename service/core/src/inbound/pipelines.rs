//! Pipelines as an event meets them: at the commit that it names, or known from the default branch.

use crate::ids::{CommitSha, RepoName};
use crate::plan::Plan;
use crate::problem::Problem;

/// A pipeline file found at a commit.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundPipeline {
    /// Its folder, for example `pipelines/flights`.
    pub folder: String,
    /// The plan, or everything that is wrong with the file.
    pub plan: Result<Plan, Vec<Problem>>,
}

impl FoundPipeline {
    /// The name to report under, also when the file cannot be read.
    pub fn name(&self) -> &str {
        match &self.plan {
            Ok(plan) => &plan.pipeline,
            Err(_) => self.folder.rsplit('/').next().unwrap_or(&self.folder),
        }
    }

    /// The same; of a file that cannot be read the name that it has in the `reviewed` ones, for which people wait.
    pub fn name_beside<'a>(&'a self, reviewed: &'a [Self]) -> &'a str {
        let there = reviewed
            .iter()
            .find(|there| there.folder == self.folder && there.plan.is_ok());
        match (&self.plan, there) {
            (Err(_), Some(there)) => there.name(),
            _ => self.name(),
        }
    }
}

/// A pipeline at the head of its default branch, as far as a push told.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownPipeline {
    /// Its repository.
    pub repo: RepoName,
    /// The App installation to answer through.
    pub installation_id: Option<i64>,
    /// The default branch.
    pub branch: String,
    /// The commit its file was read at.
    pub commit: CommitSha,
    /// Its name.
    pub name: String,
    /// The folder of its file.
    pub folder: String,
    /// Ready to run.
    pub plan: Plan,
}

/// Several pipeline files of one commit with one name: which of them is meant, nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SameName {
    /// The name.
    pub name: String,
    /// The files.
    pub files: Vec<String>,
}

impl SameName {
    /// What is wrong and what to do.
    pub fn sentence(&self) -> String {
        format!(
            "{} have the same name '{}': give each pipeline a name of its own",
            self.files.join(" and "),
            self.name
        )
    }
}

/// The pipelines of a commit that can be told apart, and names that several of them have.
pub fn told_apart(found: &[FoundPipeline]) -> (Vec<&FoundPipeline>, Vec<SameName>) {
    let count = |name: &str| found.iter().filter(|pipeline| pipeline.name() == name).count();
    let mut same: Vec<SameName> = Vec::new();
    for pipeline in found {
        let name = pipeline.name();
        if count(name) > 1 && !same.iter().any(|same| same.name == name) {
            let files = found.iter().filter(|pipeline| pipeline.name() == name);
            let files = files.map(|pipeline| format!("{}/pipeline.yaml", pipeline.folder));
            same.push(SameName {
                name: name.to_owned(),
                files: files.collect(),
            });
        }
    }
    let apart = found.iter().filter(|pipeline| count(pipeline.name()) == 1).collect();
    (apart, same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_keeps_the_name_that_people_wait_for() {
        let at = |folder: &str, plan| FoundPipeline {
            folder: folder.to_owned(),
            plan,
        };
        let base = [at("pipelines/a", Ok(crate::spec::tests::flights()))];
        for (folder, name) in [("pipelines/a", "flights"), ("pipelines/b", "b")] {
            assert_eq!(at(folder, Err(Vec::new())).name_beside(&base), name);
        }
        let other = Plan {
            pipeline: "other".to_owned(),
            ..crate::spec::tests::flights()
        };
        assert_eq!(at("pipelines/a", Ok(other)).name_beside(&base), "other");
    }
}
