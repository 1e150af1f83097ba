//! What is served, and going back to what was.

use super::App;
use super::body;
use super::error::{ApiError, ErrorBody};
use super::extract::InPath;
use super::may::On;
use super::who::Who;
use crate::views::{HoldChange, Models, ReconciledTarget, TargetView, Targets, Versions};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use trainyard_core::access::{Deed, Role};
use trainyard_core::registry::Unknown;
use trainyard_engine::{Keep, Meant, PromoteRequest, Promoted, PromotionError, RolledBack};
use trainyard_store::StoreError;
use utoipa::ToSchema;

/// Every push target, what it serves, and its ledger.
#[utoipa::path(get, path = "/api/v1/models", tag = "models", operation_id = "list_models", responses((status = 200, body = Models)))]
pub(super) async fn list(State(app): State<App>, who: Who) -> Result<Json<Models>, ApiError> {
    Ok(Json(seen(&app, &who).await?))
}

/// The targets that somebody may see.
pub(super) async fn seen(app: &App, who: &Who) -> Result<Models, ApiError> {
    let all = seen_with_versions(app, who).await?.into_iter();
    Ok(Models {
        targets: all.map(|(target, _)| target).collect(),
    })
}

/// The same with the versions of each.
pub(super) async fn seen_with_versions(app: &App, who: &Who) -> Result<Vec<(TargetView, Versions)>, ApiError> {
    let all = Models::with_versions(app.engine.reads(), &app.config).await?;
    if app.sight(who).await?.is_all() {
        return Ok(all);
    }
    let mut seen = Vec::new();
    for (target, versions) in all {
        if app.role_on(who, On::Target(&target.name)).await.is_some() {
            seen.push((target, versions));
        }
    }
    Ok(seen)
}

/// Every push target, and whether it is in step with its ledger.
#[utoipa::path(get, path = "/api/v1/targets", tag = "models", operation_id = "list_targets", responses((status = 200, body = Targets)))]
pub(super) async fn targets(State(app): State<App>, who: Who) -> Result<Json<Targets>, ApiError> {
    Ok(Json(seen(&app, &who).await?.into()))
}

/// Which of a target and its ledger is right, and why.
#[derive(Default, Deserialize, ToSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "an object such as {\"keep\": \"served\", \"reason\": \"…\"}"
)]
pub(super) struct ReconcileAsked {
    /// `served` or `ledger`; nobody guesses which.
    #[serde(default)]
    #[schema(required)]
    keep: Option<Kept>,
    /// Why, for the record.
    #[serde(default)]
    #[schema(required)]
    reason: String,
    /// Who asks; the record has it in parentheses behind who proved to be it.
    #[serde(default)]
    actor: Option<String>,
}

/// Which of a target and its ledger is right.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Kept {
    /// What serves goes on serving, and the ledger learns of it.
    Served,
    /// The ledger's model serves again, under a new number.
    Ledger,
}

/// Decides between a target and its ledger, which disagree, or of which nobody knows whether they do.
#[utoipa::path(post, path = "/api/v1/targets/{name}/reconcile", tag = "models", operation_id = "reconcile_target",
    params(("name" = String, Path)), request_body(content = ReconcileAsked),
    responses((status = 200, body = ReconciledTarget),
        (status = 409, body = ErrorBody, description = "there is nothing to decide, or it cannot be decided so"),
        (status = 502, body = ErrorBody, description = "the model server did not take it; what served still serves"),
        (status = 503, body = ErrorBody, description = "nobody knows what serves")))]
pub(super) async fn reconcile(
    State(app): State<App>,
    who: Who,
    InPath(name): InPath<String>,
    request: Request,
) -> Result<Json<ReconciledTarget>, ApiError> {
    let (parts, incoming) = request.into_parts();
    let asked: ReconcileAsked = body::json(&parts, incoming).await?;
    app.may(&who, Deed::ReconcileTarget, On::Target(&name)).await?;
    let (engine, actor) = (app.engine.clone(), who.actor(asked.actor.as_deref()));
    let keep = match asked.keep {
        Some(Kept::Served) => Keep::Served,
        Some(Kept::Ledger) => Keep::Ledger,
        None => {
            return Err(ApiError::bad_request(
                "say what to keep: {\"keep\": \"served\"} or {\"keep\": \"ledger\"}",
            ));
        }
    };
    // In a task of its own: an asker that hangs up must not leave it half done.
    let done = tokio::spawn(async move { engine.reconcile_target(&name, keep, &actor, &asked.reason).await }).await;
    let done = done.map_err(|error| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(Json(done.map_err(refusal)?.into()))
}

/// What a rollback did.
#[derive(Serialize, ToSchema)]
pub(super) struct RolledBackTo {
    target: String,
    /// The version that served until now.
    from: String,
    /// The version that serves from now on.
    to: String,
    /// The earlier version whose model it is, where something of others was in the way of its number.
    model_of: Option<String>,
}

impl From<RolledBack> for RolledBackTo {
    fn from(done: RolledBack) -> Self {
        Self {
            target: done.target,
            from: done.from,
            to: done.to,
            model_of: done.model_of,
        }
    }
}

/// Who asks, and why.
#[derive(Default, Deserialize, ToSchema)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "an object such as {\"actor\": \"ada\", \"reason\": \"…\"}"
)]
pub(super) struct Said {
    /// Who asks; the record has it in parentheses behind who proved to be it.
    actor: Option<String>,
    /// Why, for the record.
    reason: Option<String>,
}

