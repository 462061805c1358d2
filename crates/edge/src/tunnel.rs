//! A connection that became another protocol: bytes both ways, read by nobody here.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

use crate::buffer::{Buffer, Buffers};
use crate::client::{Client, Wire};
use crate::io::Io;
use crate::pool::Connection;
use crate::watch::Watch;

/// One direction. It reads on only when what it read was written: whoever takes slowly is sent slowly.
#[derive(Default)]
struct Way {
    /// Nothing more comes.
    is_at_end: bool,
    /// All of it was written, and the end of it told; or nobody takes it any more.
    is_over: bool,
}

/// Carries bytes until both directions are over. The first end, of whichever side, is told to the other one behind all that was
/// on its way, and leaves the other direction a short while for what is still to come ([`Watch::linger`]).
pub(crate) async fn run(client: &Client, wire: &mut Wire, upstream: &mut Connection) {
    let (mut there, mut back) = (Way::default(), Way::default());
    let (watch, buffers) = (&client.watch, &client.core.buffers);
    watch.tunnel();
    poll_fn(|cx| {
        let over = [
            there.poll(cx, (&mut wire.io, &mut wire.input), &mut upstream.io, (watch, buffers)),
            back.poll(cx, (&mut upstream.io, &mut upstream.input), &mut wire.io, (watch, buffers)),
        ];
        // What TLS holds back must leave while both are waited for. Where it cannot, writing or reading says so.
        let _ = (wire.io.poll_settled(cx), upstream.io.poll_settled(cx));
        match over.map(|way| way.is_ready()) {
            [true, true] => return Poll::Ready(()),
            [false, false] => {}
            _ => watch.linger(),
        }
        Poll::Pending
    })
    .await;
}

impl Way {
    /// Goes on; ready when it is over. A side that fails has ended, and cannot be told more.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: (&mut Io, &mut Buffer),
        to: &mut Io,
        told: (&Watch, &Buffers),
    ) -> Poll<()> {
        if !self.is_over {
            // Whether it ended well or failed, it is over.
            let _: io::Result<()> = ready!(self.carry(cx, from, to, told));
            self.is_over = true;
        }
        Poll::Ready(())
    }

    fn carry(
        &mut self,
        cx: &mut Context<'_>,
        (from, input): (&mut Io, &mut Buffer),
        to: &mut Io,
        (watch, buffers): (&Watch, &Buffers),
    ) -> Poll<io::Result<()>> {
        loop {
            if !input.is_empty() {
                let count = ready!(to.poll_write(cx, input.filled(), &[]))?;
                input.consume(count);
                watch.progress();
            } else if self.is_at_end {
                return to.poll_shutdown(cx);
            } else {
                match ready!(input.poll_fill(cx, from, 0, buffers)) {
                    // What broke off has ended, too.
                    Ok(0) | Err(_) => self.is_at_end = true,
                    Ok(_) => watch.progress(),
                }
            }
        }
    }
}
