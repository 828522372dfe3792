//! `/metrics`, for everyone or for authorized clients.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::metrics::Metrics;

use super::authentication::{Authentication, Reviewer, Verdict};
use super::rendering::Rendering;

/// The text format that [`Metrics::text`] writes.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

struct Page<R, F> {
    rendering: Rendering<F>,
    authentication: Option<Authentication<R>>,
}

/// Serves metrics; with authentication, only to authorized clients.
pub fn router<R: Reviewer>(metrics: Arc<Metrics>, authentication: Option<Authentication<R>>) -> Router {
    of_text(move || metrics.text(), authentication)
}

fn of_text<R, F>(make: F, authentication: Option<Authentication<R>>) -> Router
where
    R: Reviewer,
    F: Fn() -> String + Send + Sync + 'static,
{
    let page = Arc::new(Page { rendering: Rendering::new(make), authentication });
    Router::new().route("/metrics", get(tell_metrics::<R, F>)).with_state(page)
}

async fn tell_metrics<R, F>(State(page): State<Arc<Page<R, F>>>, headers: HeaderMap) -> Response
where
    R: Reviewer,
    F: Fn() -> String + Send + Sync + 'static,
{
    if let Some(authentication) = &page.authentication
        && let Err(refusal) = admit(authentication, &headers).await
    {
        return refusal;
    }
    ([(CONTENT_TYPE, OPENMETRICS)], page.rendering.text()).into_response()
}

/// Whether the bearer of the token in a header may read.
async fn admit<R: Reviewer>(authentication: &Authentication<R>, headers: &HeaderMap) -> Result<(), Response> {
    let verdict = match bearer_token(headers) {
        Some(token) => authentication.verdict(token).await,
        None => Ok(Verdict::Unauthenticated),
    };
    Err(match verdict {
        Ok(Verdict::Allowed) => return Ok(()),
        Ok(Verdict::Unauthenticated) => {
            let text = "a bearer token of this cluster is required\n";
            (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")], text).into_response()
        }
        Ok(Verdict::Forbidden) => {
            let text = "this token is not allowed to get the non-resource URL /metrics\n";
            (StatusCode::FORBIDDEN, text).into_response()
        }
        Err(unknown) => (StatusCode::SERVICE_UNAVAILABLE, format!("{unknown}\n")).into_response(),
    })
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use tower_service::Service;

    use super::*;
    use crate::operator::servers::reviews::ReviewError;

    struct Fake;

    impl Reviewer for Fake {
        async fn review(&self, token: &str) -> Result<Verdict, ReviewError> {
            match token {
                "prometheus" => Ok(Verdict::Allowed),
                "somebody" => Ok(Verdict::Forbidden),
                "broken" => Err(ReviewError::Unanswered),
                _ => Ok(Verdict::Unauthenticated),
            }
        }
    }

    async fn status(authentication: Option<Authentication<Fake>>, header: Option<&str>) -> Response {
        let mut router = of_text(|| "# EOF\n".to_owned(), authentication);
        let mut request = Request::get("/metrics");
        if let Some(header) = header {
            request = request.header(AUTHORIZATION, header);
        }
        router.call(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn metrics_are_for_those_who_may_read_them() {
        for (header, expected) in [
            (None, 401),
            (Some("Basic cHJvbWV0aGV1czp4"), 401),
            (Some("Bearer"), 401),
            (Some("Bearer "), 401),
            (Some("Bearer nobody"), 401),
            (Some("Bearer somebody"), 403),
            (Some("Bearer broken"), 503),
            (Some("Bearer prometheus"), 200),
            (Some("bearer prometheus"), 200),
        ] {
            let answer = status(Some(Authentication::new(Fake)), header).await;
            assert_eq!(answer.status().as_u16(), expected, "{header:?}");
            assert_eq!(answer.headers().contains_key(WWW_AUTHENTICATE), expected == 401, "{header:?}");
        }
        assert_eq!(status(None, None).await.status(), StatusCode::OK, "without authentication");
    }
}
