//! What GitHub is shown of commits: the answers to what was asked about them, and the pull requests and branches that
//! ask.

use crate::approvals::void;
use crate::connection::{Connection, Row, args};
use crate::error::Result;
use crate::gone::end_with;
use crate::outbox::put_item;
use crate::reads::Reads;
use crate::repositories;
use crate::statement::statements;
use crate::store::Store;
use trainyard_core::admission::Gone;
use trainyard_core::ids::{CommitSha, Micros, RepoName};
use trainyard_core::inbound::NotRunning;
use trainyard_core::report::{
    Answer, BranchSeen, Finding, OutboxItem, PullRequestSeen, Remark, Shown, Subject, Telling, shown,
};
use trainyard_core::stored;

statements! {
    TURN = "INSERT INTO check_turns (repo) VALUES ($1) ON CONFLICT (repo) DO UPDATE SET repo = excluded.repo";
    ANSWERS = "SELECT answer FROM checks WHERE repo = $1 AND commit_sha = $2 AND pipeline = $3 ORDER BY asked_by, base";
    PUT_ANSWER = "INSERT INTO checks (repo, commit_sha, pipeline, asked_by, base, answer, at, awaited_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (repo, commit_sha, pipeline, asked_by, base) DO UPDATE SET answer = excluded.answer, at = excluded.at,
            awaited_by = excluded.awaited_by";
    WAITS = "SELECT 1 FROM deliveries WHERE id = $1 AND processed_at IS NULL";
    AWAITED = "SELECT repo, answer FROM checks WHERE awaited_by = $1 ORDER BY repo, commit_sha, pipeline";
    ANY_AWAITED = "SELECT 1 FROM checks WHERE awaited_by IS NOT NULL LIMIT 1";
    PIPELINES = "SELECT DISTINCT pipeline FROM checks WHERE repo = $1 AND commit_sha = $2 ORDER BY pipeline";
    BASES = "SELECT DISTINCT base FROM pull_requests WHERE repo = $1 AND head = $2 AND is_open = TRUE ORDER BY base";
    SEEN = "SELECT head, base, is_open, at FROM pull_requests WHERE repo = $1 AND number = $2";
    PUT_SEEN = "INSERT INTO pull_requests (repo, number, is_open, base, head, at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (repo, number) DO UPDATE SET is_open = excluded.is_open, base = excluded.base, head = excluded.head,
            at = excluded.at";
    BRANCH = "SELECT head FROM branches WHERE repo = $1 AND branch = $2";
    PUT_BRANCH = "INSERT INTO branches (repo, branch, head, at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (repo, branch) DO UPDATE SET head = excluded.head, at = excluded.at";
}

impl Store {
    /// Stores what commits show until deliveries were looked at, and has GitHub hear of it: of a commit of which nothing
    /// is known, for a delivery that still waits. Whether anything was stored.
    pub async fn put_awaited(&self, all: Vec<Answer>, at: Micros) -> Result<bool> {
        self.write(move |db| {
            Box::pin(async move {
                let mut any = false;
                for answer in &all {
                    turn(db, &answer.subject.repo).await?;
                    if db.row(WAITS, args![&answer.asked]).await?.is_none()
                        || !answers(db, &answer.subject).await?.is_empty()
                    {
                        continue;
                    }
                    answered(db, answer, at).await?;
                    any = true;
                }
                Ok(any)
            })
        })
        .await
    }
}

/// Whether any commit shows that it is waited for.
pub(crate) async fn any_awaited(db: &mut Connection) -> Result<bool> {
    Ok(db.row(ANY_AWAITED, args![]).await?.is_some())
}

/// What a delivery had commits show meanwhile ends with it, where nothing else took its place. `asked` is its event.
pub(crate) async fn end_awaited(
    db: &mut Connection,
    delivery: &str,
    (why, asked): (&NotRunning, &str),
    at: Micros,
) -> Result<()> {
    for row in db.rows(AWAITED, args![delivery]).await? {
        let mut awaited: Answer = row.stored(1, "answer")?;
        awaited.subject.repo = row.word(0, "repository")?;
        answered(db, &why.instead_of(&awaited, asked, at), at).await?;
    }
    Ok(())
}

