//! A part of an exchange goes on only as long as it is in time and its request would still be let pass.

use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::pin;
use std::task::Poll;

use keyward_core::machine::RequestFacts;
use keyward_core::path::Target;
use keyward_core::plane::Plane;
use keyward_engine::worker::Ending;
use keyward_http::h1::request::Request;

use crate::client::Client;

/// A request that was let pass, as it is judged again.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) client: &'a Client,
    pub(crate) request: &'a Request<'a>,
    /// Who calls; this stays as it was found when the request began.
    pub(crate) address: IpAddr,
}

/// Why a part did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// It took too long.
    Late,
    /// It may not go on.
    Ended(Ending),
}

impl Asked<'_> {
    /// Runs a part of the exchange, and judges the request again whenever the sweep asks for it. What may not go on is
    /// dropped where it stands: nothing more of it is written to either side.
    pub(crate) async fn guarded<F: Future>(self, part: F) -> Result<F::Output, Stopped> {
        let watch = &self.client.watch;
        let (mut part, mut judging) = (pin!(part), None);
        poll_fn(|cx| {
            if watch.is_late() {
                return Poll::Ready(Err(Stopped::Late));
            }
            while judging.is_some() || watch.take_due() {
                let verdict = judging.get_or_insert_with(|| Box::pin(self.judge())).as_mut().poll(cx);
                match verdict {
                    Poll::Pending => break,
                    Poll::Ready(Ok(())) => judging = None,
                    Poll::Ready(Err(why)) => {
                        self.client.core.worker.tally().ended(why);
                        return Poll::Ready(Err(Stopped::Ended(why)));
                    }
                }
            }
            part.as_mut().poll(cx).map(Ok)
        })
        .await
    }

    async fn judge(self) -> Result<(), Ending> {
        let Self { client, request, address } = self;
        let target = Target::parse(request.target);
        let facts = RequestFacts {
            plane: Plane::Data,
            client: address,
            method: &request.method,
            target: &target,
            headers: request.fields,
        };
        client.core.worker.judge_again(facts).await
    }
}