impl Said {
    fn reason(&self) -> Option<&str> {
        self.reason
            .as_deref()
            .map(str::trim)
            .filter(|reason| !reason.is_empty())
    }
}

/// Makes the version before the current one serve, proved loadable first.
#[utoipa::path(post, path = "/api/v1/targets/{name}/rollback", tag = "models", operation_id = "roll_back",
    params(("name" = String, Path)), request_body(content = Option<Said>),
    responses((status = 200, body = RolledBackTo),
        (status = 409, body = ErrorBody, description = "nothing to go back to"),
        (status = 502, body = ErrorBody, description = "the model server did not take it; what served still serves")))]
pub(super) async fn roll_back(
    State(app): State<App>,
    who: Who,
    InPath(name): InPath<String>,
    request: Request,
) -> Result<Json<RolledBackTo>, ApiError> {
    let (parts, incoming) = request.into_parts();
    let asked: Said = body::json(&parts, incoming).await?;
    let reason = asked.reason().map(str::to_owned);
    let done = go_back(&app, &who, name, asked.actor.as_deref(), reason).await?;
    Ok(Json(done.into()))
}

/// In a task of its own: an asker that hangs up must not leave it half done.
pub(super) async fn go_back(
    app: &App,
    who: &Who,
    target: String,
    said: Option<&str>,
    reason: Option<String>,
) -> Result<RolledBack, ApiError> {
    app.may(who, Deed::RollBack, On::Target(&target)).await?;
    let (engine, actor) = (app.engine.clone(), who.actor(said));
    let done = tokio::spawn(async move { engine.roll_back(&target, &actor, reason.as_deref()).await }).await;
    let done = done.map_err(|error| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    done.map_err(refusal)
}

fn refusal(error: PromotionError) -> ApiError {
    match error {
        PromotionError::Store(error) => error.into(),
        other => other.into(),
    }
}

/// Freezes a push target: nothing new serves there until it is released. A rollback stays possible.
#[utoipa::path(post, path = "/api/v1/targets/{name}/hold", tag = "models", operation_id = "hold_target",
    params(("name" = String, Path)), request_body(content = Said),
    responses((status = 200, body = HoldChange),
        (status = 409, body = ErrorBody, description = "held already, or no reason")))]
pub(super) async fn hold(
    State(app): State<App>,
    who: Who,
    InPath(name): InPath<String>,
    request: Request,
) -> Result<Json<HoldChange>, ApiError> {
    frozen(app, &who, &name, request, true).await
}

/// Releases a push target that is held.
#[utoipa::path(post, path = "/api/v1/targets/{name}/release", tag = "models", operation_id = "release_target",
    params(("name" = String, Path)), request_body(content = Option<Said>),
    responses((status = 200, body = HoldChange),
        (status = 409, body = ErrorBody, description = "not held")))]
pub(super) async fn release(
    State(app): State<App>,
    who: Who,
    InPath(name): InPath<String>,
    request: Request,
) -> Result<Json<HoldChange>, ApiError> {
    frozen(app, &who, &name, request, false).await
}

/// Freezes or releases, as the person of the request says.
async fn frozen(app: App, who: &Who, target: &str, request: Request, hold: bool) -> Result<Json<HoldChange>, ApiError> {
    let (parts, incoming) = request.into_parts();
    let said: Said = body::json(&parts, incoming).await?;
    let deed = if hold { Deed::HoldTarget } else { Deed::ReleaseTarget };
    app.may(who, deed, On::Target(target)).await?;
    let (engine, actor) = (&app.engine, who.actor(said.actor.as_deref()));
    let done = match hold {
        true => {
            engine
                .hold_target(target, &actor, said.reason().unwrap_or_default())
                .await
        }
        false => engine.release_target(target, &actor, said.reason()).await,
    };
    Ok(Json(done.map_err(refusal)?.into()))
}