impl Reads {
    /// Where the newest push of a branch that was looked at brought it.
    pub async fn branch_head(&self, repo: &RepoName, branch: &str) -> Result<Option<CommitSha>> {
        head_of(&mut self.reader().await?, repo, branch).await
    }

    /// What was answered about a commit; what cannot be read is left out.
    pub async fn answers_of(&self, repo: &RepoName, commit: &CommitSha) -> Result<Vec<Answer>> {
        let mut db = self.reader().await?;
        let mut all = Vec::new();
        for subject in subjects(&mut db, repo, commit).await? {
            all.extend(answers(&mut db, &subject).await?);
        }
        Ok(all)
    }

    /// A pull request as the newest event told of it.
    pub async fn pull_request(&self, repo: &RepoName, number: u64) -> Result<Option<PullRequestSeen>> {
        pull_request(&mut self.reader().await?, repo, number).await
    }
}

/// Stores what a commit is told, and has GitHub hear of what it changes.
pub(crate) async fn tell(db: &mut Connection, telling: &Telling, at: Micros) -> Result<()> {
    // A run that began under an earlier name of its repository still says that.
    let today = repositories::today(db, telling.repo()).await?;
    match telling.clone().renamed(today) {
        Telling::Answer(answer) => answered(db, &answer, at).await,
        Telling::Comment(remark) => commented(db, &remark, at).await,
    }
}

async fn answered(db: &mut Connection, answer: &Answer, at: Micros) -> Result<()> {
    let subject = &answer.subject;
    turn(db, &subject.repo).await?;
    let mut answers = answers(db, subject).await?;
    let old = answers.iter().position(|old| old.question == answer.question);
    if old.is_some_and(|old| !answer.replaces(&answers[old])) {
        return Ok(());
    }
    let bases = bases(db, &subject.repo, &subject.commit).await?;
    let before = shown(&answers, &bases);
    match old {
        Some(old) => answers[old] = answer.clone(),
        None => answers.push(answer.clone()),
    }
    let arguments = args![
        subject.repo.to_string(),
        subject.commit.as_str(),
        &subject.pipeline,
        answer.question.asked_by.as_str(),
        &answer.question.base,
        stored::write(answer),
        at,
        (answer.finding == Finding::Awaited).then_some(answer.asked.as_str())
    ];
    db.execute(PUT_ANSWER, arguments).await?;
    put_changes(db, subject, &before, shown(&answers, &bases), at).await
}

/// A comment is for the newest run of its question and pull request, as long as that asks it.
async fn commented(db: &mut Connection, remark: &Remark, at: Micros) -> Result<()> {
    let Remark {
        subject,
        question,
        number,
        run,
        item,
    } = remark;
    turn(db, &subject.repo).await?;
    let answers = answers(db, subject).await?;
    let newest = answers.iter().find(|answer| answer.question == *question);
    let overtaken = newest.is_some_and(|newest| newest.pull_request == Some(*number) && newest.asked != run.as_str());
    // One that is not known is of before anything was known of pull requests.
    let asks = pull_request(db, &subject.repo, *number).await?.is_none_or(|seen| {
        seen.open && seen.head == subject.commit && (seen.base == question.base || question.base.is_empty())
    });
    match overtaken || !asks {
        true => Ok(()),
        false => put_item(db, item.clone(), at).await,
    }
}

/// Makes those wait who would look at answers of the same repository while this transaction changes them: what is shown
/// follows from all of them.
async fn turn(db: &mut Connection, repo: &RepoName) -> Result<()> {
    db.execute(TURN, args![repo.to_string()]).await.map(drop)
}

async fn pull_request(db: &mut Connection, repo: &RepoName, number: u64) -> Result<Option<PullRequestSeen>> {
    let row = db.row(SEEN, args![repo.to_string(), number]).await?;
    row.map(|row| {
        Ok(PullRequestSeen {
            repo: repo.clone(),
            number,
            open: row.get(2)?,
            base: row.get(1)?,
            head: CommitSha::new(row.get::<String>(0)?),
            at: row.micros(3)?,
        })
    })
    .transpose()
}

