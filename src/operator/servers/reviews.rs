//! Asking the API server who a token belongs to, and whether they may read metrics.

use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};

use super::authentication::{Reviewer, Verdict};

/// The API server's verdict.
pub struct OfCluster {
    client: Client,
}

/// Why there was no verdict.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// There was no response in time, or no verdict in it.
    #[error("the API server did not respond")]
    Unanswered,
    /// The call failed. The operator may lack the permission.
    #[error("{doing}: {source}")]
    Call {
        /// What was being done.
        doing: &'static str,
        /// The client's error.
        source: Box<kube::Error>,
    },
}

impl OfCluster {
    /// Reviews in the cluster of `client`.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    async fn user(&self, token: &str) -> Result<Option<UserInfo>, ReviewError> {
        let review = TokenReview {
            spec: TokenReviewSpec { token: Some(token.to_owned()), audiences: None },
            ..TokenReview::default()
        };
        let answer = Api::<TokenReview>::all(self.client.clone())
            .create(&PostParams::default(), &review)
            .await
            .map_err(failed("creating a TokenReview"))?;
        let status = answer.status.ok_or(ReviewError::Unanswered)?;
        Ok(status.user.filter(|_| status.authenticated == Some(true)))
    }

    async fn may_read(&self, user: UserInfo) -> Result<bool, ReviewError> {
        let attributes =
            NonResourceAttributes { path: Some("/metrics".to_owned()), verb: Some("get".to_owned()) };
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                user: user.username,
                uid: user.uid,
                groups: user.groups,
                extra: user.extra,
                non_resource_attributes: Some(attributes),
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        };
        let answer = Api::<SubjectAccessReview>::all(self.client.clone())
            .create(&PostParams::default(), &review)
            .await
            .map_err(failed("creating a SubjectAccessReview"))?;
        Ok(answer.status.ok_or(ReviewError::Unanswered)?.allowed)
    }
}

impl Reviewer for OfCluster {
    async fn review(&self, token: &str) -> Result<Verdict, ReviewError> {
        let Some(user) = self.user(token).await? else { return Ok(Verdict::Unauthenticated) };
        Ok(if self.may_read(user).await? { Verdict::Allowed } else { Verdict::Forbidden })
    }
}

fn failed(doing: &'static str) -> impl FnOnce(kube::Error) -> ReviewError {
    move |source| ReviewError::Call { doing, source: Box::new(source) }
}