/// Which model is to serve, and why.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object such as {\"model\": \"RUN or VERSION\"}")]
pub(super) struct PromoteAsked {
    /// A run's id or its beginning, or a version of the target.
    pub(super) model: String,
    /// The push target; the run's own, or the only one, if absent.
    #[serde(default)]
    pub(super) target: Option<String>,
    /// Why; needed for a model that the gate did not approve.
    #[serde(default)]
    pub(super) reason: Option<String>,
    /// Who asks; the record has it in parentheses behind who proved to be it.
    #[serde(default)]
    actor: Option<String>,
}

impl PromoteAsked {
    /// To serve at a target.
    pub(super) fn at(target: String, model: String, reason: Option<String>) -> Self {
        Self {
            model,
            target: Some(target),
            reason,
            actor: None,
        }
    }
}

/// What a promotion did.
#[derive(Serialize, ToSchema)]
pub(super) struct PromotedTo {
    target: String,
    /// The version that serves from now on.
    version: String,
    /// The version that served until now.
    from: Option<String>,
    /// The run that made the model.
    run: Option<String>,
    /// The model's digest.
    model: String,
    /// Whether a person approved what the gate did not.
    forced: bool,
    /// What was found at the target, where it was to serve this very model already.
    restored: Option<String>,
}

impl From<Promoted> for PromotedTo {
    fn from(done: Promoted) -> Self {
        Self {
            target: done.target,
            version: done.version,
            from: done.from,
            run: done.run,
            model: done.model,
            forced: done.forced,
            restored: done.restored,
        }
    }
}

/// Makes the model of a run, or an earlier version, serve under a new version, proved as by a push.
#[utoipa::path(post, path = "/api/v1/promotions", tag = "models", operation_id = "promote",
    request_body(content = PromoteAsked),
    responses((status = 200, body = PromotedTo),
        (status = 409, body = ErrorBody, description = "it cannot be promoted so, for example without a reason"),
        (status = 502, body = ErrorBody, description = "the model server did not take it; what served still serves")))]
pub(super) async fn promote(State(app): State<App>, who: Who, request: Request) -> Result<Json<PromotedTo>, ApiError> {
    let (parts, incoming) = request.into_parts();
    let asked: PromoteAsked = body::json(&parts, incoming).await?;
    Ok(Json(promoted(&app, &who, asked).await?.into()))
}

/// Makes a model serve, in somebody's name.
pub(super) async fn promoted(app: &App, who: &Who, asked: PromoteAsked) -> Result<Promoted, ApiError> {
    let hidden = || {
        ApiError::not_found(
            Unknown::Model {
                asked: asked.model.clone(),
            }
            .sentence(),
        )
    };
    let meant = match app.engine.meant(&asked.model, asked.target.as_deref()).await {
        Ok(meant) => meant,
        // Of a name that several runs begin with, the sentence names runs that may be others'.
        Err(PromotionError::Store(StoreError::Conflict(_) | StoreError::Unreadable(_)))
            if !app.sight(who).await?.is_all() =>
        {
            return Err(hidden());
        }
        Err(error) => {
            // Which targets there are is not everybody's to know.
            if let Some(target) = &asked.target {
                app.may(who, Deed::Promote, On::Target(target)).await?;
            }
            return Err(refusal(error));
        }
    };
    // Whose model it is counts as much as where it goes; of a run that may not be seen nobody learns that it is there.
    let (model, target) = match meant {
        Meant::Version { target, entry } => (entry.version, Some(target)),
        Meant::Run { run, target } => {
            let request = &run.request;
            let on = On::Pipeline(request.repo.as_ref(), &request.plan.pipeline);
            match app.sees(who, Role::Viewer, on).await {
                Err(error) if error.status() == StatusCode::FORBIDDEN => return Err(hidden()),
                seen => seen?,
            }
            app.may(who, Deed::Promote, on).await?;
            (request.id.to_string(), target)
        }
    };
    match &target {
        Some(target) => app.may(who, Deed::Promote, On::Target(target)).await?,
        None => app.may(who, Deed::Promote, On::Service).await?,
    };
    let engine = app.engine.clone();
    let request = PromoteRequest {
        actor: who.actor(asked.actor.as_deref()),
        model,
        target,
        reason: asked.reason,
    };
    // In a task of its own: an asker that hangs up must not leave it half done.
    let done = tokio::spawn(async move { engine.promote(&request).await }).await;
    let done = done.map_err(|error| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    done.map_err(refusal)
}
