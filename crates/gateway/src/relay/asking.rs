//! What a server asks its client while it answers, asked as the client's era asks: a legacy client by requests, a modern
//! one by the result of its own.

use audit::Outcome;
use http::StatusCode;
use mcp::{InputRequired, UrlElicitation, write_event};

use super::interview::{Interview, Step};
use super::passage::Question;
use super::stream::{Manner, Output, Relayed};
use super::{held, links};
use crate::upstream::remote::{Answer, UpstreamError};

impl Relayed {
    /// The client did not answer a question, and is asked again.
    pub(super) async fn ask_first(&mut self, question: Question) {
        if let Ok(Some(output)) = self.hold(question).await {
            self.queue.push_back(output);
        }
    }

    /// A modern client is asked by the result. The call goes on when it sends the request again.
    pub(super) async fn hold(&mut self, question: Question) -> Result<Option<Output>, UpstreamError> {
        let (Manner::Results(request), Some(passage)) = (&self.manner, &self.passage) else {
            let reply = question.refusal();
            self.answer(reply).await;
            return Ok(None);
        };
        let call = held::HeldCall {
            conversation: self.conversation.part(),
            question,
            asked_as: passage.asked_as.clone(),
        };
        let request = *request;
        match held::hold(&self.front, &self.kept, call, &request) {
            Ok(input) => {
                let body = mcp::success(&passage.answered_as, &input);
                Ok(Some(self.respond(StatusCode::OK, body, Outcome::Succeeded)))
            }
            Err(call) => {
                tracing::warn!("a question of an upstream is refused: as many calls are held as may be");
                self.conversation = call.conversation;
                self.answer(call.question.refusal()).await;
                Ok(None)
            }
        }
    }

    /// A legacy client is asked by requests. Then the server's request is sent again with the answers.
    pub(super) fn interview(&mut self, input: InputRequired) -> Result<Option<Output>, UpstreamError> {
        let Manner::Requests(interviewer, current) = &mut self.manner else {
            return Err(UpstreamError::Malformed);
        };
        let time = self.conversation.caller().remote().question_time();
        match interviewer.begin(input, time) {
            Step::Ask(messages, interview) => {
                self.queue.extend(messages.iter().map(|message| Output::Before(write_event(message).into())));
                *current = Some(interview);
                Ok(None)
            }
            Step::Links(links) => Ok(self.follow(links)),
            Step::Unable(reason) => Ok(self.fail(reason)),
        }
    }

    pub(super) async fn ask_again(&mut self) -> Result<Option<Output>, UpstreamError> {
        let Manner::Requests(interviewer, interview) = &mut self.manner else { return Ok(None) };
        let Some(answers) = interview.take().and_then(Interview::answers) else {
            return Ok(self.fail("the client did not answer what the server behind this gateway asked"));
        };
        let (headers, body) = interviewer.again(&answers);
        let (_, answer) = self.conversation.caller().post(headers, body.into()).await?;
        match answer {
            Answer::Stream(source) => {
                self.conversation.go_on_with(source);
                Ok(None)
            }
            Answer::Json(_, body) => {
                let body = self.redacted(body).await;
                self.settle(self.judge(&body)).await
            }
            Answer::Accepted | Answer::Refused(_) => Err(UpstreamError::Malformed),
        }
    }

    /// The response that tells of links to follow.
    pub(super) fn follow(&mut self, links: Vec<UrlElicitation>) -> Option<Output> {
        let passage = self.passage.as_ref()?;
        let state = || match &self.manner {
            Manner::Results(request) => {
                Some(held::state_of_links(&self.front, &self.kept, &self.conversation, request))
            }
            _ => None,
        };
        let (status, body) = links::answer(&links::Link::numbered(links), passage, state);
        Some(self.respond(status, body, Outcome::Failed))
    }

    fn fail(&mut self, reason: &str) -> Option<Output> {
        let body = self.passage.as_ref()?.failure(reason.to_owned());
        Some(self.respond(StatusCode::OK, body, Outcome::Failed))
    }
}
