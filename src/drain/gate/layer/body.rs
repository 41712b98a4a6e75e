//! A response's body that holds its gate's guard until it ends.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

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
        if polled.is_pending() {
            let Some(Held::Stream {
                closing, trailers, ..
            }) = this.held
            else {
                return Poll::Pending;
            };
            if Pin::new(closing).poll(context).is_pending() {
                return Poll::Pending;
            }
            // The stream is asked to end, between two of its frames.
            this.inner.set(None);
            if let Some(trailers) = trailers.take() {
                return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
            }
            *this.held = None;
            return Poll::Ready(None);
        }
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            *this.held = None;
        }
        polled
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