/// Stores how a pull request is now, unless something newer is known of it, and has GitHub hear of what it changes for
/// its commits.
pub(crate) async fn see(db: &mut Connection, seen: &PullRequestSeen, at: Micros) -> Result<()> {
    let repo = seen.repo.to_string();
    turn(db, &seen.repo).await?;
    let mut commits = vec![seen.head.clone()];
    let mut was_open = false;
    if let Some(known) = pull_request(db, &seen.repo, seen.number).await? {
        if known.at > seen.at {
            return Ok(());
        }
        was_open = known.open;
        commits.extend(Some(known.head).filter(|head| *head != seen.head));
    }
    let mut before = Vec::new();
    for commit in commits {
        for subject in subjects(db, &seen.repo, &commit).await? {
            let answers = answers(db, &subject).await?;
            let shown = shown(&answers, &bases(db, &seen.repo, &commit).await?);
            before.push((subject, answers, shown));
        }
    }
    let arguments = args![&repo, seen.number, seen.open, &seen.base, seen.head.as_str(), seen.at];
    db.execute(PUT_SEEN, arguments).await?;
    void(db, seen, at).await?;
    if was_open && !seen.open {
        end_with(db, &seen.repo, &Gone::PullRequest(seen.number), at).await?;
    }
    for (subject, answers, before) in before {
        let bases = bases(db, &subject.repo, &subject.commit).await?;
        put_changes(db, &subject, &before, shown(&answers, &bases), at).await?;
    }
    Ok(())
}

/// Stores where a push brought its branch.
pub(crate) async fn see_branch(db: &mut Connection, seen: &BranchSeen, at: Micros) -> Result<()> {
    let arguments = args![seen.repo.to_string(), &seen.branch, seen.head.as_str(), at];
    db.execute(PUT_BRANCH, arguments).await.map(drop)
}

/// What is shown of all pipelines at a commit.
pub(crate) async fn shown_of(db: &mut Connection, repo: &RepoName, commit: &CommitSha) -> Result<Vec<Shown>> {
    let bases = bases(db, repo, commit).await?;
    let mut all = Vec::new();
    for subject in subjects(db, repo, commit).await? {
        all.extend(shown(&answers(db, &subject).await?, &bases));
    }
    Ok(all)
}

/// Where the newest push that was looked at brought a branch.
pub(crate) async fn head_of(db: &mut Connection, repo: &RepoName, branch: &str) -> Result<Option<CommitSha>> {
    let row = db.row(BRANCH, args![repo.to_string(), branch]).await?;
    row.map(|row| Ok(CommitSha::new(row.get::<String>(0)?))).transpose()
}

/// What GitHub is not shown yet.
async fn put_changes(
    db: &mut Connection,
    subject: &Subject,
    before: &[Shown],
    after: Vec<Shown>,
    at: Micros,
) -> Result<()> {
    for shown in after {
        if !before.contains(&shown) {
            put_item(db, OutboxItem::status(&subject.repo, &subject.commit, shown), at).await?;
        }
    }
    Ok(())
}

/// The commit as each pipeline sees it that was answered about.
async fn subjects(db: &mut Connection, repo: &RepoName, commit: &CommitSha) -> Result<Vec<Subject>> {
    let rows = db.rows(PIPELINES, args![repo.to_string(), commit.as_str()]).await?;
    let subject = |row: &Row| {
        Ok(Subject {
            repo: repo.clone(),
            commit: commit.clone(),
            pipeline: row.get(0)?,
        })
    };
    rows.iter().map(subject).collect()
}

async fn answers(db: &mut Connection, subject: &Subject) -> Result<Vec<Answer>> {
    let arguments = args![subject.repo.to_string(), subject.commit.as_str(), &subject.pipeline];
    let rows = db.rows(ANSWERS, arguments).await?;
    // One that cannot be read must not stop the run that answers anew.
    Ok(rows
        .iter()
        .filter_map(|row: &Row| row.stored(0, "answer").ok())
        .collect())
}

async fn bases(db: &mut Connection, repo: &RepoName, commit: &CommitSha) -> Result<Vec<String>> {
    let rows = db.rows(BASES, args![repo.to_string(), commit.as_str()]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}
