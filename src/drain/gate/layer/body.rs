//! A response's body that holds its gate's guard until it ends.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::drain::gate::{Closing, GateGuard, StreamGuard};

pin_project! {
    /// A response's body that holds its gate's guard until it ends. A refusal has none.
    #[derive(Debug)]
    pub struct GateBody<B> {
        #[pin]
        inner: Option<B>,
        held: Option<Held>,
    }
}

#[derive(Debug)]
enum Held {
    Request {
        _guard: GateGuard,
    },
    Stream {
        _guard: StreamGuard,
        closing: Closing,
        /// Sent where the gate ends the stream: a gRPC response ends with its status.
        trailers: Option<HeaderMap>,
    },
}

impl Held {
    /// Polls whether the body should end although its handler has more of it: a stream should
    /// once the gate closes, a request never.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Request { .. } => Poll::Pending,
            Self::Stream { closing, .. } => Pin::new(closing).poll(context),
        }
    }

    fn take_trailers(&mut self) -> Option<HeaderMap> {
        match self {
            Self::Request { .. } => None,
            Self::Stream { trailers, .. } => trailers.take(),
        }
    }
}

impl<B> GateBody<B> {
    pub(super) fn refusal() -> Self {
        Self {
            inner: None,
            held: None,
        }
    }

    pub(super) fn request(inner: B, guard: GateGuard) -> Self {
        Self {
            inner: Some(inner),
            held: Some(Held::Request { _guard: guard }),
        }
    }

    pub(super) fn stream(inner: B, guard: StreamGuard, trailers: Option<HeaderMap>) -> Self {
        let closing = guard.closing();
        let held = Held::Stream {
            _guard: guard,
            closing,
            trailers,
        };
        Self {
            inner: Some(inner),
            held: Some(held),
        }
    }
}

impl<B: Body> Body for GateBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else {
            *this.held = None;
            return Poll::Ready(None);
        };
        let polled = inner.poll_frame(context);
        match (&polled, this.held.as_mut()) {
            (Poll::Pending, Some(held)) => {
                ready!(held.poll_end(context));
                // Between two frames.
                this.inner.set(None);
                let trailers = held.take_trailers();
                if trailers.is_none() {
                    *this.held = None;
                }
                Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
            }
            (Poll::Ready(None | Some(Err(_))), _) => {
                *this.held = None;
                polled
            }
            _ => polled,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
